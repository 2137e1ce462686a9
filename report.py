"""From recorded runs to a paper's tables, figures and pages; every number with its receipt.

python report.py                 (which numbers: conf/scripts/report.yaml; into report/ and EXPERIMENTS.md)
python report.py check=true      recomputes every number from stored predictions and writes nothing; tex=paper.tex
"""

from pathlib import Path

from receipts.config import reporting
from receipts.config.entry import start
from receipts.config.questions import Reporting
from receipts.report import anonymous, build, collect, lock, output, selection, source, summary, verify


def report(asked: Reporting) -> int:
    checking = bool(asked.check or asked.tex)
    found = collect.collect(source.pulled(asked.source), remember=not checking)
    chosen = selection.select(found, reporting.load(), asked.allow)
    marks = lock.refuse_mixtures(chosen.drafts, asked.allow)
    made = build.report(found, chosen, marks, asked.hourly_rate)
    if checking:
        return verify.check(made, found, asked)
    output.write(made, Path(asked.folder))
    if asked.anonymous:
        anonymous.export(made, Path(asked.folder))
    return summary.show(made, Path(asked.folder))


if __name__ == "__main__":
    start(report, Reporting)
