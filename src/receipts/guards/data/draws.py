"""What draws while samples are read: workers that all draw the same, a seed that is set again for each sample."""

from collections.abc import Iterator
from typing import Any

from receipts.checks.catalogue import failed, not_applicable, passed
from receipts.data.ownloader import OwnLoader, untouched
from receipts.data.sealed import Subset
from receipts.provenance.determinism import aside, held
from receipts.provenance.streams import globals_now, state_of
from receipts.runs.record import Check


def audit(train: Subset) -> Iterator[Check]:
    """A verdict for a loader of somebody's own; the core's readers see to it themselves."""
    if not isinstance(train.inputs, OwnLoader):
        yield not_applicable("reseeds-while-reading", "samples are read apart from what training draws")
        return
    places = train.inputs.places
    yield workers(train.inputs.source)
    yield reseeds(train.inputs.source.dataset, 0 if places is None else int(places[0]))


def workers(loader: Any) -> Check:
    """Whether the dataset of somebody's own loader draws from a generator that every worker gets a copy of."""
    name, dataset = "workers-draw-alike", loader.dataset
    if not loader.num_workers or loader.worker_init_fn is not None:
        return passed(name, f"{loader.num_workers} workers, seeded by a worker_init_fn of the loader's own")
    generators = held(dataset)
    before = [str(state_of(each)) for each in generators]
    with untouched(dataset), aside(0):
        _ = [dataset[row] for row in range(min(2, len(dataset)))]
        drew = any(str(state_of(each)) != then for each, then in zip(generators, before, strict=True))
    if drew:
        return failed(
            name,
            f"{type(dataset).__qualname__} draws from a generator of its own, and each of {loader.num_workers} workers "
            "starts each epoch with a copy of it",
        )
    return passed(name, f"{loader.num_workers} workers, and reading a sample draws from no generator of the dataset's")


def reseeds(dataset: Any, row: int) -> Check:
    """Whether reading a sample seeds a global generator: what it leaves behind is then the same whatever was before."""
    name, who = "reseeds-while-reading", type(dataset).__qualname__
    with untouched(dataset):
        one, other = (left_behind(dataset, row, seed) for seed in (1, 2))
    streams = [name for name in one if one[name] == other[name]]
    if streams:
        return failed(name, f"reading a sample of {who} seeds {', '.join(streams)}, so every draw after it is the same")
    return passed(name, f"reading a sample of {who} seeds no global generator")


def left_behind(dataset: Any, row: int, seed: int) -> dict[str, str]:
    """Where the global generators stand after a sample was read, begun under some seed."""
    with aside(seed):
        _ = dataset[row]
        return {name: str(state) for name, state in globals_now().items()}
