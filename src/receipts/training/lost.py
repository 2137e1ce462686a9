"""Saying what a training that goes on has not got back."""

from collections.abc import Sequence

from receipts.runs.log import say
from receipts.training.method import Site


def tell(site: Site, lost: Sequence[str]) -> None:
    """Say what had changed and is as it was at the beginning, on the screen and in the record."""
    warning = (
        f"no point can hold what {', '.join(lost[:5])}{' …' if lost[5:] else ''} had come to, so it begins anew: "
        "if steps depend on it, this is not the training it would have been (rerun=true begins all of it anew)"
    )
    site.warnings.append(warning)
    if site.rank == 0:
        say(f"  WARNING  {warning}")
