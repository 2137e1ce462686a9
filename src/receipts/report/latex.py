"""Text and numbers as LaTeX that plain pdflatex takes."""

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from receipts.report.tables import Printed

SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "*": r"\textsuperscript{*}", "±": r"$\pm$", "≈": r"$\approx$",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\rightarrow$", "×": r"$\times$", "·": r"$\cdot$", "≤": r"$\leq$",
    "≥": r"$\geq$", "−": r"$-$", "–": "--", "—": "---", "…": r"\ldots{}", "α": r"$\alpha$", "δ": r"$\delta$",
    "Δ": r"$\Delta$", "σ": r"$\sigma$", "μ": r"$\mu$", "√": r"$\surd$", "‘": "`", "’": "'", "“": "``", "”": "''",
    "\u00a0": "~", "²": r"\textsuperscript{2}", "³": r"\textsuperscript{3}",
}  # fmt: skip
UNSURE = re.compile(r"[^A-Za-z0-9 .,:;=+()/-]")  # what may need a command
MINUS = re.compile(r"(?<![^ (\[])-(?=\d)")  # the sign of a number is none of the hyphens
MARKS = {"*": r"\textsuperscript{*}", "≈": r"\textsuperscript{$\approx$}", "?": r"\textsuperscript{?}"}


def escaped(text: str) -> str:
    """A text of which nothing is a command, nor what a command before it takes for its own; a letter that pdflatex has
    no glyph for becomes its name.
    """
    safe = UNSURE.sub(lambda found: plain(found[0]), text.replace('"', "''"))
    guard = "{}" if safe.startswith("[") else ""  # \\ and \item would take it for an argument
    return guard + MINUS.sub(r"\\ensuremath{-}", safe)


def stacked(*texts: str, align: str = "l") -> str:
    """Texts as the lines of one narrow cell; what stands in brackets at a text's end has a line of its own."""
    lines = [line for text in texts for line in text.replace(" (", "\n(", 1).splitlines()]
    if len(lines) == 1:
        return escaped(lines[0])
    broken = r" \\ ".join(escaped(line) for line in lines)
    return rf"\shortstack[{align}]{{\rule{{0pt}}{{2.4ex}}{broken}}}"


def plain(char: str) -> str:
    """A letter of ASCII or the Latin alphabets as it is, any other by its command or its name; nothing of a control."""
    if not char.isprintable():
        return ""
    if char in SPECIAL:
        return SPECIAL[char]
    if char.isascii() or ("\u00c0" <= char <= "\u017f" and char.isalpha()):
        return char
    return f"[{unicodedata.name(char, 'unknown sign').lower()}]"


def columns(cells: "Sequence[Printed]") -> str:
    """Three columns for one metric: the value, the sign ±, the half-width, as wide as the widest cell."""
    value, half = form([cell.value for cell in cells]), form([cell.spread for cell in cells])
    room = f", table-space-text-post={{{MARKS['≈']}}}" if any(cell.mark for cell in cells) else ""
    return f"S[table-format={value}]@{{\\,}}c@{{\\,}}S[table-format={half}{room}]"


def form(texts: Sequence[str]) -> str:
    """siunitx's description of a column of numbers: digits before and after the point, and whether any is negative."""
    numbers = [re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?", text) for text in texts]
    found = [match for match in numbers if match]
    if not found:
        return "1.1"
    sign = "-" if any(match[1] for match in found) else ""
    return f"{sign}{max(len(match[2]) for match in found)}.{max(len(match[3] or '') for match in found)}"


def cell(printed: "Printed") -> str:
    """A value, its sign and its half-width; what is no number stands in braces."""
    mark = MARKS.get(printed.mark, "")
    value = printed.value if re.fullmatch(r"-?[\d.]+", printed.value) else f"{{{escaped(printed.value)}}}"
    value = f"\\bfseries {value}" if printed.bold else value
    if printed.spread:
        return f"{value} & $\\pm$ & {printed.spread}{f' {mark}' if mark else ''}"
    return f"{value} & & {{{escaped(printed.beside)}{mark}}}"
