"""What is technically valid and probably a mistake."""

import math
from typing import Any

from receipts.config.build import calls
from receipts.config.schema import Config, Fit


def warnings(config: Config) -> list[str]:
    """What is technically valid and probably wrong, one sentence each."""
    found = []
    fit = config.fit
    if fit.epochs == 0:
        found.append("fit.epochs is 0: the model is scored as it was initialised")
    if not config.purpose:
        found.append("purpose is empty: say in one sentence what this run is to find out")
    total = sum(config.split.shares.values())
    if config.split.shares and not math.isclose(total, 1, abs_tol=1e-6):
        found.append(f"split.shares add up to {total:g}: the rest of the data is used nowhere")
    if fit.select.patience and fit.epochs and fit.select.patience >= fit.epochs:
        found.append(f"fit.select.patience {fit.select.patience} can never end a training of {fit.epochs} epochs")
    for key, node in calls("model", config.model):
        found += suspicious(key, node, fit)
    return found


def suspicious(key: str, node: dict[str, Any], fit: Fit) -> list[str]:
    """Arguments whose names say what they are and whose values are hardly meant."""
    numbers = {
        name: value for name, value in node.items() if isinstance(value, int | float) and not isinstance(value, bool)
    }
    found = []
    for name, value in numbers.items():
        if name in ("lr", "learning_rate", "max_lr") and value >= 1:
            found.append(f"{key}.{name} is {value:g}: learning rates of 1 and more rarely converge")
        if name in ("lr", "learning_rate", "max_lr") and value == 0:
            found.append(f"{key}.{name} is 0: nothing will be learnt")
        if "dropout" in name and value >= 0.9:
            found.append(f"{key}.{name} is {value:g}: hardly anything gets through")
        if "warmup" in name and "epoch" in name and fit.epochs and value >= fit.epochs:
            found.append(f"{key}.{name} is {value:g}, the training {fit.epochs} epochs: it never leaves its warm-up")
        if name in ("weight_decay",) and value >= 1:
            found.append(f"{key}.{name} is {value:g}: the weights will be pulled to zero")
    return found
