"""Making a split: rows divided by a named rule, with the facts that later checks need and must not open test for."""

import hashlib
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from receipts.config import project
from receipts.config.compose import DataPlan
from receipts.data.manifest import SCHEMA, Facts, Hashes, Manifest, NearDuplicates, Part, path_of
from receipts.data.sealed import Inputs
from receipts.provenance import checksums, code
from receipts.refusal import Refusal
from receipts.runs.files import write_atomically

Array = np.ndarray[Any, Any]
Rows = dict[str, Array]

NEAR = 0.05
ALGORITHM = "blake2b-64 of x, of y"


def contiguous(dataset: Any, shares: dict[str, float]) -> Rows:
    """Blocks of neighbouring rows in the order of the shares: for files in which neighbours belong together."""
    n = len(dataset.ids)
    edges = np.floor(np.cumsum([0.0, *shares.values()]) * n + 1e-9).astype(int)
    return {name: np.arange(first, last) for name, first, last in zip(shares, edges[:-1], edges[1:], strict=True)}


RULES: dict[str, Callable[[Any, dict[str, float]], Rows]] = {"contiguous": contiguous}


def make(plan: DataPlan, dataset: Any) -> Manifest:
    """Divide a dataset as its file states, and collect the facts about the division."""
    split, classes = plan.split, plan.task.classes
    if split.rule not in RULES:
        raise Refusal(f"there is no split rule {split.rule!r}", f"known are {', '.join(RULES)}", "correct split.rule")
    if not {"train", "val", "test"} <= set(split.shares) or sum(split.shares.values()) > 1 + 1e-9:
        raise Refusal(
            f"split.shares are {split.shares}", "train, val and test are needed, and at most 1 in all", "correct them"
        )
    rows = RULES[split.rule](dataset, split.shares)
    refuse_wrong_shares(rows, split.shares, len(dataset.ids))
    x, y = content_hashes(dataset.inputs, np.asarray(dataset.targets))
    arguments = {key: value for key, value in plan.call.items() if key != "_target_"}
    return Manifest(
        schema=SCHEMA,
        dataset=plan.call["_target_"],
        arguments=arguments,
        kind=dataset.kind,
        source=dataset.source,
        licence=dataset.licence,
        version=dataset.version,
        files={name: f"md5:{checksums.md5(Path(name))}" for name in dataset.files},
        rule={"rule": split.rule, "shares": split.shares},
        hashes=write_hashes(plan.name, x, y),
        splits={
            name: Part(ranges(part), len(part), labels(dataset.targets[part], classes)) for name, part in rows.items()
        },
        facts=facts(dataset, rows, x),
    )


def write(plan: DataPlan, manifest: Manifest) -> Path:
    """Store a manifest where everyone looks for it."""
    path = path_of(plan.name)
    write_atomically(path, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    return path


def refuse_wrong_shares(rows: Rows, shares: dict[str, float], n: int) -> None:
    """Empty splits, overlapping splits, and sizes that are not what was declared."""
    for name, part in rows.items():
        if len(part) == 0:
            raise Refusal(f"the {name} split is empty", f"{shares[name]:g} of {n} rows is none", "change split.shares")
        if abs(len(part) - shares[name] * n) > max(1.0, 0.01 * n):
            raise Refusal(
                f"the {name} split has {len(part)} rows", f"{shares[name]:g} of {n} was declared", "change split.shares"
            )
    for (one, first), (other, second) in combinations(rows.items(), 2):
        assert not np.intersect1d(first, second).size, f"{one} and {other} share rows"


def ranges(rows: Array) -> list[tuple[int, int]]:
    """Sorted row numbers as half-open ranges."""
    cuts = np.flatnonzero(np.diff(rows) != 1) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(rows, cuts)]


def labels(targets: Array, classes: int | None) -> dict[str, int]:
    """How often each label occurs; nothing where there are no classes."""
    if classes is None:
        return {}
    names, counts = np.unique(targets, return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def content_hashes(inputs: Inputs, targets: Array) -> tuple[Array, Array]:
    """BLAKE2b-64 of the bytes of every x and of every y, before transforms: two `(n,)` arrays of uint64."""
    named = inputs if isinstance(inputs, dict) else {"x": inputs}
    parts = [named[key] for key in sorted(named)]
    x = [digest(b"".join(np.ascontiguousarray(part[row]).tobytes() for part in parts)) for row in range(len(targets))]
    y = [digest(np.ascontiguousarray(target).tobytes()) for target in targets]
    return np.array(x, dtype=np.uint64), np.array(y, dtype=np.uint64)


def digest(content: bytes) -> int:
    """64 bits of BLAKE2b."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")


def write_hashes(name: str, x: Array, y: Array) -> Hashes:
    """Store the content hashes beside the manifest."""
    path = project.SPLITS / f"{name}.npz"
    path.parent.mkdir(exist_ok=True)
    np.savez(path, x=x, y=y)
    return Hashes(path.as_posix(), code.sha256(path.read_bytes()), ALGORITHM)


def facts(dataset: Any, rows: Rows, x: Array) -> Facts:
    """What the splits share, counted over val and test against everything else."""
    entities = getattr(dataset, "entities", None)
    times = getattr(dataset, "times", None)
    shared = None if entities is None else shared_values(np.asarray(entities), rows)
    ordered = (
        None
        if times is None
        else bool(np.max(np.asarray(times)[rows["train"]]) <= np.min(np.asarray(times)[rows["test"]]))
    )
    return Facts(shared, ordered, shared_values(x, rows), near_duplicates(dataset, rows, x))


def shared_values(values: Array, rows: Rows) -> int:
    """How many distinct values occur in more than one split."""
    seen = [np.unique(values[part]) for part in rows.values()]
    _, counts = np.unique(np.concatenate(seen), return_counts=True)
    return int(np.sum(counts > 1))


def near_duplicates(dataset: Any, rows: Rows, x: Array) -> NearDuplicates:
    """Rows of val and test whose nearest row of the train split is nearly the same, exact copies aside.

    The distance is the root mean square difference of two samples over the standard deviation of all values.
    """
    method = "nearest train row, root mean square difference over the standard deviation of all values"
    if isinstance(dataset.inputs, dict) or not np.issubdtype(np.asarray(dataset.inputs[:1]).dtype, np.number):
        return NearDuplicates(0, "not searched: the inputs are no single numeric array", NEAR)
    train = flatten(dataset.inputs, rows["train"])
    scale, centre = float(train.std()) or 1.0, train.mean(0)  # far from zero, squares would swallow the differences
    train -= centre
    found = 0
    for name in ("val", "test"):
        for start in range(0, len(rows[name]), 512):
            block = rows[name][start : start + 512]
            nearest = nearest_distance(flatten(dataset.inputs, block) - centre, train)
            found += int(np.sum((nearest / scale < NEAR) & ~np.isin(x[block], x[rows["train"]])))
    return NearDuplicates(found, method, NEAR)


def flatten(inputs: Array, rows: Array) -> Array:
    """Samples as rows of float32 `(len(rows), features)`."""
    return np.asarray(inputs[rows], dtype=np.float32).reshape(len(rows), -1)


def nearest_distance(block: Array, train: Array) -> Array:
    """Root mean square difference between each row of a block and its nearest train row."""
    squares = (block**2).sum(1)[:, None] + (train**2).sum(1)[None] - 2 * block @ train.T
    return np.asarray(np.sqrt(np.maximum(squares.min(1), 0) / block.shape[1]))
