"""What the checks catch: every fault and every honest project of the suite, beside stock Lightning and Hydra.

python benchmarks/faults.py [NAME …]      a table in Markdown; some twelve minutes, or the cases whose names hold a word

A fault counts as caught when a command ends with an exit code that keeps its number from being accepted; as warned
when it was only told; as named right when the check is the one whose cure helps. Faults marked `beyond` were written
after the checks, to get past them.
"""

import re
import shutil
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import ROOT, tell

sys.path.insert(0, str(ROOT / "tests"))
import cases
from cases import Case, Outcome
from launching import launch

STOCK = ROOT / "benchmarks" / "stock.py"
KINDS = {"A": "the run shows it", "B": "one declared fact", "D": "a matter of degree"}
MOST = 0.8


@dataclass(frozen=True)
class Played:
    """A case, what came of it here, and what stock libraries made of it (None for honest projects)."""

    case: Case
    outcome: Outcome
    stock: str | None

    @property
    def named(self) -> bool:
        """Whether the check that should caught it, and said what helps."""
        return cases.named(self.outcome, self.case)


class Control:
    """The same faults under stock Lightning and Hydra; warnings that the unchanged project prints, too, don't count."""

    def __init__(self, template: Path) -> None:
        self.template = template
        self.usual: dict[str, set[str]] = {}

    def verdict(self, case: Case, folder: Path) -> str:
        """`caught`, `warned` or `missed`, by the first training of the case."""
        words = next((command.split()[1:] for command in case.run if command.startswith("train.py")), [])
        code, said = self.run(cases.changed(case, self.template, folder), words)
        conf = words[0] if words else ""
        if conf not in self.usual:
            known = conf.removeprefix("conf=") in {path.stem for path in (self.template / "conf").glob("*.yaml")}
            self.usual[conf] = self.run(self.template, words[:1])[1] if known else set()
        return "caught" if code else "warned" if said - self.usual[conf] else "missed"

    @staticmethod
    def run(folder: Path, words: list[str]) -> tuple[int, set[str]]:
        """The exit code, and the kinds of warnings, of a plain training."""
        done = launch(folder, str(STOCK), *words, before=cases.as_for_people, timeout=300)
        return done.code, set(re.findall(r"\w*Warning: .{0,60}", done.err))


def play(words: list[str]) -> Iterator[Played]:
    """Every case whose name holds one of the words, told as it ends."""
    with TemporaryDirectory() as folder:
        template = cases.workshop(Path(folder) / "workshop")
        control = Control(template)
        everything = [*cases.faults(), *cases.clean()]
        chosen = [case for case in everything if not words or any(word in case.title for word in words)]
        for number, case in enumerate(chosen):
            ours, plain = (Path(folder) / f"{name}-{number}" for name in ("case", "stock"))
            outcome = cases.play(case, template, ours)
            stock = control.verdict(case, plain) if case.kind else None
            outcome.out = ""  # of a hundred and more cases neither text nor folders are kept
            for done in (ours, plain):
                shutil.rmtree(done, ignore_errors=True)
            print(f"{case.title}: {outcome.verdict} {' '.join(outcome.by)}; stock {stock}", file=sys.stderr, flush=True)
            yield Played(case, outcome, stock)


def report(found: list[Played]) -> str:
    """The whole table, in Markdown."""
    faults, honest = [each for each in found if each.case.kind], [each for each in found if not each.case.kind]
    known, beyond = ([each for each in faults if each.case.beyond is late] for late in (False, True))
    parts = [
        *("### By class", by(known, lambda each: f"{each.case.kind}: {KINDS[each.case.kind]}")),
        *("### By category", by(known, lambda each: each.case.category)),
        *(["### Written after the checks, to get past them", by(beyond, lambda each: "all")] if beyond else []),
        *("### Time to detection", times([each for each in faults if each.outcome.verdict == "caught"])),
        *("### What slips through", slipped(faults)),
        *("### Honest projects", alarms(honest)),
        *("### Bugs of the past", past(faults)),
    ]
    return "\n\n".join(parts)


def by(found: list[Played], key: Callable[[Played], str]) -> str:
    """Counts of one row a group, and a last row of all; a fault of two doses counts twice."""
    groups = defaultdict(list)
    for each in found:
        groups[key(each)].append(each)
    rows = [line(name, groups[name]) for name in sorted(groups)]
    head = "| | faults | caught | named right | warned | missed | stock: stopped | warned | silent |"
    return "\n".join([head, "|---" * 9 + "|", *rows, *([line("**all**", found)] if len(groups) > 1 else [])])


