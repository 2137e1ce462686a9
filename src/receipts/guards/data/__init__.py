"""Checks of the data, before anything is trained: what opened splits hold, and what the manifest tells of test."""
