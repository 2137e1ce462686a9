"""The second opinion: every metric once more by torchmetrics, and the demand that the two agree.

Hashed into every record as part of the harness. Imported only when a run is scored, for it costs torch and
torchmetrics. Nothing of `metrics` and `formulas` is used, not even the most probable class. Where torchmetrics 1.9 has
no such metric, or is not exact, a comment says what is done about it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isclose
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import nll_loss, one_hot
from torchmetrics.functional import classification as tm
from torchmetrics.functional import regression as tr

from receipts.refusal import CheckFailed
from receipts.runs.record import Metric

EXACT = 1e-9  # float64 on both sides; measured below 1e-13, R² of targets that hardly vary below 1e-10
SINGLE = 1e-6  # torchmetrics divides counts in float32; measured below 1e-7, and the counts are compared exactly


def cross_check(
    kind: str, metrics: dict[str, Metric], truth: NDArray[Any], stated: NDArray[Any], confusion: NDArray[Any] | None
) -> None:
    """Give each metric of a kind that has a value its `second`; raise `CheckFailed` where the two differ.

    `truth` and `stated` are classes (N,) and probabilities (N, K), or places or values, true and stated, (N,) each.
    """
    targets, outputs = torch.tensor(truth), torch.tensor(stated)
    apart = []
    with float64():
        for name, metric in metrics.items():
            if metric.value is not None:
                compute, tolerance = SECOND[kind][name]
                metric.second = float(compute(outputs, targets))
                if not agree(metric, tolerance):
                    apart.append(f"{name} is {metric.value!r} by NumPy and {metric.second!r} by torchmetrics")
        if confusion is not None:
            matrix = tm.multiclass_confusion_matrix(outputs, targets, len(confusion)).numpy()
            apart += ["the confusion matrices differ"] if (matrix != confusion).any() else []
    if apart:
        raise CheckFailed(
            "second-implementation",
            "; ".join(apart),
            "a number that depends on who computes it is no result",
            "report it with the predictions file: one of the two implementations is wrong on these data",
        )


def agree(metric: Metric, tolerance: float) -> bool:
    """Whether value and second are within the tolerance: relative to them, absolute too where the range has a scale."""
    assert metric.value is not None
    assert metric.second is not None
    in_own_unit = metric.range[1] is None
    return isclose(metric.value, metric.second, rel_tol=tolerance, abs_tol=0 if in_own_unit else tolerance)


@contextmanager
def float64() -> Iterator[None]:
    """Let torchmetrics divide counts in float64 where it leaves the type to torch, and count in the memory of N.

    Under deterministic algorithms its bincount becomes an (N, K²) table, although on the CPU it needs none.
    """
    precision, deterministic = torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.set_default_dtype(torch.float64)
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.set_default_dtype(precision)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)


def _balanced_accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    # the macro average of torchmetrics also counts classes that were only predicted
    recall = tm.multiclass_recall(outputs, targets, outputs.shape[1], average="none")
    return recall[targets.bincount(minlength=outputs.shape[1]) > 0].mean()


def _nll(outputs: Tensor, targets: Tensor) -> Tensor:
    # torchmetrics has none but perplexity, which changes the probabilities by one more softmax
    return nll_loss(outputs.clamp(min=2.0**-149).log(), targets)


def _brier(outputs: Tensor, targets: Tensor) -> Tensor:
    truth = one_hot(targets, outputs.shape[1]).to(outputs.dtype)
    return tr.mean_squared_error(outputs, truth) * outputs.shape[1]


def _ece(outputs: Tensor, targets: Tensor) -> Tensor:
    # the multiclass form rounds to float32, and a confidence of 1 would get a sixteenth bin of its own
    confidence, top = outputs.max(dim=1)
    return tm.binary_calibration_error(confidence.clamp(max=1 - 2.0**-53), (top == targets).long(), n_bins=15)


def _auroc(outputs: Tensor, targets: Tensor) -> Tensor:
    if outputs.shape[1] == 2:
        return tm.binary_auroc(outputs[:, 1], targets)
    return tm.multiclass_auroc(outputs, targets, outputs.shape[1])


def _r2(outputs: Tensor, targets: Tensor) -> Tensor:
    # torchmetrics takes sums below 1e-4 for zero and subtracts large squares; R² is the same in any unit and origin
    around = targets - targets[0]
    origin, unit = targets[0] + around.mean(), around.std() / 1e7
    return tr.r2_score((outputs - origin) / unit, (targets - origin) / unit)


def _spearman(outputs: Tensor, targets: Tensor) -> Tensor:
    # torchmetrics adds 1e-6 to the denominator and sums ranks in int32, which ties among 70,000 values overflow
    return tr.pearson_corrcoef(_ranks(outputs), _ranks(targets))


def _ranks(values: Tensor) -> Tensor:
    order = values.sort().values
    return (torch.searchsorted(order, values) + torch.searchsorted(order, values, right=True) + 1) / 2


def _average(metric: Callable[..., Tensor], average: str) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda outputs, targets: metric(outputs, targets, outputs.shape[1], average=average)


def _matrix(outputs: Tensor, targets: Tensor) -> Tensor:
    classes = int(torch.maximum(outputs.max(), targets.max())) + 1
    return tm.multiclass_confusion_matrix(outputs, targets, max(classes, 2)).double()


def _qwk(outputs: Tensor, targets: Tensor) -> Tensor:
    # torchmetrics weighs its counts in float32; these are its counts, weighed in float64
    matrix = _matrix(outputs, targets)
    steps = torch.arange(len(matrix), dtype=matrix.dtype)
    weights = (steps[:, None] - steps[None, :]) ** 2
    expected = torch.outer(matrix.sum(dim=1), matrix.sum(dim=0)) / matrix.sum()
    return 1 - (weights * matrix).sum() / (weights * expected).sum()


Second = tuple[Callable[[Tensor, Tensor], Tensor], float]

SECOND: dict[str, dict[str, Second]] = {
    "classification": {
        "accuracy": (_average(tm.multiclass_accuracy, "micro"), SINGLE),
        "balanced_accuracy": (_balanced_accuracy, SINGLE),
        "macro_f1": (_average(tm.multiclass_f1_score, "macro"), SINGLE),
        "micro_f1": (_average(tm.multiclass_f1_score, "micro"), SINGLE),
        "nll": (_nll, EXACT),
        "brier": (_brier, EXACT),
        "ece": (_ece, EXACT),
        "auroc": (_auroc, EXACT),
    },
    "ordinal": {
        "mae": (lambda given, targets: tr.mean_absolute_error(given.double(), targets.double()), EXACT),
        "qwk": (_qwk, EXACT),
        "spearman": (lambda given, targets: _spearman(given.double(), targets.double()), EXACT),
        "accuracy": (lambda given, targets: _matrix(given, targets).trace() / len(targets), EXACT),
    },
    "regression": {
        "mae": (tr.mean_absolute_error, EXACT),
        "rmse": (lambda outputs, targets: tr.mean_squared_error(outputs, targets, squared=False), EXACT),
        "r2": (_r2, EXACT),
        "spearman": (_spearman, EXACT),
    },
}
