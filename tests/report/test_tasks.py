"""Methods over several tasks: one score by seed, what counts as 0 and 1, and what is refused."""

import json
import shutil
from pathlib import Path

import folders
import numpy as np
import pytest
from launching import launch
from recorded import asked, keep, ran, reported, seeds
from scipy import stats

from receipts.config.questions import Gauntlet, Reporting
from receipts.gauntlet import subjects
from receipts.refusal import Refusal
from receipts.report import families, figures, output, tables
from receipts.report.model import Report, Row, Table
from receipts.report.page import facts
from receipts.runs.record import Failure

ROOT = Path(__file__).parents[2]
HEAD = "tables:\n  over:\n    methods: [floor, linear, network]\n    against: linear\n"
TWO = HEAD + "    tasks:\n      digits: [floor, linear, net]\n      fashion: [other_floor, other_linear, other_net]\n"


def task(data: str, floor: str, linear: str, net: str, count: int = 5, skill: float = 0.9) -> None:
    """One task: a floor and a linear method without randomness, and a network."""
    facts = {"data": data, "split": f"{data}-split"}
    for conf in (floor, linear, net):
        Path(f"conf/{conf}.yaml").write_text("purpose: A test.\n")
    ran(floor, skill=0.3, deterministic=True, rung="floor", **facts)  # type: ignore[arg-type]
    ran(linear, skill=0.7, second=1, deterministic=True, **facts)  # type: ignore[arg-type]
    seeds(net, skill, count, second=10, **facts)


def two(text: str = TWO, count: int = 5) -> None:
    """Two tasks with all their runs."""
    asked(text)
    task("da7a", "floor", "linear", "net")
    task("0ther", "other_floor", "other_linear", "other_net", count, 0.8)


def many(count: int) -> Report:
    """A report over so many tasks."""
    lines = [f"      t{at}: [floor{at}, linear{at}, net{at}]\n" for at in range(count)]
    asked(HEAD + "    tasks:\n" + "".join(lines))
    for at in range(count):
        task(f"d{at}", f"floor{at}", f"linear{at}", f"net{at}", skill=0.75 + at / 50)
    return reported()


def table() -> Table:
    (found,) = reported().tables
    return found


def values(row: Row, column: str) -> list[float]:
    return list(row.cells[column].estimate.points.values())


def test_a_score_is_each_seeds_mean_over_tasks_between_the_floor_and_the_best_method(lab: Path) -> None:
    two()
    found = table()
    floor, linear, network = found.rows
    assert [column.metric for column in found.columns] == ["score", "digits", "fashion"]
    scales = []
    for name in ("digits", "fashion"):
        low, top = floor.cells[name].estimate.mean, network.cells[name].estimate.mean
        assert low is not None
        assert top is not None
        scales.append([(value - low) / (top - low) for value in values(network, name)])
    assert values(network, "score") == pytest.approx(np.mean(scales, axis=0))
    assert floor.cells["score"].estimate.mean == 0.0
    assert network.cells["score"].estimate.mean == pytest.approx(1.0)
    assert network.cells["score"].estimate.how == "Student t, 95%"
    assert (linear.deterministic, len(network.runs)) == (True, 10)
    assert "the means of floor and network" in found.caption


def test_the_verdict_is_one_family_of_scores_and_improvement_is_averaged_over_tasks(lab: Path) -> None:
    two()
    found = table()
    linear, network = found.rows[1:]
    first, second = found.comparisons
    assert [(one.row, one.column) for one in found.comparisons] == [("floor", "score"), ("network", "score")]
    expected = stats.ttest_1samp(values(network, "score"), linear.cells["score"].estimate.mean)
    assert second.p == pytest.approx(expected.pvalue)
    assert second.verdict == "better"
    apart = [np.mean([a > values(linear, name)[0] for a in values(network, name)]) for name in ("digits", "fashion")]
    assert second.improvement == pytest.approx(np.mean(apart))
    assert (first.p, first.verdict) == (None, "inconclusive")  # neither has seeds


