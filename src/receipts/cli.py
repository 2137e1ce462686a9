"""What can be done beside train.py, eval.py, ablate.py, report.py and gauntlet.py: divide and look at data, list, check
and compare runs, make them again, send them to MLflow. `receipts VERB --help` tells what a verb takes.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from receipts.config import outlet, project, signals
from receipts.refusal import DONE, Refusal, tell, visible

RUN = "a run id, the beginning of one, latest or latest:CONF"


def split(arguments: argparse.Namespace) -> int:
    """Divide a dataset as its file in conf/data/ states, and write its manifest."""
    from receipts.data import dividing

    for line in dividing.divide(arguments.name, arguments.folds):
        print(visible(line))
    return DONE


def fetch(arguments: argparse.Namespace) -> int:
    """Fetch and unpack a dataset that others publish, as its class says; a stage below derived/ calls this."""
    from receipts.data import dividing

    for line in dividing.fetch(arguments.name):
        print(visible(line))
    return DONE


def sync(arguments: argparse.Namespace) -> int:
    """Send to MLflow what it lacks of the recorded runs and plans."""
    from receipts.runs import plans, store, syncing

    done = syncing.sync([*store.folders(), *plans.folders()])
    print(
        f"sent {len(done.sent)}, already there {len(done.already)}, running {len(done.live)}, failed {len(done.failed)}"
    )
    if done.failed:
        raise Refusal(
            f"MLflow still lacks {len(done.failed)} of them",
            "\n".join(f"{name}: {reason}" for name, reason in done.failed.items()),
            "mend what is said there, then: receipts sync",
        )
    return DONE


def ls(arguments: argparse.Namespace) -> int:
    """List the recorded runs, newest first."""
    from receipts.runs import overview

    overview.show(arguments.conf)
    return DONE


def show(arguments: argparse.Namespace) -> int:
    """Print the README of a run: what ran, its numbers, its checks."""
    from receipts.config.project import RUNS
    from receipts.runs import choice, known, views

    print(visible(views.readme(choice.select(arguments.run), known.recorded(RUNS))), end="")
    return DONE


def rescore(arguments: argparse.Namespace) -> int:
    """Score stored predictions by today's harness; nothing is trained or opened, and the old scores stay."""
    from receipts.evaluation import rescoring

    return rescoring.rescore(arguments.run)


def checks(arguments: argparse.Namespace) -> int:
    """List the checks: when each is made and what it asserts."""
    from receipts.guards import alone

    for line in alone.listed():
        print(visible(line))
    return DONE


def check(arguments: argparse.Namespace) -> int:
    """Make one check on a recorded run; `check static conf=…` reads configuration and code, and needs no run."""
    from receipts.guards import alone

    return alone.check(arguments.name, arguments.words)


def review(arguments: argparse.Namespace) -> int:
    """Write the page on which a person reviews a run; tick=ITEM says what was looked at, by=NAME by whom."""
    from receipts.guards.review import run
    from receipts.runs import choice

    given = pairs(arguments.words, ("tick", "by"))
    for line in run.review(choice.select(arguments.run), given.get("tick", ""), given.get("by", "")):
        print(visible(line))
    return DONE


def look(arguments: argparse.Namespace) -> int:
    """Write a page with samples of train and val before and after each transform, for looking at in pairs."""
    from receipts.config.compose import compose
    from receipts.guards.review import look

    print(f"next: open {look.look(compose(*arguments.words))}")
    return DONE


