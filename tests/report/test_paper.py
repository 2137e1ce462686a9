"""Literal numbers in a paper: explained by a key, a setting or a reason, or named."""

from pathlib import Path

import pytest
from recorded import asked, reported, three

from receipts.refusal import Refusal
from receipts.report import paper
from receipts.report.model import Report


@pytest.fixture
def report(lab: Path) -> Report:
    asked("tables:\n  main: {rows: [linear, net], against: linear}\n")
    three()
    return reported()


def told(report: Report, text: str) -> list[str]:
    Path("paper.tex").write_text(text, encoding="utf-8")
    return paper.unexplained(Path("paper.tex"), report)


def test_numbers_of_the_report_are_explained_as_printed_rounded_and_in_per_cent(report: Report) -> None:
    number = report.numbers["main.net.accuracy"]
    value = number.value or 0.0
    for text in (
        number.text,
        f"{value:.4f}",
        f"{100 * value:.1f}\\%",
        f"{100 * value:.2f}\\,\\%",
        f"{100 * value:.1f}",
    ):
        assert told(report, f"The net reaches {text} on test.") == [], text
    half = report.numbers["main.net.accuracy.half"].text
    assert told(report, f"${number.text} \\pm {half}$ and $p {report.numbers['main.net.accuracy.p'].text}$") == []


def test_a_number_that_no_key_explains_is_named_with_its_line(report: Report) -> None:
    assert told(report, "One.\n\nThe net reaches 0.987, or 98.7\\%.") == [
        "paper.tex:3: no key explains 0.987",
        "paper.tex:3: no key explains 98.7%",
    ]
    assert told(report, "a loss of $-1.5$ and .25 and 1{,}234.5 and 12\\% and 97.25") == [
        f"paper.tex:1: no key explains {text}" for text in ("-1.5", "1234.5", "12%", "97.25")
    ] or told(report, "97.25") == ["paper.tex:1: no key explains 97.25"]


def test_two_digits_are_explained_only_as_printed(report: Report) -> None:
    value = report.numbers["main.net.accuracy"].value or 0.0
    assert told(report, f"about {value:.1f}") == ([] if f"{value:.1f}" in paper.CONSTANTS else [
        f"paper.tex:1: no key explains {value:.1f}"
    ])  # fmt: skip


NO_RESULTS = [
    "In 2024 we ran 5 seeds on 1797 images of 8 x 8 pixels; on 22.11.2026 again.",
    "Section 3.2, Sec.~4.1, Eqs.~(2.3) and (2.4), Tables 1.1--1.3, Fig.~A.3, pp.~3.5; \\ref{tab:main1.5}, Table 2.",
    "\\cite{smith2019,doe1.2} and \\citep[p.~1.5][Table 0.91]{xiao} and \\autoref{fig:1.5}",
    "\\includegraphics[width=0.48\\textwidth,\n  trim=0 0.5cm]{figures/f1.25.pdf} \\vspace{-1.5em}",
    "0.5\\linewidth 12.5pt",
    "\\begin{tabular}{lS[table-format=1.3]@{\\,}c@{\\hspace{0.5em}}} \\\\[0.5 ex] 0.5\\baselineskip \\phantom{0.}",
    "\\renewcommand{\\arraystretch}{1.15} \\rowcolor[gray]{0.925} \\setlength{\\tabcolsep}{4.5pt}",
    "\\fontsize{9.5}{11}",
    "% we once had 0.987 here",
    "\\begin{verbatim}\n0.987\n\\end{verbatim} \\verb|0.987| \\lstinline{x=0.987}",
    "\\begin{comment}\n0.987\n\\end{comment}",
    "\\documentclass{article}\\definecolor{x}{gray}{0.9}\\geometry{left=1.25in}\n\\begin{document}\nNothing.\n\\end{document}",
    "Better than \\receipt{main.net.accuracy} by far.",
    "We use $\\alpha = 0.05$, 95\\% intervals and 80\\% power.",
    "The optimiser of v1.2, version 0.4.1, Python 3.11, PyTorch~2.13, CC BY 4.0 and GPT-3.5 reads https://example.org/1.5",
    "arXiv:1708.07747, doi:10.1000/182.5",
    "Published: 0.912.  % number: table 2 of their paper",
    "\\url{https://x.org/0.987} \\multicolumn{2}{c}{x} \\cmidrule(lr){2-3}",
    "$5.0\\times10^{-2}$ and 1.0e-2",
]


