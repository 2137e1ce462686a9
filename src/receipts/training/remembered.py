"""What a module, its parts and the researcher's callbacks and augmentations hold beside weights.

Lightning stores parameters, buffers and what a callback gives it. A counter, a queue, a generator of one's own, the
sums of a metric, a centre in a plain tensor, a layer that learns from some epoch on: these are attributes, and steps to
come may depend on them. They go into a point where they are plain data, and are told of where they are not.
"""

import io
from collections import deque
from collections.abc import Sequence
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn

from receipts.provenance import streams
from receipts.provenance.determinism import is_generator
from receipts.runs.log import say
from receipts.training.method import Site
from receipts.training.plain import NotPlain, digest, given_back, leads_out, packed, unpacked

LIBRARIES = ("torch", "lightning", "lightning_fabric", "lightning_utilities", "receipts")
NEVER = (type, MethodType, FunctionType, BuiltinFunctionType, ModuleType, nn.Parameter)
OF_ALL = set(vars(LightningModule())) - {"_hparams"}  # what every module has is Lightning's business
FEW = 1000  # elements of a container that are looked at one by one


class Place(NamedTuple):
    """A value: under which key of which holder, by name, what it is packed, and whether a point can keep it."""

    holder: str
    key: Any
    value: Any
    packed: Any
    is_plain: bool = True
    is_kept: bool = True

    @property
    def mark(self) -> str:
        """What it is known by."""
        if self.is_plain:
            return digest(self.packed)
        return f"{id(self.value)} {getattr(self.value, '_version', '')}"  # a tensor counts what is done to it in place

    def is_as_before(self, mark: str | None) -> bool:
        """Whether it is what it was; nobody can know that of an iterator."""
        return mark == self.mark and (self.is_plain or not hasattr(self.value, "__next__"))


class Walk:
    """Everything that some objects hold, by name: `Net.body.3.p`, `Net.queue`, `Counter[0].count`.

    Those that work ahead have seen batches that come after a point, so that nobody can put them back to it.
    """

    def __init__(self, module: LightningModule, others: Sequence[Any], ahead: Sequence[Any]) -> None:
        self.is_ahead = False
        self.holders: dict[str, Any] = {}
        self.places: dict[str, Place] = {}
        self.seen = {id(part) for part in module.modules()}
        for name, part in module.named_modules():
            self.attributes(f"{type(module).__name__}.{name}".rstrip("."), part)
        for number, other in enumerate([*others, *ahead]):
            self.is_ahead = number >= len(others)
            self.attributes(f"{type(other).__name__}[{number}]", other)

    def attributes(self, name: str, thing: Any) -> None:
        """Those of an object; of a module also the buffers that no checkpoint holds."""
        is_module = isinstance(thing, nn.Module)
        self.holders[name] = vars(thing)
        for key, value in list(vars(thing).items()):
            if not (is_module and key in OF_ALL):
                self.look(f"{name}.{key}", name, key, value)
        if is_module:
            self.holders[f"{name}, buffers"] = thing._buffers
            for key in sorted(thing._non_persistent_buffers_set):
                self.look(f"{name}.{key}", f"{name}, buffers", key, thing._buffers[key])

    def look(self, name: str, holder: str, key: Any, value: Any) -> None:
        """A value, or what it holds in turn where it is no plain data."""
        if isinstance(value, NEVER):
            return
        try:
            if not is_generator(value):
                self.places[name] = Place(holder, key, value, packed(value), is_kept=not self.is_ahead)
            elif not self.is_ahead:  # there it is seeded anew for each batch
                self.places[name] = Place(holder, key, value, ("stream", packed(streams.state_of(value))))
        except NotPlain:
            if id(value) not in self.seen:
                self.seen.add(id(value))
                self.below(name, holder, key, value)

    def below(self, name: str, holder: str, key: Any, value: Any) -> None:
        """What a container, an object of somebody's own or a module that hides in one holds; else the thing itself."""
        if isinstance(value, nn.Module):
            self.hidden(name, value)
        elif isinstance(value, dict | list | tuple | deque) and len(value) <= FEW:
            self.holders[name] = value
            for at, element in list(value.items() if isinstance(value, dict) else enumerate(value)):
                self.look(f"{name}[{at!r}]", name, at, element)
        elif isinstance(value, Tensor) or (hasattr(value, "__next__") and not isinstance(value, io.IOBase)):
            self.places[name] = Place(holder, key, value, None, is_plain=False, is_kept=False)
        elif type(value).__module__.partition(".")[0] not in LIBRARIES:
            if hasattr(value, "__dict__"):
                self.attributes(name, value)
            else:
                self.places[name] = Place(holder, key, value, None, is_plain=False, is_kept=False)

    def hidden(self, name: str, module: nn.Module) -> None:
        """A module that is no part of the one that learns, as a teacher in a callback or a list: its weights, too."""
        self.seen |= {id(part) for part in module.modules()}
        for below, part in module.named_modules():
            self.attributes(f"{name}.{below}".rstrip("."), part)
        for below, tensor in (*module.named_parameters(), *module.named_buffers()):
            self.places[f"{name}.{below}"] = Place("", below, tensor, ("tensor", tensor.data.clone().cpu()))

    def put(self, name: str, holder: str, key: Any, found: Any) -> bool:
        """Put a value where it was; False where that place is not there any more."""
        place, into = self.places.get(name), self.holders.get(holder)
        now = place.value if place else None
        if leads_out(found):
            return False
        try:
            if isinstance(found, tuple) and found[0] == "stream":
                if now is not None:
                    streams.restore(now, unpacked(found[1]))
                return now is not None
            value = given_back(found, now)
        except NotPlain:
            return False
        if value is now and isinstance(now, Tensor | dict | list | deque | set):
            return True
        if not isinstance(into, dict | list | deque):
            return False
        into[key] = value
        return True


