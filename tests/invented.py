"""Records of runs that never ran."""

from typing import Any

from receipts.provenance.identity import Identity
from receipts.runs.process import now, this_process
from receipts.runs.record import Check, Checkpoint, Code, Core, Cost, Data, Metric, Opening, Record, Score, World


def score(split: str = "val", value: float = 0.9, n: int = 359, at: str = "2026-11-20T13:38:00Z") -> Score:
    """A score of three metrics, one of them undefined."""
    metrics = {
        "accuracy": Metric(value, value, "higher", (0.0, 1.0), "share of samples whose class was found"),
        "nll": Metric(0.25, 0.25, "lower", (0.0, None), "mean of -log p | of the true class"),
        "auroc": Metric(None, None, "higher", (0.0, 1.0), "one against rest", "one class | only"),
    }
    return Score(split, n, f"predictions/{split}.parquet", "ab" * 32, "cd" * 32, at, metrics, [[1, 0], [0, 1]])


def running(letter: str = "a", conf: str = "net", second: int = 0, **changes: Any) -> Record:
    """A record of this process; `letter` makes its identity, `second` its place in time."""
    values: dict[str, Any] = {
        "run_id": f"20261120-1337{second:02d}-{conf}-s0-{letter * 8}",
        "conf": conf,
        "names": [conf],
        "overrides": [],
        "preset": ["full"],
        "seed": 0,
        "purpose": "Is it so?",
        "command": "python train.py conf=net",
        "started": now(),
        "heartbeat": now(),
        "process": this_process(),
        "identity": Identity(letter * 64, *(f"{part}{letter}" for part in ("config", "code", "lock", "data", "split"))),
        "code": Code("c0ffee" * 6, [], None, Core("0.1.0", "0123"), "cd" * 32, {"src/lab/net.py": "45"}),
        "data": Data("real", "UCI", "CC BY 4.0", "1", {"data/d.csv": "md5:9b33"}, "8b6e.dir", "splits/digits.json"),
        "world": World("cpu", 1, 1, "32-true", 64, True),
    }
    return Record(**(values | changes))


def full(letter: str = "a", conf: str = "net", second: int = 0, **changes: Any) -> Record:
    """A completed record with something in every field."""
    values: dict[str, Any] = {
        "overrides": ["seed=3"],
        "limit": {"rows": 200},
        "status": "completed",
        "reportable": True,
        "blocked_by": [],
        "ended": "2026-11-20T13:39:00Z",
        "parameters": {"lr": 0.1, "none": None, "text": "größe", "big": 2**53, "nested": [1, {"a": True}]},
        "checkpoint": Checkpoint("checkpoints/best.ckpt", 21, "max val accuracy", "79cd"),
        "scores": [score(), score("test", 0.8, 360)],
        "openings": [Opening("test", "2026-11-20T13:40:00Z", "eval.py", "c0ffee")],
        "checks": [Check("val-rescored", "pass", "359 of 359 ids once")],
        "warnings": ["odd"],
        "removed": {"command": ["GitHub token"]},
        "cost": Cost(31.0, 29.4, 760.5, 93962, 0.125),
    }
    return running(letter, conf, second, **(values | changes))
