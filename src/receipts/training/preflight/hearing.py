"""What the loss of a rehearsed module hears: every row of a batch, and its labels."""

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.nn.modules.batchnorm import _NormBase

from receipts.checks.catalogue import failed, not_applicable, not_run, passed
from receipts.provenance.determinism import aside
from receipts.runs.record import Check
from receipts.training.method import Outputs
from receipts.training.preflight import preparing
from receipts.training.preflight.mixing import at
from receipts.training.preflight.rows import Loss, hears_any, hears_whose, idle, unheard_classes
from receipts.training.sentinels.influence import in_evaluation, predict
from receipts.training.sentinels.thawing import goes_by_epochs, hooks

MANY = 0.1  # of a batch; a last odd one out may be left over on purpose
LEARNT = 0.99  # of the error at the start
FEWEST = 4  # rows
SEVERAL = 3  # classes
ALIKE = 1e-2  # of the largest output, by which those of different rows differ at least
HEARD = ("rows-ignored", "labels-ignored", "class-ignored", preparing.NAME)


def checks(
    trainer: Trainer, module: LightningModule, batch: Any, errors: dict[int, float], classes: int
) -> list[Check]:
    """Every verdict; whatever a module dies of here is no verdict on it."""
    x, y, n = batch[0], batch[1], len(batch[1])

    def loss(x: Any, y: Any, seed: int) -> Tensor | None:
        with aside(seed), trainer.precision_plugin.train_step_context():
            own = module.training_step
            found = own((x, y), 0) if len(inspect.signature(own).parameters) > 1 else own((x, y))
        kept = found["loss"] if isinstance(found, dict) else found
        return kept if isinstance(kept, Tensor) else None

    try:
        if n < FEWEST:
            return [not_run(name, "a batch has too few rows") for name in HEARD]
        with in_evaluation(module):
            outputs = predict(trainer, module, x)
        with silent(module), torch.enable_grad():
            heard = [of_rows(idle(loss, x, y, n), n), of_labels(loss, module, batch, errors, outputs)]
            if goes_by_epochs(module):
                reason = "the module asks how far training is, so other steps may be otherwise"
                return [*heard, *(not_run(name, reason) for name in HEARD[2:])]
            heard.append(of_classes(unheard_classes(loss, x, y, n), classes))

            def learn(seed: int, rows: int) -> Tensor | None:
                first = torch.arange(rows)
                return loss(at(x, first), at(y, first), seed)

            def say() -> Outputs:
                with in_evaluation(module):
                    return predict(trainer, module, x)

            with in_evaluation(module):
                prepared = preparing.check(module, say, learn, n)
            if prepared.verdict == "pass":
                prepared = preparing.check(module, say, learn, n)  # and what is done in training mode alone
            return [*heard, prepared]
    except Exception as error:  # noqa: BLE001 - a step on a batch in another order may be more than a module bears
        reason = f"a step on a changed batch ended with {type(error).__name__}"
        return [not_run(name, reason) for name in HEARD]


@contextlib.contextmanager
def silent(module: LightningModule) -> Iterator[None]:
    """The module in training mode but for norms, through which rows hear of each other; what it logs is not kept."""
    module.train()
    for part in module.modules():
        part.training = part.training and not isinstance(part, _NormBase)
    module.log = module.log_dict = lambda *_, **__: None  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        del module.log, module.log_dict


def of_rows(places: list[int] | None, n: int) -> Check:
    """The verdict on rows."""
    if places is None:
        return not_run("rows-ignored", "no gradient reaches the inputs")
    said = f"{len(places)} of {n} rows of a batch have no say in the loss"
    if len(places) > MANY * n:
        return failed("rows-ignored", f"{said}, whichever sample stands there: places {told(places)}")
    return passed("rows-ignored", f"{said} because of where they stand")


def of_classes(silent: list[int], classes: int) -> Check:
    """The verdict on classes; of two, one may be left out on purpose, where what is normal is learnt alone."""
    if classes < SEVERAL:
        return not_applicable("class-ignored", "there are no three classes")
    if silent:
        return failed("class-ignored", f"no row of class {told(silent)} has a say in the loss, whatever it shows")
    return passed("class-ignored", "every class of a batch has a say in the loss")


def told(places: list[int]) -> str:
    """Places, the first and last of many."""
    return ", ".join(map(str, places)) if len(places) < 6 else f"{places[0]}, {places[1]} … {places[-1]}"


def of_labels(loss: Loss, module: LightningModule, batch: Any, errors: dict[int, float], outputs: Outputs) -> Check:
    """The verdict on labels: a loss may do without them as long as predictions get better all the same."""
    name = "labels-ignored"
    if not module.automatic_optimization:
        return not_applicable(name, "the module steps its optimizers itself, so no two losses are of the same weights")
    x, y, n = batch[0], batch[1], len(batch[1])
    if hears_whose(loss, x, y, n):
        return passed(name, "the loss changes when labels are dealt out to other rows")
    if are_alike(outputs):
        return not_run(name, "the batch is predicted alike in every row, so it does not matter yet whose a label is")
    said = "the loss stays the same when labels are dealt out to other rows"
    if hears_any(loss, x, y, n):
        return failed(name, f"{said}, and not when they change: every prediction is held against every label")
    start, *later = errors.values()
    if later and min(later) < LEARNT * start:
        return passed(name, f"{said}; it needs none, and the batch is predicted better for it")
    if not later or any(hook.__name__ != "training_step" for hook in hooks(module)):
        return not_run(name, f"{said}; hooks of the module may use them")
    return failed(name, f"{said}; after {max(errors)} steps the batch is predicted no better")


def are_alike(outputs: Outputs) -> bool:
    """Whether predictions hardly go with the row, or are no numbers."""
    named = outputs.values() if isinstance(outputs, dict) else [outputs]
    spreads = [float(np.ptp(value, axis=0).max()) / max(float(np.abs(value).max()), 1e-12) for value in named]
    return not max(spreads) > ALIKE
