"""Whether anything is learnt: by half of the planned epochs, val has been predicted better than by a constant once."""

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer

from receipts.evaluation.predictions import Predictions
from receipts.training.sentinels.findings import Findings
from receipts.training.validation import HarnessValidation

PASSES = 5  # over val, at least
GAIN = 0.01  # what counts as better than a constant: one per cent of its likelihood or variance
ERRORS = 3.0  # standard errors
FOUND = 0.25  # of the way from guessing to finding all of each class, which untrained networks do not go by accident


class LearningLedger(Callback):
    """Stops a fit whose predictions for val stay at chance. `beside` says why that would mean nothing here."""

    lasting = ("passes", "settled")

    def __init__(self, findings: Findings, validation: HarnessValidation, beside: str | None) -> None:
        self.findings, self.validation, self.beside = findings, validation, beside
        self.passes = 0
        self.settled = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A look and a floor are not asked."""
        if self.beside or self.findings.limited:
            self.settled = True
            self.findings.is_beside("not-learning", self.beside or "the run is limited")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge the pass that has just ended."""
        table = self.validation.table
        if self.settled or table is None:
            return
        self.passes += 1
        better, said = beats_a_constant(table)
        if better:
            self.settled = True
            self.findings.passes("not-learning", f"pass {self.passes} over val: {said}")
        elif self.passes >= PASSES and 2 * (trainer.current_epoch + 1) >= (trainer.max_epochs or 0):
            self.settled = True
            self.findings.fails(
                "not-learning", f"none of {self.passes} passes over val beat a constant; the last: {said}"
            )


def beats_a_constant(table: Predictions) -> tuple[bool, str]:
    """Whether predictions are worth more than the best constant for the same rows, by any of two measures."""
    assert table.targets is not None, "val has targets"
    if table.probabilities is not None:
        return beats_frequencies(table.probabilities, table.targets)
    return beats_mean(np.asarray(table.value, dtype=np.float64), table.targets.astype(np.float64))


def beats_frequencies(probabilities: np.ndarray, targets: np.ndarray) -> tuple[bool, str]:
    """Likelihood against that of the class frequencies, accuracy against the largest class, and all classes alike.

    Where rare classes weigh more in the loss, both of the first are given up for the third, the mean share of each
    class that is found; of classes of one size it is the accuracy.
    """
    n = len(targets)
    shares = np.bincount(targets, minlength=probabilities.shape[1]) / n
    prior = float(-sum(share * np.log(share) for share in shares if share > 0))
    given = probabilities[np.arange(n), targets].astype(np.float64)
    nll = float(-np.log(np.clip(given, 1e-12, 1)).mean())
    accuracy, most = float((probabilities.argmax(1) == targets).mean()), float(shares.max())
    margin = ERRORS * float(np.sqrt(max(most * (1 - most), 1 / n) / n))
    found, least = found_of_each(probabilities.argmax(1), targets)
    said = f"nll {nll:.3f} (frequencies: {prior:.3f}), accuracy {accuracy:.3f} (largest class: {most:.3f})"
    said += f", {found:.3f} of each class found (guessing: {1 / np.count_nonzero(shares):.3f})"
    return nll < (1 - GAIN) * prior or accuracy > most + margin or found > least, said


def found_of_each(given: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """The mean over classes of the share that is found, and what it has to pass to be more than a guess."""
    classes, n = np.unique(targets, return_counts=True)
    found = float(np.mean([np.mean(given[targets == each] == each) for each in classes]))
    chance = 1 / len(classes)
    error = float(np.sqrt((chance * (1 - chance) / n).sum())) / len(classes)
    return found, chance + max(ERRORS * error, FOUND * (1 - chance))


def beats_mean(value: np.ndarray, targets: np.ndarray) -> tuple[bool, str]:
    """Explained variance about the mean of each position, and correlation with what deviates from it."""
    about = targets - targets.mean(axis=0)
    residual = value.reshape(targets.shape) - targets
    total = float((about**2).sum())
    if total == 0:
        return True, "the targets do not vary"
    explained = 1 - float((residual**2).sum()) / total
    moved = value.reshape(targets.shape) - value.reshape(targets.shape).mean(axis=0)
    size = float(np.sqrt((moved**2).sum() * total))
    together = float((moved * about).sum()) / size if size > 0 else 0.0
    said = f"r2 {explained:.3f}, correlation {together:.3f}"
    return explained > GAIN or abs(together) > ERRORS / np.sqrt(len(targets)), said