def test_every_number_points_to_its_runs_the_score_to_those_of_all_tasks(lab: Path) -> None:
    two()
    report = reported()
    score, digits = report.numbers["over.network.score"].receipt, report.numbers["over.network.digits"].receipt
    runs = {entry.run_id for entry in report.ledger if entry.used_in == ("over.network",)}
    assert set(score.runs) == runs == set(score.predictions)
    assert len(digits.runs) == 5
    assert set(digits.runs) < runs
    assert digits.data == "da7a"
    assert score.data == "digits da7a; fashion 0ther"
    assert {number.receipt.name for number in report.numbers.values()} >= {"over.network", "over.network.fashion"}


def test_ends_that_are_declared_need_no_floor_and_keep_the_direction_of_the_metric(lab: Path) -> None:
    two(TWO + "    ends: {digits: [0.25, 1.0], fashion: [0.5, 0.9]}\n    margin: 0.5\n")
    found = table()
    network = found.rows[2]
    by_hand = [
        [(v - 0.25) / 0.75 for v in values(network, "digits")],
        [(v - 0.5) / 0.4 for v in values(network, "fashion")],
    ]
    assert values(network, "score") == pytest.approx(np.mean(by_hand, axis=0))
    assert "zero and one are those declared." in found.caption
    assert "Zero and one: digits 0.25 and 1; fashion 0.5 and 0.9." in found.notes
    assert not any("themselves measured" in note for note in found.notes)
    assert found.comparisons[1].margin == 0.5


def test_seeds_that_one_task_lacks_are_left_out_and_named(lab: Path) -> None:
    two(count=7)
    found = table()
    assert len(values(found.rows[2], "fashion")) == 7
    assert len(values(found.rows[2], "score")) == 5
    assert "network: seed 5–6 of fashion left out of the score, since not every task has them." in found.notes


def test_a_failure_that_was_not_made_up_for_and_an_undefined_metric_forbid_a_verdict(lab: Path) -> None:
    two()
    facts = {"status": "failed", "reportable": False, "failure": Failure("NaN", []), "data": "0ther"}
    ran("other_net", 9, splits=(), second=40, split="0ther-split", **facts)  # type: ignore[arg-type]
    network = table().rows[2]
    assert network.ok == "10/11 ok"
    assert "network has 1 unscored failure" in table().comparisons[1].reason
    run = next(run for run in network.runs if run.conf == "net" and run.seed == 3)
    for score in run.scores:
        del score.metrics["accuracy"]
    keep(run)
    found = table()
    assert "network has 2 unscored failures" in found.comparisons[1].reason
    assert f"network on digits: accuracy is missing or undefined in {run.run_id}" in found.notes
    assert list(found.rows[2].cells["score"].estimate.points) == [0, 1, 2, 4]


def test_methods_that_share_no_seed_over_tasks_have_no_score(lab: Path) -> None:
    asked(TWO)
    task("da7a", "floor", "linear", "net")
    task("0ther", "other_floor", "other_linear", "other_net", 0)
    for seed in (7, 8):
        ran("other_net", seed, second=20 + seed, data="0ther", split="0ther-split")
    found = table()
    assert found.rows[2].cells["score"].numbers == {}
    assert found.comparisons[1].reason == "one of the two has no number"


def test_a_table_waits_for_the_last_of_its_tasks(lab: Path) -> None:
    asked(TWO + "  main: {rows: [net]}\n")
    task("da7a", "floor", "linear", "net")
    for conf in ("other_floor", "other_linear", "other_net"):
        Path(f"conf/{conf}.yaml").write_text("purpose: A test.\n")
    report = reported()
    assert [one.name for one in report.tables] == ["main"]
    assert any("table over is left out: other_floor has no run" in finding for finding in report.findings)


def test_a_task_is_held_like_with_like_and_another_task_may_be_anything(lab: Path) -> None:
    two()
    ran("other_linear", skill=0.7, second=50, deterministic=True, data="third", split="0ther-split")
    with pytest.raises(Refusal) as refused:
        reported()
    assert refused.value.what == "table over.fashion would mix 2 data checksums"


def test_what_was_let_in_names_its_task(lab: Path) -> None:
    two()
    ran("other_linear", skill=0.7, second=50, deterministic=True, data="third", split="0ther-split")
    (found,) = reported(Reporting(allow={"mixed-data": "one file was renamed"})).tables
    assert found.notes[0].startswith("MIXED DATA: one file was renamed")
    assert found.notes[0].endswith("on task fashion")


