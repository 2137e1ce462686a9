"""Watching a fit from inside: ledgers of what must be true while it trains, dense at first and sparse after."""
