"""One grid as LaTeX, Markdown, CSV and HTML."""

import csv
import html.parser
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import asked, keep, ran, reported, three

from receipts.report import latex, numbers, numerals, output, tables
from receipts.report.model import Estimate, Report, Table

NASTY = r"""100% of $5 & #1_{a} ~ ^ \ "q" <b>|x|</b> ± ≈ ↑ größe 日本 — =1+1"""


def small(caption: str = "A caption.") -> Report:
    rows = "rows: [linear, net, wide], against: linear, columns: [accuracy, nll]"
    asked(f"tables:\n  main: {{{rows}, caption: '{caption}'}}\n")
    three()
    return reported()


def test_markdown_has_one_line_a_method_with_its_marks(lab: Path) -> None:
    (table,) = small().tables
    text = tables.to_markdown(table)
    head, _, *body = [line for line in text.splitlines() if line.startswith("|")]
    assert head == "| method | accuracy ↑ | nll ↓ (nats) | runs | accuracy against linear |"
    assert re.fullmatch(
        r"\| linear \| 0\.\d{3} det\. \\\* \| \d\.\d{2,3} det\. \\\* \| 1/1 ok \| reference \|", body[0]
    )
    assert re.fullmatch(r"\| net \| \*\*0\.\d{3}\*\* ± 0\.\d{3} ≈ \| .* \| 5/5 ok \| better \(> margin\) \|", body[1])
    assert text.startswith("A caption. digits 1, test split, 120 samples; mean ± half-width of the 95 % interval")


def test_csv_holds_every_number_to_its_last_digit(lab: Path) -> None:
    (table,) = small().tables
    rows = list(csv.DictReader(tables.to_csv(table).splitlines()))
    assert len(rows) == 6
    net = next(row for row in rows if row["key"] == "main.net.accuracy")
    cell = table.rows[1].cells["accuracy"]
    assert float(net["mean"]) == cell.estimate.mean
    assert float(net["high"]) == cell.estimate.high
    assert net["verdict"] == "better"
    assert float(net["p_holm"]) == table.comparisons[0].p_holm


class Parsed(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.keys: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.keys += [value or "" for name, value in attrs if name == "data-key"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_carries_keys_and_nothing_of_a_text_is_a_tag(lab: Path) -> None:
    (table,) = small().tables
    rows = [replace(row, label=NASTY) for row in table.rows]
    found = Parsed(tables.to_html(replace(table, rows=rows, caption=NASTY, notes=[NASTY])))
    assert found.keys == [f"main.{row}.{column}" for row in ("linear", "net", "wide") for column in ("accuracy", "nll")]
    assert "b" not in found.tags
    assert found.text.count(NASTY) == 6


def test_markdown_cells_cannot_be_ended_by_a_text(lab: Path) -> None:
    (table,) = small().tables
    text = tables.to_markdown(replace(table, rows=[replace(row, label=NASTY) for row in table.rows]))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.split(r"(?<!\\)\|", line)) for line in lines} == {7}


def document(*bodies: str, numbers: str = "") -> str:
    packages = "\n".join(f"\\usepackage{{{name}}}" for name in ("booktabs", "siunitx"))
    return (
        f"\\documentclass{{article}}\n{packages}\n{numbers}\n\\begin{{document}}\n"
        + "\n".join(bodies)
        + "\n\\end{document}\n"
    )


def compiled(folder: Path, text: str) -> str:
    """The log of plain pdflatex, which must come to its end without an error."""
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed: LaTeX was written and not compiled")
    (folder / "paper.tex").write_text(text, encoding="utf-8")
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(words, cwd=folder, capture_output=True, timeout=120, check=False)
    out = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, out[-3000:]
    assert (folder / "paper.pdf").is_file()
    return out


def test_plain_pdflatex_takes_the_tables_and_the_numbers(lab: Path, tmp_path: Path) -> None:
    report = small()
    (table,) = report.tables
    odd = replace(
        table, name="odd", caption=NASTY, notes=[NASTY, "α ≤ Δ"], rows=[replace(r, label=NASTY) for r in table.rows]
    )
    greek = replace(table, name="greek", notes=["βnet: n=2"], rows=[replace(r, label="βnet") for r in table.rows])
    output.fill(report, tmp_path)
    sentence = r"The net reaches \receipt{main.net.accuracy} $\pm$ \receipt{main.net.accuracy.half}."
    out = compiled(
        tmp_path,
        document(r"\input{tables/main}", tables.to_latex(odd), tables.to_latex(wide_ones(table)),
                 tables.to_latex(greek), sentence, numbers=r"\input{numbers}"),
    )  # fmt: skip
    assert "Undefined" not in out
    assert r"\shortstack[l]{\rule{0pt}{2.4ex}accuracy against \\ linear}" in tables.to_latex(table), (
        "or the table is too wide"
    )


def test_tables_fit_the_page(lab: Path, tmp_path: Path) -> None:
    (table,) = small().tables
    plain = replace(table, caption="", notes=[],
                    comparisons=[replace(one, verdict="inconclusive", n=2) for one in table.comparisons])  # fmt: skip
    sweep = [replace(row, label=f"linear (fit.train_fraction={row.name})") for row in table.rows]
    unmarked = [replace(row, cells=row.cells | {"nll": replace(row.cells["nll"], mark="")}) for row in table.rows]
    score, task = table.columns
    of_sweep, of_tasks = replace(plain, rows=sweep, columns=[score]), replace(plain, rows=unmarked)
    many = [replace(of_tasks, columns=[score, *(task,) * tasks]) for tasks in (1, 2, 3)]
    out = compiled(tmp_path, document(*map(tables.to_latex, (of_sweep, *many))))
    assert "Overfull" not in out


