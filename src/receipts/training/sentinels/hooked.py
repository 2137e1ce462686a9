"""A sentinel that hooks into optimizers and tensors, and takes every hook away however training ends."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class Hooked(Callback):
    """Keeps what `register_…_hook` returned in `handles`; a sentinel with more to let go of adds it."""

    def __init__(self) -> None:
        self.handles: list[Any] = []

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave nothing behind."""
        self.leave()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave nothing behind, whatever happens."""
        self.leave()

    def leave(self) -> None:
        """Take every hook away."""
        for handle in self.handles:
            handle.remove()
        self.handles = []
