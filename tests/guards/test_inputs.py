"""Checks of what a network is fed on real digits: ranges, what draws, what only looks like a fault."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from examined import DIGITS, TEN, digits, failing, opened, planted
from tables import SHARES

from receipts.config.compose import DataPlan, Experiment
from receipts.config.schema import Config, Limit, Split
from receipts.data import splits
from receipts.data.sealed import SealedData
from receipts.data.transforms import Transforms
from receipts.guards.data import audit, draws, inputs, looking


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_grey_values_as_bytes_are_no_food_for_a_network() -> None:
    grey = np.minimum(DIGITS.images[:, None] * 16, 255).astype(np.float32)
    assert failing(digits(inputs=grey)) == {"inputs-in-range"}
    assert failing(digits(inputs=grey.astype(np.uint8))) == {"inputs-in-range"}
    assert failing(digits(inputs=grey), model={"_target_": "sklearn.svm.SVC"}) == set()
    assert failing(digits(inputs=grey / 255 - 0.5)) == set()
    counts = np.minimum(DIGITS.data[:, :20] * 16, 255).astype(np.float32)  # a few columns of counts
    assert "inputs-in-range" not in failing(digits(inputs=counts))


def test_a_network_that_begins_by_normalising_may_be_fed_anything() -> None:
    from torch import nn

    grey = np.minimum(DIGITS.images[:, None] * 16, 255).astype(np.float32)

    class Fed(nn.Module):
        def __init__(self, first: nn.Module, scale: float) -> None:
            super().__init__()
            self.body, self.scale = nn.Sequential(first, nn.Flatten(), nn.LazyLinear(10)), scale

        def predict_step(self, x: Any, batch_idx: int) -> Any:
            return self.body(x / self.scale + 256 - 256)

    def verdict(module: Any) -> str:
        config = Config(task=TEN, model={"_target_": "lab.net.Net"})
        values = {"model": config.model, "data": {"_target_": "lab.none.Table"}, "transforms": [], "augment": []}
        experiment = Experiment(config, values, "net", ["full"], "table", [])
        found = audit.examine(experiment, *opened(digits(inputs=grey), TEN, []), module)
        return next(check.verdict for check in found if check.code == "inputs-in-range")

    assert verdict(Fed(nn.BatchNorm2d(1), 1)) == "pass"
    assert verdict(Fed(nn.Conv2d(1, 3, 3), 255)) == "pass"
    assert verdict(Fed(nn.Conv2d(1, 3, 3), 1)) == "fail", "256 stands in the code, and divides nothing"
    assert verdict(nn.Linear(3, 3)) == "not run"


def test_val_normalised_otherwise_and_inputs_that_do_not_vary() -> None:
    def other(x: Any) -> None:
        x[1078:1437] = (x[1078:1437] - 0.9) / 0.2

    assert "inputs-alike" in failing(planted(other))

    def blank(x: Any) -> None:
        x[1078:1437] = 0.5

    assert "inputs-vary" in failing(planted(blank))


def sprinkled(x: Any) -> None:
    x[np.random.default_rng(0).random(x.shape) < 0.05] = 1


def coarser(x: Any) -> None:
    x[:] = x * 16 // 4 / 4


@pytest.mark.parametrize("how", [sprinkled, coarser])
@pytest.mark.parametrize("flat", [False, True])
def test_specks_and_fewer_levels_in_val_alone(how: Any, flat: bool) -> None:
    for rows, names in ((slice(1078, 1437), {"inputs-alike"}), (slice(None), set())):
        table = planted(lambda x, rows=rows: how(x[rows]))
        table.inputs = table.inputs.reshape(1797, 64) if flat else table.inputs
        assert failing(table) == (names - ({"inputs-alike"} if flat and how is sprinkled else set()))


class Noisy:
    """A transform that draws, from the global generator or from its own."""

    def __init__(self, own: bool) -> None:
        self.own = np.random.default_rng(0) if own else None

    def __call__(self, x: Any) -> Any:
        return x + (self.own.normal(size=x.shape) if self.own else np.random.normal(size=x.shape))  # noqa: NPY002


@pytest.mark.parametrize("own", [True, False])
def test_a_transform_that_draws_is_unsteady(own: bool) -> None:
    table = digits()
    plan = DataPlan("table", {"_target_": "lab.data.Table"}, Split("contiguous", dict(SHARES)), TEN)
    ((_, manifest),) = splits.make(plan, table)
    data = SealedData(table, manifest, ("train", "val"), None)
    assert Transforms([Noisy(own)]).steady(data.subset("val")).verdict == "fail"
    assert Transforms([lambda x: x * 2]).steady(data.subset("val")).verdict == "pass"


def test_the_golden_batch_is_compared_where_transforms_are_the_data_files() -> None:
    manifest, train, _ = opened(digits(), TEN, [])
    config = Config(task=TEN)
    experiment = Experiment(config, {}, "net", ["full"], "table", [])
    assert inputs.remembered(manifest, train, experiment).verdict == "pass"
    doubled = Transforms([lambda x: x * 2]).apply(train)
    assert inputs.remembered(manifest, doubled, experiment).verdict == "fail"
    config.limit = Limit(rows=100)
    assert inputs.remembered(manifest, doubled, experiment).verdict == "not applicable"
    config.limit, config.transforms = Limit(), [{"_target_": "lab.x.Y"}]
    assert inputs.remembered(manifest, doubled, experiment).verdict == "not applicable"


class Draws:
    """A map-style dataset behind a loader of somebody's own."""

    def __init__(self, how: str) -> None:
        self.how, self.rng = how, np.random.default_rng(0)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, row: int) -> float:
        drawn = self.rng.random() if self.how == "own" else np.random.random() if self.how == "global" else 0.0  # noqa: NPY002
        return row + drawn


@pytest.mark.parametrize(
    ("how", "workers", "init", "verdict"),
    [
        ("own", 2, None, "fail"),
        ("own", 0, None, "pass"),
        ("own", 2, print, "pass"),
        ("global", 2, None, "pass"),
        ("never", 2, None, "pass"),
    ],
)
def test_a_generator_that_workers_copy(how: str, workers: int, init: Any, verdict: str) -> None:
    dataset = Draws(how)
    before = str(dataset.rng.bit_generator.state)
    loader = SimpleNamespace(dataset=dataset, num_workers=workers, worker_init_fn=init)
    assert draws.workers(loader).verdict == verdict
    assert str(dataset.rng.bit_generator.state) == before


def test_inputs_that_are_no_array_are_not_looked_at() -> None:
    table = digits(inputs={"a": DIGITS.data.astype(np.float32), "b": DIGITS.target})
    _, train, val = opened(table, TEN, [])
    assert looking.look(train, val) is None
    assert failing(table) == set()
