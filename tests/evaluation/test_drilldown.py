"""Drill-down folders: every group in the index, worst first, and nothing a group is called can leave the folder."""

import json
from pathlib import Path

import numpy as np
import pytest
from folders import table

from receipts.config.schema import Task
from receipts.evaluation import drilldown
from receipts.evaluation.grouping import PARTS, folder_names, grouped
from receipts.evaluation.metrics import evaluate
from receipts.evaluation.predictions import Predictions, from_outputs

CLASSES = Task(kind="classification", classes=2, primary="accuracy")
VALUES = Task(kind="regression", primary="rmse")


def answers(right: list[bool], groups: list[str] | None = None, entities: list[str] | None = None) -> Predictions:
    """True classes 0, 1, 0, …, each given with 0.9 where right and 0.1 where wrong."""
    truth = np.arange(len(right)) % 2
    stated = np.full((len(right), 2), 0.1)
    stated[np.arange(len(right)), np.where(right, truth, 1 - truth)] = 0.9
    return from_outputs(stated, [f"s{row}" for row in range(len(right))], CLASSES, truth, entities, groups)


def chosen(predictions: Predictions, group: str) -> Predictions:
    """The samples of one group, as predictions of their own."""
    rows = [row for row, name in enumerate(predictions.groups or []) if name == group]
    assert predictions.targets is not None
    return from_outputs(
        predictions.stated[rows], [predictions.ids[row] for row in rows], CLASSES, predictions.targets[rows]
    )


def values(apart: list[float], groups: list[str] | None = None) -> Predictions:
    """Targets 0, 1, 2, … and values that are off by so much."""
    truth = np.arange(len(apart), dtype=np.float64)
    return from_outputs(truth + np.array(apart), [f"s{row}" for row in range(len(apart))], VALUES, truth, None, groups)


def test_groups_stand_worst_first_and_the_larger_of_two_equal_ones_above(tmp_path: Path) -> None:
    groups = ["fine", "fine", "small", "large", "large"]
    drilldown.write(tmp_path, "val", answers([True, True, False, False, False], groups), CLASSES)
    rows = table(tmp_path / "groups" / "_index.csv")
    assert [(row["group"], row["n"], float(row["accuracy"])) for row in rows] == [
        ("large", "2", 0),
        ("small", "1", 0),
        ("fine", "2", 1),
    ]
    assert [float(row["share_of_loss"]) for row in rows] == pytest.approx([2 / 3, 1 / 3, 0], abs=1e-6)
    assert {row["by"] for row in rows} == {"the dataset's groups"}


