"""Points to continue a training from, and going on from one so that nobody can tell: the same bits in everything.

A point lies where nothing is half done: before an epoch, or before a batch with no gradients pending. What Lightning
stores is completed by what it does not: where in the epoch the loader is, what the ledgers have seen, rows of history,
what was logged. Order and randomness are functions of seed, rank, epoch and step, and need no storing.
"""

import math
import time
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import torch
import torch.distributed
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch import Tensor

from receipts.runs import points
from receipts.training.logged import combine, has_something, of_epoch, so_far
from receipts.training.lost import tell
from receipts.training.method import Site
from receipts.training.notice import Notice
from receipts.training.standing import Standing, grouped, regroup

SHARE = 0.05  # of the time, at most, goes into saving
AGREE_EVERY = 16  # batches: several processes save together, and asking each other takes time
OURS = "receipts"
HELD = "findings"  # what several ledgers write into, and restore before the first of them starts


@runtime_checkable
class Lasting(Protocol):
    """Something whose attributes of these names, plain data all, a continued training needs."""

    lasting: tuple[str, ...]


class Resumption(Callback):
    """Saves points while training and, given one, goes on from it.

    It comes first among the callbacks: what others do at the same moment has not happened yet at a point.
    """

    def __init__(self, site: Site, every_s: float, watching: Iterable[Callback]) -> None:
        self.site, self.every_s = site, every_s
        self.parts = lasting(watching)
        self.notice = Notice(first=site.rank == 0)
        self.place: tuple[int, int] | None = None
        self.state: dict[str, Any] | None = None  # of the point that this life goes on from, until it is in its place
        self.logged: dict[str, dict[str, Any]] = {}
        self.val_check_batch: Any = None
        self.next_save = 0.0
        self.standing: Standing | None = None
        self.waited = -1  # the batch before which a point was possible ere a hook of the module's was given it
        self.at: int | None = None  # the training step of that point

    # --- going on

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Take this process's own part of a point; a checkpoint of somebody else's, for a moment's use, has none."""
        if OURS in checkpoint:
            self.state = checkpoint[OURS][self.site.rank]

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Weights are in their place, and nobody has begun anything; the states of optimizers come next."""
        if self.state is None:
            return
        self.standing = Standing(pl_module)
        if lost := regroup(trainer.optimizers, self.state.get("groups", []), pl_module):
            tell(self.site, lost)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore what others look at when they start."""
        self.notice.listen()
        self.next_save = time.monotonic() + self.every_s
        if self.state is None:
            return
        self.at = trainer.fit_loop.total_batch_idx + 1
        if self.standing is not None:
            self.standing.note(trainer)
        trainer.callback_metrics.update(self.state["metrics"])
        trainer.logged_metrics.update(self.state.get("told", {}))
        self.restore(HELD)
        self.logged = self.state["logged"]
        for name, gradient in self.state["gradients"].items():
            pl_module.get_parameter(name).grad = gradient.to(pl_module.device)
        if self.state["batch"]:
            # Lightning does so too, but not where a module asked for `trainer.estimated_stepping_batches` before.
            loader: Any = trainer.train_dataloader
            loader.load_state_dict({"epoch": trainer.current_epoch, "position": self.state["batch"]})
            # Val was scored before the point; Lightning would score it again.
            self.val_check_batch, trainer.val_check_batch = trainer.val_check_batch, math.inf

    def restore(self, *names: str) -> None:
        """Give parts their state back."""
        for name in names:
            if name in self.parts and self.state is not None:  # a point of an older core may lack some
                for attribute, value in self.state["parts"].get(name, {}).items():
                    if attribute in self.parts[name].lasting:  # a point may come from anybody
                        setattr(self.parts[name], attribute, value)

    def settle(self, trainer: Trainer) -> None:
        """At the first moment after a point: everybody has started, nobody has done anything yet."""
        if self.standing is not None:
            self.standing.again(trainer)
            self.standing = None
        if self.state is not None:
            self.restore(*(name for name in self.parts if name != HELD))
            self.state = None

    def add_logged(self, trainer: Trainer) -> None:
        """Add what the module logged in this epoch before the point to what it has logged since."""
        for key, metric in trainer.fit_loop.epoch_loop._results.items():
            if (before := self.logged.pop(key, None)) is not None:
                combine(metric, before)

    # --- saving

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A point before an epoch."""
        self.settle(trainer)
        self.pause(trainer, pl_module, 0)

    def before_batch(self, trainer: Trainer, pl_module: LightningModule, batch_idx: int) -> None:
        """Called before `on_train_batch_start` where hooks of the module are given the batch earlier than that."""
        self.waited = batch_idx
        self.reach(trainer, pl_module, batch_idx)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Before a batch."""
        if self.val_check_batch is not None:
            trainer.val_check_batch, self.val_check_batch = self.val_check_batch, None
        if self.logged:
            self.add_logged(trainer)
        if self.waited != batch_idx:
            self.reach(trainer, pl_module, batch_idx)
        self.waited = -1

    def reach(self, trainer: Trainer, pl_module: LightningModule, batch_idx: int) -> None:
        """A point before a batch, where the loader can begin there and no gradient is waiting for others."""
        self.settle(trainer)
        if batch_idx and batch_idx % trainer.accumulate_grad_batches == 0:
            self.pause(trainer, pl_module, batch_idx)

    def pause(self, trainer: Trainer, pl_module: LightningModule, batch_idx: int) -> None:
        """Save if it is time to, and end if somebody asked for it."""
        due = time.monotonic() >= self.next_save or self.notice.given is not None
        if self.site.world > 1:
            due = batch_idx % AGREE_EVERY == 0 and self.is_agreed(due, pl_module)
        if not due or not self.is_whole(trainer, pl_module, batch_idx):
            return
        if self.done(trainer, batch_idx) != self.at:  # a callback that takes its state up later has none to give yet
            self.save(trainer, batch_idx)
        if self.notice.given is not None:
            self.notice.obey()

    def done(self, trainer: Trainer, batch_idx: int) -> int:
        """How many training steps are done before a batch of the epoch, which Lightning counts when it is given it."""
        return int(trainer.fit_loop.total_batch_idx) + (batch_idx in (0, self.waited))

    def is_agreed(self, due: bool, pl_module: LightningModule) -> bool:
        """What the first process says."""
        said = torch.tensor([due], device=pl_module.device)
        torch.distributed.broadcast(said, src=0)
        return bool(said)

    def is_whole(self, trainer: Trainer, pl_module: LightningModule, batch_idx: int) -> bool:
        """Whether a point here holds everything; within an epoch, some modules and loaders hold what nobody can store.

        What is done when an epoch begins would not be done again. Nothing is saved before the first step, either.
        """
        if batch_idx == 0:
            return trainer.fit_loop.total_batch_idx >= 0
        loader = trainer.train_dataloader
        kept = all(metric.is_tensor for metric in trainer.fit_loop.epoch_loop._results.values() if metric.meta.on_epoch)
        begin = any(is_overridden("on_train_epoch_start", one) for one in (pl_module, *researchers(trainer)))
        return kept and hasattr(loader, "load_state_dict") and not begin

    def save(self, trainer: Trainer, batch_idx: int) -> None:
        """Write a point; all processes take part."""
        begun = time.monotonic()
        self.place = (trainer.current_epoch, batch_idx)
        path = self.site.folder / points.FOLDER / f"{self.done(trainer, batch_idx):09d}.ckpt"
        try:
            trainer.save_checkpoint(path, weights_only=False)
        finally:
            self.place = None
        took = time.monotonic() - begun
        self.next_save = time.monotonic() + max(self.every_s, took / SHARE if self.every_s else 0.0)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Complete a point, and only a point, by what Lightning does not store."""
        if self.place is None:
            return
        epoch, batch_idx = self.place
        rewind(checkpoint["loops"]["fit_loop"], epoch, batch_idx)
        results = trainer.fit_loop.epoch_loop._results if batch_idx else {}
        own: dict[str, Any] = {
            "batch": batch_idx,
            "metrics": {name: value.detach().cpu() for name, value in trainer.callback_metrics.items()},
            "told": {name: value.detach().cpu() for name, value in trainer.logged_metrics.items()},
            "parts": {
                name: {attribute: getattr(part, attribute) for attribute in part.lasting}
                for name, part in self.parts.items()
            },
            "logged": self.logged | {key: so_far(each) for key, each in results.items() if has_something(each)},
            "gradients": gradients(pl_module),
            "groups": grouped(trainer.optimizers, pl_module),
        }
        everybody: list[Any] = [own]
        if self.site.world > 1:
            everybody = [None] * self.site.world
            torch.distributed.all_gather_object(everybody, own)
        checkpoint[OURS] = everybody

    # --- ending

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lightning takes the whole of a resumed epoch for a restart, and then leaves ReduceLROnPlateau out."""
        self.add_logged(trainer)
        for before in self.logged.values():  # what came before the point, and since then never again in this epoch
            trainer.callback_metrics.update(dict.fromkeys(before.get("names", ()), of_epoch(before, trainer)))
        self.logged = {}
        trainer.fit_loop._restarting = False

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Signals are no longer ours; one that came after the last point still ends the run."""
        if self.notice.given is not None:
            self.notice.end()
        self.notice.leave()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Whatever happens."""
        self.notice.leave()


