"""Everything that some objects hold in their attributes, by name."""

from collections import deque
from collections.abc import Iterator, Sequence
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import torch
from lightning.pytorch import Callback, LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer

from receipts.provenance import streams
from receipts.provenance.determinism import is_generator
from receipts.training.holders import SHARED, Entries, Fields, likeness, of_class, slots
from receipts.training.kinds import holds_samples, is_of_library, is_opaque, is_stateful, memory, values
from receipts.training.plain import SIMPLE, NotPlain, digest, packed

NEVER = (type, MethodType, FunctionType, BuiltinFunctionType, ModuleType, nn.Parameter, LightningOptimizer)
OF_OPTIMIZERS = set(vars(torch.optim.SGD([nn.Parameter(torch.zeros(1))])))
OF_ALL = set(vars(LightningModule())) - {"_hparams"}  # what every module has is Lightning's business
FEW = 1000  # elements of a container that are looked at one by one
OF_LOADERS = "torch.utils.data"
OF_DRAWS = "torch.distributions"  # objects of torch's that hold what they go by in attributes, as others' do
CLASS = "the class of "


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
        if isinstance(self.value, Tensor):
            return f"{id(self.value)} {self.value._version}"  # it counts what is done to it in place
        return likeness(self.value)

    def is_as_before(self, mark: str | None) -> bool:
        """Whether it is what it was; nobody can know that of an iterator."""
        return mark == self.mark and (self.is_plain or not hasattr(self.value, "__next__"))


