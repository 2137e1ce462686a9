"""Transforms: fitted on train rows and nothing else, applied to every split, and never to the dataset itself."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from tables import Table, divided

from receipts.data.sealed import SealedData
from receipts.data.transforms import Transforms
from receipts.refusal import Refusal


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def opened(table: Table, limit: int | None = None) -> SealedData:
    return SealedData(table, divided(table), ("train", "val"), limit)


class Spy:
    """Remembers everything it is shown."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor
        self.fitted: list[tuple[Any, Any]] = []
        self.called: list[Any] = []

    def fit(self, x: Any, y: Any) -> None:
        self.fitted.append((np.array(x), np.array(y)))

    def __call__(self, x: Any) -> Any:
        self.called.append(np.array(x))
        return x * self.factor


def test_only_train_rows_are_learnt_from() -> None:
    table, spy = Table(), Spy()
    data = opened(table)
    Transforms([spy]).fit(data)
    ((x, y),) = spy.fitted
    np.testing.assert_array_equal(x, table.inputs[:12])
    np.testing.assert_array_equal(y, table.targets[:12])
    assert all(len(shown) <= 12 for shown in spy.called)


def test_a_limit_holds_for_what_is_learnt_from_too() -> None:
    spy = Spy()
    Transforms([spy]).fit(opened(Table(), limit=5))
    assert len(spy.fitted[0][0]) == 5


def test_each_step_learns_from_what_the_steps_before_leave() -> None:
    table, first, second = Table(), Spy(2.0), Spy(5.0)
    data = opened(table)
    chain = Transforms([first, second]).fit(data)
    np.testing.assert_array_equal(second.fitted[0][0], table.inputs[:12] * 2)
    val = chain.apply(data.subset("val"))
    np.testing.assert_array_equal(val.inputs, table.inputs[12:16] * 2 * 5)
    np.testing.assert_array_equal(val.targets, table.targets[12:16])
    assert val.ids == data.ids("val")


def test_the_scalers_of_scikit_learn_are_transforms() -> None:
    table = Table()
    data = opened(table)
    chain = Transforms([StandardScaler()]).fit(data)
    train, val = (chain.apply(data.subset(name)) for name in ("train", "val"))
    assert isinstance(train.inputs, np.ndarray)
    assert isinstance(val.inputs, np.ndarray)
    np.testing.assert_allclose(train.inputs.mean(0), 0, atol=1e-6)
    mean, spread = table.inputs[:12].mean(0), table.inputs[:12].std(0)
    np.testing.assert_allclose(val.inputs, (table.inputs[12:16] - mean) / spread, rtol=1e-5)


def test_a_function_that_learns_nothing_is_a_transform() -> None:
    data = opened(Table())
    chain = Transforms([np.abs]).fit(data)
    assert (np.asarray(chain.apply(data.subset("val")).inputs) >= 0).all()


def test_no_transform_changes_nothing_and_reads_nothing() -> None:
    table = Table()
    data = SealedData(table, divided(table), ("val",), None)  # train is sealed
    subset = data.subset("val")
    np.testing.assert_array_equal(Transforms([]).fit(data).apply(subset).inputs, subset.inputs)


def test_a_step_that_writes_into_its_input_is_stopped() -> None:
    """It would be applied to train twice, and to val once."""
    table = Table()
    before = table.inputs.copy()

    class Centre:
        def __call__(self, x: Any) -> Any:
            x -= 5
            return x

    with pytest.raises(ValueError, match="read-only"):
        Transforms([Centre()]).fit(opened(table))
    np.testing.assert_array_equal(table.inputs, before)


@pytest.mark.parametrize("step", [3, "text", object()])
def test_what_cannot_be_applied_is_refused(step: Any) -> None:
    with pytest.raises(Refusal, match="is no transform"):
        Transforms([step])


def test_a_step_that_loses_rows_is_refused() -> None:
    data = opened(Table())
    for lossy in (lambda x: x[1:], lambda x: np.concatenate([x, x])):
        chain = Transforms([lossy])
        with pytest.raises(Refusal, match="a transform changes samples, not how many there are"):
            chain.apply(data.subset("val"))
    named = opened(Table(inputs={"a": np.zeros((20, 2))}))
    with pytest.raises(Refusal, match="made 3 rows of 4"):
        Transforms([lambda x: {"a": x["a"][1:]}]).apply(named.subset("val"))


class Centres:
    """By the statistics of whatever it is given; `learns` by those of train."""

    def __init__(self, learns: bool) -> None:
        self.learns, self.mean = learns, 0.0

    def fit(self, x: Any, y: Any) -> None:
        self.mean = x.mean(0)

    def __call__(self, x: Any) -> Any:
        return x - (self.mean if self.learns else x.mean(0))


class Pads:
    def __call__(self, x: Any) -> Any:
        return np.pad(x, ((0, 0), (0, len(x))))


def test_a_row_is_transformed_alike_whatever_stands_beside_it() -> None:
    table = Table(90)
    data = opened(table)

    def verdict(*steps: Any) -> str:
        return Transforms(list(steps)).fit(data).steady(data.subset("val")).verdict

    assert verdict(Centres(learns=False)) == "fail"
    assert verdict(StandardScaler(), Centres(learns=False)) == "fail"
    assert verdict(StandardScaler(), Centres(learns=True)) == "pass"
    assert verdict(Pads()) == "pass", "a shape that goes with the number of rows says nothing"
