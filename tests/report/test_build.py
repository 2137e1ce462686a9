"""Estimates, comparisons, marks and numbers of a table, from recorded runs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recorded import asked, keep, planned, ran, reported, seeds, three
from scipy import stats

from receipts.report import wording
from receipts.report.draft import Draft
from receipts.report.families import holm
from receipts.report.methods import Picked
from receipts.report.model import Table
from receipts.report.page import facts
from receipts.runs.record import Failure

MAIN = "tables:\n  main: {rows: [linear, net, wide], against: %s, columns: [accuracy, nll, ece]}\n"


def main(against: str = "linear") -> Table:
    asked(MAIN % against)
    three()
    (table,) = reported().tables
    return table


def test_the_family_of_a_table_is_all_its_rows_and_columns(lab: Path) -> None:
    table = main("net")
    tested = [one for one in table.comparisons if one.p is not None]
    assert [(one.row, one.column) for one in tested] == [
        (row, column) for row in ("linear", "wide") for column in ("accuracy", "nll", "ece")
    ]
    assert [one.p_holm for one in tested] == pytest.approx(holm([one.p for one in tested if one.p is not None]))


def test_shared_seeds_are_paired_and_the_interval_is_in_the_metrics_own_direction(lab: Path) -> None:
    table = main("net")
    net, wide = (list(table.rows[at].cells["nll"].estimate.points.values()) for at in (1, 2))
    one = next(c for c in table.comparisons if (c.row, c.column) == ("wide", "nll"))
    expected = stats.ttest_rel(wide, net)
    interval = expected.confidence_interval(0.95)
    assert (one.test, one.n) == ("paired t", 5)
    assert one.p == pytest.approx(expected.pvalue)
    assert (one.low, one.high) == pytest.approx((interval.low, interval.high))
    assert one.delta == pytest.approx(np.mean(wide) - np.mean(net))
    assert one.sample_low is not None
    assert one.low is not None
    assert one.sample_low <= one.low


def test_two_deterministic_methods_are_paired_by_sample(lab: Path) -> None:
    asked("tables:\n  main: {rows: [linear, net], against: linear, columns: [accuracy, ece]}\n")
    ran("linear", skill=0.7, deterministic=True)
    ran("net", skill=0.9, second=1, deterministic=True)
    (table,) = reported().tables
    accuracy, ece = table.comparisons
    assert (accuracy.test, accuracy.n, accuracy.verdict) == ("paired t over samples", 120, "better")
    assert "exact McNemar" in accuracy.reason
    assert (ece.p, ece.verdict) == (None, "inconclusive")
    assert "no mean over samples" in ece.reason


def test_unshared_seeds_are_compared_by_welch(lab: Path) -> None:
    asked("tables:\n  main: {rows: [net, wide], against: net}\n")
    seeds("net", 0.9)
    for seed in range(10, 15):
        ran("wide", seed, 0.7, seed)
    (one,) = reported().tables[0].comparisons
    assert one.test == "Welch t"


def test_seeds_that_only_one_arm_has_are_left_out_of_the_pairs(lab: Path) -> None:
    asked("tables:\n  main: {rows: [net, wide], against: net}\n")
    seeds("net", 0.9, 7)
    seeds("wide", 0.8, 5, second=10)
    (one,) = reported().tables[0].comparisons
    assert (one.test, one.n) == ("paired t", 5)
    assert "2 unshared seeds left out" in one.reason


def test_from_six_pairs_a_sign_flip_test_stands_beside(lab: Path) -> None:
    asked("tables:\n  main: {rows: [net, wide], against: net}\n")
    seeds("net", 0.9, 6)
    seeds("wide", 0.7, 6, second=10)
    (one,) = reported().tables[0].comparisons
    assert one.sign_flip_p == pytest.approx(2 / 64)


def test_fewer_than_five_seeds_are_inconclusive_and_every_point_is_printed(lab: Path) -> None:
    asked("tables:\n  main: {rows: [net, wide], against: net}\n")
    seeds("net", 0.9, 3)
    seeds("wide", 0.1, 3, second=10)
    (table,) = reported().tables
    (one,) = table.comparisons
    assert one.verdict == "inconclusive"
    assert one.reason.startswith("n=3 < 5")
    points = table.rows[0].cells["accuracy"].estimate.points
    assert f"net accuracy: {', '.join(f'{value:.4f}' for value in points.values())} (n=3)." in table.notes


def test_one_run_each_says_what_mcnemar_says_of_two_models(lab: Path) -> None:
    asked("tables:\n  main: {rows: [net, wide], against: net}\n")
    ran("net")
    ran("wide", skill=0.5, second=1)
    (one,) = reported().tables[0].comparisons
    assert one.verdict == "inconclusive"
    assert "of these two models alone" in one.reason
    assert one.delta is not None


def test_an_arm_with_a_failure_that_was_not_made_up_for_has_no_verdict(lab: Path) -> None:
    asked("tables:\n  main: {rows: [net, wide], against: net}\n")
    seeds("net", 0.9)
    seeds("wide", 0.5, second=10)
    facts = {"splits": (), "status": "failed", "reportable": False, "failure": Failure("NaN", [])}
    ran("wide", 2, second=30, **facts)  # type: ignore[arg-type]
    (table,) = reported().tables
    assert table.rows[1].ok == "5/6 ok"
    assert table.comparisons[0].verdict == "worse"  # seed 2 was run again
    ran("wide", 9, second=31, **facts)  # type: ignore[arg-type]
    (one,) = reported().tables[0].comparisons
    assert one.verdict == "inconclusive"
    assert "wide has 1 unscored failure" in one.reason


def test_a_metric_that_some_runs_lack_is_told_with_their_names(lab: Path) -> None:
    runs = seeds("net", 0.9)
    for run in runs[:2]:
        for score in run.scores:
            del score.metrics["accuracy"]
        keep(run)
    asked("tables:\n  main: {rows: [net], columns: [accuracy, nll]}\n")
    (table,) = reported().tables
    note = f"net: accuracy is missing or undefined in {runs[0].run_id}, {runs[1].run_id}"
    assert note in table.notes
    assert len(table.rows[0].cells["accuracy"].estimate.points) == 3


def test_two_methods_of_which_one_has_no_number_are_no_family_and_no_headline(lab: Path) -> None:
    for run in (*seeds("net", 0.9), ran("linear", second=30, deterministic=True)):
        if run.conf == "linear":
            del run.scores[0].metrics["accuracy"]
            keep(run)
    asked("tables:\n  main: {rows: [net, linear], columns: [accuracy, nll], against: linear}\n")
    made = reported()
    (table,) = made.tables
    assert "net against linear: inconclusive, one of the two has no number." in table.notes
    assert [note for note in table.notes if "family of 1 test" in note]
    assert facts.verdicts(made) == []
    asked("tables:\n  main: {rows: [net, linear], columns: [accuracy], against: linear}\n")
    (table,) = reported().tables
    assert table.notes[-1] == "Nothing could be tested against linear."


def test_predictions_that_are_gone_take_the_second_interval_only(lab: Path) -> None:
    asked("tables:\n  main: {rows: [net, wide], against: net}\n")
    seeds("net", 0.9)
    for run in seeds("wide", 0.8, second=10):
        (lab / "runs" / run.run_id / "predictions/test.parquet").unlink()
    (one,) = reported().tables[0].comparisons
    assert one.low is not None
    assert one.sample_low is None


def test_bold_is_the_best_and_all_not_shown_worse_and_a_mark_has_one_meaning(lab: Path) -> None:
    asked("tables:\n  main: {rows: [linear, net, wide, few]}\n")
    (lab / "conf/few.yaml").write_text("purpose: A test.\n")
    three()
    ran("few", skill=0.85, second=40)
    found = {row.name: row.cells["accuracy"] for row in reported().tables[0].rows}
    assert {name: (cell.bold, cell.mark) for name, cell in found.items()} == {
        "linear": (False, "*"), "net": (True, "≈"), "wide": (True, ""), "few": (True, "?"),
    }  # fmt: skip


def test_lower_is_better_where_the_metric_says_so(lab: Path) -> None:
    table = main()
    assert table.rows[0].cells["nll"].mark == "*"
    assert not table.rows[0].cells["nll"].bold
    nll = next(c for c in table.comparisons if (c.row, c.column) == ("net", "nll"))
    assert nll.verdict == "better"
    assert nll.delta is not None
    assert nll.delta < 0


def test_a_number_has_an_address_a_text_and_a_receipt(lab: Path) -> None:
    main()
    report = reported()
    number = report.numbers["main.net.accuracy"]
    row = report.tables[0].rows[1]
    assert number.value == row.cells["accuracy"].estimate.mean
    assert number.receipt.runs == tuple(run.run_id for run in row.runs)
    assert number.receipt.seeds == (0, 1, 2, 3, 4)
    assert number.receipt.predictions[row.runs[0].run_id] == row.runs[0].scores[-1].sha256
    first = "python train.py conf=net seed=0 && python eval.py run_id=latest && python train.py conf=net seed=1 && "
    assert number.receipt.command.startswith(first), "training scores val alone"
    assert report.numbers["main.net.accuracy.verdict"].text == "better"
    kinds = {key.removeprefix("main.net.accuracy") for key in report.numbers if key.startswith("main.net.accuracy")}
    assert kinds == {"", ".n", ".half", ".low", ".high", ".verdict", ".delta", ".delta_low", ".delta_high", ".p"}


def test_the_command_of_a_job_or_of_another_split_makes_that_very_number(lab: Path) -> None:
    job = ran(seed=3, command="python train.py -m conf=net,wide seed=0,3")
    assert wording.again(job, "val") == "python train.py conf=net seed=3"
    assert wording.again(job, "far") == "python train.py conf=net seed=3 && python eval.py run_id=latest split=far"
    plan = planned("net", {"net": [job]}, command="python ablate.py conf=net")
    picked = Picked("net", "net", (job,))
    draft = Draft("main", "", "test", (picked,), plan=plan)
    assert wording.command(draft, picked) == "python ablate.py conf=net test=true"
    assert wording.command(replace(draft, split="val"), picked) == "python ablate.py conf=net"


def test_digits_follow_the_interval_and_are_the_same_down_a_column(lab: Path) -> None:
    table = main()
    for column in table.columns:
        texts = [row.cells[column.metric].numbers[""].text for row in table.rows]
        assert len({len(text.partition(".")[2]) for text in texts}) == 1


def test_many_configurations_that_nobody_declared_are_a_search(lab: Path) -> None:
    for at in range(4):
        ran("net", 0, 0.5 + at / 10, second=at, model={"lr": at}, splits=("val", "test"))
    ran("linear", second=9, deterministic=True)
    (table,) = reported().tables
    values = [row.cells["accuracy"].estimate.mean or 0.0 for row in table.rows[1:]]
    (note,) = [note for note in table.notes if "a search" in note]
    assert note.startswith("4 configurations of net were tried")
    assert f"{np.mean(values):.4f} for 1, " in note
    assert f"{max(values):.4f} for 4." in note
    assert any("exploratory" in note for note in table.notes)
    asked("tables:\n  main: {rows: [linear, net model.lr=3]}\n")
    (chosen,) = reported().tables
    assert note in chosen.notes  # the table shows one of them, and still says of how many


def test_the_arms_that_a_file_declares_are_no_search(lab: Path) -> None:
    asked("tables:\n  main: {rows: [net]}\n")
    arms = {f"lr{at}": seeds("net", 0.9, second=10 * at, model={"lr": at} if at else None, splits=("val", "test"))
            for at in range(4)}  # fmt: skip
    planned("net", arms)
    assert not [note for note in reported().tables[0].notes if "a search" in note]