def wide_ones(table: Table) -> Table:
    """The same table with other kinds of cells: no number, an asymmetric interval, n=1, a negative value."""
    kinds = [
        Estimate(None, None, None, {}, "no run"),
        Estimate(0.99, 0.95, 0.999, {0: 0.99}, "logit"),
        Estimate(-1234.5, None, None, {0: -1234.5}, "n=1"),
    ]
    rows = []
    for row, kind in zip(table.rows, kinds, strict=True):
        cells = dict(row.cells)
        numbers = {} if kind.mean is None else {"": replace(cells["nll"].numbers[""], text=f"{kind.mean:.3f}")}
        cells["nll"] = replace(cells["nll"], estimate=kind, numbers=numbers)
        rows.append(replace(row, cells=cells))
    return replace(table, rows=rows, name="kinds")


def test_an_interval_that_is_not_symmetric_shows_both_ends(lab: Path) -> None:
    (table,) = small().tables
    cells = [line.cells[1] for line in tables.lines(wide_ones(table))]
    assert [cell.beside for cell in cells] == ["", "[0.950, 0.999]", "n=1"]
    assert cells[0].value == "—"
    assert "{{}[0.950, 0.999]" in tables.to_latex(wide_ones(table))


def test_an_unknown_key_stops_the_paper(lab: Path, tmp_path: Path) -> None:
    report = small()
    numbers.write(report, tmp_path)
    text = document(r"\receipt{main.nett.accuracy}", numbers=r"\input{numbers}")
    with pytest.raises(AssertionError, match=r"no number has the key\s+main.nett.accuracy"):
        compiled(tmp_path, text)


def test_letters_without_a_glyph_become_their_names() -> None:
    assert latex.escaped("größe β日") == "größe [greek small letter beta][cjk unified ideograph-65e5]"
    assert latex.escaped("a\x00b") == "ab"
    assert latex.escaped("βnet") == "{}[greek small letter beta]net", r"or \\ before it takes it for an argument"


def test_a_negative_number_in_a_sentence_has_a_minus_and_no_hyphen() -> None:
    assert [latex.escaped(text) for text in ("-0.052", "0.052", "<0.001", "not-a-number", "\N{EN DASH}")] == [
        r"\ensuremath{-}0.052", "0.052", r"\textless{}0.001", "not-a-number", "--",
    ]  # fmt: skip
    assert latex.escaped("Δ = -1, p = 2e-7 (-1 to x-2)").count(r"\ensuremath{-}") == 2


@pytest.mark.parametrize(
    ("texts", "form"), [(["0.939", "12.5"], "2.3"), (["-1.25", "{}"], "-1.2"), (["—"], "1.1"), (["12"], "2.0")]
)
def test_siunitx_reserves_as_much_as_the_widest_cell(texts: list[str], form: str) -> None:
    assert latex.form(texts) == form


@pytest.mark.parametrize(
    ("value", "places", "text"), [(0.93888, 3, "0.939"), (-0.00001, 2, "0.00"), (None, 2, "—"), (-1.26, 1, "-1.3")]
)
def test_numbers_have_fixed_decimals_and_no_negative_zero(value: float | None, places: int, text: str) -> None:
    assert numerals.fixed(value, places) == text


@pytest.mark.parametrize(("p", "text"), [(1e-9, "<0.001"), (0.0123, "0.012"), (0.0996, "0.10"), (1.0, "1.00")])
def test_p_has_two_digits_or_a_bound(p: float, text: str) -> None:
    assert numerals.probability(p) == text


def test_the_same_runs_give_the_same_bytes_in_whatever_order_they_are_found(lab: Path, tmp_path: Path) -> None:
    report = small()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    output.fill(report, tmp_path / "one")
    for path in sorted((lab / "runs").glob("*/record.json")):
        path.touch()
    output.fill(reported(), tmp_path / "two")
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) >= 6
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_a_report_that_fails_overwrites_nothing(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = small()
    output.write(report, Path("report"))
    before = {path: path.read_bytes() for path in Path("report").rglob("*") if path.is_file()}
    notebook = Path("EXPERIMENTS.md").read_bytes()

    def broken(*_: object) -> None:
        raise OSError("no")

    run = ran("net", 7, second=50)
    keep(run)
    monkeypatch.setattr(output.page, "write", broken)
    with pytest.raises(OSError, match="no"):
        output.write(reported(), Path("report"))
    assert {path: path.read_bytes() for path in Path("report").rglob("*") if path.is_file()} == before
    assert Path("EXPERIMENTS.md").read_bytes() == notebook
    assert sorted(path.name for path in lab.iterdir() if path.name.startswith(".")) == []


def test_what_no_report_wrote_is_not_replaced(lab: Path) -> None:
    from receipts.refusal import Refusal

    report = small()
    with pytest.raises(Refusal, match="holds files that no report wrote"):
        output.write(report, Path("conf"))
    assert (lab / "conf/net.yaml").is_file()
    Path("empty").mkdir()
    output.write(report, Path("empty"))
    assert Path("empty/numbers.json").is_file()
