"""The record of a run: typed, versioned, the one truth of which README, metrics.json and MLflow are views.

Stored as `runs/<run_id>/record.json`. Unknown fields are refused, so a record of a newer core is never half-read.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec

from receipts.provenance.identity import Identity
from receipts.refusal import Refusal

SCHEMA = 1

Status = Literal["running", "completed", "failed"]


class Struct(msgspec.Struct, forbid_unknown_fields=True):
    """A part of the record."""


class Core(Struct):
    """Version and SHA-256 of the core's own files."""

    version: str
    sha256: str


class Code(Struct):
    """Which code ran. `lab` maps each of the researcher's files that the run imports to its SHA-256."""

    commit: str
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
    files: dict[str, str]
    dvc: str | None
    manifest: str
    generator: str | None = None


class World(Struct):
    """What the run computed on and what was pinned. `seeds` names every seed derived from the run's own."""

    device: str
    processes: int
    threads: int
    precision: str
    global_batch: int | None
    deterministic: bool | str
    nondeterministic_ops: list[str] = []
    backend: dict[str, Any] = {}
    seeds: dict[str, str] = {}


class Process(Struct):
    """The operating-system process behind a running record; `started` tells a reused pid apart."""

    host: str
    pid: int
    started: float


class Checkpoint(Struct):
    """The selected weights. `weights` is a SHA-256 over names, shapes, types and bytes of all tensors."""

    file: str
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

    split: str
    n: int
    file: str
    sha256: str
    harness: str
    at: str
    metrics: dict[str, Metric]
    confusion: list[list[int]] | None = None
    own: dict[str, str] = {}
    intervals: dict[str, Interval] = {}


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
    file: str | None = None


class Cost(Struct):
    """What the run used: seconds, MiB at the peak, trainable and other parameters, milliseconds per prediction."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    parameters: int | None
    ms_per_sample: float | None


class Failure(Struct):
    """Why a run failed, and the last lines of its log."""

    reason: str
    log_tail: list[str]


class Record(Struct, kw_only=True):
    """Everything about one run.

    `parent` is the run whose weights came first, `stopped` what ended training early; `rung` is `floor` or `linear`
    for a baseline that others are compared with. `method` is the config's hash without the seed, the same for all
    seeds of a method; `epochs` are those planned, `steps` the optimizer steps done. `sentinels` is False where nothing
    watched the training, `undeclared` are facts that
    nobody stated, `silent_since` the heartbeat at which no step had been done for longer than it may take.
    """

    schema: int = SCHEMA
    run_id: str
    conf: str
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
    started: str
    heartbeat: str
    silent_since: str | None = None
    ended: str | None = None
    stopped: str | None = None
    parent: str | None = None
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
    cost: Cost | None = None
    failure: Failure | None = None

    @property
    def word(self) -> str:
        """What every number of this run is printed with: nothing on real data, SIMULATED, SYNTHETIC or GENERATED."""
        return "" if self.data.kind == "real" else self.data.kind.upper()

    def score(self, split: str) -> Score | None:
        """The latest score of a split, or None when it was never scored."""
        return next((score for score in reversed(self.scores) if score.split == split), None)

    @property
    def failing(self) -> list[Check]:
        """The checks that fail today: of several of one name the latest counts, since runs are scored again."""
        latest = {check.code: check for check in self.checks}
        return [check for check in latest.values() if check.verdict == "fail"]


def encode(record: Record) -> bytes:
    """The record as indented JSON, fields in their declared order."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


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
        return msgspec.convert(found, Record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(
            f"{where} is not a readable record",
            str(error),
            f"restore it from MLflow or a backup, or move {where.parent} away",
        ) from error


def read(folder: Path) -> Record:
    """The record of a run folder."""
    path = folder / "record.json"
    try:
        return decode(path.read_bytes(), path)
    except FileNotFoundError as error:
        raise Refusal(f"{folder} holds no record", "record.json is missing", "move the folder away") from error