def test_the_same_data_twice_are_no_two_tasks(lab: Path) -> None:
    two(TWO.replace("[other_floor, other_linear, other_net]", "[floor, linear, net]"))
    with pytest.raises(Refusal, match="one task twice: digits and fashion"):
        reported()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"[floor, linear, net]": "[linear, net]"}, "lists 2 experiments for 3 methods"),
        ({"[floor, linear, net]": "[floor, linear, linear]"}, "names one twice"),
        ({"[floor, linear, net]": "[floor, linear, nett]"}, "there is no such experiment or run; did you mean net"),
        ({"fashion:": "score:"}, "cannot be part of a key"),
        ({"against: linear": "against: net"}, "which is no method of that table"),
        ({"against: linear": "ends: {digit: [0, 1]}"}, "did you mean digits"),
        ({"against: linear": "ends: {digits: [1, 1]}"}, r"ends.digits is \[1, 1\]"),
        ({"against: linear": "ends: {digits: [1, 0]}"}, "would count 1 as 0 and 0 as 1 on digits"),
        ({"against: linear": "margin: 0"}, "margin is 0"),
        ({"against: linear": "columns: [accuracy]"}, "tasks beside rows or columns"),
        ({"      fashion: [other_floor, other_linear, other_net]\n": ""}, "is no table over several tasks"),
        ({"methods: [floor, linear, network]": "rows: [net]"}, "tasks beside rows or columns"),
    ],
)
def test_a_table_over_tasks_that_cannot_be_meant_is_refused(lab: Path, changes: dict[str, str], told: str) -> None:
    text = TWO
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    two(text)
    with pytest.raises(Refusal, match=told):
        reported()


def test_ends_and_margin_belong_to_tasks(lab: Path) -> None:
    asked("tables:\n  main: {rows: [net], margin: 0.1}\n")
    with pytest.raises(Refusal, match="states ends or margin"):
        reported()


def test_without_a_floor_somebody_says_what_counts_as_nothing(lab: Path) -> None:
    two(
        TWO.replace("floor, linear, network", "linear, network").replace("[floor, ", "[").replace("[other_floor, ", "[")
    )
    with pytest.raises(Refusal, match="does not say what counts as 0 on digits"):
        reported()


def test_from_six_tasks_ranks_and_from_ten_the_interquartile_mean_stand_beside(lab: Path) -> None:
    (few,) = many(6).tables
    assert [column.metric for column in few.columns][:2] == ["score", "rank"]
    assert [row.cells["rank"].estimate.mean for row in few.rows] == [3.0, 2.0, 1.0]
    report = many(10)
    (found,) = report.tables
    network = found.rows[2]
    assert [column.metric for column in found.columns][:4] == ["score", "iqm", "rank", "t0"]
    assert found.over is not None
    scores = found.over.scores["network"]
    assert scores.shape == (5, 10)
    middle = network.cells["iqm"].estimate
    assert middle.mean == pytest.approx(stats.trim_mean(scores, 0.25, axis=None))
    assert (middle.low, middle.high) == families.stratified(scores, np.random.default_rng(0))
    means = np.stack([one.mean(axis=0) for one in found.over.scores.values()])
    assert report.numbers["over.friedman"].value == pytest.approx(stats.friedmanchisquare(*means).pvalue)
    assert any(note.startswith("Ranks over 10 tasks, by mean score: Friedman p = ") for note in found.notes)
    assert "over.network.rank.n" not in report.numbers


def test_a_table_over_tasks_is_written_everywhere_and_the_same_again(lab: Path) -> None:
    two(f"figures: []\n{TWO}")
    report = reported()
    output.write(report, lab / "report")
    written = {path: path.read_bytes() for path in (lab / "report").rglob("*") if path.is_file()}
    output.write(reported(), lab / "report")
    assert written == {path: path.read_bytes() for path in (lab / "report").rglob("*") if path.is_file()}
    text = (lab / "report/report.md").read_text()
    assert "| over: network on fashion | `conf/other_net.yaml` |" in text
    assert "Table over: fewer than 10 seeds, the least for a headline, behind network (5)." in text
    assert 'data-key="over.network.fashion"' in (lab / "report/index.html").read_text()
    assert (lab / "report/looks.csv").read_text().count("over.network.score,linear,") == 1
    assert "| in over |" in (lab / "EXPERIMENTS.md").read_text()  # a verdict on the method is none on this experiment
    points = facts.data(report, [], [])["numbers"]["over.network.score"]["points"]
    assert len(points) == 10
    by_seed = report.tables[0].rows[2].cells["score"].estimate.points
    assert np.mean(list(points.values())) == pytest.approx(np.mean(list(by_seed.values())))


