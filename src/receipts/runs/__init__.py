"""Runs: the record, the folder that holds it, its views, and its copy in MLflow."""
