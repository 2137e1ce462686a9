"""A report's folder, answers and prompts that somebody sent: read, or refused before anything is written anew."""

from pathlib import Path

import pytest
from records import made, score
from reports import report
from traps import Trap

from receipts.refusal import Refusal
from receipts.replay import rerun
from receipts.report import checklists, looks, prompts, verify
from receipts.report.collect import Collected
from receipts.runs import results

LAUGHS = "x0: &x0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"x{n + 1}: &x{n + 1} [{','.join([f'*x{n}'] * 9)}]\n" for n in range(8)
)
HEAD = ",".join(looks.FIELDS) + "\n"


@pytest.mark.parametrize("text", ["comparison\n\udcff", HEAD + "x" * 200_000, '"' + "x" * 200_000], ids=lambda x: x[:9])
def test_a_log_of_looks_that_is_none_is_refused(trap: Trap, text: str) -> None:
    (trap.project / looks.NAME).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(Refusal, match="is no log of looks"):
        looks.read(trap.project)


def test_a_number_of_seeds_that_is_none_is_no_look(trap: Trap) -> None:
    (trap.project / looks.NAME).write_text(HEAD + "main.a.b,c,now,²,better,0.1,ab\n")
    assert looks.undeclared(report(), trap.project) == []


NUMBERS = {
    "a list": "[1]",
    "a number": "5",
    "no numbers": "{}",
    "numbers that are none": '{"numbers": [1]}',
    "a number that is none": '{"numbers": {"a.b.c": 1}}',
    "no receipt": '{"numbers": {"a.b.c": {"receipt": "x"}}, "receipts": {}}',
    "runs that are none": '{"numbers": {"a.b.c": {"value": 1, "text": "1", "receipt": {"split": "val", "runs": 5}}}}',
    "nested without end": "[" * 100_000,
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_that_are_none_are_refused(trap: Trap, case: str) -> None:
    path = trap.project / rerun.NUMBERS
    path.parent.mkdir()
    path.write_text(NUMBERS[case])
    with pytest.raises(Refusal, match="cannot be read"):
        rerun.printed("a.b.c")
    seen = verify.Findings()
    verify.receipts(path.parent, Collected([], [], {}, []), seen)
    assert case.startswith(("no ", "numbers", "a number that", "runs")) or "cannot be read" in seen.wrong[0]


def test_a_run_that_a_receipt_names_is_not_looked_for_elsewhere(trap: Trap) -> None:
    cell = rerun.Printed("a.b.c", 1.0, "1", "val", ["../../victim"])
    with pytest.raises(Refusal, match="is not here"):
        rerun.behind(cell)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        LAUGHS,
        "neurips: {'1': {answer: Yes, evidence: 5}}",
        "a: 1\na: 2",
        "!!python/object/apply:os.getcwd []",
    ],
    ids=lambda text: text[:20],
)
def test_answers_and_headers_that_are_none_are_refused_or_lack_everything(trap: Trap, text: str) -> None:
    checklists.NOTES.parent.mkdir(exist_ok=True)
    checklists.NOTES.write_text(text)
    with pytest.raises(Refusal, match=r"cannot be read|is not an answer"):
        checklists.notes("neurips")
    Path("prompts").mkdir(exist_ok=True)
    Path("prompts/a.md").write_text(f"---\n{text}\n---\n")
    assert "its header lacks model, date, files, relied_on" in prompts.findings()[0]


@pytest.mark.parametrize(
    "text", ["step,loss\n1,2\n", "\udcff\n", "epoch,val/a\n1,2,3\n", "epoch\n" + "x" * 200_000 + "\n"]
)
def test_a_curve_is_drawn_of_a_history_alone(trap: Trap, text: str) -> None:
    folder = trap.run()
    (folder / "history.csv").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(Refusal, match="is no history"):
        results.curve(folder, made(0, score()))
