"""Which runs stand behind a row: what report.yaml asks for, what is sensible without it, what is refused."""

import shutil
from pathlib import Path
from typing import Any

import folders
import numpy as np
import pytest
from recorded import asked, keep, planned, ran, reported, seeds, three
from scipy import stats

from receipts.config import reporting
from receipts.refusal import CheckFailed, Refusal
from receipts.report import output
from receipts.runs import plans
from receipts.runs.plans import Arm
from receipts.runs.record import Failure


def rows(name: str = "main") -> dict[str, str]:
    table = next(table for table in reported().tables if table.name == name)
    return {row.label: row.ok for row in table.rows}


def findings() -> list[str]:
    return list(reported().findings)


def test_without_a_file_there_is_one_table_for_each_dataset_and_its_linear_baseline_is_the_reference(lab: Path) -> None:
    three()
    ran("net", data="0ther", second=40)
    ran("net", second=50, model={"width": 3})
    report = reported()
    assert [table.name for table in report.tables] == ["digits", "digits-2"]
    newest, other = report.tables
    assert [row.label for row in newest.rows] == ["linear", "net", "net model.width=3", "wide"]
    assert newest.against == "linear"
    assert newest.rows[2].name == "net-width-3"
    assert [row.label for row in other.rows] == ["net"]


def test_runs_of_another_harness_have_a_table_of_their_own(lab: Path) -> None:
    old = seeds("net", 0.9, 2)
    for run in old:
        for score in run.scores:
            score.harness = "01d" * 20
        keep(run)
    seeds("wide", 0.9, 2, second=20)
    assert [[row.label for row in table.rows] for table in reported().tables] == [["wide"], ["net"]]


def test_what_was_never_tested_is_reported_on_val(lab: Path) -> None:
    ran(splits=("val",))
    (table,) = reported().tables
    assert (table.name, table.split) == ("digits-val", "val")


def test_a_limited_dirty_or_failed_run_is_in_no_table_by_itself(lab: Path) -> None:
    ran(second=1)
    ran("wide", second=2, limit={"rows": 200}, reportable=False, blocked_by=["limit: rows 200"])
    assert list(rows("digits")) == ["net"]


def test_the_newest_version_counts_and_the_older_ones_are_superseded(lab: Path) -> None:
    old, new = seeds("net", 0.5, 3), seeds("net", 0.9, 2, second=20, code="newer")
    report = reported()
    (row,) = report.tables[0].rows
    assert [run.run_id for run in row.runs] == [run.run_id for run in new]
    assert row.ok == "2/2 ok"
    assert row.notes == ["3 older runs are superseded (see the ledger)"]
    reasons = {entry.run_id: entry.reason for entry in report.ledger}
    assert reasons[old[0].run_id] == f"superseded by {new[-1].run_id}: other code"


def test_a_newer_version_that_is_not_scored_yet_supersedes_nothing(lab: Path) -> None:
    seeds("net", 0.9, 2)
    ran("net", 0, second=20, splits=("val",), code="newer")
    assert rows("digits") == {"net": "2/2 ok"}


def test_rows_are_named_in_report_yaml_with_words_that_differ(lab: Path) -> None:
    asked("tables:\n  main: {rows: [net, net model.width=3, wide.yaml], against: net, columns: [nll, accuracy]}\n")
    seeds("net", 0.9)
    seeds("net", 0.8, second=20, model={"width": 3})
    seeds("wide", 0.8, second=30)
    (table,) = reported().tables
    assert [row.name for row in table.rows] == ["net", "net-width-3", "wide-yaml"]
    assert [column.metric for column in table.columns] == ["nll", "accuracy"]
    assert {one.against for one in table.comparisons} == {"net"}


