"""The split rules: what each of them promises of every dataset, and what it refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folders import commit, record
from hypothesis import given, settings
from hypothesis import strategies as st
from launching import Ended
from tables import SHARES, Table

from receipts.config import division
from receipts.config.schema import Split
from receipts.data import rules
from receipts.refusal import Refusal

DRAWN = {"seed": 3}
FIVE = {"train": 0.6, "val": 0.2, "test": 0.2}


def split(rule: str, shares: dict[str, float] | None = None, **keys: Any) -> Split:
    return Split(rule, dict(shares or SHARES), **keys)


def people(n: int, seed: int) -> list[str]:
    """Entities of one to seven rows, scattered over the file."""
    rng = np.random.default_rng(seed)
    members = np.repeat(np.arange(n), rng.integers(1, 8, n))
    return [f"person-{member}" for member in rng.permutation(members)]


def test_every_rule_that_may_be_stated_has_its_function() -> None:
    assert set(rules.RULES) == set(division.RULES) - {"datamodule"}


@pytest.mark.parametrize("rule", sorted(set(rules.RULES) - {"official", "folds"}))
@given(n=st.integers(150, 400), seed=st.integers(0, 10**6), part=st.integers(2, 6))
@settings(max_examples=20, deadline=None)
def test_a_division_covers_every_row_once_in_the_declared_shares(rule: str, n: int, seed: int, part: int) -> None:
    rng = np.random.default_rng(seed)
    entities = people(n, seed)
    table = Table(len(entities), entities=entities, times=rng.integers(0, 1000, len(entities)))
    table.targets = rng.integers(0, 4, len(entities))
    shares = {"train": part / 10, "val": (10 - part) / 20, "test": (10 - part) / 20}
    asked = split(rule, shares, seed=seed if "seed" in division.RULES[rule].needed else None)
    found = rules.divide(table, asked)
    assert sorted(np.concatenate(list(found.values()))) == list(range(len(entities)))
    assert all(np.all(np.diff(rows) > 0) for rows in found.values())
    again = rules.divide(table, asked)
    assert all(np.array_equal(found[name], again[name]) for name in SHARES)


def test_no_entity_stands_on_two_sides() -> None:
    table = Table(0, entities=people(200, 0))
    table.ids, table.targets = list(map(str, range(len(table.entities)))), np.zeros(len(table.entities))
    for asked in (split("entity", **DRAWN), split("folds", FIVE, folds=5, fold=2, **DRAWN)):
        found = rules.divide(table, asked)
        sides = [{table.entities[row] for row in rows} for rows in found.values()]
        assert sum(map(len, sides)) == len(set(table.entities))


def test_another_seed_is_another_division() -> None:
    table = Table(300, entities=people(300, 1)[:300])
    for rule in ("entity", "stratified"):
        one, two = (rules.divide(table, split(rule, seed=seed))["test"].tolist() for seed in (0, 1))
        assert one != two


def test_time_goes_forward_and_moments_are_not_cut() -> None:
    times = np.repeat(np.arange(10), [1, 9, 3, 2, 5, 6, 4, 7, 2, 1])
    table = Table(40, times=np.random.default_rng(0).permutation(times))
    found = rules.divide(table, split("time"))
    train, val, test = (table.times[found[name]] for name in SHARES)
    assert train.max() < val.min()
    assert val.max() < test.min()


def test_classes_keep_their_shares() -> None:
    table = Table(1000, targets=np.array([0] * 900 + [1] * 100))
    found = rules.divide(table, split("stratified", **DRAWN))
    assert {name: int(table.targets[rows].sum()) for name, rows in found.items()} == {
        "train": 60,
        "val": 20,
        "test": 20,
    }


def test_the_official_test_stays_and_val_comes_out_of_train() -> None:
    table = Table(100, official={"train": range(80), "test": range(80, 100)})
    found = rules.divide(table, split("official"))
    assert (found["val"].tolist(), found["test"].tolist()) == (list(range(60, 80)), list(range(80, 100)))
    drawn = rules.divide(table, split("official", **DRAWN))
    assert drawn["test"].tolist() == list(range(80, 100))
    assert sorted([*drawn["train"], *drawn["val"]]) == list(range(80))
    assert drawn["val"].tolist() != found["val"].tolist()
    given_val = Table(100, official={"train": range(60), "val": range(60, 80), "test": range(80, 100)})
    assert rules.divide(given_val, split("official"))["val"].tolist() == list(range(60, 80))


@pytest.mark.parametrize("entities", [False, True])
def test_folds_are_each_test_once_and_choose_among_their_own(entities: bool) -> None:
    table = Table(200)
    if entities:
        table.entities = [f"person-{row % 50}" for row in range(200)]
    found = [rules.divide(table, split("folds", FIVE, folds=5, fold=fold, **DRAWN)) for fold in range(5)]
    assert sorted(np.concatenate([fold["test"] for fold in found])) == list(range(200))
    for fold in found:
        assert sorted(np.concatenate(list(fold.values()))) == list(range(200))
        assert abs(len(fold["val"]) - 40) <= 4


def test_folds_without_a_seed_are_blocks_of_neighbours() -> None:
    found = [rules.divide(Table(100), split("folds", FIVE, folds=5, fold=fold)) for fold in range(5)]
    assert [part["test"].tolist() for part in found] == [list(range(n, n + 20)) for n in range(0, 100, 20)]
    assert found[4]["val"].tolist() == list(range(60, 80))
    assert found[0]["val"].tolist() == list(range(80, 100))


@pytest.mark.parametrize("folds", [2, 3, 5, 10])
def test_a_split_as_a_cross_validation_keeps_train_and_val_in_proportion(folds: int) -> None:
    asked = division.folded(split("contiguous"), folds, 1)
    assert (asked.rule, asked.seed, asked.folds, asked.fold) == ("folds", None, folds, 1)
    assert asked.shares["test"] == pytest.approx(1 / folds, abs=1e-6)
    assert asked.shares["train"] / asked.shares["val"] == pytest.approx(SHARES["train"] / SHARES["val"], rel=1e-4)
    found = [rules.divide(Table(211), division.folded(split("contiguous"), folds, fold)) for fold in range(folds)]
    assert sorted(np.concatenate([part["test"] for part in found])) == list(range(211))
    assert division.folded(split("stratified", **DRAWN), folds).seed == 3
    assert division.folded(split("official"), folds).seed == 0


@pytest.mark.parametrize("rule", ["time", "datamodule"])
def test_what_has_no_folds(rule: str) -> None:
    with pytest.raises(Refusal, match=f"the rule {rule} has no folds"):
        division.folded(split(rule), 5)


@pytest.mark.parametrize("entities", [False, True])
def test_a_part_of_the_train_rows_is_the_same_for_everyone_and_lies_in_a_larger_part(entities: bool) -> None:
    table, rows = Table(1000), np.arange(600)
    if entities:
        table.entities = [f"person-{row // 4}" for row in range(1000)]
    found = {fraction: rules.part(table, rows, fraction) for fraction in (0.1, 0.5, 0.9)}
    for fraction, kept in found.items():
        assert len(kept) == pytest.approx(600 * fraction, abs=4)
        assert np.all(np.diff(kept) > 0)
        np.testing.assert_array_equal(kept, rules.part(table, rows, fraction))
    assert set(found[0.1]) < set(found[0.5]) < set(found[0.9]) < set(rows)
    if entities:
        kept = {table.entities[row] for row in found[0.1]}
        assert sum(table.entities[row] in kept for row in rows) == len(found[0.1]), "a person was cut in two"
    else:
        counts = np.bincount(np.asarray(table.targets)[found[0.1]])
        assert max(counts) - min(counts) <= 1


def test_a_part_without_rows_is_refused() -> None:
    with pytest.raises(Refusal, match=r"fit\.train_fraction 0\.001 of 12 train rows is none"):
        rules.part(Table(20), np.arange(12), 0.001)


@pytest.mark.parametrize(
    ("asked", "changes", "what"),
    [
        (split("entity", **DRAWN), {}, "the rule entity needs entities, and the dataset has none"),
        (split("time"), {}, "the rule time needs times, and the dataset has none"),
        (split("official"), {}, "the rule official needs official, and the dataset has none"),
        (split("official"), {"official": {"train": range(80)}}, "the official division has no test"),
        (split("official"), {"official": {"train": range(85), "test": range(80, 100)}}, "share 5 rows"),
        (split("official"), {"official": {"train": range(50), "test": range(50, 100)}}, "the train split has 38 rows"),
        (split("stratified", **DRAWN), {"targets": np.linspace(0, 1, 100)}, "the rule stratified needs classes"),
        (split("entity", **DRAWN), {"entities": ["me"] * 100}, "split is empty"),
        (split("time"), {"times": [0] * 100}, "split is empty"),
        (split("folds", SHARES | {"test": 0.1}, folds=5, fold=0, **DRAWN), {}, "the test split has 21 rows"),
        (split("entity"), {}, "the split does not state seed"),
        (split("contiguous", **DRAWN), {}, "split.seed means nothing to the rule contiguous"),
        (split("folds", folds=5, fold=5, **DRAWN), {}, "split.fold is 5 of 5"),
        (split("contigous"), {}, "did you mean contiguous?"),
        (split("contiguous", {"train": 0.9, "val": 0.1}), {}, "split.shares are"),
    ],
)
def test_what_a_rule_cannot_divide_is_refused(asked: Split, changes: dict[str, Any], what: str) -> None:
    with pytest.raises(Refusal) as refused:
        rules.divide(Table(100, **changes), asked)
    assert what in str(refused.value)


# Journeys -----------------------------------------------------------------------------------------------------------


def state(folder: Path, text: str) -> None:
    """Give the digits another split, in force of a commit."""
    path = folder / "conf/data/digits.yaml"
    path.write_text("\n".join(text if line.startswith("split:") else line for line in path.read_text().splitlines()))
    commit(folder)


def test_each_fold_has_a_manifest_and_runs_of_its_own(project: Path, run: Callable[..., Ended]) -> None:
    state(project, "split: {rule: folds, shares: {train: 0.5, val: 0.25, test: 0.25}, folds: 4, fold: 0, seed: 1}")
    done = run("receipts", "split", "digits")
    assert (done.code, done.err) == (0, "")
    assert [f"splits/digits-fold{fold}.json: " in done.out for fold in range(4)] == [True] * 4
    commit(project)
    for fold in (0, 2):
        assert run("train.py", "conf=linear", f"split.fold={fold}").code == 0
        assert record(project)["data"]["manifest"] == f"splits/digits-fold{fold}.json"
        scored = run("eval.py", "run_id=latest")
        assert (scored.code, scored.err) == (0, "")
    assert record(project, 0)["identity"]["id"] != record(project, 1)["identity"]["id"]
    assert run("train.py", "conf=linear", "split.fold=4").code == 3


def test_whole_entities_are_divided_where_no_rule_is_stated(project: Path, run: Callable[..., Ended]) -> None:
    state(project, "split: {shares: {train: 0.6, val: 0.2, test: 0.2}, seed: 1}")
    refused = run("receipts", "split", "digits")
    assert refused.code == 3
    assert "the rule entity needs entities, and the dataset has none" in refused.err
    lab = project / "src/lab/data.py"
    lab.write_text(
        lab.read_text().replace(
            "        self.inputs = table",
            "        self.entities = [str(row // 40) for row in range(len(table))]\n        self.inputs = table",
            1,
        )
    )
    commit(project)
    assert run("receipts", "split", "digits").code == 0
    commit(project)
    assert run("train.py", "conf=linear").code == 0
    assert '"entities": 0' in (project / "splits/digits.json").read_text()