def test_a_profile_is_drawn_from_ten_tasks_and_a_page_is_not_wider_than_paper(lab: Path) -> None:
    report = many(10)
    (profile,) = [figure for figure in figures.make(report) if figure.name == "profiles-over"]
    lowest = [row for row in profile.rows if row["threshold"] == min(row["threshold"] for row in profile.rows)]
    assert (lowest[0]["method"], lowest[0]["share"], lowest[0]["low"]) == ("floor", 0.0, "")
    network = [row for row in profile.rows if row["method"] == "network"]
    assert network[0]["share"] == 1.0
    assert all(row["low"] <= row["share"] <= row["high"] for row in network)
    assert "Interquartile means: network 0.9" in profile.takeaway
    assert profile.drawing().axes
    latex, text = tables.to_latex(report.tables[0]), tables.to_markdown(report.tables[0])
    assert "t3 ↑ (accuracy)" in text
    assert "(accuracy)}" not in latex
    assert "over.csv" in latex


def test_the_gauntlet_takes_methods_from_tables_of_one_task(lab: Path) -> None:
    two(TWO + "  main: {rows: [linear, net], against: linear}\n")
    assert [one.label for one in subjects.chosen(Gauntlet())] == ["net", "linear"]
    asked(TWO)
    with pytest.raises(Refusal, match="no table of one task"):
        subjects.chosen(Gauntlet())


CONFS = {
    "floor": "facts: {deterministic: true}\n"
    "model: {_target_: sklearn.dummy.DummyClassifier, strategy: most_frequent}\n",
    "mean": "defaults: [override /data: diabetes]\nfacts: {deterministic: true}\n"
    "model: {_target_: sklearn.dummy.DummyRegressor, strategy: mean}\n",
    "tree": "model: {_target_: sklearn.tree.ExtraTreeClassifier, max_depth: 12}\n",
    "branch": "defaults: [override /data: diabetes]\n"
    "model: {_target_: sklearn.ensemble.ExtraTreesRegressor, n_estimators: 5}\n",
}
ASKED = """split: val
tables:
  over:
    methods: [floor, linear, tree]
    tasks: {digits: [floor, linear, tree], diabetes: [mean, ridge, branch]}
    against: linear
"""


def test_two_real_tasks_are_trained_reported_and_checked_to_the_last_byte(project: Path) -> None:
    for conf, text in CONFS.items():
        (project / f"conf/{conf}.yaml").write_text(f"purpose: A test.\nseed: 0\n{text}")
    (project / "conf/scripts").mkdir()
    (project / "conf/scripts/report.yaml").write_text(ASKED)
    shutil.copy(ROOT / "report.py", project)
    folders.commit(project)
    seeded = [(conf, seed) for conf in ("tree", "branch") for seed in (0, 1)]
    for conf, seed in [*((conf, 0) for conf in ("floor", "mean", "linear", "ridge")), *seeded]:
        done = launch(project, "train.py", f"conf={conf}", f"seed={seed}")
        assert done.code == 0, done.err
    assert (done := launch(project, "report.py")).code == 0, done.err
    numbers = json.loads((project / "report/numbers.json").read_text())
    scores = {row: numbers["numbers"][f"over.{row}.score"]["value"] for row in ("floor", "linear", "tree")}
    assert scores["floor"] == 0.0
    assert 0.0 < scores["tree"] < scores["linear"] <= 1.0
    made = {run.name for run in folders.runs(project)}
    assert {run for receipt in numbers["receipts"].values() for run in receipt["runs"]} == made
    for name in ("tables/over.tex", "tables/over.csv", "tables/over.html", "report.md", "index.html"):
        assert "over" in (project / "report" / name).read_text()
    assert (done := launch(project, "report.py", "check=true")).code == 0, done.out
