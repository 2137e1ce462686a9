"""Figures: drawn from the rows of their CSV, captioned so that they stand alone, the same bytes each time."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import evidence
import msgspec
import numpy as np
import pytest
from PIL import Image

from receipts.refusal import Refusal
from receipts.report import figures
from receipts.report.figures import caption, dots, examples, forest, groups, style
from receipts.report.figures.figure import Figure
from receipts.report.methods import slug
from receipts.report.model import Report
from receipts.report.page import drill
from receipts.runs.plans import Arm

KINDS = {
    "forest-main", "forest-ablations", "forest-width", "dots-main", "dots-ablations", "dots-width",
    "learning_curves-main", "learning_curves-ablations", "learning_curves-width",
    "confusion-main", "groups-main", "reliability-main", "mistakes-main", "sensitivity-width",
}  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    with evidence.project(tmp_path_factory.mktemp("figures")):
        yield evidence.report()


@pytest.fixture
def made(report: Report) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures.make(report)}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_kind_of_figure_is_made_where_the_runs_allow_it(made: dict[str, Figure]) -> None:
    assert set(made) == KINDS


def test_runs_that_lie_elsewhere_give_the_same_figures(report: Report, made: dict[str, Figure]) -> None:
    Path("runs").rename("pulled")
    evidence.evidence.loaded.cache_clear()
    try:
        there = {figure.name: figure.receipt() for figure in figures.make(replace(report, folder=Path("pulled")))}
        assert there == {name: figure.receipt() for name, figure in made.items()}
        assert drill.methods(replace(report, folder=Path("pulled")))[2].groups
    finally:
        Path("pulled").rename("runs")


def test_only_the_figures_that_were_asked_for_are_made(report: Report) -> None:
    asked = figures.make(replace(report, figures=["confusion", "forest"]))
    assert [figure.name for figure in asked] == ["confusion-main", "forest-main", "forest-ablations", "forest-width"]


def test_an_unknown_figure_is_refused_with_the_nearest_name(report: Report) -> None:
    with pytest.raises(Refusal, match="did you mean forest"):
        figures.make(replace(report, figures=["forrest"]))


def test_every_caption_says_what_on_which_data_and_split_by_which_metric_over_how_many_seeds(
    made: dict[str, Figure],
) -> None:
    for figure in made.values():
        shown = "val split" if figure.split == "val" else "test split, 60 samples"
        for said in (f"Data: digits (UCI, 1), {shown}", "Seeds: ", "In short: "):
            assert said in figure.caption, figure.name
        assert re.search("(higher|lower|more on the diagonal) is better", figure.caption), figure.name
        assert any(
            word in figure.caption for word in ("point", "dot", "mean over seeds", "Lines are seeds", "Chosen by rule")
        )
    assert "n=5 (0–4)" in made["dots-main"].caption
    assert "floor and logreg det." in made["dots-main"].caption


def test_captions_promise_no_bar_band_or_winner_that_the_picture_lacks(report: Report, made: dict[str, Figure]) -> None:
    table = next(table for table in report.tables if table.name == "ablations")
    one = table.comparisons[0]
    assert forest.bars([one]) == "bars their 95 % intervals (paired t)"
    assert forest.bars([replace(one, low=None)]).startswith("without bars")
    assert forest.band([one, replace(one, margin=0.25)]).endswith("±0.03 to ±0.25), so none is shaded")
    twins = replace(table, rows=(table.rows[0], replace(table.rows[0], label="its twin")))
    assert dots.takeaway(twins, table.columns[0]).startswith(f"{table.rows[0].label} and its twin have the best mean")
    assert "bars are 95 % intervals over seeds (Student t)." in made["dots-ablations"].caption


def test_no_text_is_cut_off_at_the_edge_of_a_picture(made: dict[str, Figure]) -> None:
    figure = made["forest-ablations"]
    rows = [{**row, "verdict": row["verdict"] and "equivalent", "expected": "worse"} for row in figure.rows]
    png = io.BytesIO(figures.draw(replace(figure, rows=rows))["png"])
    edges = np.asarray(Image.open(png).convert("L"))[:, [0, 1, -2, -1]]
    assert edges.min() == 255


def test_data_that_nobody_collected_are_named_in_capitals(report: Report) -> None:
    table = report.tables[1]
    rows = []
    for row in table.rows:
        runs = tuple(
            msgspec.structs.replace(run, data=msgspec.structs.replace(run.data, kind="synthetic")) for run in row.runs
        )
        rows.append(replace(row, runs=runs))
    fake = replace(table, rows=rows)
    assert "SYNTHETIC digits" in figures.make(replace(report, tables=[fake]))[0].caption


def test_the_csv_of_the_dots_holds_the_very_numbers_of_the_model(report: Report, tmp_path: Path) -> None:
    figures.write(figures.make(replace(report, figures=["dots"])), tmp_path)
    found = read(tmp_path / "figures" / "dots-main.csv")
    for row in report.tables[0].rows:
        estimate = row.cells["accuracy"].estimate
        mine = {line["seed"]: line for line in found if line["method"] == row.label}
        assert float(mine["det." if row.deterministic else "mean"]["accuracy"]) == estimate.mean
        if not row.deterministic:
            assert {
                int(seed): float(line["accuracy"]) for seed, line in mine.items() if seed != "mean"
            } == estimate.points
            assert (float(mine["mean"]["low"]), float(mine["mean"]["high"])) == (estimate.low, estimate.high)


def test_the_forest_holds_every_comparison_with_its_verdict_and_every_seed(
    report: Report, made: dict[str, Figure]
) -> None:
    rows = made["forest-ablations"].rows
    (whole,) = (row for row in rows if row["seed"] == "all")
    (found,) = report.tables[1].comparisons
    assert (whole["delta"], whole["low"], whole["high"], whole["verdict"]) == (
        found.delta, found.low, found.high, found.verdict,
    )  # fmt: skip
    apart = [row["delta"] for row in rows if row["seed"] != "all"]
    assert len(apart) == 5
    assert sum(apart) / 5 == pytest.approx(found.delta)


def test_the_confusion_matrix_is_the_mean_over_seeds_and_says_so(report: Report, made: dict[str, Figure]) -> None:
    figure = made["confusion-main"]
    net = report.tables[0].rows[2]
    stored = [score.confusion for run in net.runs if (score := run.score("test")) and score.confusion]
    for row in figure.rows:
        assert row["mean_count"] == pytest.approx(sum(m[row["true"]][row["given"]] for m in stored) / 5)
    assert "mean over seeds" in figure.caption


def test_the_bins_of_the_reliability_diagram_add_up_to_the_calibration_error(
    report: Report, made: dict[str, Figure]
) -> None:
    for run in report.tables[0].rows[2].runs:
        bins = [row for row in made["reliability-main"].rows if (row["method"], row["seed"]) == ("net", run.seed)]
        score = run.score("test")
        assert score is not None
        gap = sum(row["samples"] * abs(row["confidence"] - row["accuracy"]) for row in bins) / evidence.N
        assert gap == pytest.approx(score.metrics["ece"].value)


def test_groups_stand_worst_first_and_no_bar_starts_above_zero(made: dict[str, Figure]) -> None:
    import matplotlib

    figure = made["groups-main"]
    means = [row["value"] for row in figure.rows if row["seed"] == "mean"]
    assert means == sorted(means)
    with matplotlib.rc_context(style.settings("test")):
        (axes,) = figure.drawing().axes
        assert axes.get_xlim()[0] == 0
        assert [patch.get_x() for patch in axes.patches] == [0] * len(means)
        assert [patch.get_width() for patch in axes.patches] == means


def test_mistakes_are_ranked_by_seeds_and_confidence_and_the_right_ones_by_doubt(report: Report) -> None:
    found = examples.examples(report.tables[0].rows[2], "test", report.folder)
    wrong, right = examples.mistakes(found), examples.unsure(found)
    assert {one.sample for one in wrong} | {one.sample for one in right} == {f"s{row:02d}" for row in range(evidence.N)}
    assert [(-one.wrong, -(one.confidence or 0)) for one in wrong] == sorted(
        (-one.wrong, -(one.confidence or 0)) for one in wrong
    )
    assert [one.confidence for one in right] == sorted(one.confidence or 0 for one in right)
    assert all(one.given == one.target for one in right)


def test_a_persons_note_stands_beside_its_sample_and_survives(report: Report, tmp_path: Path) -> None:
    notes = Path("notes/examples.csv")
    notes.parent.mkdir(exist_ok=True)
    notes.write_text('data,sample,note\ndigits,s01,"a one, or a seven"\nother,s02,not this data\n', encoding="utf-8")
    before = notes.read_bytes()
    try:
        found = {one.sample: one.note for one in examples.examples(report.tables[0].rows[2], "test", report.folder)}
        figures.write(figures.make(replace(report, figures=["mistakes"])), tmp_path)
        assert (found["s01"], found["s02"]) == ("a one, or a seven", "")
        assert notes.read_bytes() == before
    finally:
        notes.unlink()


def test_notes_with_other_columns_are_refused(report: Report) -> None:
    notes = Path("notes/examples.csv")
    notes.parent.mkdir(exist_ok=True)
    notes.write_text("sample,note\ns01,?\n", encoding="utf-8")
    try:
        with pytest.raises(Refusal, match="has columns"):
            examples.examples(report.tables[0].rows[2], "test", report.folder)
    finally:
        notes.unlink()


def test_without_run_folders_what_needs_them_is_left_out(report: Report, tmp_path: Path) -> None:
    with evidence.project(tmp_path):
        found = {figure.name.partition("-")[0] for figure in figures.make(report)}
    assert found == {"forest", "dots", "confusion", "sensitivity"}


def test_a_figure_is_the_same_bytes_each_time_and_its_receipt_names_them(report: Report, tmp_path: Path) -> None:
    asked = replace(report, figures=["forest"], tables=report.tables[:1])
    for folder in ("one", "two"):
        figures.write(figures.make(asked), tmp_path / folder)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / folder / "figures").iterdir()}
        for folder in ("one", "two")
    )
    assert first == second
    assert set(first) == {f"forest-main.{kind}" for kind in ("csv", "json", "pdf", "png", "svg")}
    receipt = json.loads(first["forest-main.json"])
    assert receipt["csv_sha256"] == hashlib.sha256(first["forest-main.csv"]).hexdigest()
    assert receipt["sha256"]["pdf"] == hashlib.sha256(first["forest-main.pdf"]).hexdigest()
    assert set(receipt["runs"]) == {run.run_id for row in report.tables[0].rows for run in row.runs}
    assert len(receipt["inputs"]) == len(receipt["runs"])


def test_what_shows_the_same_is_not_drawn_again_and_what_was_touched_is(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(report, figures=["forest"], tables=report.tables[:1])
    figures.write(figures.make(asked), tmp_path)
    drawn = tmp_path / "figures" / "forest-main.pdf"
    good = drawn.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(figures, "draw", lambda figure: pytest.fail(f"{figure.name} was drawn again"))
        figures.write(figures.make(asked), tmp_path)
    drawn.write_bytes(b"tampered")
    figures.write(figures.make(asked), tmp_path)
    assert drawn.read_bytes() == good


def test_a_figure_that_is_no_longer_made_is_removed(report: Report, tmp_path: Path) -> None:
    old = tmp_path / "figures" / "dots-gone.csv"
    old.parent.mkdir()
    old.write_text("left over")
    figures.write(figures.make(replace(report, figures=[])), tmp_path)
    assert not old.exists()


def test_a_row_far_off_does_not_stretch_the_axis() -> None:
    assert style.window({"floor": 0.1, "logreg": 0.89, "net": 0.93}) == (0.89, 0.93)
    assert style.window({"logreg": 0.89, "net": 0.93}) is None
    assert style.window({"a": 0.1, "b": 0.5, "c": 0.9}) is None
    assert style.window({"a": 0.3, "b": 0.31, "worst": 2.3}) == (0.3, 0.31)
    assert style.window({"a": 0.3, "b": 0.3, "c": 0.3}) is None


def test_a_row_that_a_bar_of_another_reaches_is_not_off_the_axis() -> None:
    values = {"far": -0.9, "near": 0.0, "next": 0.01}
    assert style.window(values, {"near": (-0.1, 0.1)}) == (0.0, 0.01)
    assert style.window(values, {"near": (-1.0, 0.1)}) is None


def test_the_points_of_a_cross_validation_are_its_folds(report: Report) -> None:
    table = next(table for table in report.tables if table.plan)
    assert (caption.point_of(table), caption.point_of(replace(table, plan=None))) == ("seed", "seed")
    assert table.plan is not None
    assert caption.point_of(replace(table, plan=msgspec.structs.replace(table.plan, folds=5))) == "fold"


def test_values_have_groups_by_their_error_the_largest_first(tmp_path: Path) -> None:
    import numpy as np
    from records import made as recorded
    from records import score, stored

    from receipts.evaluation.predictions import Predictions
    from receipts.evaluation.storage import write

    with evidence.project(tmp_path):
        run = recorded(0, score(0.1, "test", 4, "mae"))
        folder = stored(run)
        (folder / "predictions").mkdir()
        truth = np.zeros(4, np.float32)
        stated = np.array([0.1, 0.1, 2.0, 4.0], np.float32)
        write(
            Predictions(list("abcd"), truth, value=stated, groups=["x", "x", "y", "y"]),
            folder / "predictions/test.parquet",
        )
        found = [line for line in groups.by_group(run, "test", Path("runs"))]
        assert [(line["group"], round(line["value"], 6), line["better"]) for line in found] == [
            ("x", 0.1, "lower"),
            ("y", 3.0, "lower"),
        ]


def test_a_method_that_is_best_in_two_tables_is_shown_once(report: Report) -> None:
    twice = replace(report, tables=[report.tables[0], replace(report.tables[0], name="again")], figures=["confusion"])
    assert [figure.name for figure in figures.make(twice)] == ["confusion-main"]


def test_a_swept_share_of_the_data_is_a_curve_of_its_own(report: Report) -> None:
    width = report.tables[2]
    assert width.plan is not None
    arms = [width.plan.arms[0], Arm("fit.train_fraction=0.5", "net", difference={"fit.train_fraction": [1.0, 0.5]})]
    plan = msgspec.structs.replace(width.plan, key="fit.train_fraction", arms=arms)
    rows = [width.rows[0], replace(width.rows[1], name=slug(arms[1].name))]
    (figure,) = figures.make(replace(report, tables=[replace(width, rows=rows, plan=plan)], figures=["data_size"]))
    assert [row["fit.train_fraction"] for row in figure.rows if row["seed"] == "mean"] == [0.5, 1.0]
