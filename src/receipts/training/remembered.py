"""What a module, its parts and the researcher's callbacks and augmentations hold beside weights.

Lightning stores parameters, buffers and what a callback gives it. A counter, a queue, a generator of one's own, the
sums of a metric, a centre in a plain tensor, a schedule that nobody else steps, a layer that learns from some epoch on:
these are attributes, and steps to come may depend on them. They go into a point where they are plain data, and are told
of where they are not.
"""

from collections.abc import Collection, Container, Iterable, Sequence
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from receipts.data.ownbatches import OwnTrainBatches
from receipts.training.giving import put
from receipts.training.holdings import CLASS, Walk
from receipts.training.lost import tell
from receipts.training.method import Site
from receipts.training.resuming import researchers


class Remembered(Callback):
    """Gives a point what has changed since training began, and puts it back when a training goes on."""

    lasting = ("changes",)

    def __init__(self, module: LightningModule, batches: Any, site: Site) -> None:
        self.module, self.site = module, site
        self.ahead: Sequence[Any] = getattr(batches, "augment", ())
        self.loader = batches.loader.source if isinstance(batches, OwnTrainBatches) else None
        self.began: dict[str, str] | None = None
        self.lost: list[str] = []  # in all lives before this one

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Learn who else is there."""
        self.trainer, self.others = trainer, researchers(trainer)

    def walk(self) -> Walk:
        """What is held now, except by what Lightning stores itself."""
        schedules = [config.scheduler for config in self.trainer.lr_scheduler_configs]
        return Walk(self.module, self.others, self.ahead, [*self.trainer.optimizers, *schedules], self.loader)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look once, when all have started."""
        if self.began is None:
            self.began = {name: place.mark for name, place in self.walk().places.items()}

    @property
    def changes(self) -> dict[str, Any]:
        """What is not as it was at the beginning; which parts are in training mode, and which weights learn."""
        began, places = self.began or {}, self.walk().places
        changed = {name: place for name, place in places.items() if not place.is_as_before(began.get(name))}
        lost = [name for name, place in changed.items() if not place.is_kept]
        return {
            "plain": {name: (at.holder, at.key, at.packed) for name, at in changed.items() if at.is_kept},
            "lost": list(dict.fromkeys([*self.lost, *lost, *gone(began, places, changed)])),
            "training": {name: part.training for name, part in self.module.named_modules()},
            "learning": {name: tensor.requires_grad for name, tensor in self.module.named_parameters()},
        }

    @changes.setter
    def changes(self, changes: dict[str, Any]) -> None:
        walk = self.walk()
        self.began = {name: place.mark for name, place in walk.places.items()}
        lost = [name for name, at in changes["plain"].items() if not put(walk, name, *at)]
        self.lost = list(dict.fromkeys([*changes["lost"], *lost]))
        for name, part in self.module.named_modules():
            part.training = changes["training"].get(name, part.training)
        for name, tensor in self.module.named_parameters():
            tensor.requires_grad_(changes["learning"].get(name, tensor.requires_grad))
        if self.lost:
            tell(self.site, self.lost)


def gone(began: Iterable[str], places: Container[str], changed: Collection[str]) -> list[str]:
    """What was there when training began and is not any more, where nothing that has changed stands in its place."""
    found = [name for name in began if name not in places and not name.startswith(CLASS)]
    owners = [name for name in found if CLASS + name.rpartition(".")[0] not in changed]
    return [name for name in owners if not any(name.startswith(one) or one.startswith(name) for one in changed)]