class Walk:
    """Everything that some objects hold, by name: `Net.body.3.p`, `Net.queue`, `Counter[0].count`.

    Those that work ahead have seen batches that come after a point, so that nobody can put them back to it. What is
    `elsewhere`, optimizers and schedules that Lightning stores, is passed over but for what their states lack.
    """

    def __init__(
        self,
        module: LightningModule,
        others: Sequence[Any],
        ahead: Sequence[Any],
        elsewhere: Sequence[Any] = (),
        loader: Any = None,
    ) -> None:
        self.is_ahead = self.is_data = False
        self.package = type(module).__module__.partition(".")[0]
        self.holders: dict[str, Any] = {}
        self.stored: set[str] = set()  # names of those of somebody's own that Lightning stores as far as they say
        self.places: dict[str, Place] = {}
        self.seen = {id(part) for part in (*module.modules(), *elsewhere)}
        self.weights = {memory(tensor) for tensor in stored(module)} - {0}
        for name, part in module.named_modules():
            self.attributes(f"{type(module).__name__}.{name}".rstrip("."), part)
        for number, other in enumerate([*others, *ahead]):
            self.is_ahead = number >= len(others)
            self.attributes(f"{type(other).__name__}[{number}]", other)
        self.is_ahead = False
        for number, thing in enumerate(elsewhere):
            if not is_of_library(type(thing)):
                self.stored.add(name := f"{type(thing).__name__}[{number}]")
                self.attributes(name, thing)
        self.is_data = True
        if loader is not None:
            self.attributes("train_dataloader", loader)

    def attributes(self, name: str, thing: Any) -> None:
        """Those of an object; of a module also the buffers that no checkpoint holds."""
        is_module, kind = isinstance(thing, nn.Module), type(thing)
        self.places[CLASS + name] = Place("", "", kind, f"{kind.__module__}.{kind.__qualname__}", is_kept=False)
        slotted, own = dict(slots(thing)), getattr(thing, "__dict__", {})
        self.holders[name] = Fields(thing) if slotted else own
        passed_over = OF_ALL if is_module else stored_by_itself(thing)
        if isinstance(thing, Optimizer):
            passed_over = OF_OPTIMIZERS
        elif name in self.stored:
            passed_over = set(thing.state_dict())
        for key, value in (slotted | own).items():
            if key not in passed_over:
                self.look(f"{name}.{key}", name, key, value)
        self.shared(kind)
        if is_module:
            self.holders[f"{name}, buffers"] = thing._buffers
            for key in sorted(thing._non_persistent_buffers_set):
                self.look(f"{name}.{key}", f"{name}, buffers", key, thing._buffers[key])

    def shared(self, kind: type) -> None:
        """What the researcher's classes hold themselves, once: a list that stands in one, a count of all objects."""
        for each in kind.__mro__:
            if id(each) not in self.seen and self.is_own(each):
                self.seen.add(id(each))
                self.holders[name := f"class {each.__name__}"] = Fields(each)
                for key, value in of_class(each, SHARED):
                    self.look(f"{name}.{key}", name, key, value)

    def is_own(self, kind: type) -> bool:
        """Whether a class is the researcher's."""
        return kind.__module__.partition(".")[0] == self.package and not is_of_library(kind)

    def look(self, name: str, holder: str, key: Any, value: Any) -> None:
        """A value, or what it holds in turn where it is no plain data."""
        if isinstance(value, NEVER):
            return
        if self.shows_weights(value) or (self.is_data and holds_samples(value)):
            if isinstance(value, dict | list | tuple | deque) and len(value) <= FEW:
                self.within(name, value)
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

    def shows_weights(self, value: Any, above: tuple[int, ...] = ()) -> bool:
        """Whether a tensor is a weight of the module seen through another name, or a container holds such a one.

        It follows the weights; to write into it what it showed at another time would be to overwrite them.
        """
        if isinstance(value, dict | list | tuple | deque) and len(value) <= FEW:
            inside = (*above, id(value))
            return id(value) not in above and any(self.shows_weights(each, inside) for each in values(value))
        return isinstance(value, Tensor) and memory(value) in self.weights

    def below(self, name: str, holder: str, key: Any, value: Any) -> None:
        """What a container, an object of somebody's own or a module that hides in one holds; else the thing itself."""
        if isinstance(value, nn.Module):
            self.hidden(name, value)
        elif isinstance(value, dict | list | tuple | deque) and len(value) <= FEW:
            self.within(name, value)
        elif is_opaque(value):
            self.places[name] = Place(holder, key, value, None, is_plain=False, is_kept=False)
        elif is_stateful(value):
            self.stateful(name, holder, key, value)
        elif self.is_somebodys(type(value)):
            if hasattr(value, "__dict__") or (hasattr(value, "__slots__") and self.is_own(type(value))):
                self.attributes(name, value)
            elif not self.is_data:
                self.places[name] = Place(holder, key, value, None, is_plain=False, is_kept=False)

    def is_somebodys(self, kind: type) -> bool:
        """Whether a class may keep what it goes by in attributes; around data only the researcher's and torch's do."""
        if self.is_data:
            return kind.__module__.startswith((f"{self.package}.", OF_LOADERS))
        return not is_of_library(kind) or kind.__module__.startswith(OF_DRAWS)

    def within(self, name: str, container: Any) -> None:
        """What a container holds, one by one."""
        is_keyed = isinstance(container, dict) and all(type(key) in SIMPLE for key in container)
        self.holders[name] = container if is_keyed or not isinstance(container, dict) else Entries(container)
        for at, element in list(container.items() if is_keyed else enumerate(values(container))):
            self.look(f"{name}[{at!r}]", name, at, element)

    def stateful(self, name: str, holder: str, key: Any, value: Any) -> None:
        """An optimizer, a schedule or a scaler that only its holder knows of: what it says of itself."""
        try:
            self.places[name] = Place(holder, key, value, ("state", packed(value.state_dict())))
        except NotPlain:
            self.places[name] = Place(holder, key, value, None, is_plain=False, is_kept=False)

    def hidden(self, name: str, module: nn.Module) -> None:
        """A module that is no part of the one that learns, as a teacher in a callback or a list: its weights, too."""
        self.seen |= {id(part) for part in module.modules()}
        for below, part in module.named_modules():
            self.attributes(f"{name}.{below}".rstrip("."), part)
        for below, tensor in (*module.named_parameters(), *module.named_buffers()):
            self.places[f"{name}.{below}"] = Place("", below, tensor, ("tensor", tensor.data.clone().cpu()))


def stored(module: nn.Module) -> Iterator[Tensor | None]:
    """The parameters and buffers that go into a checkpoint."""
    yield from module.parameters()
    for part in module.modules():
        yield from (tensor for key, tensor in part._buffers.items() if key not in part._non_persistent_buffers_set)


def stored_by_itself(thing: Any) -> set[str]:
    """The attributes of a callback that are the business of a class of Lightning's which stores what it needs of them.

    The others follow from those; some, put back, would say that something was made which is not there.
    """
    kinds = [kind for kind in type(thing).__mro__ if is_of_library(kind) and kind is not Callback]
    found = [vars(kind).values() for kind in kinds if isinstance(thing, Callback) and "state_dict" in vars(kind)]
    return {name for each in found for one in each if isinstance(one, FunctionType) for name in one.__code__.co_names}
