"""Slices: all methods on each declared part, tested as in the table, the worst part first."""

from pathlib import Path

import numpy as np
import pytest
import recorded
from folders import table as rows_of
from recorded import asked, ran, reported, seeds
from scipy import stats

from receipts.evaluation.predictions import Predictions
from receipts.report import output, slices
from receipts.report.families import holm
from receipts.report.model import Sliced, Table

MAIN = "tables:\n  main: {rows: [net, wide], against: net, columns: [nll, accuracy]}\n"
plain = recorded.predictions


def halves(skill: float, seed: int, n: int = recorded.N) -> Predictions:
    """Predictions with two slicings; the samples of `b` come out wrong for all methods that are not very good."""
    made = plain(skill, seed, n)
    hard = np.random.default_rng(0).uniform(0, 1, n) > 0.5
    slices = {
        "tool": ["b" if each else "a" for each in hard],
        "row": ["odd" if row % 2 else "even" for row in range(n)],
    }
    return Predictions(made.ids, made.targets, made.probabilities, slices=slices)


@pytest.fixture
def main(lab: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    """Two networks of five seeds on sliced data."""
    monkeypatch.setattr(recorded, "predictions", halves)
    asked(MAIN)
    seeds("net", 0.7)
    seeds("wide", 0.85, second=10)
    (table,) = reported().tables
    return table


def tool(table: Table) -> Sliced:
    found = {one.name: one for one in table.slices}
    assert list(found) == ["tool", "row"]
    return found["tool"]


def test_parts_stand_worst_first_with_the_primary_metric_of_their_own_samples(main: Table) -> None:
    found = tool(main)
    assert found.column.metric == "accuracy"
    assert [part.name for part in found.parts] == ["b", "a"]
    assert sum(part.n for part in found.parts) == recorded.N
    for part in found.parts:
        for conf, skill in (("net", 0.7), ("wide", 0.85)):
            for seed, value in part.estimates[conf].points.items():
                made = halves(skill, seed)
                inside = np.array(made.slices["tool"]) == part.name
                assert made.targets is not None
                assert value == pytest.approx((made.prediction == made.targets)[inside].mean())


def test_methods_are_paired_by_seed_and_corrected_over_all_parts(main: Table) -> None:
    tested = [one for found in main.slices for part in found.parts for one in part.comparisons]
    assert len(tested) == 4  # two slicings of two parts, one method against the reference
    assert [one.p_holm for one in tested] == pytest.approx(holm([one.p for one in tested if one.p is not None]))
    worst = tool(main).parts[0]
    net, wide = (list(worst.estimates[conf].points.values()) for conf in ("net", "wide"))
    assert worst.comparisons[0].test == "paired t"
    assert worst.comparisons[0].p == pytest.approx(stats.ttest_rel(wide, net).pvalue)
    assert worst.comparisons[0].verdict == "better"


def test_every_printed_number_of_a_slice_has_a_key_of_its_own_and_the_receipt_of_its_row(main: Table) -> None:
    report = reported()
    number = report.numbers["main.by-tool.b.wide"]
    part = tool(report.tables[0]).parts[0]
    assert number.value == part.estimates["wide"].mean
    assert number.meaning.startswith(f"accuracy of wide where tool is b (n={part.n}) on test")
    assert number.receipt is report.numbers["main.wide.accuracy"].receipt
    assert report.numbers["main.by-tool.b.wide.verdict"].text == "better"
    assert slices.distinct(["a b", "a-b", "c"]) == {"a b": "a-b", "a-b": "a-b-2", "c": "c"}


def test_two_deterministic_methods_are_paired_by_the_samples_of_the_part(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "predictions", halves)
    asked("tables:\n  main: {rows: [linear, net], against: linear, columns: [accuracy]}\n")
    ran("linear", skill=0.7, deterministic=True)
    ran("net", skill=0.9, second=1, deterministic=True)
    worst = tool(reported().tables[0]).parts[0]
    assert (worst.comparisons[0].test, worst.comparisons[0].n) == ("paired t over samples", worst.n)


def test_slices_are_written_for_people_and_for_programs(main: Table, lab: Path) -> None:
    output.write(reported(), lab / "report")
    text = (lab / "report" / "tables" / "main-slices.md").read_text()
    assert "## tool: accuracy on test, worst part first" in text
    assert text.index("| b |") < text.index("| a |")
    assert "Holm over all 4 comparisons" in text
    rows = rows_of(lab / "report" / "tables" / "main-slices.csv")
    assert [(row["slicing"], row["part"], row["method"]) for row in rows[:3]] == [
        *(("tool", "b", "net"), ("tool", "b", "wide"), ("tool", "a", "net")),
    ]


def test_without_slices_nothing_is_written_about_them(lab: Path) -> None:
    asked(MAIN)
    seeds("net", 0.7)
    seeds("wide", 0.85, second=10)
    output.write(reported(), lab / "report")
    assert reported().tables[0].slices == []
    assert not list((lab / "report" / "tables").glob("*slices*"))


def test_a_row_without_its_predictions_is_left_out(main: Table) -> None:
    for path in Path("runs").glob("*-wide-s3-*/predictions/test.parquet"):
        path.unlink()
    assert list(tool(reported().tables[0]).parts[0].estimates) == ["net"]
    for path in Path("runs").glob("*/predictions/test.parquet"):
        path.unlink()
    assert reported().tables[0].slices == []