class Remembered(Callback):
    """Gives a point what has changed since training began, and puts it back when a training goes on."""

    lasting = ("changes",)

    def __init__(self, module: LightningModule, others: Sequence[Any], ahead: Sequence[Any], site: Site) -> None:
        self.module, self.site = module, site
        self.walk = partial(Walk, module, others, ahead)
        self.began: dict[str, str] | None = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look once, when all have started."""
        if self.began is None:
            self.began = {name: place.mark for name, place in self.walk().places.items()}

    @property
    def changes(self) -> dict[str, Any]:
        """What is not as it was at the beginning; which parts are in training mode, and which weights learn."""
        began, places = self.began or {}, self.walk().places
        changed = {name: place for name, place in places.items() if not place.is_as_before(began.get(name))}
        return {
            "plain": {name: (at.holder, at.key, at.packed) for name, at in changed.items() if at.is_kept},
            "lost": [name for name, place in changed.items() if not place.is_kept],
            "training": {name: part.training for name, part in self.module.named_modules()},
            "learning": {name: tensor.requires_grad for name, tensor in self.module.named_parameters()},
        }

    @changes.setter
    def changes(self, changes: dict[str, Any]) -> None:
        walk = self.walk()
        self.began = {name: place.mark for name, place in walk.places.items()}
        lost = [*changes["lost"], *(name for name, at in changes["plain"].items() if not walk.put(name, *at))]
        for name, part in self.module.named_modules():
            part.training = changes["training"].get(name, part.training)
        for name, tensor in self.module.named_parameters():
            tensor.requires_grad_(changes["learning"].get(name, tensor.requires_grad))
        if lost:
            self.tell(lost)

    def tell(self, lost: list[str]) -> None:
        """Say what had changed and is as it was at the beginning."""
        warning = (
            f"no point can hold what {', '.join(lost[:5])}{' …' if lost[5:] else ''} had come to, so it begins anew: "
            "if steps depend on it, this is not the training it would have been (rerun=true begins all of it anew)"
        )
        self.site.warnings.append(warning)
        if self.site.rank == 0:
            say(f"  WARNING  {warning}")