def pairs(words: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """Words like key=value; another key is refused."""
    found = dict(word.partition("=")[::2] for word in words)
    if other := [key for key in found if key not in known]:
        raise Refusal(f"{other[0]} means nothing here", f"known are {', '.join(known)}", f"{known[0]}=…")
    return found


def faults(arguments: argparse.Namespace) -> int:
    """Begin a case of the fault suite: a bug that got through, or with --clean an alarm about nothing."""
    from receipts.guards import cases

    for line in cases.new(arguments.name, arguments.clean):
        print(visible(line))
    return DONE


def diff(arguments: argparse.Namespace) -> int:
    """Show how two runs differ, what most likely matters first, and which predictions flipped."""
    from receipts.evaluation import flips
    from receipts.runs import choice, diff

    a, b = choice.select(arguments.run_a), choice.select(arguments.run_b)
    diff.show(a, b, flips.between(a, b))
    return DONE


def gc(arguments: argparse.Namespace) -> int:
    """List the runs that report/numbers.json does not name, and their bytes; with --yes, remove them."""
    from receipts.runs import gc

    gc.collect(arguments.yes)
    return DONE


def folds_of(word: str) -> int:
    """The number in `folds=K`."""
    key, _, number = word.partition("=")
    if key != "folds":
        raise argparse.ArgumentTypeError(f"{word!r} is not folds=K")
    return int(number)


def rerun(arguments: argparse.Namespace) -> int:
    """Make a run, or the runs behind a printed number, again from commit, lock and data, and compare the numbers."""
    from receipts.replay import rerun

    return rerun.rerun(arguments.wanted, arguments.env.removeprefix("env="), arguments.keep)


class Parser(argparse.ArgumentParser):
    """A parser that refuses as everything here does."""

    def error(self, message: str) -> NoReturn:
        """What was typed makes no sense."""
        raise Refusal(f"{self.prog}: {message}", self.format_usage().strip(), f"{self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """The verbs and their words; each verb's help is the first line of its function."""
    found = Parser(prog="receipts", description=__doc__)
    verbs = found.add_subparsers(required=True, metavar="VERB")

    def add(verb: Callable[[argparse.Namespace], int], *words: tuple[str, str]) -> argparse.ArgumentParser:
        sub = verbs.add_parser(verb.__name__, help=verb.__doc__, description=verb.__doc__)
        sub.set_defaults(verb=verb)
        for name, meaning in words:
            sub.add_argument(name, help=meaning)
        return sub

    add(split, ("name", "the file of conf/data/, without .yaml")).add_argument(
        "folds",
        nargs="?",
        type=folds_of,
        help="folds=K: the K manifests of a cross-validation, beside the dataset's own",
    )
    add(fetch, ("name", "the file of conf/data/, without .yaml"))
    add(sync)
    add(ls).add_argument("conf", nargs="?", help="only runs of this experiment")
    add(show, ("run", RUN))
    add(rescore, ("run", f"{RUN}; or all"))
    add(checks)
    words = add(check, ("name", "a name that `receipts checks` lists, or static"))
    words.add_argument("words", nargs="*", metavar="RUN", help=f"{RUN}; or words like conf=NAME")
    add(review, ("run", RUN)).add_argument("words", nargs="*", metavar="tick=ITEM by=NAME", help="what was looked at")
    add(look).add_argument("words", nargs="*", metavar="conf=NAME", help="the experiment, and overrides")
    case = add(faults)
    case.add_argument("word", choices=["new"], help="what is done")
    case.add_argument("name", help="the name of the case: small letters and hyphens")
    case.add_argument("--clean", action="store_true", help="an honest project that a check took for a fault")
    add(diff, ("run_a", RUN), ("run_b", RUN))
    again = add(rerun, ("wanted", f"the key of a table cell, as in report/numbers.json; or {RUN}"))
    again.add_argument("env", nargs="?", default="env=lock", help="env=current takes the running Python")
    again.add_argument("--keep", action="store_true", help="leave the temporary clone for a look")
    add(gc).add_argument("--yes", action="store_true", help="remove them; without it, only list them")
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Run a verb; people-fixable problems end with exit code 3."""
    signals.heed()
    outlet.outlive_reader()
    try:
        arguments = parser().parse_args(words)
        project.enter(Path.cwd())
        code: int = arguments.verb(arguments)
    except Refusal as problem:
        return tell(problem)
    except KeyboardInterrupt:
        return signals.STOPPED + signal.SIGINT
    return code


if __name__ == "__main__":
    sys.exit(main())