def test_a_group_has_the_harness_s_own_numbers_over_its_samples(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    predictions = answers((rng.random(60) < 0.7).tolist(), [f"g{row % 3}" for row in range(60)])
    drilldown.write(tmp_path, "test", predictions, CLASSES)
    for row in table(tmp_path / "groups" / "_index.csv"):
        folder = tmp_path / "groups" / row["folder"]
        mine = chosen(predictions, row["group"])
        expected = {name: metric.value for name, metric in evaluate(mine, CLASSES, second=False).items()}
        assert json.loads((folder / "metrics.json").read_text())["metrics"] == expected
        assert float(row["nll"]) == pytest.approx(expected["nll"], rel=1e-5)
        listed = table(folder / "predictions.csv")
        assert sorted(each["sample_id"] for each in listed) == sorted(mine.ids)
        errors = [float(each["error"]) for each in listed]
        assert errors == sorted(errors, reverse=True)


def test_splits_are_kept_apart_and_the_test_split_comes_first(tmp_path: Path) -> None:
    drilldown.write(tmp_path, "val", answers([True, False], ["a", "b"]), CLASSES)
    drilldown.write(tmp_path, "test", answers([False, True], ["a", "b"]), CLASSES)
    drilldown.write(tmp_path, "val", answers([True, True], ["a", "b"]), CLASSES)  # once more, with other numbers
    rows = table(tmp_path / "groups" / "_index.csv")
    assert [(row["split"], row["group"], row["accuracy"]) for row in rows] == [
        *(("test", "a", "0"), ("test", "b", "1")),
        *(("val", "a", "1"), ("val", "b", "1")),
    ]
    assert sorted(path.name for path in (tmp_path / "groups").iterdir()) == ["README.md", "_index.csv", "test", "val"]


def test_entities_are_listed_for_the_split_and_for_each_group(tmp_path: Path) -> None:
    predictions = answers([True, False, False, True], ["a", "a", "b", "b"], ["ann", "bob", "bob", "cyd"])
    drilldown.write(tmp_path, "val", predictions, CLASSES)
    top = tmp_path / "groups" / "val"
    assert [(row["entity_id"], row["n"]) for row in table(top / "per_entity.csv")] == [
        *(("bob", "2"), ("ann", "1"), ("cyd", "1")),
    ]
    assert [row["entity_id"] for row in table(top / "b" / "per_entity.csv")] == ["bob", "cyd"]


def test_without_groups_classes_are_groups_and_values_are_cut_by_quantiles() -> None:
    by_class = grouped(answers([True, False, True]), CLASSES)
    assert (by_class.names, by_class.codes.tolist()) == (["class 0", "class 1"], [0, 1, 0])
    by_value = grouped(values([0.0] * 100), VALUES)
    assert np.bincount(by_value.codes).tolist() == [20] * PARTS
    assert by_value.names[0] == "part 1 of 5, target 0 to 19"
    assert "no groups" in by_class.by
    assert "quantiles of the target" in by_value.by


def test_values_that_repeat_make_fewer_groups_and_no_empty_one() -> None:
    truth = np.array([1.0] * 9 + [5.0])
    found = grouped(from_outputs(truth, [f"s{row}" for row in range(10)], VALUES, truth), VALUES)
    assert np.bincount(found.codes).tolist() == [9, 1]
    assert found.names == ["part 1 of 2, target 1 to 1", "part 2 of 2, target 5 to 5"]


def test_a_root_mean_square_is_rooted_after_the_mean(tmp_path: Path) -> None:
    drilldown.write(tmp_path, "val", values([3.0, 4.0, 0.0], ["a", "a", "b"]), VALUES)
    first, second = table(tmp_path / "groups" / "_index.csv")
    assert (first["group"], float(first["rmse"]), float(first["mae"])) == ("a", pytest.approx(12.5**0.5, rel=1e-5), 3.5)
    assert (second["rmse"], float(second["share_of_loss"])) == ("0", 0)


def test_folder_names_stay_inside_and_never_meet() -> None:
    nasty = [
        "../x",
        "..",
        "",
        "/etc/passwd",
        "<script>",
        "a b",
        "a-b",
        "A b",
        "con",
        "_index.csv",
        "ä",
        "x" * 300,
        "a\0b",
    ]
    found = folder_names(nasty)
    assert len({name.lower() for name in found}) == len(nasty)
    assert all(name and name[0] not in "._" and len(name) < 80 and name.isascii() for name in found)
    assert not any(sign in name for name in found for sign in "/\\<>\0 ")
    assert found[5] == "a-b"
    assert folder_names(nasty) == found
    both = [found[0], nasty[0]]  # one is called what the other was made into
    assert len(set(folder_names(both))) == 2


def test_hostile_group_names_are_written_where_they_belong(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    groups = ["../../escaped", "<script>alert(1)</script>", "_index.csv", "per_entity.csv"]
    drilldown.write(folder, "val", answers([True, False, True, False], groups, ["e"] * 4), CLASSES)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    rows = table(folder / "groups" / "_index.csv")
    assert sorted(row["group"] for row in rows) == sorted(groups)
    assert all((folder / "groups" / row["folder"] / "metrics.json").is_file() for row in rows)


def test_of_many_groups_all_are_listed_and_only_the_worst_have_folders(tmp_path: Path) -> None:
    many = 3 * drilldown.FOLDERS
    predictions = answers([row >= 7 for row in range(many)], [f"g{row:04d}" for row in range(many)])
    drilldown.write(tmp_path, "val", predictions, CLASSES)
    rows = table(tmp_path / "groups" / "_index.csv")
    assert len(rows) == many
    assert [row["group"] for row in rows[:7]] == [f"g{row:04d}" for row in range(7)]
    assert [bool(row["folder"]) for row in rows] == [True] * drilldown.FOLDERS + [False] * (many - drilldown.FOLDERS)
    made = [path for path in (tmp_path / "groups" / "val").iterdir() if path.is_dir()]
    assert len(made) == drilldown.FOLDERS
    assert f"The worst {drilldown.FOLDERS} groups" in (tmp_path / "groups" / "README.md").read_text()


def test_outliers_are_confident_mistakes_or_residuals_far_from_the_others(tmp_path: Path) -> None:
    drilldown.write(tmp_path, "a", answers([True, False, True]), CLASSES)
    assert [row["sample_id"] for row in table(tmp_path / "diagnostics" / "a" / "outliers.csv")] == ["s1"]
    off = [0.1, -0.1, 0.2, -0.2, 0.0, 0.1, -0.1, 50.0]
    drilldown.write(tmp_path, "b", values(off), VALUES)
    (found,) = table(tmp_path / "diagnostics" / "b" / "outliers.csv")
    assert (found["sample_id"], float(found["residual"])) == ("s7", 50)


def test_nothing_is_an_outlier_where_all_residuals_are_equal(tmp_path: Path) -> None:
    drilldown.write(tmp_path, "val", values([2.0] * 10), VALUES)
    assert table(tmp_path / "diagnostics" / "val" / "outliers.csv") == []


def test_actual_against_predicted_starts_with_what_is_confused_most(tmp_path: Path) -> None:
    drilldown.write(tmp_path, "a", answers([False, True, False, False, True, True]), CLASSES)
    rows = table(tmp_path / "diagnostics" / "a" / "actual_predicted.csv")
    assert [(row["actual"], row["predicted"], row["n"]) for row in rows] == [
        *(("0", "1", "2"), ("1", "0", "1"), ("1", "1", "2"), ("0", "0", "1")),
    ]
    assert float(rows[0]["share_of_actual"]) == pytest.approx(2 / 3, abs=1e-6)
    drilldown.write(tmp_path, "b", values([1.0] * 40), VALUES)
    bins = table(tmp_path / "diagnostics" / "b" / "actual_predicted.csv")
    assert [(float(row["bias"]), row["n"]) for row in bins] == [(1, "2")] * 20


def test_value_ranges_tell_what_is_constant_and_what_came_with_the_predictions(tmp_path: Path) -> None:
    outputs = {"value": np.full(4, 2.0), "spread": np.array([0.0, 1.0, 2.0, 3.0])}
    predictions = from_outputs(outputs, list("abcd"), VALUES, np.arange(4.0))
    drilldown.write(tmp_path, "val", predictions, VALUES)
    rows = {row["what"]: row for row in table(tmp_path / "diagnostics" / "val" / "value_ranges.csv")}
    assert list(rows) == ["target", "prediction", "metadata spread"]
    assert (rows["prediction"]["constant"], rows["target"]["constant"]) == ("True", "False")
    assert (rows["metadata spread"]["min"], rows["metadata spread"]["max"]) == ("0", "3")


def test_arrays_are_grouped_and_listed_by_their_means(tmp_path: Path) -> None:
    truth = np.arange(40, dtype=np.float32).reshape(10, 2, 2)
    predictions = from_outputs(truth + 1, [f"s{row}" for row in range(10)], VALUES, truth)
    drilldown.write(tmp_path, "val", predictions, VALUES)
    rows = table(tmp_path / "groups" / "_index.csv")
    assert len(rows) == PARTS
    assert all(float(row["rmse"]) == 1 for row in rows)
    assert "mean of the target" in rows[0]["by"]