def test_a_run_made_under_another_name_is_found_when_its_values_are_those_of_the_file(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from receipts.report import selection

    run = ran("net", second=1, model={"width": 3}, names=["net", "wide"])
    monkeypatch.setattr(selection, "method_hash", lambda values: run.method)
    monkeypatch.setattr(selection.compose, "compose", lambda word: type("E", (), {"values": {}}))
    asked("tables:\n  main: {rows: [wide]}\n")
    assert rows() == {"wide": "1/1 ok"}
    monkeypatch.setattr(selection, "method_hash", lambda values: "another")
    with pytest.raises(Refusal, match="no run can be reported"):
        rows()


def test_ablations_are_the_arms_of_the_latest_plan(lab: Path) -> None:
    asked("tables:\n  ablations: {rows: {ablations_of: net}, caption: What it is worth.}\n")
    base, narrow = seeds("net", 0.9), seeds("net", 0.7, second=10, model={"width": 1})
    planned("net", {"net": base})
    planned("net", {"net": base, "narrow": narrow}, plan_id="20261121-150000-net-abcdef02")
    report = reported()
    (table,) = report.tables
    assert table.plan is not None
    assert [(row.name, row.ok) for row in table.rows] == [("net", "5/5 ok"), ("narrow", "5/5 ok")]
    (one,) = table.comparisons
    assert (one.against, one.verdict, one.expected, one.test) == ("net", "worse", "worse", "paired t")
    assert table.caption.startswith("What it is worth. digits 1, test split, 120 samples; mean ±")
    assert "All arms share epochs 40." in table.caption


def test_what_was_typed_does_not_take_the_place_of_what_is_declared(lab: Path) -> None:
    base, narrow = seeds("net", 0.9), seeds("net", 0.7, second=10, model={"width": 1})
    planned("net", {"net": base, "narrow": narrow})
    planned("net", {"net": base, "typed": narrow}, plan_id="20261121-150000-net-abcdef02", exploratory=True)
    assert {"net-ablations", "net-overrides"} < {table.name for table in reported().tables}
    asked("tables:\n  ablations: {rows: {ablations_of: net}}\n")
    assert list(rows("ablations")) == ["net", "narrow"]


NOTHING: dict[str, tuple[dict[str, Any], str]] = {  # what a plan's runs came to, and why none of them is reported
    "a look": ({"limit": {"rows": 200}, "reportable": False, "blocked_by": ["limit: rows 200"]}, ""),
    "dirty": ({"reportable": False, "blocked_by": ["dirty: one"]}, "2 of 2 runs: not reportable: dirty: one"),
    "failed": ({"status": "failed", "splits": (), "failure": Failure("NaN", [])}, "2 of 2 runs: failed: NaN"),
}


@pytest.mark.parametrize("came_to", NOTHING)
@pytest.mark.parametrize("text", ["", "other: {rows: [wide]}, net-ablations: {rows: {ablations_of: net}}"])
def test_a_later_plan_of_which_nothing_can_be_reported_does_not_take_the_place_of_one(
    lab: Path, came_to: str, text: str
) -> None:
    asked(f"tables: {{{text}}}\n")
    changes, why = NOTHING[came_to]
    vain = [ran(model={"w": at}, second=at, **changes) for at in (1, 2)]
    newer = planned("net", {"net": vain[:1], "narrow": vain[1:]}, plan_id="20261121-150000-net-abcdef02")
    ran("wide", second=3)
    waits = [told for told in findings() if "net-ablations is left out" in told]
    told = why or "2 of 2 runs: not reportable: limit: rows 200"
    assert waits == [f"table net-ablations is left out: {told}"]
    base, narrow = seeds("net", 0.9, second=10), seeds("net", 0.7, second=20, model={"width": 1})
    older = planned("net", {"net": base, "narrow": narrow})
    assert rows("net-ablations") == {"net": "5/5 ok", "narrow": "5/5 ok"}
    shown = f"table net-ablations shows the plan {older.plan_id}, since nothing of {newer.plan_id} can be reported"
    assert findings() == ([f"{shown}: {why}"] if why else [])


def test_a_later_plan_that_was_interrupted_before_its_first_run_takes_no_place_and_one_that_is_half_done_does(
    lab: Path,
) -> None:
    base, narrow = seeds("net", 0.9), seeds("net", 0.7, second=10, model={"width": 1})
    planned("net", {"net": base, "narrow": narrow})
    wider = [ran(model={"width": 9}, seed=seed, second=20 + seed) for seed in (0, 1)]
    planned("net", {"net": wider}, plan_id="20261121-150000-net-abcdef02")
    for run in wider:
        shutil.rmtree(lab / "runs" / run.run_id)
    assert rows("net-ablations") == {"net": "5/5 ok", "narrow": "5/5 ok"}
    keep(wider[0])
    assert rows("net-ablations") == {"net": "1/2 ok"}


@pytest.mark.parametrize("text", ["{ablations_of: net, sweep_of: net}", "{key: model.lr}", "{folds_of: net, key: lr}"])
def test_rows_name_exactly_one_plan(lab: Path, text: str) -> None:
    three()
    asked(f"tables:\n  main: {{rows: {text}}}\n")
    with pytest.raises(Refusal, match="does not name one plan"):
        reported()


def swept() -> None:
    """Three learning rates, the reference in the middle, with histories; one run of the largest diverged."""
    arms, differences = {}, {"net": {}, "lr=9": {"model.lr": [2, 9]}, "lr=1": {"model.lr": [2, 1]}}
    for at, (name, skill) in enumerate({"net": 0.9, "lr=9": 0.7, "lr=1": 0.89}.items()):
        arms[name] = seeds("net", skill, second=10 * at, model={"lr": name})
        for run in arms[name]:
            worst = name == "lr=9" and run.seed == 0
            lines = [
                f"{epoch},{10 * epoch},{'nan' if worst else 2 - epoch / 4},{skill - 0.3 / epoch}" for epoch in (1, 2, 3)
            ]
            text = "epoch,step,loss,val/accuracy\n" + "\n".join(lines) + "\n"
            (Path("runs") / run.run_id / "history.csv").write_text(text)
    stated = [Arm(name, "net", [] if name == "net" else [name], found) for name, found in differences.items()]
    plan = planned("net", arms, kind="sweep", key="model.lr", exploratory=True)
    plan.arms = stated
    (plans.folder(plan) / "plan.json").write_bytes(plans.encode(plan))


def test_a_sweep_is_asked_for_by_its_key_stands_in_order_and_says_how_training_went(lab: Path) -> None:
    swept()
    asked("tables:\n  rates: {rows: {sweep_of: net, key: model.lr}, columns: [accuracy]}\n")
    report = reported()
    (table,) = report.tables
    assert [row.label for row in table.rows] == ["lr=1", "net (model.lr=2)", "lr=9"]
    assert table.dynamic is not None
    assert table.dynamic.threshold == pytest.approx(0.8 - 0.03)
    assert [one.share_diverged for one in table.dynamic.arms.values()] == [0, 0, 0.2]
    notes = "\n".join(table.notes)
    assert "net (model.lr=2): 0 of 5 runs diverged, there after 30 steps (5 of 5, median), last epochs" in notes
    assert "lr=9: 1 of 5 runs diverged, never there" in notes
    output.write(report, lab / "report")
    lines = folders.table(lab / "report/tables/rates-dynamics.csv")
    assert [(line["arm"], line["share_diverged"]) for line in lines][-1] == ("lr=9", "0.2")


def test_ablations_that_were_never_tested_are_reported_on_val(lab: Path) -> None:
    base, narrow = (seeds("net", 0.9, second=at, splits=("val",), model={"w": at}) for at in (0, 10))
    planned("net", {"net": base, "narrow": narrow})
    assert [table.split for table in reported().tables if table.name == "net-ablations"] == ["val"]


def test_an_undeclared_sweep_is_exploratory(lab: Path) -> None:
    arms = {f"lr={at}": seeds("net", 0.9 - at / 10, second=10 * at, model={"lr": at}) for at in (1, 2, 3)}
    planned("net", arms, kind="sweep", key="model.lr", exploratory=True)
    table = next(table for table in reported().tables if table.plan)
    assert table.name == "net-lr"
    assert all("BH, exploratory of 2" in one.reason for one in table.comparisons)
    assert any("Benjamini–Hochberg, exploratory" in note for note in table.notes)


def test_folds_are_judged_by_nadeau_and_bengio(lab: Path) -> None:
    arms = {}
    for at, (name, skill) in enumerate({"net": 0.9, "narrow": 0.7}.items()):
        arms[name] = [
            ran("net", 0, skill, 10 * at + fold, model={"w": at}, again=fold, split=f"fold{fold}", n=100 + fold)
            for fold in range(5)
        ]
    plan = planned("net", arms, kind="folds", folds=5)
    for fold, cell in enumerate(plan.cells):
        cell.fold = fold % 5
    (plans.PLANS / plan.plan_id / "plan.json").write_bytes(plans.encode(plan))
    table = next(table for table in reported().tables if table.plan)
    assert [sorted(row.cells["accuracy"].estimate.points) for row in table.rows] == [[0, 1, 2, 3, 4]] * 2
    assert "Nadeau" in table.rows[0].cells["accuracy"].estimate.how
    assert table.comparisons[0].test == "t over folds, Nadeau and Bengio"


@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_folds_are_paired_without_randomness_too_and_hold_the_mean_of_their_seeds(lab: Path, fraction: float) -> None:
    both = ("val", "test")
    arms = {
        "floor": [ran("floor", 0, 0.6, k, both, deterministic=True, again=k, split=f"fold{k}") for k in range(5)],
        "net": [
            ran("net", seed, 0.9, 10 + 5 * seed + k, both, again=9 * seed + k, split=f"fold{k}")
            for seed in range(2)
            for k in range(5)
        ],
    }
    plan = planned("net", arms, kind="folds", folds=5)
    for at, cell in enumerate(plan.cells):
        cell.fold = at % 5
    (plans.PLANS / plan.plan_id / "plan.json").write_bytes(plans.encode(plan))
    for run in arms["net"]:
        stated = Path("runs") / run.run_id / "config.yaml"
        stated.write_text(stated.read_text().replace("train_fraction: 1.0", f"train_fraction: {fraction}"))
    table = next(table for table in reported().tables if table.plan)
    values = [
        np.array([score.metrics["accuracy"].value for run in runs if (score := run.score("test"))]).reshape(-1, 5)
        for runs in arms.values()
    ]
    apart = values[1].mean(axis=0) - values[0][0]
    (one,) = table.comparisons
    assert (one.n, one.seeds_needed, one.delta) == (5, None, pytest.approx(apart.mean()))
    train = 3 * fraction  # a fifth held out, a fifth for val, of three fifths this part learnt from
    error = apart.std(ddof=1) * np.sqrt(1 / 5 + 1 / train)
    assert (one.low, one.high) == pytest.approx(stats.t.interval(0.95, 4, apart.mean(), error))
    assert one.p == pytest.approx(2 * stats.t.sf(abs(apart.mean()) / error, 4))
    assert "vary, each the mean over 2 seeds" in table.caption
    shown = table.rows[1].cells["accuracy"].estimate
    error = values[1].mean(axis=0).std(ddof=1) * np.sqrt(1 / 5 + 1 / train)
    assert (shown.low, shown.high) == pytest.approx(stats.t.interval(0.95, 4, values[1].mean(), error))
    for run in arms["net"]:
        (Path("runs") / run.run_id / "config.yaml").unlink()  # nothing then says how much was learnt from
    table = next(table for table in reported().tables if table.plan)
    assert (table.rows[1].cells["accuracy"].estimate.low, table.comparisons[0].p) == (None, None)
    assert "config.yaml is missing" in table.comparisons[0].reason


def test_what_waits_is_said_and_the_rest_is_printed(lab: Path) -> None:
    asked("tables:\n  main: {rows: [linear, net, wide], against: net}\n  ablations: {rows: {ablations_of: net}}\n")
    ran("linear", deterministic=True)
    ran("wide", second=3, splits=("val",))
    report = reported()
    assert [table.name for table in report.tables] == ["main"]
    assert (
        "table ablations is left out: no plan of this kind (ablations of net) yet: python ablate.py conf=net"
        in report.findings
    )
    assert "net has no run that is scored on test yet: python train.py conf=net" in report.findings
    assert any(
        note.startswith("wide has no run that is scored on test yet: python eval.py") for note in report.findings
    )
    assert rows() == {"linear": "1/1 ok", "net": "0/0 ok", "wide": "0/1 ok"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tables:\n  main: {rows: [nett]}", "there is no such experiment or run; did you mean net?"),
        ("tables:\n  main: {rows: {ablations_of: nett}}", "there is no such experiment"),
        ("tables:\n  main: {rows: [net], columns: [acuracy]}", "no run of it has that metric; did you mean accuracy?"),
        ("tables:\n  main: {rows: [net], against: wide}", "which is no row of that table"),
        ("tables:\n  main: {rows: [net, net]}", "one row twice"),
        ("tables:\n  main: {rows: []}", "no row"),
        ("tables:\n  main: {rows: [net, ' ']}", "tables.main.rows names no row"),
        ("tables:\n  main: {rowz: [net]}", "unknown field `rowz`"),
        ("tables:\n  main: {caption: Nothing.}", "tables.main.rows names no row"),
        ("tables:\n  main.x: {rows: [net]}", "cannot be part of a key"),
        ("colour: red", "unknown field `colour`"),
        ("looks: 0", "looks is no number from 1 to"),
        (f"looks: 0x1{'0' * 5000}", "looks is no number from 1 to"),
        ("tables: [", "cannot be read as YAML"),
    ],
)
def test_a_report_yaml_that_cannot_be_meant_is_refused_by_name(lab: Path, text: str, words: str) -> None:
    ran()
    asked(text)
    with pytest.raises(Refusal) as caught:
        reported()
    assert words in str(caught.value)
    assert str(reporting.PATH) in str(caught.value)


