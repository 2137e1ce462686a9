"""Checks of the data on real digits and patients: faults that are caught, and look-alikes that are not."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn import datasets
from tables import SHARES, Table

from receipts.config.compose import DataPlan, Experiment
from receipts.config.schema import Config, Limit, Split, Task
from receipts.data import encoded as encodings
from receipts.data import misplaced, splits
from receipts.data.facts import Copies, Facts, NearDuplicates, Twins
from receipts.data.manifest import Manifest
from receipts.data.sealed import SealedData, Subset
from receipts.data.transforms import Transforms
from receipts.guards import gate
from receipts.guards.data import audit, augmenting, centring, draws, inputs, looking, overlap
from receipts.guards.data.labels import audit as labels_of

DIGITS = datasets.load_digits()
PATIENTS = datasets.load_diabetes()
TEN = Task(kind="classification", classes=10, primary="accuracy")
VALUE = Task(kind="regression", primary="mae")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def digits(**changes: Any) -> Table:
    images = (DIGITS.images[:, None] / 16).astype(np.float32)
    return Table(len(images), **{"inputs": images, "targets": DIGITS.target.astype(np.int64)} | changes)


def patients(**changes: Any) -> Table:
    facts = {"inputs": PATIENTS.data.astype(np.float32), "targets": PATIENTS.target.astype(np.float32)}
    return Table(442, **facts | changes)


def opened(table: Table, task: Task, transforms: list[Any]) -> tuple[Manifest, Subset, Subset]:
    plan = DataPlan("table", {"_target_": "lab.data.Table"}, Split("contiguous", dict(SHARES)), task)
    ((_, manifest),) = splits.make(plan, table)
    data = SealedData(table, manifest, ("train", "val"), None)
    steps = Transforms(transforms).fit(data)
    return manifest, steps.apply(data.subset("train")), steps.apply(data.subset("val"))


def failing(table: Table, task: Task = TEN, transforms: list[Any] | None = None, **changes: Any) -> set[str]:
    config = Config(task=task, model={"_target_": "lab.net.Net"})
    for name, value in changes.items():
        setattr(config, name, value)
    values = {"model": config.model, "data": {"_target_": "lab.none.Table"}, "transforms": [], "augment": []}
    experiment = Experiment(config, values, "net", ["full"], "table", [])
    found = audit.examine(experiment, *opened(table, task, transforms or []))
    assert all(check.evidence for check in found)
    return {check.code for check in found if check.verdict == "fail"}


@pytest.mark.parametrize("table", [digits(), digits(inputs=DIGITS.data.astype(np.float32) / 16)])
def test_real_digits_raise_nothing(table: Table) -> None:
    assert failing(table) == set()


def test_real_patients_raise_nothing_whatever_their_units() -> None:
    assert failing(patients(), VALUE) == set()
    scale = np.logspace(-3, 3, 10, dtype=np.float32)
    assert failing(patients(inputs=PATIENTS.data.astype(np.float32) * scale + 7), VALUE) == set()


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_small_real_tables_in_any_order_raise_nothing(name: str) -> None:
    bunch = getattr(datasets, f"load_{name}")()
    order = np.random.default_rng(1).permutation(len(bunch.target))
    table = Table(len(order), inputs=bunch.data[order].astype(np.float32), targets=bunch.target[order].astype(np.int64))
    assert failing(table, Task(kind="classification", classes=3, primary="accuracy")) == set()


def planted(how: Any) -> Table:
    table = digits()
    table.inputs = table.inputs.copy()
    how(table.inputs)
    return table


def copied(x: Any) -> None:
    x[:40] = x[-40:]


def mirrored(x: Any) -> None:
    x[:40] = x[-40:, :, :, ::-1]


def noisy(x: Any) -> None:
    x[1078:1118] = x[:40] + np.random.default_rng(0).normal(0, 0.02, x[:40].shape)


def val_in_test(x: Any) -> None:
    x[-40:] = x[1100:1140] * np.float32(0.995)


@pytest.mark.parametrize(
    ("how", "name"),
    [
        (copied, "split-overlap"),
        (mirrored, "near-duplicates"),
        (noisy, "near-duplicates"),
        (val_in_test, "near-duplicates"),
    ],
)
def test_copies_across_splits_are_caught(how: Any, name: str) -> None:
    assert name in failing(planted(how))


@pytest.mark.parametrize("how", [lambda v: v * 2.54, lambda v: v[::-1], lambda v: 0 * v])
def test_rows_that_are_others_but_for_one_column_are_caught(how: Any) -> None:
    x = PATIENTS.data.astype(np.float32)
    x[265:275] = x[:10]
    x[265:275, 2] = how(x[:10, 2])
    assert failing(patients(inputs=x), VALUE) == {"near-duplicates"}


def test_a_grid_of_settings_and_twice_measured_people_have_such_rows_everywhere() -> None:
    steps = np.arange(6)
    grid = np.stack(np.meshgrid(steps, steps, steps, steps), -1).reshape(-1, 4).astype(np.float32)
    values = (grid**2).sum(1) + np.random.default_rng(0).normal(0, 1, len(grid)).astype(np.float32)
    drawn = np.random.default_rng(1).permutation(len(grid))
    assert failing(Table(len(grid), inputs=grid, targets=values), VALUE) == set()
    assert failing(Table(len(grid), inputs=grid[drawn], targets=values[drawn]), VALUE) == set()


@pytest.mark.parametrize("seed", range(3))
def test_values_that_a_few_rows_share_are_no_means_of_labels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    draws = np.where(rng.random((1500, 6)) < 0.3, rng.integers(0, 200, (1500, 6)), 0)
    assert encodings.columns(draws, DIGITS.target[:1500], np.arange(900)) == []
    assert encodings.columns(PATIENTS.data, PATIENTS.target, np.arange(265)) == []
    assert encodings.columns(DIGITS.data, DIGITS.target, np.arange(1078)) == []


def test_windows_of_a_series_that_were_divided_at_random() -> None:
    series = DIGITS.images.mean((1, 2)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(series, 13)
    drawn = np.random.default_rng(0).permutation(len(windows))
    apart = windows[np.r_[0:1000, 1012:1400, 1412:1785]]
    for rows, names in (
        (windows[drawn], {"near-duplicates"}),
        (windows, set()),
        (windows[::-1], set()),
        (apart, set()),
    ):
        assert failing(Table(len(rows), inputs=rows[:, :12].copy(), targets=rows[:, 12].copy()), VALUE) == names
    words = np.zeros((900, 40), np.float32)  # a row of nought but for a word is no window of a series
    words[np.arange(900), np.random.default_rng(0).integers(0, 40, 900)] = 1
    assert failing(Table(900, inputs=words, targets=words @ np.arange(40.0, dtype=np.float32)), VALUE) == set()


def encoded(column: Any, rows: Any, smooth: float = 0) -> Any:
    y = PATIENTS.target
    sums, n = (np.bincount(column[rows], of, minlength=column.max() + 1) for of in (y[rows], np.ones(len(rows))))
    return ((sums + smooth * y[rows].mean()) / np.maximum(n + smooth, 1))[column]


@pytest.mark.parametrize(
    ("rows", "smooth", "after", "caught"),
    [
        (range(442), 0, lambda v: v, True),
        (range(442), 5, lambda v: v / 100 - 1, True),
        (range(265), 0, lambda v: v, False),
        (range(265), 5, lambda v: v, False),
    ],
)
def test_mean_labels_of_all_rows_in_the_place_of_a_category(
    rows: range, smooth: float, after: Any, caught: bool
) -> None:
    doctor = np.random.default_rng(0).permutation(np.arange(442) % 60)
    column = after(encoded(doctor, np.array(rows), smooth))
    assert failing(with_column(column), VALUE) == ({"statistics-of-all"} if caught else set())


def test_duplicates_inside_train_and_coarse_tables_are_natural() -> None:
    table = digits()
    table.inputs = table.inputs.copy()
    table.inputs[:100] = table.inputs[100:200]
    table.targets = table.targets.copy()
    table.targets[:100] = table.targets[100:200]
    assert failing(table) == set()
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 3, (600, 4)).astype(np.float32)
    labels = (coarse.sum(1) + rng.integers(0, 2, 600) > 4).astype(np.int64)
    two = Task(kind="classification", classes=2, primary="accuracy")
    assert failing(Table(600, inputs=coarse, targets=labels), two) == set()


def test_rows_that_were_multiplied_before_they_were_divided_are_caught() -> None:
    order = np.random.default_rng(0).permutation(1500)
    images = (DIGITS.images[:750, None] / 16).astype(np.float32)
    both = np.concatenate([images, images[:, :, :, ::-1] + np.float32(0.01)])[order]
    labels = np.concatenate([DIGITS.target[:750]] * 2).astype(np.int64)[order]
    assert "near-duplicates" in failing(Table(1500, inputs=both, targets=labels))


@pytest.mark.parametrize(
    ("n", "of", "inside", "by_accident", "caught"),
    [
        (0, 1000, 0.0, 0.0, False),
        (1, 1000, 0.0, 0.0, False),
        (5, 1000, 0.0, 0.0, True),
        (5, 1000, 0.006, 0.0, False),
        (50, 1000, 0.3, 0.0, True),
        (50, 1000, 0.3, 40.0, False),
        (900, 1000, 0.3, 40.0, True),
    ],
)
def test_how_many_copies_are_too_many(n: int, of: int, inside: float, by_accident: float, caught: bool) -> None:
    assert overlap.is_copied(Copies("val", n, of, inside, by_accident, [])) is caught


@pytest.mark.parametrize(
    ("n", "inside", "by_accident", "caught"),
    [
        (2, 0.0, 0.0, False),
        (40, 0.0, 0.0, True),
        (40, 0.03, 0.0, False),
        (300, 0.3, 0.0, True),
        (300, 0.3, 0.002, False),
    ],
)
def test_how_many_twins_are_too_many(n: int, inside: float, by_accident: float, caught: bool) -> None:
    assert overlap.is_leaked(Twins("val", n, 1000, inside, by_accident, [])) is caught


def test_a_manifest_of_an_older_core_says_what_is_not_run() -> None:
    old = Facts(None, None, 0, NearDuplicates(0, "pixel", 0.05))
    verdicts = {check.code: check.verdict for check in overlap.overlaps(SimpleNamespace(facts=old))}  # type: ignore[arg-type]
    assert verdicts == {
        "split-overlap": "not run",
        "near-duplicates": "not run",
        "entity-overlap": "not applicable",
        "time-order": "not applicable",
    }


def test_declared_entities_and_times_are_held_to() -> None:
    people = [f"person-{row // 5}" for row in range(442)]
    assert failing(patients(entities=people, times=np.arange(442)[::-1]), VALUE) == {"entity-overlap", "time-order"}
    assert failing(patients(entities=[f"p{row}" for row in range(442)], times=np.arange(442)), VALUE) == set()


SECONDS = 1.4e9 + 86400.0 * np.arange(442)
DAYS = np.array([20140101 + 100 * (row // 28 % 12) + row % 28 for row in range(442)])


@pytest.mark.parametrize(
    ("column", "noted"),
    [
        (SECONDS[::-1], True),
        (SECONDS[::-1] * 1000, True),
        (DAYS, True),
        (DAYS // 100 + 100 * (np.arange(442) % 9), True),
        (SECONDS, False),  # in order, as they were divided
        (np.arange(442) + 20140000.0, False),  # no days
        (1e9 * np.random.default_rng(0).random(442), False),
    ],
)
def test_moments_that_nobody_declared_are_told_and_fail_nothing(column: Any, noted: bool) -> None:
    table = with_column(column)
    manifest, _, _ = opened(table, VALUE, [])
    (check,) = (each for each in overlap.overlaps(manifest) if each.code == "time-order")
    assert (check.verdict, "column 10 holds moments" in check.evidence) == ("not applicable", noted)
    table.times = np.arange(442)
    assert "NOTE" not in list(overlap.overlaps(opened(table, VALUE, [])[0]))[-1].evidence


# Labels -------------------------------------------------------------------------------------------------------------


def relabelled(rows: slice, how: Any) -> Table:
    labels = DIGITS.target.astype(np.int64).copy()
    labels[rows] = how(labels[rows])
    return digits(targets=labels)


def shifted(y: Any) -> Any:
    return (y + 1) % 10


def shuffled(y: Any) -> Any:
    return np.random.default_rng(0).permutation(y)


def a_fifth(y: Any) -> Any:
    rng = np.random.default_rng(0)
    return np.where(rng.random(len(y)) < 0.2, rng.integers(0, 10, len(y)), y)


@pytest.mark.parametrize(
    ("rows", "how", "names"),
    [
        (slice(0, 1078), shifted, {"labels-aligned"}),
        (slice(1078, 1437), shuffled, {"labels-aligned"}),
        (slice(0, 1078), a_fifth, {"labels-clean"}),
        (slice(None), shifted, set()),  # wrong everywhere alike: nobody can know
        (slice(None), shuffled, set()),  # nothing to tell labels by; the score will say so
        (slice(None), a_fifth, set()),
    ],
)
def test_labels_that_mean_something_else_in_one_split(rows: slice, how: Any, names: set[str]) -> None:
    assert failing(relabelled(rows, how)) == names


@pytest.mark.parametrize("off", [1, -1, 2])
def test_values_that_stand_beside_the_wrong_rows(off: int) -> None:
    y = PATIENTS.target.astype(np.float32)
    assert failing(patients(targets=np.roll(y, off)), VALUE) == {"labels-aligned"}


def test_rows_that_come_in_an_order_may_follow_from_the_rows_before() -> None:
    noise = np.random.default_rng(0).normal(size=600).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(noise, 7)  # nobody can tell what follows; the row before is it
    assert misplaced.by(windows[:, :6], windows[:, 6]) is None
    assert misplaced.by(PATIENTS.data, PATIENTS.target) is None
    assert misplaced.by(DIGITS.data, DIGITS.target) is None
    assert misplaced.by(np.column_stack([noise[:-1], noise[:-1] ** 2]), noise[1:]) is None
    assert misplaced.by(np.column_stack([noise[:-2], noise[:-2] ** 2]), noise[2:]) is None
    order = np.argsort(PATIENTS.target)
    assert misplaced.by(PATIENTS.data[order], np.roll(PATIENTS.target[order], 1)) is None


def test_a_few_doubtful_labels_are_named_and_fail_nothing() -> None:
    drawn = np.random.default_rng(0).permutation(1078)[:54]
    labels = DIGITS.target.astype(np.int64).copy()
    labels[drawn] = (labels[drawn] + 3) % 10
    manifest, train, val = opened(digits(targets=labels), TEN, [])
    (check,) = (c for c in labels_of(looking.look(train, val), manifest, TEN) if c.code == "labels-clean")
    (note,) = gate.notes([check])
    assert check.verdict == "pass"
    assert note.startswith("labels-clean: look at some of them: row-")


def test_two_classes_that_changed_names_in_val() -> None:
    names = np.arange(10)
    names[[3, 8]] = names[[8, 3]]
    assert failing(relabelled(slice(1078, 1437), lambda y: names[y])) == {"labels-aligned"}


@pytest.mark.parametrize(
    "how", [lambda x: x.transpose(0, 1, 3, 2), lambda x: x[..., ::-1], lambda x: np.rot90(x, 1, (2, 3))]
)
def test_images_of_val_that_were_turned(how: Any) -> None:
    images = (DIGITS.images[:, None] / 16).astype(np.float32)
    images[1078:1437] = how(images[1078:1437].copy())
    assert "inputs-alike" in failing(digits(inputs=images))


def test_classes_that_train_lacks() -> None:
    labels = np.where(np.arange(1797) < 1078, DIGITS.target % 5, DIGITS.target).astype(np.int64)
    assert "labels-covered" in failing(digits(targets=labels))
    rare = DIGITS.target.astype(np.int64) % 9
    rare[-3:] = 9
    assert "labels-covered" not in failing(digits(targets=rare))


# Columns ------------------------------------------------------------------------------------------------------------


def with_column(column: Any, **changes: Any) -> Table:
    x = np.column_stack([PATIENTS.data, column]).astype(np.float32)
    return patients(inputs=x, **changes)


def test_a_column_that_is_the_label() -> None:
    rng = np.random.default_rng(0)
    assert failing(with_column(PATIENTS.target + rng.normal(0, 5, 442)), VALUE) == {"feature-leaks-the-label"}
    strong = PATIENTS.target + rng.normal(0, 40, 442)
    assert failing(with_column(strong), VALUE) == set()
    names = {f"c{number}": True for number in range(11)}
    assert failing(with_column(PATIENTS.target + rng.normal(0, 5, 442), features=names), VALUE) == set()
    assert failing(with_column(strong, features=names | {"c10": False}), VALUE) == {"feature-leaks-the-label"}


def test_a_class_among_the_columns() -> None:
    bunch = datasets.load_wine()
    order = np.random.default_rng(1).permutation(178)
    x, y = bunch.data[order][:, [0, 2, 3]], bunch.target[order].astype(np.int64)
    three = Task(kind="classification", classes=3, primary="accuracy")
    leaking = np.column_stack([x, y + np.random.default_rng(0).normal(0, 0.05, 178)]).astype(np.float32)
    assert failing(Table(178, inputs=leaking, targets=y), three) == {"feature-leaks-the-label"}
    assert failing(Table(178, inputs=x.astype(np.float32), targets=y), three) == set()


def test_a_label_under_other_names_among_strong_columns() -> None:
    bunch = datasets.load_wine()
    order = np.random.default_rng(1).permutation(178)
    x, y = bunch.data[order], bunch.target[order].astype(np.int64)
    three = Task(kind="classification", classes=3, primary="accuracy")
    renamed = np.column_stack([x, np.array([7, -2, 3])[y]]).astype(np.float32)
    assert failing(Table(178, inputs=renamed, targets=y), three) == {"feature-leaks-the-label"}
    mostly = np.column_stack([x, np.where(np.arange(178) % 9, np.array([7, -2, 3])[y], 3)]).astype(np.float32)
    assert failing(Table(178, inputs=mostly, targets=y), three) == set()


@pytest.mark.parametrize("size", [1, 2])
def test_a_label_that_is_painted_into_a_corner(size: int) -> None:
    images = (DIGITS.images[:, None] / 16).astype(np.float32)
    named = np.random.default_rng(0).permutation(10)[DIGITS.target] / np.float32(9)
    images[:, 0, :size, :size] = named[:, None, None]
    assert failing(digits(inputs=images)) == {"feature-leaks-the-label"}


def test_bright_and_dark_images_are_told_apart_by_every_pixel() -> None:
    images = np.random.default_rng(0).random((500, 1, 8, 8)).astype(np.float32) * np.float32(0.4)
    y = np.arange(500) % 2
    images[y == 1] += np.float32(0.5)
    two = Task(kind="classification", classes=2, primary="accuracy")
    assert failing(Table(500, inputs=images, targets=y), two) == set()


@pytest.mark.parametrize(("by", "caught"), [("class", True), ("all", False), ("group", False)])
@pytest.mark.parametrize("flat", [True, False])
def test_gaps_that_are_filled_with_the_mean_of_the_class(by: str, caught: bool, flat: bool) -> None:
    draws, images = np.random.default_rng(0), (DIGITS.images[:, None] / 16).astype(np.float32)
    groups = {"class": DIGITS.target, "all": 0 * DIGITS.target, "group": np.arange(1797) % 10}[by]
    means = np.stack([images[groups == group].mean(0) for group in np.unique(groups)])
    images = np.where(draws.random(images.shape) < 0.1, means[groups], images)
    images = images.reshape(1797, 64) if flat else images
    assert failing(digits(inputs=images)) == ({"feature-leaks-the-label"} if caught else set())


def test_equal_samples_with_unlike_labels() -> None:
    images = (DIGITS.images[:, None] / 16).astype(np.float32)
    images[1:200:2] = images[0:200:2]
    assert "labels-contradict" in failing(digits(inputs=images))
    images = (DIGITS.images[:, None] / 16).astype(np.float32)
    images[1:9:2] = images[0:9:2][:4]  # four slips of a hand
    assert failing(digits(inputs=images)) == set()


def test_a_mean_of_all_rows_is_told_where_the_code_takes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    images = (DIGITS.images[:, None] / 16).astype(np.float32)
    table = digits(inputs=images - images.mean(0))
    assert failing(table) == set()  # the files may have come so
    monkeypatch.setattr(centring, "reduces", lambda experiment: "src/lab/digits.py:7: np.average(images, 0)")
    assert failing(table) == {"statistics-of-all"}
    assert failing(digits()) == set()


def test_a_number_that_names_whom_rows_belong_to() -> None:
    halves = np.concatenate([DIGITS.images[:, ::2], DIGITS.images[:, 1::2]]).reshape(-1, 32)
    who, y = np.tile(np.random.default_rng(0).permutation(1797), 2), np.tile(DIGITS.target, 2).astype(np.int64)
    order = np.random.default_rng(1).permutation(len(y))
    rows = np.column_stack([halves, who])[order].astype(np.float32)
    assert failing(Table(len(y), inputs=rows, targets=y[order])) == {"entities-undeclared"}
    assert failing(Table(len(y), inputs=rows[:, :32], targets=y[order])) == set()
    people = [str(each) for each in who[order]]
    assert "entity-overlap" in failing(Table(len(y), inputs=rows, targets=y[order], entities=people))
    kinds = np.column_stack([halves, np.tile(DIGITS.images.sum((1, 2)) // 8, 2)])[order].astype(np.float32)
    assert failing(Table(len(y), inputs=kinds, targets=y[order])) == set()  # a quantity that repeats


# Inputs -------------------------------------------------------------------------------------------------------------


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


# What draws ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "renamed"),
    [
        (lambda y: (y + 1) % 10, True),
        (lambda y: y, False),
        (lambda y: y[::-1], False),
        (lambda y: y * 0.9, False),
        (lambda y: np.eye(10)[y], False),
    ],
)
def test_only_one_rule_for_every_label_is_a_renaming(after: Any, renamed: bool) -> None:
    y = DIGITS.target[:256].astype(np.int64)
    assert bool(augmenting.renaming(y, after(y))) is renamed


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
