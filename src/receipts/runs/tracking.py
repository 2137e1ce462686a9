"""MLflow as a view of the run folders: all it holds is read from `runs/<id>/`, so it can be deleted and rebuilt.

There is one experiment per project (`MLFLOW_EXPERIMENT_NAME`, or the folder's name) and one run per record, named by
its run id. An ablation plan is a run of its own without numbers: it holds plan.json, so that a report made from the
server has the plan's tables. Tags carry the prefix `receipts.`: filter by tags.`receipts.conf` = 'baseline'. What is
sent, and when, is `delivery`.
"""

import json
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from receipts.bounds import read_whole
from receipts.provenance import secrets
from receipts.refusal import Refusal
from receipts.runs import flat
from receipts.runs.answers import Client, refuse_elsewhere
from receipts.runs.plans import Plan
from receipts.runs.record import Record

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run

DEFAULT_STORE: Final = "sqlite:///mlflow.db"
# A default client keeps trying a dead server for minutes. What the environment already says wins.
DEFAULTS: Final = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # a server may ask for a day
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}
ARTIFACTS: Final = (
    *("README.md", "record.json", "metrics.json", "config.yaml", "environment.json", "code.patch"),
    *("train.log", "history.csv", "predictions", "prompts"),
)
PICTURES: Final = "diagnostics/pictures-{split}.npz"  # of a split that was scored: what a report shows of its samples
CLAIMED: Final = ("config.yaml", "environment.json", "history.csv")  # what a report reads beside record and predictions
STATUS: Final = {"completed": "FINISHED", "failed": "FAILED", "running": "KILLED"}
RUN_ID: Final = "receipts.run_id"
PLAN: Final = "receipts.plan"  # the id of an ablation plan, in the place of a run id
SENT: Final = "receipts.record"  # SHA-256 of the record.json (plan.json) that was sent in full; set last
FILES: Final = "receipts.files"  # SHA-256 of the other files that a report reads, by name
FACTS: Final = ("conf", "seed", "identity", "commit", "dirty", "data", "split")  # that no run may change
NAME_LIMIT, PARAM_LIMIT, TAG_LIMIT = 250, 6000, 8000  # characters, MLflow's own
REASON_LIMIT: Final = 500  # characters of an error, which may quote all that a server said
LOCK_S: Final = 60.0