def test_what_is_no_result_is_not_looked_at(report: Report) -> None:
    for text in NO_RESULTS:
        assert told(report, text) == [], text


HIDING = [
    "\\textcolor{red}{0.987}", "\\multicolumn{2}{c}{0.987}", "\\resizebox{\\linewidth}{!}{0.987}", "\\num{0.987}",
    "\\href{https://x.org/1.5}{0.987}", "\\SI{0.987}{\\percent}", "\\percentage{0.987}", "\\sim{0.987}",
    "\\parbox{3cm}{\\emph{0.987}}", "0.987 in all", "0.987 mm", "\\newcommand{\\best}{0.987} \\best",
    "\\def\\best{0.987}\n\\begin{document}\n\\best\n\\end{document}", "\\title{0.987}\n\\begin{document}",
    "from 0.05--0.987", "from 0.05-0.987", "In Table 2, 0.987 is best", "Section 2 to 0.987", "XGBoost 0.987",
    "\\begin{tabular}{lr} net & 0{.}987 \\\\ \\end{tabular}",
]  # fmt: skip


def test_a_result_is_found_wherever_it_hides(report: Report) -> None:
    for text in HIDING:
        assert [line.partition(": ")[2] for line in told(report, text)] == ["no key explains 0.987"], text


def test_per_cents_and_powers_are_read_in_every_spelling(report: Report) -> None:
    text = "97 \\%, $98$\\,\\%, 99 per cent, 93.7 percent of Table 2, $2.7\\times10^{-123}$, 3.1e-3, one per century"
    found = [line.rpartition(" ")[2] for line in told(report, text)]
    assert found == ["97%", "98%", "99%", "93.7%", "2.7e-123", "3.1e-3"]
    value = report.numbers["main.net.accuracy.p"].value or 0.0
    assert told(report, f"p = {value:.2g}, that is ${value * 1e5:.1f} \\cdot 10^{{-5}}$") == []


def test_settings_of_the_runs_are_explained(report: Report) -> None:
    assert told(report, "validated every 1.0 epoch; a margin of 0.03, that is 3\\%") == []


def test_files_that_are_taken_in_are_read_but_for_the_reports_own(report: Report) -> None:
    Path("sections").mkdir()
    Path("sections/results.tex").write_text("We reach 0.987.\n\\input{paper}")
    Path("report/tables").mkdir(parents=True)
    Path("report/numbers.json").write_text("{}")
    Path("report/tables/main.tex").write_text("0.986")
    Path("report/numbers.tex").write_text("0.985")
    text = "\\input{report/numbers}\n\\input{sections/results}\n\\include{report/tables/main}\n\\input{none}\n"
    assert told(report, text) == ["sections/results.tex:1: no key explains 0.987"]


def test_files_are_found_from_the_first_files_folder_and_a_preambles_are_a_preamble(report: Report) -> None:
    for name, text in {
        "parts/a": "\\input{parts/b}", "parts/b": "b 0.987", "d": "0.985",
        "c": "\\setstretch{1.1}\\newcommand{\\x}{0.986}",
    }.items():  # fmt: skip
        Path(f"{name}.tex").parent.mkdir(exist_ok=True)
        Path(f"{name}.tex").write_text(text)
    found = told(report, "\\input{c}\n\\begin{document}\n\\input{parts/a}\\import{./}{d}\\input{gone}\n\\end{document}")
    assert found == [
        "c.tex:1: no key explains 0.986",
        "parts/b.tex:1: no key explains 0.987",
        "d.tex:1: no key explains 0.985",
    ]


def test_a_key_that_no_number_has_is_named(report: Report) -> None:
    assert told(report, "\\receipt{main.nett.accuracy}") == [
        "paper.tex:1: no number has the key main.nett.accuracy; did you mean main.net.accuracy?"
    ]


def test_a_file_that_is_not_utf8_or_not_there_is_refused(report: Report) -> None:
    Path("latin.tex").write_bytes("größe 0.9".encode("latin1"))
    with pytest.raises(Refusal, match=r"latin\.tex is not UTF-8"):
        paper.unexplained(Path("latin.tex"), report)
    with pytest.raises(Refusal, match=r"none\.tex cannot be read"):
        paper.unexplained(Path("none.tex"), report)
