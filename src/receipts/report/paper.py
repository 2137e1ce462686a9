r"""Literal numbers in a paper: each must be one that the report prints, a setting of its runs, or be given a reason.

Looked at are decimals (0.939, .94, 1{,}234.5) and whole numbers before `\%`. A literal is explained where it is a
number of the report as printed, or, with three digits or more, its value rounded to as many decimals, as a share or in
per cent; where it is a value in the config of a reported run; or a constant of the protocol (α 0.05, bounds of p, 95 %,
80 %, 90 %). Years, counts, section numbers, citations, labels, lengths, file names, addresses, the preamble, comments
and verbatim text are not looked at. `% number: REASON` at a line's end lets its literals pass. `\input` and `\include`
are followed, but into the report's own files.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from receipts.refusal import Refusal, nearest
from receipts.report.model import Number, Report
from receipts.runs import flat

CONSTANTS = {"0.001", "0.01", "0.05", "0.95", "0.8", "0.9", "95%", "80%", "90%"}
COMMENT = re.compile(r"(?<!\\)%.*")
REASON = re.compile(r"(?<!\\)%\s*number:\s*\S")
HIDDEN = re.compile(r"\\begin\{(verbatim|lstlisting|minted|thebibliography|tikzpicture)\*?\}.*?\\end\{\1\*?\}", re.S)
NAMES = (
    "cite|ref|label|input|include|includegraphics|url|usepackage|documentclass|bibliography|bibitem|hyperref|href|"
    "receipt|SI|si|vspace|hspace|setlength|addtolength|rule|color|definecolor|begin|end|tag|pagestyle|vskip|hskip|"
    "fontsize|scalebox|resizebox|raisebox|parbox|cmidrule|cline|multicolumn|multirow|newcommand|renewcommand|def"
)
COMMAND = re.compile(rf"\\[a-zA-Z]*(?:{NAMES})[a-zA-Z]*\*?(?:\([^()]*\)|\[[^\]]*\]|\{{[^{{}}]*\}})*")
ADDRESS = re.compile(r"https?://\S+")
LENGTH = re.compile(r"[-+]?\d*\.?\d+\s*(?:pt|em|ex|cm|mm|in|bp|mu|\\(?:text|line|column|paper|h|v)[a-z]*)\b")
LITERAL = re.compile(r"(?<![\w.\\-])[-+−]?(?:\d{1,3}(?:(?:\{,\}|,)\d{3})+|\d+)?(?:\.\d+|(?<=\d)(?=\s*\\?,?\s*\\%))")
KEY = re.compile(r"\\receipt\{([^{}]*)\}")
INPUT = re.compile(r"\\(?:input|include)\{([^{}]+)\}")


def unexplained(path: Path, report: Report) -> list[str]:
    """Every literal that nothing explains and every key that no number has, with file and line."""
    known = Known(report)
    found = []
    for file in files(path, set()):
        for number, line in enumerate(looked_at(read(file)).splitlines(), 1):
            for key in KEY.findall(line):
                if key not in report.numbers:
                    found.append(f"{file}:{number}: no number has the key {key}{nearest(key, list(report.numbers))}")
            unknown = [literal for literal in literals(line) if literal not in known]
            found += [f"{file}:{number}: no key explains {literal}" for literal in unknown]
    return found


def read(path: Path) -> str:
    """A TeX file's text; refused where it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Refusal(f"{path} cannot be read", str(error.strerror), "tex=PATH, from the project's folder") from error
    except UnicodeDecodeError as error:
        raise Refusal(
            f"{path} is not UTF-8", f"byte {error.start} cannot be read", f"iconv -f latin1 -t utf-8 {path}"
        ) from error


def files(path: Path, seen: set[Path]) -> Iterator[Path]:
    """A TeX file and those it takes in, but not what a report wrote."""
    seen.add(path)
    yield path
    for name in INPUT.findall(COMMENT.sub("", read(path))):
        other = path.parent / (name if name.endswith(".tex") else f"{name}.tex")
        ours = any((folder / "numbers.json").is_file() for folder in (other.parent, other.parent.parent))
        if other.is_file() and other not in seen and not ours:
            yield from files(other, seen)


def looked_at(text: str) -> str:
    """The body of a document, line for line; hidden parts and lines with a reason are emptied."""
    head, begins, body = text.partition(r"\begin{document}")
    text = "\n" * head.count("\n") + body if begins else text
    text = HIDDEN.sub(lambda found: "\n" * found[0].count("\n"), text)
    return "\n".join("" if REASON.search(line) else COMMENT.sub("", line) for line in text.split("\n"))


def literals(line: str) -> list[str]:
    """The literal numbers of a line, plain: `1{,}234.5` is 1234.5, `94 \\%` is 94%."""
    kept = ADDRESS.sub(" ", KEY.sub(" ", line))
    while (stripped := COMMAND.sub(" ", kept)) != kept:
        kept = stripped
    kept = LENGTH.sub(" ", kept)
    found = []
    for match in LITERAL.finditer(kept):
        percent = re.match(r"\s*(?:\\,)?\s*\\%", kept[match.end() :])
        text = match[0].replace("{,}", "").replace(",", "").replace("−", "-").lstrip("+")
        text = re.sub(r"^(-?)\.", r"\g<1>0.", text)
        found.append(f"{text}%" if percent else text)
    return found


class Known:
    """What may stand in the paper as a literal."""

    def __init__(self, report: Report) -> None:
        numbers = [number for number in report.numbers.values() if number.value is not None]
        self.values = sorted({abs(number.value) for number in numbers if number.value is not None})
        printed = {text.lstrip("-") for number in numbers for text in spellings(number)}
        self.texts = CONSTANTS | printed | settings(report)

    def __contains__(self, literal: str) -> bool:
        text = literal.lstrip("-")
        if text in self.texts:
            return True
        percent, plain = text.endswith("%"), text.rstrip("%")
        if len(re.sub(r"\D", "", plain).lstrip("0")) < 3:
            return False
        places = len(plain.partition(".")[2])
        scales = (100.0,) if percent else (1.0, 100.0)
        return any(f"{value * scale:.{places}f}" == plain for value in self.values for scale in scales)


def spellings(number: Number) -> Iterable[str]:
    """A number as it is printed, and in per cent."""
    yield number.text
    if number.value is not None and (places := len(number.text.partition(".")[2])) >= 2:
        yield f"{100 * number.value:.{places - 2}f}%"
        yield f"{100 * number.value:.{places - 2}f}"


def settings(report: Report) -> set[str]:
    """Every number in the configs of the runs that are reported, as a person would write it."""
    found = set()
    for run in report.runs:
        for text in flat.parameters(report.folder / run.run_id).values():
            for literal in re.findall(r"-?\d*\.?\d+(?:[eE][-+]?\d+)?", text):
                value = float(literal)
                found |= {literal, f"{value:g}", f"{value:.10f}".rstrip("0").rstrip("."), f"{100 * value:g}%"}
    return found