def line(name: str, found: list[Played]) -> str:
    """One row of counts."""
    ours, stock = Counter(each.outcome.verdict for each in found), Counter(each.stock for each in found)
    named = sum(each.named for each in found)
    counts = [len(found), ours["caught"], named, ours["warned"], ours["missed"] + ours["crash"]]
    return f"| {name} | {' | '.join(map(str, [*counts, *(stock[word] for word in ('caught', 'warned', 'missed'))]))} |"


def times(caught: list[Played]) -> str:
    """Seconds from the command to its end, and steps trained by then, by the stage of the check."""
    groups = defaultdict(list)
    for each in caught:
        groups[each.outcome.stage].append(each.outcome)
    rows = ["| stage | faults | seconds, median | most | steps, median | most |", "|---" * 6 + "|"]
    for stage in ("start", "static", "pre-flight", "training", "after"):
        if found := groups.get(stage):
            seconds, steps = [each.seconds for each in found], [each.steps or 0 for each in found]
            rows.append(
                f"| {stage} | {len(found)} | {statistics.median(seconds):.1f} | {max(seconds):.1f} "
                f"| {statistics.median(steps):.0f} | {max(steps)} |"
            )
    return "\n".join(rows)


def slipped(faults: list[Played]) -> str:
    """Faults that no check stopped, and those that another check stopped than the one whose cure helps."""
    missed = [f"- `{each.case.title}`: {each.case.what}" for each in faults if each.outcome.verdict != "caught"]
    other = [
        f"- `{each.case.title}`, caught by {', '.join(each.outcome.by)}: {each.case.what}"
        for each in faults
        if each.outcome.verdict == "caught" and not each.named
    ]
    told = ["", "Caught, and the cause named otherwise:", "", *other] if other else []
    return "\n".join([*(missed or ["Nothing of the suite."]), *told])


def alarms(honest: list[Played]) -> str:
    """How many honest projects were alarmed, and by what."""
    wrong = [
        f"- `{each.case.title}`: {', '.join([*each.outcome.by, *each.outcome.told]) or 'exit code'} "
        for each in honest
        if each.outcome.verdict != "missed"
    ]
    return "\n".join([f"{len(wrong)} of {len(honest)} alarmed.", *wrong])


def past(faults: list[Played]) -> str:
    """What share of the bugs that once got through would be caught today, and by how few checks most of them are."""
    bugs = [each for each in faults if each.case.past]
    caught = [each for each in bugs if each.outcome.verdict == "caught"]
    few = fewest([checks_of(each.outcome) for each in faults if each.outcome.verdict == "caught"])
    share = f"{len(caught)} of {len(bugs)} bugs in BUGS.md that have a case are caught today." if bugs else ""
    return f"{share} The fewest that catch {MOST:.0%} of what is caught: {len(few)}, {', '.join(few)}.".strip()


def checks_of(outcome: Outcome) -> set[str]:
    """The checks that failed, without the split before their names."""
    from receipts.checks.catalogue import guard_of

    return {name if name == "refusal" else guard_of(name).name for name in outcome.by}


def fewest(found: list[set[str]]) -> list[str]:
    """The smallest set of checks that catches most of what was caught; found greedily once it is a large one."""
    needed = MOST * len(found)
    counts = Counter(name for names in found for name in names)

    def covers(chosen: Iterable[str]) -> bool:
        return sum(bool(names & set(chosen)) for names in found) >= needed

    for size in (1, 2, 3):
        for chosen in combinations(counts, size):
            if covers(chosen):
                return sorted(chosen)
    chosen, left = [], list(found)
    while left and not covers(chosen):
        best = Counter(name for names in left for name in names).most_common(1)[0][0]
        chosen, left = [*chosen, best], [names for names in left if best not in names]
    return chosen


if __name__ == "__main__":
    played = list(play(sys.argv[1:]))
    print(report(played))
    caught = [each for each in played if each.case.kind and each.outcome.verdict == "caught"]
    tell(
        "faults",
        what="faults of the suite that were caught, with the cause named, and honest projects alarmed",
        faults=sum(bool(each.case.kind) for each in played),
        caught=len(caught),
        named=sum(each.named for each in caught),
        stock=sum(each.stock == "caught" for each in played),
        honest=sum(not each.case.kind for each in played),
        alarmed=sum(not each.case.kind and each.outcome.verdict != "missed" for each in played),
    )
