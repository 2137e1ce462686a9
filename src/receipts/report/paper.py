r"""Literal numbers in a paper: each must be one that the report prints, a setting of its runs, or be given a reason.

A literal is explained where it is a number of the report as printed, or, with three digits or more, its value rounded
to as many decimals, as a share or in per cent; where it is a value in the config of a reported run; or a constant of
the protocol (α 0.05, bounds of p, 95 %, 80 %, 90 %). `% number: REASON` at a line's end lets its literals pass.
`\input`, `\include`, `\import` and `\subfile` are followed, but into the report's own files.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from receipts.refusal import Refusal, nearest
from receipts.report.literals import COMMENT, literals, looked_at
from receipts.report.model import Number, Report
from receipts.runs import flat

CONSTANTS = {"0.001", "0.01", "0.05", "0.95", "0.8", "0.9", "95%", "80%", "90%"}
KEY = re.compile(r"\\receipt\{([^{}]*)\}")
INPUT = re.compile(
    r"\\(?:input|include|subfile)\s*\{([^{}]+)\}|\\input\s+([^\s{}\\]+)|\\(?:sub)?import\*?\{([^{}]*)\}\{([^{}]+)\}"
)


def unexplained(path: Path, report: Report) -> list[str]:
    """Every literal that nothing explains and every key that no number has, with file and line."""
    known = Known(report)
    found = []
    for file, is_body in files(path, path.parent, True, set()):
        text = looked_at(read(file), is_body)
        told = [
            (number, f"no number has the key {key}{nearest(key, list(report.numbers))}")
            for number, line in enumerate(text.split("\n"), 1)
            for key in KEY.findall(line)
            if key not in report.numbers
        ]
        told += [(number, f"no key explains {literal}") for number, literal in literals(text) if literal not in known]
        found += [f"{file}:{number}: {what}" for number, what in sorted(told, key=lambda one: one[0])]
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


def files(path: Path, root: Path, is_body: bool, seen: set[Path]) -> Iterator[tuple[Path, bool]]:
    """A TeX file and those it takes in, but not what a report wrote, and whether each stands in the document's body.

    TeX looks from the folder of the first file, `root`.
    """
    seen.add(path)
    yield path, is_body
    text = COMMENT.sub("", read(path))
    starts = text.find(r"\begin{document}")
    for match in INPUT.finditer(text):
        name = match[1] or match[2] or f"{match[3].rstrip('/')}/{match[4]}"
        name = name.strip() if name.strip().endswith(".tex") else f"{name.strip()}.tex"
        other = next((place for folder in (root, path.parent) if (place := folder / name).is_file()), None)
        if other is None or other in seen:
            continue
        if not any((folder / "numbers.json").is_file() for folder in (other.parent, other.parent.parent)):
            yield from files(other, root, is_body and match.start() > starts, seen)


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
        if "e" in text:
            return self.has_power(text)
        percent, plain = text.endswith("%"), text.rstrip("%")
        if len(re.sub(r"\D", "", plain).lstrip("0")) < 3:
            return False
        places = len(plain.partition(".")[2])
        scales = (100.0,) if percent else (1.0, 100.0)
        return any(f"{value * scale:.{places}f}" == plain for value in self.values for scale in scales)

    def has_power(self, text: str) -> bool:
        """Whether `9.4e-1` is a value rounded to as many digits, two at least, or a setting."""
        value, digits = float(text), len(re.sub(r"\D", "", text.partition("e")[0]))
        if abs(value) > 1e-9 and f"{value:.10f}".rstrip("0").rstrip(".") in self.texts:
            return True
        return digits > 1 and any(f"{known:.{digits - 1}e}" == f"{value:.{digits - 1}e}" for known in self.values)


def spellings(number: Number) -> Iterable[str]:
    """A number as it is printed, and in per cent; p as the notes print it."""
    yield number.text
    if number.value is not None and number.key.endswith(".p"):
        yield f"{number.value:.2g}"
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
