"""Checks that watch training itself."""

from receipts.checks.guard import Guard

GUARDS: tuple[Guard, ...] = ()
