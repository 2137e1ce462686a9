r"""The literal numbers of a TeX source: decimals (0.939, .94, 1{,}234.5, $9.4\cdot10^{-1}$) and whole per cents.

What is no result is emptied first, line for line: comments, verbatim text, arguments that name, place or colour
something, lengths, addresses, identifiers, versions, dates, and the numbers of sections, tables and equations. Of a
preamble its macros are left, and the title.
"""

import re
from collections.abc import Iterator

COMMENT = re.compile(r"(?<!\\)%.*")
REASON = re.compile(r"(?<!\\)%\s*number:\s*\S")
ENVIRONMENTS = "verbatim|Verbatim|lstlisting|minted|comment|filecontents|thebibliography|tikzpicture|picture"
HIDDEN = re.compile(
    rf"\\begin\{{({ENVIRONMENTS})\*?\}}.*?\\end\{{\1\*?\}}"
    r"|\\(?:verb\*?|lstinline(?:\[[^\]]*\])?)([^\w\s*{])[^\n]*?\2",
    re.S,
)
MACRO = re.compile(
    r"\\(?:(?:re)?new|provide)command\*?\s*\{?\\(?P<name>[A-Za-z]+)\}?\s*(?:\[[^\]]*\]\s*)*(?=\{)"
    r"|\\def\s*\\(?P<short>[A-Za-z]+)[^{}\n]*(?=\{)|\\title\s*(?=\{)"
)
COMMAND = re.compile(r"\\([A-Za-z]+)\*?")
NAMING = re.compile(  # all of their arguments name, place or colour something
    r"\w*cite\w*|(?!h(?:yper)?ref)\w*ref|label|input|include|includegraphics|subfile|import|graphicspath|url|path|nolinkurl|"
    r"bibliography\w*|bibitem|usepackage|documentclass|pagestyle|thispagestyle|tag|end|receipt|si|unit|lstinline|"
    r"mintinline|lstinputlisting|verbatiminput|[vh]space|[vh]skip|kern|setlength|addtolength|setcounter|addlinespace|"
    r"rule|setstretch|linespread|stretch|[vh]?phantom|fontsize|definecolor|color|pagecolor|rowcolors?|cellcolor|"
    r"columncolor|cmidrule|cline|captionsetup|sisetup|lstset|hypersetup|geometry|looseness"
)
PLACING = {  # so many arguments place or colour a text, which is the next one
    "begin": 9, "href": 1, "hyperref": 0, "textcolor": 1, "colorbox": 1, "fcolorbox": 2, "parbox": 1, "raisebox": 1,
    "scalebox": 1, "resizebox": 2, "rotatebox": 1, "makebox": 0, "framebox": 0, "multicolumn": 2, "multirow": 2,
}  # fmt: skip
CLOSED = {"{": "}", "[": "]", "(": ")"}

REFERRED = (
    r"sec(?:tions?|s?\.)|§|eqs?\.|equations?|figs?\.|figures?|tab(?:les?|s?\.)|chap(?:ters?|\.)|app(?:endix|endices|\.)|"
    r"theorems?|thm\.|lemmas?|definitions?|algorithms?|alg\.|listings?|remarks?|propositions?|corollar(?:y|ies)|"
    r"lines?|pages?|pp?\.|vol(?:ume|\.)|no\."
)
VERSIONED = (
    r"versions?|releases?|licen[cs]e|cc[ ~-]by(?:-\w+)*|python|pytorch|torch|cuda|cudnn|driver|numpy|scipy|pandas|"
    r"scikit-learn|sklearn|lightning|hydra|mlflow|dvc|tensorflow|keras|jax|xgboost|lightgbm|transformers|vllm|matlab|"
    r"julia|java|gcc|linux|kernel|ubuntu|debian|windows|macos"
)
ONE = r"\(?[A-Z]?[1-9]\d*(?:\.\d+)*(?![\d.]*[\s~]*\\?,?[\s~]*\\%)[a-z]?\)?"
NO_RESULTS = (
    re.compile(r"https?://\S+|(?i:arxiv:|doi:)\s*\S+|\b10\.\d{4,9}/\S+"),
    re.compile(rf"(?<![A-Za-z\\])(?i:{REFERRED})[\s~]*{ONE}(?:(?:--?|–|[\s~]+(?:and|to)[\s~]+){ONE})?"),
    re.compile(rf"(?<![A-Za-z\\])(?i:{VERSIONED})[\s~]*{ONE}"),
    re.compile(r"(?<![A-Za-z\\])(?i:gpt|llama|qwen|gemma|gemini|phi)[\s~-]\d(?:\.\d)?(?![\d.])"),
    re.compile(r"(?<![\w.])\d+(?:\.\d+){2,}"),  # 0.4.1, 22.11.2026, 127.0.0.1
    re.compile(r"\\\\\*?\[[^\]]*\]"),
    re.compile(
        r"[-+]?\d*\.?\d+(?:(?:pt|em|ex|cm|mm|in|bp|mu)\b"
        r"|\s*\\(?:(?:text|line|column|paper)(?:width|height)|[hv]size|(?:baseline|par)skip|tabcolsep|parindent)\b)"
    ),
)
PERCENT = r"(?:[\s~${}]|\\[,;:! ])*(?:\\%|per\s?cent\b)"
LITERAL = re.compile(
    rf"(?<![\w.\\])(?<![A-Za-z]-)(?:(?<!-)[-+−])?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)?(?:\.\d+|(?<=\d)(?={PERCENT}))"
)
POWER = re.compile(r"\s*(?:(?:\\times|\\cdot|×|·)\s*10\s*\^\s*\{?\s*|[eE])([-+−]?\d+)")