def researchers(trainer: Trainer) -> list[Callback]:
    """The callbacks of a trainer that are not ours: the experiment's, the module's, and those that may end training."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return [callback for callback in callbacks if not type(callback).__module__.startswith("receipts.")]


def lasting(callbacks: Iterable[Callback]) -> dict[str, Lasting]:
    """The parts with a state of their own, by name; what several of them share once."""
    found: dict[str, Lasting] = {}
    for callback in callbacks:
        if isinstance(shared := getattr(callback, HELD, None), Lasting):
            found[HELD] = shared
        if isinstance(callback, Lasting):
            found[type(callback).__name__] = callback
    return found


def rewind(loops: dict[str, Any], epoch: int, batch_idx: int) -> None:
    """Lightning's counters as they are when all before this batch is done and it has not begun.

    Before an epoch they say that all epochs before it are complete, so that it begins like any other.
    """
    batches = loops["epoch_loop.batch_progress"]
    batches["is_last_batch"] = False
    total, current = batches["total"], batches["current"]
    for part in ("ready", "started", "processed"):
        total[part] -= current[part] - current["completed"] if batch_idx else 0  # a batch that a hook skips is counted
        current[part] = current["completed"]
    if batch_idx == 0:
        for count in (loops["epoch_progress"]["total"], loops["epoch_progress"]["current"]):
            count["ready"] = count["started"] = count["processed"] = count["completed"]
    if "combined_loader" in loops["state_dict"]:
        loops["state_dict"]["combined_loader"] = [{"epoch": epoch, "position": batch_idx}]


def gradients(module: LightningModule) -> dict[str, Tensor]:
    """The gradients of a module: hooks look at them before the next step, and some wait for others or are kept."""
    return {name: tensor.grad for name, tensor in module.named_parameters() if tensor.grad is not None}
