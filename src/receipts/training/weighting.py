"""The last batch of an epoch, which processes can rarely share equally, weighted so that no row counts more."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any

from lightning.pytorch import LightningModule

from receipts.config.schema import Config
from receipts.data.shares import Share
from receipts.refusal import Refusal


@contextmanager
def weighted(module: LightningModule, rows: int, config: Config, share: Share) -> Iterator[None]:
    """While training, multiply the loss of an uneven step with this process's share of it; `rows` are in train.

    The mean of gradients over processes is then that of the whole batch, for a loss that is a mean over samples. The
    module instance is handed back as it was. Refused for a module that steps its optimizers itself.
    """
    batch, own = config.fit.batch_size or 1, module.training_step
    if share.is_even(rows, batch):
        yield
        return
    if not module.automatic_optimization:
        raise Refusal(
            f"the last batch of an epoch has {rows % batch} rows, which {share.world} processes share unequally",
            "a module that steps its optimizers itself takes the loss before it can be weighted",
            "trainer=auto      (or a fit.batch_size that leaves an even rest)",
        )
    takes_index = len(inspect.signature(own).parameters) > 1

    def training_step(module: LightningModule, batch_: Any, index: int) -> Any:
        found = own(batch_, index) if takes_index else own(batch_)
        return scaled(found, share.weight(min(batch, rows - index * batch)))

    module.training_step = MethodType(training_step, module)  # type: ignore[method-assign]
    try:
        yield
    finally:
        del module.training_step


def scaled(found: Any, weight: float) -> Any:
    """What a training_step returned, its loss times a weight."""
    if weight == 1.0 or found is None:
        return found
    return {**found, "loss": found["loss"] * weight} if isinstance(found, dict) else found * weight