def looked_at(text: str, is_body: bool = True) -> str:
    """What may hold a result, line for line; a preamble, here or all of the text, keeps its macros and title."""
    text = HIDDEN.sub(lambda found: emptied(found[0]), text)
    text = "\n".join("" if REASON.search(line) else COMMENT.sub("", line) for line in text.split("\n"))
    head, begins, body = text.partition(r"\begin{document}")
    if begins:
        return macros(head) + body
    return text if is_body else macros(text)


def emptied(text: str) -> str:
    """Nothing but the line ends of a text."""
    return "\n" * text.count("\n") or " "


def macros(text: str) -> str:
    """The bodies of a preamble's macros and its title; all else emptied."""
    kept, last = [], 0
    for found in MACRO.finditer(text):
        if found.start() >= last:
            end = group_end(text, found.end())
            kept += [emptied(text[last : found.start()]), text[found.start() : end]]
            last = end
    return "".join([*kept, emptied(text[last:])])


def group_end(text: str, start: int) -> int:
    """Where the group that opens at `start` ends; at the start itself where none opens or it never ends."""
    if start >= len(text) or text[start] not in CLOSED:
        return start
    opens, closes, depth = text[start], CLOSED[text[start]], 0
    for place in range(start, len(text)):
        if text[place] in (opens, closes) and text[place - 1] != "\\":
            depth += 1 if text[place] == opens else -1
            if depth == 0:
                return place + 1
    return start


def prose(text: str) -> str:
    """A text without the arguments that are no text, line for line."""
    text = MACRO.sub(lambda found: emptied(found[0]) if "stretch" not in (found["name"] or "") else found[0], text)
    kept, last = [], 0
    for found in COMMAND.finditer(text):
        if found.start() < last:
            continue
        end = found.end()
        for group in groups(text, end, hides(found[1])):
            end = group
        if end > found.end():
            kept += [text[last : found.end()], emptied(text[found.end() : end])]
            last = end
    return "".join([*kept, text[last:]])


def hides(name: str) -> tuple[int, bool]:
    """How many arguments of a command are no text, and whether one in round brackets is an argument."""
    if NAMING.fullmatch(name) or name == "renewcommand":
        return 99, name in ("cmidrule", "includegraphics")
    return PLACING.get(name, -1), False


def groups(text: str, start: int, hidden: tuple[int, bool]) -> Iterator[int]:
    """The ends of the arguments behind a command that are no text; those in square brackets do not count as one."""
    many, is_round = hidden
    while many >= 0 and (end := group_end(text, start)) > start:
        if text[start] == "{":
            many -= 1
        if many < 0 or (text[start] == "(" and not is_round):
            return
        yield end
        start = end


def literals(text: str) -> Iterator[tuple[int, str]]:
    """Every literal with its line, plain: `1{,}234.5` is 1234.5, `94 \\%` is 94%, $9.4\\cdot10^{-1}$ is 9.4e-1."""
    text = prose(text)
    for pattern in NO_RESULTS:
        text = pattern.sub(lambda found: emptied(found[0]), text)
    for number, line in enumerate(text.replace("{,}", ",").replace("{.}", ".").split("\n"), 1):
        for match in LITERAL.finditer(line):
            rest = line[match.end() :]
            plain = re.sub(r"^(-?)\.", r"\g<1>0.", match[0].replace(",", "").replace("−", "-").lstrip("+"))
            power = POWER.match(rest)
            percent = "%" if re.match(PERCENT, rest) else ""
            yield number, f"{plain}e{power[1].replace('−', '-').lstrip('+')}" if power else f"{plain}{percent}"
