"""The Python that a replay runs in: made from the commit's lock, or the one at hand where that has the same lock."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from receipts.config.place import VARIABLES
from receipts.config.project import LOCK
from receipts.refusal import Refusal

NOWHERE = "http://127.0.0.1:9"  # nobody listens there: what a replay makes is compared and thrown away
SHOWN = 12  # lines of a tool's complaint


@dataclass(frozen=True)
class Environment:
    """A Python and its variables; `told` says in words where it comes from."""

    python: Path
    variables: dict[str, str]
    told: str


def made(place: Path, wanted: str) -> Environment:
    """The environment of a clone: `lock` builds one, `current` takes the running one if its lock is the clone's."""
    if wanted == "lock":
        began = time.monotonic()
        python, how = built(place)
        return Environment(python, variables(place), f"new, from {LOCK} {how}, {time.monotonic() - began:.0f} s")
    if wanted != "current":
        raise Refusal(f"env={wanted}", "it is lock (made anew) or current (the running one)", "env=current, say")
    here, there = (folder / LOCK for folder in (Path(), place))
    if not here.is_file() or here.read_bytes() != there.read_bytes():
        raise Refusal(
            f"the {LOCK} of that commit is not today's",
            "the running environment was made from today's, so env=current would be another one than the run's",
            "leave env=current out: an environment is then made from that commit's lock",
        )
    told = f"the running one, as asked for by env=current; {LOCK} is the same, what is installed was not compared"
    mine, theirs = Path("src").resolve(), [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    path = [str(place / "src"), *(part for part in theirs if Path(part).resolve() != mine)]
    return Environment(Path(sys.executable), variables(place) | {"PYTHONPATH": os.pathsep.join(path)}, told)


def variables(place: Path) -> dict[str, str]:
    """What the scripts in a clone see: this process's variables without ranks and without the team's MLflow server."""
    left = {name: value for name, value in os.environ.items() if name not in (*VARIABLES, "PYTHONPATH", "VIRTUAL_ENV")}
    return left | {"MLFLOW_TRACKING_URI": NOWHERE, "PYTHONUNBUFFERED": "1"}


def built(place: Path) -> tuple[Path, str]:
    """A new environment inside the clone: by the project's own `make env`, else by uv, else by pip."""
    python = place / ".venv/bin/python"
    environment = variables(place)
    if (place / "Makefile").is_file() and shutil.which("make"):
        run(["make", "-s", "env", f"PYTHON={sys.executable}"], place, environment)
        return python, "by make env"
    uv = shutil.which("uv")
    if uv:
        run([uv, "venv", "-q", "--python", sys.executable, ".venv"], place, environment)
        install = [uv, "pip", "install", "-q", "--python", str(python)]
    else:
        run([sys.executable, "-m", "venv", ".venv"], place, environment)
        install = [str(python), "-m", "pip", "install", "-q"]
    run([*install, "-r", str(LOCK)], place, environment)
    if "[project]" in (place / "pyproject.toml").read_text(encoding="utf-8"):
        run([*install, "--no-deps", "--no-build-isolation", "-e", "."], place, environment)
    return python, f"by {'uv' if uv else 'pip'}"


def run(command: list[str], place: Path, environment: dict[str, str]) -> None:
    """A step of building; what it says is shown when it fails."""
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-SHOWN:])
        raise Refusal(
            "the environment of that commit cannot be made",
            f"{' '.join(command[:4])} … ended with {done.returncode}:\n{said}",
            "env=current takes the running one, if its lock is the same",
        )
