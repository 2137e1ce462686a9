"""`replay(run)`: train and evaluate a recorded run once more, from nothing but its commit, its lock and its data."""

import re
import shlex
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from receipts.config.compose import GROUPS
from receipts.config.project import RUNS
from receipts.config.schema import SWITCHES, Config
from receipts.refusal import CHECK_FAILED, DONE, Refusal
from receipts.replay import verdict
from receipts.replay.clone import cloned, give_data, give_parent
from receipts.replay.environment import SHOWN, Environment, made
from receipts.replay.verdict import Compared, Word
from receipts.runs import record as records
from receipts.runs.log import say
from receipts.runs.pulling import folder_of
from receipts.runs.record import Record


@dataclass(frozen=True)
class Replayed:
    """A run made again. `files` says what is equal byte for byte, `causes` what else is not the same."""

    then: Record
    again: Record
    numbers: list[Compared]
    verdict: Word
    files: list[str]
    causes: list[str]


def replay(
    record: Record,
    *,
    env: str = "lock",
    keep: bool = False,
    change: Callable[[list[str]], list[str]] | None = None,
    tell: Callable[[str], None] = say,
) -> Replayed:
    """Make a completed run again in a temporary clone of its commit, and compare every number.

    `env`: `lock` makes an environment from the commit's lock, `current` takes the running one. `change` may alter the
    words that train.py is given, for a fresh seed, say. Nothing here is written to, no store is told, and the test
    ledger does not count it: the look repeats one whose answer is on record, and nothing is chosen by it.
    """
    refuse_unfinished(record)
    with cloned(record, keep) as place:
        tell(f"  clone        commit {record.code.commit[:12]}{f' in {place}' if keep else ''}")
        environment = made(place, env)
        tell(f"  environment  {environment.told}")
        tell(f"  data         {give_data(record, place, environment.python)}")
        give_parent(record, place)
        words = command(record) if change is None else change(command(record))
        script(place, environment, ["train.py", *words], tell)
        for split in dict.fromkeys(score.split for score in record.scores if score.split != "val"):
            script(place, environment, ["eval.py", "run_id=latest", f"split={split}"], tell)
        after = newest(place)
        again = records.read(after)
        found = verdict.numbers(record, again)
        causes = verdict.causes(record, folder_of(record.run_id) or RUNS / record.run_id, again, after)
        word = verdict.overall(found, record.primary)
        return Replayed(record, again, found, word, verdict.same_files(record, again), causes)


def refuse_unfinished(record: Record) -> None:
    """Only a run that came to an end has numbers to compare with."""
    if record.status != "completed":
        raise Refusal(
            f"{record.run_id} is not complete", f"its status is {record.status}", f"receipts show {record.run_id}"
        )


def command(record: Record) -> list[str]:
    """The words after train.py that make this run: those that were typed, or of a sweep, its experiment and values."""
    try:
        typed = shlex.split(record.command)[1:]
    except ValueError:  # cut short: a quotation without an end
        typed = []
    if not typed or Path(typed[0]).name != "train.py" or {"-m", "--multirun"} & set(typed):
        words = [f"conf={record.conf}", *record.overrides]
    else:
        words = [word for word in typed[1:] if word.partition("=")[0] not in SWITCHES]
    if foreign := [word for word in words if not is_setting(word)]:
        raise Refusal(
            f"{record.run_id} was made with {foreign[0][:80]!r}, which is no setting of an experiment",
            "a record may come from anybody, and a word for Hydra or the shell could do anything",
            f"if you trust it: git checkout {record.code.commit[:12]}, and type its command yourself",
        )
    return words


def is_setting(word: str) -> bool:
    """Whether a word sets, adds or takes out a key of the experiment's schema, and does nothing else."""
    found = re.match(r"[+~]{0,2}([A-Za-z_]+)(?:[@.=:\[]|\Z)", word)
    return found is not None and found[1] in {*GROUPS, *(entry.name for entry in fields(Config))} - {*SWITCHES}


def script(place: Path, environment: Environment, words: list[str], tell: Callable[[str], None]) -> None:
    """One of the scripts in a clone; a failed check still leaves numbers to compare, anything else ends the replay."""
    began = time.monotonic()
    done = subprocess.run(
        [environment.python, *words],
        cwd=place,
        env=environment.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    tell(f"  ran          python {shlex.join(words)}   {time.monotonic() - began:.0f} s")
    if done.returncode not in (DONE, CHECK_FAILED):
        said = "\n".join(done.stdout.strip().splitlines()[-SHOWN:])
        raise Refusal(
            f"the replay stopped at python {shlex.join(words)}",
            f"it ended with {done.returncode}:\n{said}",
            "the same command with --keep leaves the clone for a look",
        )


def newest(place: Path) -> Path:
    """The run folder that a replay made."""
    found = sorted(path.parent for path in (place / RUNS).glob("[!.]*/record.json"))
    return max(found, key=lambda folder: (folder / "record.json").stat().st_mtime_ns)
