"""Records made by hand, with what a test wants to be different."""

from pathlib import Path
from typing import Any

from receipts.runs import record
from receipts.runs.record import Code, Core, Data, Identity, Metric, Process, Record, Score, World

IDENTITY = ("9f3c1a7e" * 8, "aa", "bb", "cc", "dd", "ee")


def made(number: int = 0, *scores: Score, **changes: Any) -> Record:
    """A completed, reportable run of conf `net`; a later number is a newer run."""
    facts: dict[str, Any] = dict(
        run_id=f"20261120-13370{number}-net-s{number}-9f3c1a7e", conf="net", names=["net"], overrides=[],
        preset=["full"], seed=number, purpose="Why?", primary="accuracy", margin=0.03,
        command="python train.py conf=net", status="completed", reportable=True, started="2026-11-20T13:37:02Z",
        heartbeat="2026-11-20T13:37:20Z", ended="2026-11-20T13:37:33Z", process=Process("another-host", 1, 0.0),
        identity=Identity(*IDENTITY), code=Code("c0ffee", [], None, Core("0.1.0", "0123"), "cd" * 32, {}),
        data=Data("real", "UCI", "CC BY 4.0", "1", {"data/digits.csv.gz": "md5:9b33"}, None, "splits/digits.json"),
        world=World("cpu", 1, 1, "32-true", 64, True), scores=list(scores),
    )  # fmt: skip
    return Record(**facts | changes)


def score(value: float | None = 0.9, split: str = "val", n: int = 100, name: str = "accuracy", **changes: Any) -> Score:
    """A score with one metric."""
    better = "lower" if name in ("mae", "nll") else "higher"
    metric = Metric(value, value, better, (0.0, 1.0), "share of equal labels", None if value is not None else "none")
    facts: dict[str, Any] = {"sha256": "ab" * 32, "harness": "cd" * 32, "at": "2026-11-20T13:37:30Z"}
    return Score(split, n, f"predictions/{split}.parquet", **facts | changes, metrics={name: metric})


def stored(found: Record, runs: Path = Path("runs")) -> Path:
    """The record in a run folder of its own."""
    folder = runs / found.run_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "record.json").write_bytes(record.encode(found))
    return folder
