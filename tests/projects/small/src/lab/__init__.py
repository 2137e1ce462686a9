"""The tests own researcher."""
