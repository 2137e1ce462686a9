"""What `receipts split NAME` and `receipts fetch NAME` do: make a dataset's files, make its manifest."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from receipts.config import division
from receipts.config.build import check_calls, resolve
from receipts.config.compose import DataPlan, data_plan
from receipts.data import protocol, splits, steady, stored
from receipts.data.manifest import Manifest
from receipts.data.opening import built
from receipts.refusal import Refusal


def divide(name: str, folds: int | None = None) -> Iterator[str]:
    """Build a dataset twice, hold the two against each other, divide it, store its manifests; say what was found.

    With `folds`, into that many for a cross-validation, whose manifests lie beside the dataset's own.
    """
    plan = data_plan(name)
    if folds is not None:
        if folds < 2:
            raise Refusal(f"folds is {folds}", "there are at least two", f"receipts split {name} folds=5")
        plan = replace(plan, split=division.folded(plan.split, folds))
    for each, manifest in made(plan, "" if folds is None else "-folds"):
        path = splits.write(each, manifest)
        yield told(path, manifest)
    size = Path(manifest.hashes.file).stat().st_size
    if size > stored.LARGE:
        yield f"{manifest.hashes.file} has {size:,} bytes, too many for git: dvc add {manifest.hashes.file}"
    yield f"next: git add {path.parent} && git commit"


def made(plan: DataPlan, beside: str = "") -> list[tuple[DataPlan, Manifest]]:
    """The manifests of a dataset, one for each of its folds; or that of a DataModule, which divides by itself."""
    dataset = built(plan.call)
    if plan.split.rule == "datamodule":
        from receipts.data import datamodule

        division.check(plan.split)
        x, y, parts, first = datamodule.plan_manifest(plan, dataset)
        found = splits.manifest(plan, dataset, stored.write(plan.name, x, y, {}), parts, None)
        return [(plan, msgspec.structs.replace(found, golden=first))]
    protocol.check(dataset)
    steady.refuse_unsteady(dataset, built(plan.call))
    return splits.make(plan, dataset, beside)


def told(path: Path, manifest: Manifest) -> str:
    """A manifest in one line."""
    sizes = ", ".join(f"{'?' if part.n is None else part.n} {name}" for name, part in manifest.splits.items())
    if manifest.facts is None:
        return f"{path}: {sizes}; copies across splits cannot be looked for"
    near = manifest.facts.near_duplicates_across
    return f"{path}: {sizes}; {manifest.facts.duplicates_across} copies and {near.n} near copies across splits"


def fetch(name: str) -> Iterator[str]:
    """Call the static method `fetch` of a dataset's class with the arguments of its constructor."""
    plan: DataPlan = data_plan(name)
    check_calls("data", plan.call)
    target = plan.call["_target_"]
    make = getattr(resolve("data", target), "fetch", None)
    if make is None:
        raise Refusal(
            f"{target} has no fetch",
            "its files are not fetched from anywhere: they come with data.dvc, or a stage of their own",
            "dvc pull      (or give the class a static method `fetch` with the arguments of its constructor)",
        )
    for path in make(**{key: value for key, value in plan.call.items() if key != "_target_"}):
        yield f"{path}: {Path(path).stat().st_size:,} bytes"
