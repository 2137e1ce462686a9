"""What a dataset is: plain attributes, nothing to inherit."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from receipts.data import slices
from receipts.refusal import Refusal

KINDS = ("real", "simulated", "synthetic", "generated")
PER_ROW = ("entities", "groups", "times")


@runtime_checkable
class Dataset(Protocol):
    """A map-style dataset of N samples that knows their ids and raw labels.

    `ids` are unique, stable and in row order; `targets` is `(N, *target)`; `files` are the paths, relative to the
    project, that the data checksum covers. The samples are `inputs` (an array, a memory map or a dictionary of
    arrays, first axis N), or come one at a time from `__getitem__(row)`, then with an optional `collate(list)`.
    Optional arrays of length N: `entities groups times`; optional `slices: {name: (kind, values)}`, parts to be looked
    at (`receipts.data.slices`), `official: {split: rows}`, and `access`: terms and how a colleague obtains the data.
    Generated data name their `generator`; `features: {name: known}` says of every column, in order, whether it is known
    when a prediction is made.
    """

    ids: Sequence[str]
    targets: np.ndarray[Any, Any]
    files: Sequence[str]
    kind: str
    source: str
    licence: str
    version: str


def check(dataset: Any) -> None:
    """Refuse an object that is no dataset, saying what it lacks."""
    name = type(dataset).__qualname__
    refuse_streaming(dataset, name)
    refuse_datamodule(dataset, name)
    needed = ("ids", "targets", "files", "kind", "source", "licence", "version")
    missing = [attribute for attribute in needed if getattr(dataset, attribute, None) is None]
    if is_lazy(dataset) and not hasattr(dataset, "__getitem__"):
        missing.append("inputs")
    if missing:
        raise Refusal(
            f"{name} is not a dataset: it has no {', '.join(missing)}",
            "data._target_ must build something with ids, targets, files, kind, source, licence and version, and "
            "with inputs or __getitem__",
            f"set self.{missing[0]} in {name}.__init__",
        )
    check_kind(dataset, name)
    check_rows(dataset, name)
    check_features(dataset, name)


def is_lazy(dataset: Any) -> bool:
    """Whether samples are read one at a time, through `__getitem__`."""
    return getattr(dataset, "inputs", None) is None


def check_kind(dataset: Any, name: str) -> None:
    """Where data come from is one of four words, and whoever generates names the generator."""
    if dataset.kind not in KINDS:
        raise Refusal(f"{name}.kind is {dataset.kind!r}", f"it is one of {', '.join(KINDS)}", f"correct {name}.kind")
    if dataset.kind == "generated" and not getattr(dataset, "generator", None):
        raise Refusal(
            f"{name} is generated and does not name its generator",
            "data written by a model carry its mistakes and its training data into every number",
            f"generator = 'MODEL and version, with which prompts' in {name}",
        )


def check_features(dataset: Any, name: str) -> None:
    """Every column is declared once, in order, or none is."""
    features = getattr(dataset, "features", None)
    if features is None or is_lazy(dataset):
        return
    inputs = dataset.inputs
    columns = list(inputs) if isinstance(inputs, dict) else range(np.shape(inputs)[1] if np.ndim(inputs) == 2 else 0)
    if len(features) != len(columns) or (isinstance(inputs, dict) and list(features) != columns):
        raise Refusal(
            f"{name}.features names {len(features)} columns and inputs have {len(columns)}",
            "each says of a column, in order, whether it is known when a prediction is made",
            "features = {name: True or False, …}, one for every column",
        )


def refuse_streaming(dataset: Any, name: str) -> None:
    """Samples that only pass by cannot be divided, counted, or found again by id."""
    of_torch = any(kind.__name__ == "IterableDataset" for kind in type(dataset).__mro__)
    one_by_one = hasattr(dataset, "__iter__") and not hasattr(dataset, "__getitem__")
    if (of_torch or one_by_one) and is_lazy(dataset):
        raise streaming(name)


def refuse_datamodule(dataset: Any, name: str) -> None:
    """A DataModule under a rule that divides rows: it knows none."""
    if any(kind.__name__ == "LightningDataModule" for kind in type(dataset).__mro__):
        raise Refusal(
            f"{name} is a LightningDataModule",
            "it makes its own division and its own batches; a split rule has no rows to divide",
            "split: {rule: datamodule}      (or give the core a dataset with ids and targets)",
        )


def streaming(name: str) -> Refusal:
    """The refusal of a streaming dataset."""
    return Refusal(
        f"{name} is a streaming dataset",
        "its rows have no fixed number, order or id, so none can be held back, counted or scored exactly once",
        "write what it yields to files once, as a stage below derived/, and give it ids and __getitem__(row)",
    )


def check_rows(dataset: Any, name: str) -> None:
    """Ids unique, and everything that comes once a row as long as the ids."""
    n = len(dataset.ids)
    if n == 0:
        raise Refusal(f"{name} has no rows", "there is nothing to learn from", f"check what {name} reads")
    if len(set(dataset.ids)) != n:
        twice = [sample for sample, count in Counter(dataset.ids).items() if count > 1]
        raise Refusal(
            f"{name} has duplicate ids: {', '.join(map(str, twice[:5]))}",
            f"{len(twice)} of them among {n} rows; a prediction could not be told from another",
            "give every row an id of its own",
        )
    for key, rows in lengths(dataset).items():
        if rows != n:
            raise Refusal(
                f"{name} has {n} ids and {rows} {key}", "they belong together row by row", f"check how {key} are read"
            )
    for key in ("ids", "entities", "groups"):
        refuse_unwritable(key, getattr(dataset, key, None), name)
    if (declared := getattr(dataset, "slices", None)) is not None:
        slices.check(declared, n, name)
    for key, values in arrays(dataset).items():
        if np.asarray(values[:1]).dtype == object:
            raise Refusal(
                f"{name} holds Python objects as {key}",
                "their content cannot be hashed, so a sample that changed would go unseen",
                "make them numbers, or texts: np.array(texts, dtype=str)",
            )


def refuse_unwritable(key: str, texts: Sequence[Any] | None, name: str) -> None:
    """Names that no file can hold, such as those of files that are no UTF-8: found before anything is learnt."""
    try:
        "".join(map(str, () if texts is None else texts)).encode()
    except UnicodeEncodeError as error:
        raise Refusal(
            f"{name} has {key} with half a character in them: {error.object[error.start :][:40]!r}",
            "neither the manifest nor a prediction file can hold it; a file's name that is no UTF-8 is read so",
            f"rename the files, or make {key} of something else",
        ) from error


def arrays(dataset: Any) -> dict[str, Any]:
    """Targets, and inputs that are in memory, by name."""
    inputs = {} if is_lazy(dataset) else {"inputs": dataset.inputs}
    inputs = inputs["inputs"] if isinstance(inputs.get("inputs"), dict) else inputs
    return {**inputs, "targets": dataset.targets}


def lengths(dataset: Any) -> dict[str, int]:
    """How many rows each per-row attribute has."""
    optional = {key: getattr(dataset, key) for key in PER_ROW if getattr(dataset, key, None) is not None}
    return {key: len(rows) for key, rows in {**arrays(dataset), **optional}.items()}
