"""The record of a run: typed, versioned, the one truth of which README, metrics.json and MLflow are views.

Stored as `runs/<run_id>/record.json`. Unknown fields are refused, so a record of a newer core is never half-read. A
record may come from anybody: what becomes a path, a word of git's or a moment must look like one.
"""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from receipts.bounds import read_whole
from receipts.provenance.identity import Identity
from receipts.refusal import Refusal

SCHEMA = 1

Status = Literal["running", "completed", "failed"]
Id = Annotated[str, Meta(pattern=r"\A\w[\w.+-]{0,199}\Z")]  # of a run or an experiment: one folder's name
Commit = Annotated[str, Meta(pattern=r"\A[0-9a-f]{1,64}\Z")]
# A file below a folder: no part of it empty or made of dots alone, nothing that another system takes for a root.
Inside = Annotated[str, Meta(pattern=r"\A(?![A-Za-z]:)(?!(.*/)?\.{0,2}(/|\Z))[^\\\x00-\x1f\x7f]+\Z", max_length=240)]
Moment = Annotated[str, Meta(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")]
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]+\Z")]
Count = Annotated[int, Meta(ge=0)]


class Struct(msgspec.Struct, forbid_unknown_fields=True):
    """A part of the record."""


class Core(Struct):
    """Version and SHA-256 of the core's own files."""

    version: str
    sha256: str


class Code(Struct):
    """Which code ran. `lab` maps each of the researcher's files that the run imports to its SHA-256."""

    commit: Commit
    dirty: list[str]
    repository: str | None
    core: Core
    harness: str
    lab: dict[str, str]


class Data(Struct):
    """Which bytes were learnt from. `files` maps path to `md5:…`; `dvc` is what the committed data.dvc says.

    `generator` is the model that wrote generated data.
    """

    kind: str
    source: str
    licence: str
    version: str
    files: dict[Inside, str]
    dvc: str | None
    manifest: Inside
    generator: str | None = None

    @property
    def name(self) -> str:
        """The dataset's name, which is that of its manifest."""
        return stem(self.manifest)


@cache
def stem(path: str) -> str:
    """A file's name without its ending: asked for each of many runs, and of few files."""
    return Path(path).stem


class World(Struct):
    """What the run computed on and what was pinned. `seeds` names every seed derived from the run's own.

    `processes` are those of all `nodes`. A step learns from `global_batch` samples over all of them, at the
    `learning_rates` with which the groups of the optimizers begin: they belong to that batch, whoever shares it.
    """

    device: str
    processes: int
    threads: int
    precision: str
    global_batch: int | None
    deterministic: bool | str
    nondeterministic_ops: list[str] = []
    backend: dict[str, Any] = {}
    seeds: dict[str, str] = {}
    nodes: int = 1
    learning_rates: list[float] = []


class Process(Struct):
    """The operating-system process behind a running record; `started` tells a reused pid apart.

    `born` does so too where the clock is set meanwhile: the machine's boot, and clock ticks from there to the start.
    """

    host: str
    pid: Annotated[int, Meta(ge=0, lt=2**31)]
    started: float
    born: str | None = None


class Checkpoint(Struct):
    """The selected weights. `weights` is a SHA-256 over names, shapes, types and bytes of all tensors."""

    file: Inside
    epoch: int | None
    rule: str
    weights: str


class Metric(Struct):
    """One number: by the harness (`value`), by the second implementation (`second`); `None` is undefined."""

    value: float | None
    second: float | None
    better: Literal["higher", "lower"]
    range: tuple[float | None, float | None]
    definition: str
    undefined: str | None = None


class Interval(Struct):
    """Where a number would lie, nearly always, on other samples of the same kind; `method` says how it was found."""

    low: float
    high: float
    level: float
    method: str


class Score(Struct):
    """A stored prediction file and what the harness made of it.

    `own` maps each of the researcher's own metrics to a SHA-256 of its source, as `harness` does for the others.
    """

    split: Id
    n: Count
    file: Inside
    sha256: str
    harness: str
    at: Moment
    metrics: dict[str, Metric]
    confusion: list[list[int]] | None = None
    own: dict[str, str] = {}
    intervals: dict[str, Interval] = {}

    def __post_init__(self) -> None:
        datetime.fromisoformat(self.at)
        if self.confusion is not None and set(map(len, self.confusion)) - {len(self.confusion)}:
            raise ValueError("the table of confusions is not square")


class Opening(Struct):
    """One look at a sealed split."""

    split: str
    at: str
    by: str
    commit: str


class Check(Struct):
    """One small named check and what it saw: numbers, ids, a `file` of the run folder; `cure` where it failed."""

    code: str
    verdict: Literal["pass", "fail", "not applicable", "not run", "waived"]
    evidence: str
    stage: str = ""
    cure: str = ""
    file: Inside | None = None


class Cost(Struct):
    """What the run used: seconds, MiB at the peak, trainable and other parameters, milliseconds per prediction."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    parameters: int | None
    ms_per_sample: float | None


class Life(Struct):
    """One process's part of a run, from training step `step` on; `reason` is what ended it, where the run went on.

    Seconds are those up to its last sign of life. A step is a batch, as train.log counts them.
    """

    started: str
    step: int
    process: Process
    commit: str
    ended: str | None = None
    reason: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0


class Failure(Struct):
    """Why a run failed, and the last lines of its log; `fix` is what a refusal or a check said would cure it."""

    reason: str
    log_tail: list[str]
    fix: str = ""


class Record(Struct, kw_only=True):
    """Everything about one run.

    `parent` is the run whose weights came first, `stopped` what ended training early; `rung` is `floor` or `linear`
    for a baseline that others are compared with. `method` is the config's hash without the seed, the same for all
    seeds of a method; `epochs` are those planned, `steps` the optimizer steps done. `sentinels` is False where nothing
    watched the training, `undeclared` are facts that nobody stated, `silent_since` the heartbeat at which no step had
    been done for longer than it may take. `removed` names the kinds of secrets that were taken out of a file before it
    was stored (`code.patch` then no longer applies) or out of `command`.
    """

    schema: int = SCHEMA
    run_id: Id
    conf: Id
    names: list[str]
    overrides: list[str]
    preset: list[str]
    limit: dict[str, int] = {}
    seed: int
    purpose: str
    primary: str | None = None
    margin: float | None = None
    rung: str | None = None
    method: str = ""
    deterministic: bool = False
    epochs: int | None = None
    steps: int | None = None
    command: str
    status: Status = "running"
    reportable: bool = False
    blocked_by: list[str] = []
    started: Moment
    heartbeat: Moment
    silent_since: Moment | None = None
    ended: Moment | None = None
    stopped: str | None = None
    parent: Id | None = None
    process: Process
    identity: Identity
    code: Code
    data: Data
    world: World
    parameters: dict[str, Any] = {}
    checkpoint: Checkpoint | None = None
    scores: list[Score] = []
    openings: list[Opening] = []
    checks: list[Check] = []
    undeclared: list[str] = []
    sentinels: bool = True
    warnings: list[str] = []
    removed: dict[str, list[str]] = {}
    cost: Cost | None = None
    lives: list[Life] = []
    failure: Failure | None = None

    def __post_init__(self) -> None:
        for moment in (self.started, self.heartbeat, self.ended or self.started):
            datetime.fromisoformat(moment)

    @property
    def word(self) -> str:
        """What every number of this run is printed with: nothing on real data, SIMULATED, SYNTHETIC or GENERATED."""
        return "" if self.data.kind == "real" else self.data.kind.upper()

    def score(self, split: str) -> Score | None:
        """The latest score of a split, or None when it was never scored."""
        for score in reversed(self.scores):
            if score.split == split:
                return score
        return None

    @property
    def failing(self) -> list[Check]:
        """The checks that fail today: of several of one name the latest counts, since runs are scored again."""
        latest = {check.code: check for check in self.checks}
        return [check for check in latest.values() if check.verdict == "fail"]


def encode(record: Record) -> bytes:
    """The record as indented JSON, fields in their declared order."""
    return formatted(record)


def formatted(values: Any) -> bytes:
    """Indented JSON, as every core has written it."""
    return msgspec.json.format(msgspec.json.encode(values), indent=1) + b"\n"


def decode(data: bytes, where: Path) -> Record:
    """Read a record; refuse one that is cut short, altered in shape, or of a newer core."""
    try:
        found = msgspec.json.decode(data)
        schema = found.get("schema") if isinstance(found, dict) else None
        if isinstance(schema, int) and schema > SCHEMA:
            raise Refusal(
                f"{where} was written by a newer core",
                f"it has schema {schema}, this core knows up to {SCHEMA}",
                "take the newer core into this clone",
            )
        if formatted(found) != data:  # not as any core writes it: by hand, or with a key that stands twice
            json.loads(data, object_pairs_hook=unrepeated)
        return msgspec.convert(found, Record)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Refusal(
            f"{where} is not a readable record",
            str(error),
            f"restore it from MLflow or a backup, or move {where.parent} away",
        ) from error


def is_anothers(data: bytes, process: Process) -> bool:
    """Whether a stored record is another process's; one that cannot be read is nobody's."""
    try:
        found = msgspec.json.decode(data)["process"]
        return (found["host"], found["pid"], found["started"]) != (process.host, process.pid, process.started)
    except (msgspec.MsgspecError, KeyError, TypeError):
        return False


def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; refused where it states a key twice, of which every reader might take another."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a key stands twice among {', '.join(name for name, _ in pairs)[:200]}")
    return found


def read(folder: Path) -> Record:
    """The record of a run folder, which must be the record of that run."""
    path = folder / "record.json"
    try:
        record = decode(read_whole(path), path)
    except FileNotFoundError as error:
        raise Refusal(f"{folder} holds no record", "record.json is missing", "move the folder away") from error
    if record.run_id != folder.name:
        raise Refusal(
            f"{path} is the record of another run", f"it says {record.run_id}", f"move {folder} away, or name it so"
        )
    return record
