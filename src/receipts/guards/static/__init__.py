"""Checks that read configuration and code, and run nothing: seconds at most, and no torch."""
