"""Plans of runs: variants by seeds, one factor at a time."""
