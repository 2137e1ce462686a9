"""The checks, one idea in each file."""
