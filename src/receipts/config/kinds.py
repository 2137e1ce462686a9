"""What kinds of task there are, how labels of each may be seen, and which metrics the harness computes for them."""

from receipts.config.schema import Task

METRICS = {  # the harness's own names, which a test holds against its table
    "classification": ("accuracy", "balanced_accuracy", "macro_f1", "micro_f1", "nll", "brier", "ece", "auroc"),
    "ordinal": ("mae", "qwk", "spearman", "accuracy"),
    "regression": ("mae", "rmse", "r2", "spearman"),
}
VIEWS = {  # how labels of a kind may be scored, and by whose metrics; the first is its own; held by the same test
    "classification": {"class": "classification"},
    "ordinal": {"ordinal": "ordinal", "class": "classification", "value": "regression"},
    "regression": {"value": "regression"},
}


def scored_as(task: Task) -> str:
    """Whose metrics answer the task: its view's, or its own kind's."""
    views = VIEWS[task.kind]
    return views[task.view or next(iter(views))]
