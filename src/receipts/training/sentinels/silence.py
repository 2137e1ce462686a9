"""A fit in which nothing happens any more: after a while the stacks of all threads go to the log.

The dump comes from a thread of C's, so that it comes even where Python itself is held up. It is put off at steps, but
not more often than it needs to be: that starts a thread each time.
"""

import faulthandler
from typing import Any, TextIO

from lightning.pytorch import Callback, LightningModule, Trainer

from receipts.training.method import Site

OFTEN_S = 10.0


class Silence(Callback):
    """Beats the run's pulse at every step and every batch of val."""

    def __init__(self, site: Site, minutes: float) -> None:
        self.site, self.seconds = site, 60 * minutes
        self.often = min(OFTEN_S, self.seconds / 4)
        self.armed = 0.0
        self.stacks: TextIO | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to wait for steps."""
        self.stacks = self.site.log.open("a", encoding="utf-8")
        self.site.pulse.start(self.seconds)
        self.beat()

    def on_train_batch_end(self, *_: Any) -> None:
        """A step is done."""
        self.beat()

    def on_validation_batch_end(self, *_: Any) -> None:
        """So is a batch of val, which may be large."""
        self.beat()

    def beat(self) -> None:
        """Put the dump off, where it would come before the next chance to."""
        if self.stacks is None:
            return
        now = self.site.pulse.beat()
        if now - self.armed > self.often:
            faulthandler.dump_traceback_later(self.seconds, file=self.stacks)
            self.armed = now

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Wait no more."""
        self.leave()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Wait no more, whatever happens."""
        self.leave()

    def leave(self) -> None:
        """Call the dump off."""
        self.site.pulse.stop()
        if self.stacks is not None:
            faulthandler.cancel_dump_traceback_later()
            self.stacks.close()
            self.stacks = None
