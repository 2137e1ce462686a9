"""How checks enter a run: written into its record, waived where its file says so, and ending it where they fail."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from receipts.checks.catalogue import NOTE, refuse_unknown_waivers, settled, stop_at_failure
from receipts.config import check
from receipts.config.compose import Experiment
from receipts.config.schema import Config
from receipts.guards.static import rules
from receipts.runs.log import say
from receipts.runs.record import Check, Record
from receipts.runs.store import Run


def validate(config: Config) -> list[str]:
    """Refuse what cannot be meant, waivers of nothing among it; return warnings for what is probably wrong."""
    refuse_unknown_waivers(config.waive)
    return check.validate(config)


@contextmanager
def checked(run: Run, experiment: Experiment) -> Iterator[None]:
    """A run under way, its configuration and code checked before anything heavy is imported."""
    with run:
        admit(run, experiment.config, rules.examine(experiment))
        yield


def admit(run: Run, config: Config, checks: Iterable[Check]) -> None:
    """Add checks to a run's record and settle all that stand there; tell their notes; end the run where one fails."""
    found = list(checks)
    record(run.record, config, found)
    for note in notes(found):
        run.record.warnings.append(note)
        say(f"  WARNING  {note}")
    run.save()
    stop_at_failure(run.record.failing)


def notes(checks: Iterable[Check]) -> Iterator[str]:
    """What checks that did not fail leave for a person to look at: it follows `NOTE` in their evidence."""
    for each in checks:
        _, _, told = each.evidence.partition(NOTE)
        if told and each.verdict != "fail":
            yield f"{each.code}: {told}"


def record(record: Record, config: Config, checks: Iterable[Check]) -> None:
    """Add checks to a record, with those failures waived that the experiment's own file waives."""
    record.checks = settled([*record.checks, *checks], config.waive)
