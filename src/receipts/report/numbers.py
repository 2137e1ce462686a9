"""Every printed number by its key: numbers.json for programs and people, numbers.tex for the paper."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec

from receipts.report import latex
from receipts.report.model import Receipt, Report

SCHEMA = 1
NAME = "numbers.json"
MACRO = r"""% written by report.py: \receipt{key} prints a number; keys and receipts stand in numbers.json
\providecommand{\receipt}[1]{\ifcsname receipt@#1\endcsname\csname receipt@#1\endcsname
  \else\errmessage{no number has the key #1: see numbers.json}\fi}
"""


def write(report: Report, folder: Path) -> None:
    """Write numbers.json and numbers.tex."""
    (folder / NAME).write_text(to_json(report), encoding="utf-8")
    (folder / "numbers.tex").write_text(to_latex(report), encoding="utf-8")


def to_json(report: Report) -> str:
    """Numbers by key, and receipts by name, since all numbers of a row share one."""
    receipts = {number.receipt.name: number.receipt for number in report.numbers.values()}
    numbers = {
        key: {"value": number.value, "text": number.text, "meaning": number.meaning, "receipt": number.receipt.name}
        for key, number in report.numbers.items()
    }
    facts = {
        "schema": SCHEMA,
        "numbers": numbers,
        "receipts": {name: facts_of(receipt) for name, receipt in receipts.items()},
        "openings": report.openings,
        "findings": list(report.findings),
    }
    # The same as json.dumps(facts, indent=1), which takes ten times as long.
    return msgspec.json.format(json.dumps(facts, ensure_ascii=False), indent=1) + "\n"


def facts_of(receipt: Receipt) -> dict[str, Any]:
    """A receipt by the names of its fields."""
    return {one.name: getattr(receipt, one.name) for one in fields(receipt)}


def to_latex(report: Report) -> str:
    """One macro that looks a key up; TeX's own names take neither dots nor digits."""
    lines = [
        f"\\expandafter\\def\\csname receipt@{key}\\endcsname{{{latex.escaped(number.text)}}}"
        for key, number in report.numbers.items()
    ]
    return MACRO + "\n".join(lines) + "\n"