def test_a_row_is_all_seeds_of_a_method_and_no_chosen_one(lab: Path) -> None:
    seeds("net", 0.9, 3)
    asked("tables:\n  main: {rows: [linear, net seed=2]}\n")
    with pytest.raises(Refusal, match="picks seed=2 of net") as caught:
        reported()
    assert "write net" in caught.value.fix


def test_without_runs_there_is_nothing_to_report(lab: Path) -> None:
    with pytest.raises(Refusal, match="there are no runs to report"):
        reported()


def test_runs_that_are_all_kept_out_are_told_why(lab: Path) -> None:
    ran(reportable=False, blocked_by=["limit: rows 200"])
    ran("wide", second=1, reportable=False, blocked_by=["limit: rows 200"])
    with pytest.raises(Refusal, match="2 of 2: not reportable: limit: rows 200"):
        reported()


def test_a_row_that_may_not_be_reported_is_refused_with_its_runs(lab: Path) -> None:
    asked("tables:\n  main: {rows: [net]}\n")
    run = ran(reportable=False, blocked_by=["dirty: 1 files differ from the commit"])
    with pytest.raises(Refusal, match="none of its runs may be reported") as caught:
        reported()
    assert run.run_id in str(caught.value)
    assert "allow={dirty: REASON}" in str(caught.value)


def test_a_row_whose_check_failed_ends_with_exit_code_4(lab: Path) -> None:
    asked("tables:\n  main: {rows: [net]}\n")
    ran(reportable=False, blocked_by=["check failed: val-rescored"])
    with pytest.raises(CheckFailed) as caught:
        reported()
    assert caught.value.exit_code == 4


def test_looks_divide_alpha(lab: Path) -> None:
    three()
    asked("looks: 2\ntables:\n  main: {rows: [linear, net], against: linear}\n")
    (table,) = reported().tables
    assert any("α = 0.025" in note for note in table.notes)
    assert any("2 declared looks" in note for note in table.notes)
    (one,) = table.comparisons
    asked("tables:\n  main: {rows: [linear, net], against: linear}\n")
    (plain,) = reported().tables[0].comparisons
    assert one.low is not None
    assert plain.low is not None
    assert one.low < plain.low
