"""All static checks of an experiment: its values, and the files of src/lab that it imports."""

from collections.abc import Callable, Iterator

from receipts.checks.catalogue import failed, not_applicable, passed
from receipts.config.compose import Experiment
from receipts.guards.static import arguments, averaging, draws, dropout, fitting, flags, monitored, source, spelling
from receipts.guards.static.source import Source
from receipts.runs.record import Check

RULES: dict[str, Callable[[list[Source], Experiment], Iterator[str]]] = {
    "monitored-direction": monitored.misdirected,
    "selection-by-test": monitored.by_test,
    "debug-flag": flags.left_on,
    "unused-argument": arguments.unread,
    "misspelt-name": spelling.misspelt,
    "unseeded-draws": draws.unseeded,
    "fit-before-split": fitting.before_split,
    "order-of-the-day": draws.unsorted,
    "dropout-always-on": dropout.always_on,
    "average-as-declared": averaging.as_declared,
}
SHOWN = 5


def examine(experiment: Experiment) -> list[Check]:
    """A verdict for every static check."""
    sources = source.of(experiment)
    return [verdict(name, sources, experiment) for name in RULES]


def verdict(name: str, sources: list[Source], experiment: Experiment) -> Check:
    """What one rule makes of the sources."""
    if name == "debug-flag" and experiment.config.limited:
        return not_applicable(name, "a run under a limit is for looking")
    found = list(dict.fromkeys(RULES[name](sources, experiment)))
    if found:
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return failed(name, "; ".join(found[:SHOWN]) + more)
    return passed(name, f"{len(sources)} files of src/lab and the experiment's values")
