"""check=true finds what was changed by hand, and names it."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from recorded import asked, keep, predictions, ran, three

from receipts.config import reporting
from receipts.config.questions import Reporting
from receipts.evaluation.storage import write
from receipts.refusal import Refusal
from receipts.report import build, collect, lock, output, selection, verify
from receipts.report.figures import evidence
from receipts.runs import record as records
from receipts.runs import tracked
from receipts.runs.record import Record


def check(**options: str) -> int:
    found = collect.collect()
    chosen = selection.select(found, reporting.load(), {})
    made = build.report(found, chosen, lock.refuse_mixtures(chosen.drafts, {}))
    return verify.check(made, found, Reporting(check=True, **options))  # type: ignore[arg-type]


@pytest.fixture
def written(lab: Path) -> Path:
    """A report of three methods."""
    asked("tables:\n  main: {rows: [linear, net, wide], against: linear, columns: [accuracy, nll]}\n")
    three()
    found = collect.collect()
    chosen = selection.select(found, reporting.load(), {})
    output.write(build.report(found, chosen, lock.refuse_mixtures(chosen.drafts, {})), Path("report"))
    return lab


def one(conf: str = "net") -> Path:
    return sorted(Path("runs").glob(f"*-{conf}-s0-*"))[0]


def edit(path: Path, change: Callable[[Record], None]) -> None:
    record = records.read(path)
    change(record)
    keep(record)


def test_what_nobody_touched_passes(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in written.rglob("*") if path.is_file()}
    assert check() == 0
    said = capsys.readouterr().out
    assert "check  passed: 11 records, 11 prediction files, 88 numbers" in said
    assert "not run  MLflow: there is no MLflow store here" in said
    assert {path: path.read_bytes() for path in written.rglob("*") if path.is_file()} == before


def swapped_file() -> str:
    path = one() / "predictions/test.parquet"
    write(predictions(0.99, 0), path)
    return f"{path} is not the file that was scored"


def damaged_file() -> str:
    path = one() / "predictions/test.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    evidence.loaded.cache_clear()  # another process than the one that made the report
    return f"report/ cannot be made again: {path} is not a readable predictions file"


def missing_file() -> str:
    (one() / "predictions/test.parquet").unlink()
    return f"{one()}/predictions/test.parquet is missing"


def better_number() -> str:
    def change(record: Record) -> None:
        metric = record.scores[0].metrics["accuracy"]
        metric.value = np.nextafter(metric.value or 0.0, 1.0).item()  # the last digit

    edit(one(), change)
    return f"{one().name}: test accuracy is 0."


def better_file_and_hash() -> str:
    checksum = write(predictions(0.99, 0), one() / "predictions/test.parquet")

    def change(record: Record) -> None:
        record.scores[0].sha256 = checksum

    edit(one(), change)
    return f"{one().name}: test accuracy is "


def other_seed() -> str:
    edit(one(), lambda record: setattr(record, "seed", 9))
    return f"{one().name}: its record says seed 9, and it is 0"


def other_config() -> str:
    path = one() / "config.yaml"
    path.write_text(path.read_text().replace("threads: 1", "threads: 2"))
    return f"{one().name}: its record says config "


def other_confusion() -> str:
    def change(record: Record) -> None:
        record.scores[0].confusion = [[1, 0, 0]] * 3

    edit(one(), change)
    return f"{one().name}: test: the confusion matrix is not that of its predictions"


def other_size() -> str:
    def change(record: Record) -> None:
        record.scores[0].n = 120_000

    for path in Path("runs").glob("2*"):
        edit(path, change)
    return f"{one().name}: test has 120 predictions, its record says 120000"


def clean_by_hand() -> str:
    edit(one(), lambda record: setattr(record.code, "dirty", ["src/lab/net.py"]))
    return f"{one().name}: its record says blocked_by [], and it is ['dirty: 1 files differ from the commit']"


def missing_config() -> str:
    (one() / "config.yaml").unlink()
    return f"{one().name}: {one()}/config.yaml is missing"


def unreadable_record() -> str:
    (one() / "record.json").write_text("{")
    return f"{one().name}, which report/numbers.json names, {one()}/record.json is not a readable record"


def typed_number() -> str:
    path = Path("report/tables/main.tex")
    path.write_text(re.sub(r"0\.\d{3} & \$\\pm\$", r"0.999 & $\\pm$", path.read_text(), count=1))
    return "report/tables/main.tex: it has '"


def typed_key() -> str:
    path = Path("report/numbers.json")
    facts = json.loads(path.read_text())
    facts["numbers"]["main.net.accuracy"]["value"] = 1.0
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    return "report/numbers.json: it has '"


def broken_numbers() -> str:
    Path("report/numbers.json").write_text("[]")
    return "report/numbers.json cannot be read"


def deleted_table() -> str:
    Path("report/tables/main.csv").unlink()
    return "report/tables/main.csv is missing"


def added_table() -> str:
    Path("report/tables/other.tex").write_text("0.999")
    return "report/tables/other.tex is no file of this report"


def typed_row() -> str:
    path = Path("EXPERIMENTS.md")
    path.write_text(path.read_text().replace("± 0.0", "± 0.00", 1))
    return "EXPERIMENTS.md: it has '"


CHANGES = (
    *(
        swapped_file,
        damaged_file,
        missing_file,
        better_number,
        better_file_and_hash,
        other_seed,
        other_config,
        other_confusion,
    ),
    *(other_size, clean_by_hand, missing_config, unreadable_record, typed_number, typed_key, broken_numbers),
    *(deleted_table, added_table, typed_row),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_was_changed_by_hand_is_named(
    written: Path, change: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = change()
    assert check() == 4
    said = capsys.readouterr().out
    assert f"WRONG    {words}" in said, said
    assert "check  FAILED" in said


def test_numbers_of_another_harness_or_core_are_not_run_and_say_so(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = ran("net", 9, second=50)
    old.code.core.sha256 = "01d"
    for score in old.scores:
        score.harness = "01d" * 20
    keep(old)
    Path("report").rename("old")
    asked("tables:\n  main: {rows: [linear, wide]}\n")
    found = collect.collect()
    chosen = selection.select(found, reporting.load(), {})
    output.write(build.report(found, chosen, lock.refuse_mixtures(chosen.drafts, {})), Path("report"))
    assert check() == 0
    said = capsys.readouterr().out
    assert f"not run  {old.run_id} test: scored by another harness" in said
    assert "check  passed: 11 records, 12 prediction files" in said


def test_a_report_that_is_not_there_is_refused(lab: Path) -> None:
    ran()
    with pytest.raises(Refusal, match="report/ holds no report"):
        check()


def test_findings_beyond_a_screen_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.told(verify.Findings([f"wrong {number}" for number in range(45)])) == 4
    assert "and 5 more" in capsys.readouterr().out


def test_a_metric_changed_in_mlflow_is_named(
    lab: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from receipts.runs.syncing import sync

    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "lab")
    run, later = ran("net"), ran("net", 1, second=1)
    assert sync([lab / "runs" / run.run_id]).sent == [run.run_id]
    assert tracked.differing([run, later]) == ([], 1)
    accuracy = run.scores[0].metrics["accuracy"].value
    with closing(sqlite3.connect("mlflow.db")) as store, store:
        store.execute("UPDATE latest_metrics SET value = 0.999 WHERE key = 'test/accuracy'")
        store.execute("UPDATE tags SET value = '7' WHERE key = 'receipts.seed'")
    found, _ = tracked.differing([run, later])
    assert found == [
        f"MLflow has seed 7 for {run.run_id}, its record 0: receipts sync puts it right",
        f"MLflow has test accuracy 0.999 for {run.run_id}, its record {accuracy!r}: receipts sync puts it right",
    ]
    seen = verify.Findings()
    verify.ask_mlflow([run, later], seen)
    assert seen.wrong == found
    assert seen.not_run == ["MLflow: 1 run not in the store (receipts sync)"]
    assert sync([lab / "runs" / run.run_id]).sent == [run.run_id]
    assert tracked.differing([run, later]) == ([], 1)
    Path("mlflow.db").write_bytes(b"no database at all" * 100)
    verify.ask_mlflow([run], broken := verify.Findings())
    assert broken.not_run[0].startswith("MLflow: the MLflow store does not answer")
