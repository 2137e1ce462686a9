"""What objects hold beside weights: found by name, packed, and put back into others that were just built."""

import enum
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule
from lightning.pytorch.callbacks import GradientAccumulationScheduler, StochasticWeightAveraging
from torch import nn
from torch.utils.data import DataLoader, Dataset, RandomSampler, Sampler

from receipts.training.holdings import Walk


class Colour(enum.Enum):
    RED = 1


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
    return [name for name, at in found.items() if not walk.put(name, *at)]


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