class Store:
    """The store that `MLFLOW_TRACKING_URI` names, or `mlflow.db` in the project, and this project's experiment."""

    def __init__(self) -> None:
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        scheme, _, path = address().partition(":///")
        local = scheme.startswith("sqlite")
        with alone(Path(path)) if local else nullcontext():  # processes creating one file's tables break each other
            if local:
                sqlite3.connect(path).close()  # fails at once where mlflow would try for 100 s
            self.client = Client(MlflowClient(address()), failures())
            self.experiment = self._experiment(
                os.environ.get("MLFLOW_EXPERIMENT_NAME") or Path.cwd().name or "receipts"
            )

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        if found := self.client.get_experiment_by_name(name):
            return str(found.experiment_id)
        try:
            return str(self.client.create_experiment(name))
        except MlflowException:
            if found := self.client.get_experiment_by_name(name):  # somebody else was faster
                return str(found.experiment_id)
            raise

    def ask(self) -> None:
        """Raise unless the store answers."""
        self.client.get_experiment(self.experiment)

    def view(self, folder: Path, record: Record) -> "View":
        """The MLflow run of a record, created when there is none. The folder's lock must be held."""
        return View(self, folder, record, self._run(RUN_ID, record.run_id, record.started))

    def plan(self, plan: Plan) -> "Run":
        """The MLflow run that stands for a plan, created when there is none. The folder's lock must be held."""
        facts = {"receipts.conf": plan.conf, "receipts.kind": plan.kind, "mlflow.note.content": plan.command}
        return self._run(PLAN, plan.plan_id, plan.created, **{key: text[:TAG_LIMIT] for key, text in facts.items()})

    def _run(self, tag: str, name: str, begun: str, **tags: str) -> "Run":
        found = self.client.search_runs([self.experiment], f"tags.`{tag}` = '{name}'", max_results=1)
        start = flat.milliseconds(begun)
        run: Run = found[0] if found else self.client.create_run(self.experiment, start, {tag: name, **tags}, name)
        refuse_elsewhere(run)
        return run

    def files(self, run: "Run") -> Client:
        """The way to a run's files, by the address that was looked at: asked again, a server may name another."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        place = self.client.asked(get_artifact_repository, run.info.artifact_uri, tracking_uri=address())
        return Client(place, failures())


@dataclass
class View:
    """One run in the store, and what is known to be there."""

    store: Store
    folder: Path
    record: Record
    run: "Run"

    @property
    def id(self) -> str:
        """MLflow's own id of the run."""
        return str(self.run.info.run_id)

    @cached_property
    def there(self) -> set[tuple[str, int]]:
        """Metric and step of every point in the store."""
        known, points = self.run.data.metrics, self.store.client.get_metric_history
        return {(metric, point.step) for metric in known for point in points(self.id, metric)}

    def begin(self) -> None:
        """Show a run that has not ended as running, with its parameters."""
        if self.record.status == "running":
            if self.run.info.status != "RUNNING":
                self.store.client.update_run(self.id, "RUNNING")
            self.describe("running")

    def end(self, digest: str) -> None:
        """Send everything, say how the run ended, and last of all that nothing is missing."""
        client, record = self.store.client, self.record
        self.describe(self.ending)
        self.log(flat.points(self.folder, record))
        self._artifacts()
        client.set_terminated(self.id, STATUS[record.status], flat.milliseconds(record.ended or record.heartbeat))
        client.set_tag(self.id, FILES, json.dumps(claimed(self.folder, record)))
        client.set_tag(self.id, SENT, digest)

    @property
    def ending(self) -> str:
        """How a run came out that does not go on."""
        return "stale" if self.record.status == "running" else self.record.status

    def mend(self) -> bool:
        """Put right what the store says otherwise than the record; False where nothing is, which costs no request."""
        if not self.altered():
            return False
        self.describe(self.ending)
        self.store.client.log_batch(self.id, [self.newest(*point) for point in self.altered_scores().items()])
        self.run = self.store.client.get_run(self.id)
        if left := self.altered():
            raise Refusal(
                f"{', '.join(left)} cannot be put right: mlflow runs delete --run-id {self.id}, and it is sent anew",
                "what MLflow shows is none of the points that it holds",
                "",
            )
        return True

    def altered(self) -> list[str]:
        """The tags and metrics that the store has otherwise than the record."""
        return [*altered_tags(self.run.data.tags, self.record), *self.altered_scores()]

    def altered_scores(self) -> dict[str, tuple[float, float]]:
        """The metrics of these: the store's value and the record's."""
        return altered_scores(self.run.data.metrics, self.record)

    def newest(self, name: str, values: tuple[float, float]) -> "Metric":
        """The recorded value of a metric as a point after all that the store holds of it."""
        from mlflow.entities import Metric

        step, at = max((one.step, one.timestamp) for one in self.store.client.get_metric_history(self.id, name))
        return Metric(name, values[1], at + 1, step)

    def describe(self, status: str) -> None:
        """Send parameters and tags."""
        from mlflow.entities import Param, RunTag

        tags = {f"receipts.{key}": value for key, value in flat.tags(self.record).items()}
        tags["receipts.status"] = status
        tags["mlflow.note.content"] = self.record.purpose
        tags["mlflow.source.git.commit"] = self.record.code.commit
        stated = flat.parameters(self.folder).items()
        params = {legal(key): secrets.scrub(value)[0][:PARAM_LIMIT] for key, value in stated}
        self.store.client.log_batch(
            self.id,
            params=[Param(key, value) for key, value in params.items() if key not in self.run.data.params],
            tags=[RunTag(key, secrets.scrub(value)[0][:TAG_LIMIT]) for key, value in tags.items()],
        )

    def log(self, points: list[flat.Point]) -> None:
        """Send those points that are not there yet, in one call."""
        from mlflow.entities import Metric

        fresh = {(legal(point.metric), point.step): point for point in points}
        fresh = {key: point for key, point in fresh.items() if key not in self.there}
        metrics = [Metric(metric, point.value, point.at, step) for (metric, step), point in fresh.items()]
        self.store.client.log_batch(self.id, metrics)
        self.there.update(fresh)

    def _artifacts(self) -> None:
        files = self.store.files(self.run)
        for path in (*(self.folder / name for name in ARTIFACTS), *sorted(self.folder.glob("train.rank*.log"))):
            if path.is_dir():
                files.log_artifacts(str(path), path.name)
            elif path.exists():
                files.log_artifact(str(path))
        for name in pictures(self.record):
            if (self.folder / name).exists():
                files.log_artifact(str(self.folder / name), str(Path(name).parent))
        if urlsplit(self.run.info.artifact_uri).scheme in ("", "file"):
            return  # the same disk: the tag `receipts.checkpoint` says where they are
        stored = {(Path(file.path).name, file.file_size) for file in files.list_artifacts("checkpoints")}
        for path in sorted(self.folder.glob("checkpoints/*")):
            if (path.name, path.stat().st_size) not in stored:
                files.log_artifact(str(path), "checkpoints")


