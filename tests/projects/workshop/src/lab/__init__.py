"""A researcher's code, to which faults are applied."""
