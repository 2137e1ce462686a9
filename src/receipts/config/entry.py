"""How an entry script meets its command line: Hydra's own application, its errors turned into refusals.

A script is `start(job)`, where `job` takes one `Experiment` (or the script's own options) and returns an exit code.
Under `-m` every job is composed before the first one starts, a refused job leaves the others running, and the
code is the worst of all.
"""

import math
import re
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from receipts.config import compose, help, outlet, place, project
from receipts.config.schema import Config
from receipts.config.signals import STOPPED, heed
from receipts.refusal import DONE, REFUSED, Refusal, tell

BUG = 1
AS_TEXT = ("run_id", "resume", "fit.init_from", "on_end")


def start(
    job: Callable[[Any], int], options: type | None = None, objective: Callable[[Any], float] | None = None
) -> None:
    """Run a script's job for every combination its command line asks for, then exit with the worst code.

    `objective` is what a search over combinations wants to know of a job that has ended.
    """
    heed()
    outlet.outlive_reader()
    codes: list[int] = []
    try:
        project.enter(Path(sys.argv[0]).resolve().parent)
        if options is not None:
            place.refuse_crowd(Path(sys.argv[0]).name, place.place())
        register(options)
        words = spelt(sys.argv[1:], options)
        sys.argv[1:] = words
        with compose.told(words, options or Config):
            check_options(words)
            compose.refuse_wordless(words)
            if {"-h", "--help"} & set(words):
                print(help_text(words, options))
                return
            check_sweep(words, options)
            application(job, options, codes, objective)()
    except Refusal as problem:
        codes.append(tell(problem))
    except KeyboardInterrupt:
        codes.append(STOPPED + signal.SIGINT)
    sys.exit(worst(codes))


def help_text(words: Sequence[str], options: type | None) -> str:
    """What a script's `--help` says, for the experiment that the other words choose."""
    story = sys.modules["__main__"].__doc__ or ""
    if options is not None:
        return help.of_options(story, options)
    return help.of_experiment(story, [word for word in words if not word.startswith("-")])


def spelt(words: Sequence[str], options: type | None = None) -> list[str]:
    """The words as Hydra's grammar reads them: texts and lists of texts are quoted where it would parse their values.

    A script whose options have a field `words` takes any other word as well, and finds it in that field.
    """
    known = {entry.name: entry.type for entry in fields(options)} if options is not None else {}
    rest: list[str] = []
    found = []
    for word in words:
        key, equals, value = word.partition("=")
        if "words" in known and not word.startswith("-") and key not in known:
            rest.append(word)
        elif equals and known.get(key) == list[str]:
            found.append(f"{key}=[{','.join(map(quoted, split(value)))}]")
        elif equals and (key in AS_TEXT or known.get(key) is str):
            found.append(f"{key}={quoted(value)}")
        else:
            found.append(word)
    return found + ([f"words=[{','.join(map(quoted, rest))}]"] if rest else [])


def quoted(value: str) -> str:
    """A value that Hydra's grammar would take for a number or an expression, quoted as text."""
    if value.startswith(("'", '"')):
        return value
    return "'" + value.replace("'", r"\'").replace("${", r"\${") + "'"


def split(value: str) -> list[str]:
    """The elements of a list as it is typed, with or without its brackets; commas inside brackets divide nothing."""
    if value.startswith("[") and closing(value) == len(value) - 1:
        value = value[1:-1]
    found, depth, start = [], 0, 0
    for position, sign in enumerate(value):
        depth += (sign in "[{(") - (sign in ")}]")
        if sign == "," and depth == 0:
            found.append(value[start:position])
            start = position + 1
    return [part.strip() for part in (*found, value[start:]) if part.strip()]


def closing(value: str) -> int:
    """Where the bracket that a value begins with is closed; -1 where it never is."""
    depth = 0
    for position, sign in enumerate(value):
        depth += (sign in "[{(") - (sign in ")}]")
        if depth == 0:
            return position
    return -1


def register(options: type | None) -> None:
    """What Hydra composes: the whole schema for an experiment, or a script's own few options."""
    if options is None:
        compose.register()
        return
    node = compose.primary(options)
    for name in (entry.name for entry in fields(options) if entry.default_factory is dict):
        OmegaConf.set_struct(node[name], False)  # `allow={dirty: REASON}`: any key may stand in it
    ConfigStore.instance().store(name="config", node=node)


def application(
    job: Callable[[Any], int],
    options: type | None,
    codes: list[int],
    objective: Callable[[Any], float] | None = None,
) -> Callable[[], None]:
    """Hydra's application round a job; each refusal is told where it happens and ends that job only."""

    def one(composed: DictConfig) -> float:
        number = len(codes) + 1
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            print(f"job {number}: {' '.join(HydraConfig.get().overrides.task)}", flush=True)
        try:
            with compose.told(HydraConfig.get().overrides.task, options or Config):
                asked = typed(composed, options)
        except Refusal as problem:
            codes.append(tell(problem))
            return math.nan
        codes.append(attempt(job, asked))
        searched = objective is not None and HydraConfig.get().mode == RunMode.MULTIRUN and codes[-1] == DONE
        return objective(asked) if objective is not None and searched else math.nan

    application: Callable[[], None] = hydra.main(version_base="1.3", config_path=None, config_name="config")(one)
    return application


def attempt(job: Callable[..., int], *asked: Any) -> int:
    """The exit code of a job: what it returns, or what the problem that ended it calls for, once that is told."""
    try:
        return job(*asked)
    except Refusal as problem:
        return tell(problem)
    except Exception:  # noqa: BLE001 - our bug or the researcher's: told whole, without Hydra's frames
        traceback.print_exc()
        return BUG


def typed(composed: DictConfig, options: type | None) -> Any:
    """What a job is given: an `Experiment`, or the script's options."""
    if options is not None:
        return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(options), composed))
    return compose.read(composed, HydraConfig.get())


def check_options(words: Sequence[str]) -> None:
    """Refuse options that Hydra does not know; it would print a page on its own ones."""

    def refuse(message: str) -> NoReturn:
        raise Refusal(
            f"the command line has {message}",
            "settings are words without dashes; the options are Hydra's, mostly -m, --help and --cfg job",
            "write key=value, for example preset=smoke",
        )

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    parser.parse_args(words)


def check_sweep(words: Sequence[str], options: type | None) -> None:
    """Under `-m`, compose every job first: a misspelt name in the last one costs nothing."""
    if not {"-m", "--multirun"} & set(words):
        return
    if options is not None and "words" in {entry.name for entry in fields(options)}:
        raise Refusal(
            "-m makes many plans of one command",
            "this script starts many runs by itself, and one plan holds them together",
            "without -m: seeds=N, override=[…], sweep=KEY=[…] or conf=a,b",
        )
    if options is not None or any(word.startswith("hydra/sweeper=") for word in words):
        return  # another sweeper decides as it goes which jobs there will be
    swept = OverridesParser.create().parse_overrides([word for word in words if re.match(r"[^-].*=", word)])
    for overrides in BasicSweeper.split_arguments(swept, max_batch_size=None)[0]:
        experiment = compose.compose(*overrides)
        if experiment.config.trainer.world > 1:
            raise Refusal(
                "-m cannot start runs of several processes",
                "each process would start the whole sweep again",
                "python ablate.py, which starts every run in a process of its own",
            )


def worst(codes: Sequence[int]) -> int:
    """The exit code of several jobs: our own bugs and failed checks outrank refusals."""
    return max(codes, default=DONE, key=lambda code: (code not in (DONE, REFUSED), code))