def altered_scores(held: Mapping[str, float], record: Record) -> dict[str, tuple[float, float]]:
    """Latest scores that the store has otherwise than a record: its value and the record's, by the store's name."""
    latest = {legal(point.metric): point.value for point in flat.scores(record)}  # the last of a name is latest
    return {name: (held[name], value) for name, value in latest.items() if name in held and held[name] != value}


def altered_tags(held: Mapping[str, str], record: Record) -> dict[str, tuple[str, str]]:
    """Facts that the tags of the store state otherwise than a record: the tag and the record's word, by name."""
    stated = flat.tags(record)
    found = {name: (held.get(f"receipts.{name}", stated[name]), stated[name]) for name in FACTS}
    return {name: both for name, both in found.items() if both[0] != both[1]}


def pictures(record: Record) -> list[str]:
    """The names of the pictures that a run may have kept of its scored splits."""
    return [PICTURES.format(split=split) for split in dict.fromkeys(score.split for score in record.scores)]


def claimed(folder: Path, record: Record) -> dict[str, str]:
    """SHA-256 of what a report reads beside record and predictions, whose hashes the record itself states."""
    paths = {name: folder / name for name in (*CLAIMED, *pictures(record))}
    return {name: sha256(read_whole(path)).hexdigest() for name, path in paths.items() if path.exists()}


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process at a time."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock", timeout=LOCK_S):
        yield


def legal(name: str) -> str:
    """A name that MLflow takes: other characters become `_`, empty path parts and dots alone go."""
    parts = re.sub(r"[^\w./: -]", "_", name).split("/")
    return "/".join(part for part in parts if part.strip("."))[:NAME_LIMIT]


def address() -> str:
    """Where the store is."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE


def failures() -> tuple[type[Exception], ...]:
    """What a store that is away, locked or broken raises (requests' errors are OSErrors), or a damaged run folder."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return Refusal, MlflowException, SQLAlchemyError, sqlite3.Error, OSError, ImportError


def reason(error: BaseException) -> str:
    """An error in one line: its innermost cause, without the user name and password that an address may hold."""
    if isinstance(error, Refusal):
        return error.what
    told = str(error)
    if told.startswith("(raised as a result of"):  # SQLAlchemy's first line says when it wrote, the second what failed
        told = told.partition("\n")[2] or told
    line = f"{type(error).__name__}: {told}".partition("\n")[0]
    _, nested, cause = line.rpartition("(Caused by ")
    return secrets.public(cause.rstrip(")") if nested else line)[:REASON_LIMIT]
