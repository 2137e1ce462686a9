"""What objects hold beside weights: found by name, packed, and put back into others that were just built."""

import enum
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, LightningModule
from lightning.pytorch.callbacks import GradientAccumulationScheduler, StochasticWeightAveraging
from torch import nn
from torch.utils.data import DataLoader, Dataset, RandomSampler, Sampler

from receipts.training import giving, holders
from receipts.training.holders import classes_aside, likeness
from receipts.training.holdings import Walk
from receipts.training.remembered import gone


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Module(LightningModule):
    """Holds whatever a test hands it."""

    def __init__(self, **held: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        vars(self).update(held)


class Wandering(Sampler[int]):
    """Orders by a generator that goes on from epoch to epoch."""

    def __init__(self, n: int) -> None:
        self.n, self.epochs, self.own = n, 0, np.random.default_rng(1)

    def __iter__(self) -> Iterator[int]:
        self.epochs += 1
        yield from self.own.permutation(self.n).tolist()


class Noisy(Dataset[Any]):
    """Samples with noise from a generator of its own."""

    def __init__(self) -> None:
        self.large, self.rows, self.own = torch.zeros(2**16), [torch.zeros(2**15)], np.random.default_rng(2)

    def __len__(self) -> int:
        return 5

    def __getitem__(self, row: int) -> float:
        return row + float(self.own.random())


def taken(walk: Walk) -> dict[str, tuple[Any, ...]]:
    """What a point would hold, after it was in a file."""
    kept = {name: (at.holder, at.key, at.packed) for name, at in walk.places.items() if at.is_kept}
    torch.save(kept, file := io.BytesIO())
    file.seek(0)
    found: dict[str, tuple[Any, ...]] = torch.load(file, weights_only=True)
    return found


def put(found: dict[str, tuple[Any, ...]], walk: Walk) -> list[str]:
    """What could not be put back."""
    return [name for name, at in found.items() if not giving.put(walk, name, *at)]


def loader(sampler: Sampler[int] | None = None) -> DataLoader[Any]:
    own = torch.Generator().manual_seed(3)
    return DataLoader(Noisy(), 2, sampler=sampler or RandomSampler(range(5), generator=own), generator=own)


def test_a_loader_goes_on_in_the_order_and_with_the_noise_that_it_would_have_had() -> None:
    for sampler in (None, Wandering(5)):
        first, second = loader(sampler), loader(None if sampler is None else Wandering(5))
        begun = torch.cat(list(first))
        found = taken(Walk(Module(), (), (), loader=first))
        assert not [name for name in found if "large" in name or "rows" in name], "samples go into no point"
        expected = torch.cat(list(first))
        assert put(found, Walk(Module(), (), (), loader=second)) == []
        assert torch.equal(torch.cat(list(second)), expected)
        assert not torch.equal(begun, expected)


def test_workers_that_live_on_from_epoch_to_epoch_are_told_of() -> None:
    lasting = DataLoader(Noisy(), 2, num_workers=1, persistent_workers=True)
    list(lasting)
    place = Walk(Module(), (), (), loader=lasting).places["train_dataloader._iterator"]
    assert (place.is_kept, place.is_as_before(place.mark)) == (False, False)


def test_keys_that_are_no_plain_data_are_known_by_their_order() -> None:
    first, second = (Module(seen={Colour.RED: count, np.int64(3): [count]}) for count in (5, 0))
    found = taken(Walk(first, (), ()))
    assert put(found, Walk(second, (), ())) == []
    assert second.seen == {Colour.RED: 5, 3: [5]}
    assert put(found, Walk(Module(seen={}), (), ())) == ["Module.seen[0]", "Module.seen[1]"]


def test_a_row_that_has_grown_is_lost_from_where_it_ended() -> None:
    first, second = Module(row=[len, 5, 6]), Module(row=[len, 1])
    assert put(taken(Walk(first, (), ())), Walk(second, (), ())) == ["Module.row[2]"]
    assert second.row == [len, 5]


def test_an_optimizer_of_ones_own_is_put_back_where_it_fits() -> None:
    def made(*layers: nn.Module) -> Module:
        inner = torch.optim.SGD([{"params": list(layer.parameters())} for layer in layers], lr=0.1, momentum=0.9)
        return Module(inner=inner, schedule=torch.optim.lr_scheduler.ExponentialLR(inner, 0.5))

    first, second = made(nn.Linear(1, 1)), made(nn.Linear(1, 1))
    for group in first.inner.param_groups:
        group["params"][0].grad = torch.ones(1, 1)
    first.inner.step()
    first.schedule.step()
    found = taken(Walk(first, (), ()))
    assert put(found, Walk(second, (), ())) == []
    assert second.inner.param_groups[0]["lr"] == 0.05
    assert second.schedule.last_epoch == 1
    assert list(second.inner.state_dict()["state"]) == [0]
    assert put(found, Walk(made(nn.Linear(1, 1), nn.Linear(1, 1)), (), ())) == ["Module.inner"]
    assert put(found, Walk(Module(inner=None, schedule=None), (), ())) == ["Module.inner", "Module.schedule"]
    known = Walk(first, (), (), [first.inner, first.schedule])
    assert not [name for name in known.places if "inner" in name or "schedule" in name], "Lightning stores these"


def test_a_view_of_a_weight_is_never_written_into() -> None:
    first, second = Module(shown=torch.ones(2, 2)), Module()
    second.shown = second.layer.weight.data
    before = second.layer.weight.detach().clone()
    assert put(taken(Walk(first, (), ())), Walk(second, (), ())) == []
    assert torch.equal(second.layer.weight, before)
    assert torch.equal(second.shown, torch.ones(2, 2))
    seen = Module(pair=[second.layer.weight.data, 1])
    seen.layer = second.layer
    assert [name for name in Walk(seen, (), ()).places if "pair" in name] == ["Module.pair[1]"]


def test_a_callback_of_lightning_that_stores_its_state_keeps_the_rest_of_it_to_itself() -> None:
    class Mine(StochasticWeightAveraging):
        def __init__(self) -> None:
            super().__init__(swa_lrs=0.1)
            self.turns = 0

    others: list[Callback] = [Mine(), GradientAccumulationScheduler({1: 2})]
    names = set(Walk(Module(), others, ()).places)
    assert "Mine[0].turns" in names
    assert "Mine[0]._initialized" not in names
    assert any(name.startswith("GradientAccumulationScheduler[1].") for name in names)


def test_what_holds_itself_is_looked_at_once() -> None:
    module = LightningModule()
    ring: list[Any] = [7]
    ring += [ring, {"back": ring}]
    module.ring = ring
    assert [place.value for name, place in Walk(module, [], []).places.items() if ".ring" in name] == [7]


@dataclass(slots=True)
class Slotted:
    """What it goes by lies in slots, and a part of it in those of another class."""

    count: int = 0
    __hidden: float = 0.0


class Shared(Module):
    """Keeps in its class what all of its objects share."""

    seen: ClassVar[list[int]] = []
    total = 0


def test_what_lies_in_slots_and_in_classes_is_put_back_where_it_was() -> None:
    first, second = (
        Shared(one=Slotted(3), other=[Slotted(), None, len]),
        Shared(one=Slotted(), other=[Slotted(), None, len]),
    )
    first.other[0].count, first.other[1] = 4, 5
    Shared.total = 6
    Shared.seen.append(7)
    found, seen = taken(Walk(first, (), ())), Shared.seen
    Shared.total = 0
    Shared.seen.clear()
    assert put(found, Walk(second, (), ())) == []
    assert (second.one, second.other[:2], Shared.total) == (Slotted(3), [Slotted(4), 5], 6)
    assert Shared.seen is seen == [7]
    Shared.total = 0
    Shared.seen.clear()


def test_a_copy_that_shares_its_class_leaves_nothing_there() -> None:
    seen = Shared.seen
    with classes_aside(Shared()):
        Shared.seen.append(1)
        Shared.total += 1
    assert (Shared.seen is seen, seen, Shared.total) == (True, [], 0)


def test_another_kind_of_thing_and_what_is_gone_are_known() -> None:
    def marks(module: Module) -> dict[str, str]:
        return {name: place.mark for name, place in Walk(module, (), ()).places.items()}

    module = Module(how=Slotted(), tasks=[Slotted(1), Slotted(2)], colour=Colour.RED, phases=[Colour.RED])
    began = marks(module)
    module.how, module.colour, module.phases[0] = Wandering(1), Colour.BLUE, Colour.BLUE
    module.tasks.pop()
    now = marks(module)
    changed = {name for name in now if began.get(name) != now[name]}
    assert {"the class of Module.how", "Module.colour", "Module.phases[0]"} <= changed
    assert {name for name in gone(began, now, changed) if not name.startswith("Module.tasks[1].")} == set()
    assert "Module.tasks[1].count" in gone(began, now, changed)
    found, built = taken(Walk(module, (), ())), Module(colour=Colour.RED, phases=[Colour.RED])
    assert "the class of Module.how" not in found
    put(found, Walk(built, (), ()))
    assert (built.colour, built.phases, Colour.RED.value) == (Colour.BLUE, [Colour.BLUE], 1)


@pytest.mark.parametrize(
    ("held", "change"),
    [
        (torch.eye(2).to_sparse(), lambda value: value.mul_(2)),
        (np.random.SeedSequence(1), lambda value: value.spawn(1)),
        (np.ma.masked_array([1, 2], [True, False]), lambda value: value.__setitem__(1, 5)),
        ([object(), *range(1000)], lambda value: value.append(1)),
    ],
    ids=["sparse", "seeds", "masked", "long"],
)
def test_what_no_point_can_hold_is_known_to_have_changed(held: Any, change: Callable[[Any], Any]) -> None:
    module = Module(held=held)
    place = Walk(module, (), ()).places["Module.held"]
    before = place.mark
    assert not place.is_kept
    assert Walk(module, (), ()).places["Module.held"].is_as_before(before)
    change(held)
    assert not Walk(module, (), ()).places["Module.held"].is_as_before(before)


def test_what_is_too_large_or_cannot_be_pickled_is_known_as_the_thing_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = threading.Lock()
    assert likeness(lock) == str(id(lock))
    monkeypatch.setattr(holders, "LARGE", 10)
    assert likeness(large := bytes(100)) == str(id(large))
