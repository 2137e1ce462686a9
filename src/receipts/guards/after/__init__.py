"""Checks of predictions and scores, and the page on which a person reviews a run."""
