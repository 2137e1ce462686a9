"""Starting the entry scripts in fresh processes forked from one server that has torch and Lightning loaded.

A real `python train.py` pays 7 s for imports; a forked one 0.2 s. The child is otherwise a fresh process: its own
working folder, environment, standard streams and exit code.
"""

import ctypes
import gc
import multiprocessing
import os
import runpy
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PRELOAD = [
    "lightning.pytorch",
    "torchmetrics",
    "torchmetrics.functional",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "sklearn.metrics",
    "hydra",
    "skops.io",
    "pyarrow.parquet",
    "scipy.stats",
    "pandas",
]

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(PRELOAD)


@dataclass(frozen=True)
class Ended:
    """How a launch ended: exit code and everything it printed."""

    code: int
    out: str
    err: str


def launch(
    folder: Path,
    script: str,
    *words: str,
    environment: dict[str, str] | None = None,
    tracked: bool = False,
    before: Callable[[], None] | None = None,
    timeout: float = 120,
) -> Ended:
    """Run a script of a project to its end. `tracked` lets it write to MLflow, which costs seconds."""
    process = begin(folder, script, *words, environment=environment, tracked=tracked, before=before)
    process.join(timeout)
    if process.is_alive():
        process.kill()
        raise TimeoutError(f"{script} {words} ran longer than {timeout} s")
    return ended(folder, process)


def begin(
    folder: Path,
    script: str,
    *words: str,
    environment: dict[str, str] | None = None,
    tracked: bool = False,
    before: Callable[[], None] | None = None,
) -> multiprocessing.process.BaseProcess:
    """Start a script of a project and let it run."""
    process = context.Process(target=child, args=(folder, script, words, environment or {}, tracked, before))
    process.start()
    return process


def ended(folder: Path, process: multiprocessing.process.BaseProcess) -> Ended:
    """What a launch left behind."""
    out, err = (streams(folder, process.pid or 0, name) for name in ("out", "err"))
    return Ended(process.exitcode or 0, out.read_text(), err.read_text())


def streams(folder: Path, pid: int, name: str) -> Path:
    """Where a launch's standard output or error goes."""
    return folder.parent / f"{folder.name}.{pid}.{name}"


def child(
    folder: Path,
    script: str,
    words: tuple[str, ...],
    environment: dict[str, str],
    tracked: bool,
    before: Callable[[], None] | None,
) -> None:
    """The forked process: become `python SCRIPT WORDS` in the project's folder."""
    gc.freeze()  # or every collection walks through all of torch
    multiprocessing.set_start_method("fork", force=True)  # as in a fresh Python; workers need no server of their own
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(streams(folder, os.getpid(), name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background has been told to ignore it
    os.chdir(folder)
    os.environ.update(environment)
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation")
    warnings.filterwarnings("ignore", "The ``noload`` loader strategy is deprecated", DeprecationWarning)  # mlflow's
    sys.path.insert(0, str(folder / "src"))
    if not tracked:
        untracked()
    sys.argv = [script, *words]
    if before is not None:
        before()
    if script == "receipts":
        run_verb(words)
    code = 1
    try:
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    except BaseException:  # noqa: BLE001 - whatever a script dies of is its ending
        traceback.print_exc()
    finish(code)


def run_verb(words: tuple[str, ...]) -> None:
    """Become `receipts WORDS`."""
    from receipts.cli import main

    try:
        finish(main(words))
    except SystemExit as error:
        finish(error.code if isinstance(error.code, int) else 1)


def finish(code: int) -> None:
    """Leave without Python's shutdown, which would wait for nothing but daemons."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def untracked() -> None:
    """Keep a launch from starting the process that feeds MLflow."""
    from receipts.runs import sending

    sending.Tracker.start = lambda self: None
    sending.Tracker.finish = lambda self, wait_s=0.0: None
    sending.Sender.send = lambda self, folder: None


def forking() -> None:
    """Let ablate.py fork its cells from itself, which has everything loaded here, and not from a server of its own."""
    from receipts.ablation import launching

    launching.context = multiprocessing.get_context("fork")


def impatient() -> None:
    """Miss a process of a launched fit sooner than users do, who wait 20 seconds."""
    from receipts.training import launched, peers

    launched.SILENT_S = peers.SILENT_S = 8.0


def lamed() -> None:
    """Let a process that is to share a prediction end before it has begun."""
    from receipts.training import parts

    start = parts.beside
    parts.beside = lambda module, *rest: start("receipts.nowhere", *rest)


def bound_by_permissions() -> None:
    """Give up a superuser's right to write into what is read-only (CAP_DAC_OVERRIDE); others have none to give up."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    sets[0] &= ~(1 << 1)
    assert libc.capset(header, sets) == 0, os.strerror(ctypes.get_errno())


def patient(message: str) -> None:
    """Let a warning be what it is for users: one that is shown, and no error."""
    warnings.filterwarnings("default", message=message)


def without_gpu() -> None:
    """Go on as on a machine without a GPU."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


def dvc(folder: Path, *words: str) -> None:
    """`dvc WORDS` in a folder, forked."""
    process = context.Process(target=dvc_main, args=(folder, words))
    process.start()
    process.join(120)
    assert process.exitcode == 0, words


def dvc_main(folder: Path, words: tuple[str, ...]) -> None:
    """What the forked process does."""
    from dvc.cli import main

    os.chdir(folder)
    raise SystemExit(main(list(words)))
