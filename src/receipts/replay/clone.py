"""A temporary clone of the commit that a run was made from, with its data and whatever else the run started from."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from receipts.bounds import refuse_links
from receipts.config.project import RUNS
from receipts.provenance import git
from receipts.refusal import Refusal
from receipts.runs.record import Record


@contextmanager
def cloned(record: Record, keep: bool = False) -> Iterator[Path]:
    """A clone at the run's commit, removed afterwards unless it is to be kept; refused where no commit holds the code.

    It shares this repository's objects, so that a commit which no branch and no remote knows is found as well.
    """
    refuse_dirty(record)
    commit = record.code.commit
    if git.git("cat-file", "-e", f"{commit}^{{commit}}") is None:
        raise Refusal(
            f"this clone does not know commit {commit[:12]}",
            f"{record.run_id} was made from it" + (f" in {record.code.repository}" if record.code.repository else ""),
            "git fetch --all      (or ask whoever made the run to push it)",
        )
    folder = Path(tempfile.mkdtemp(prefix="receipts-"))
    place = folder / "clone"
    try:
        made = git.git("clone", "--quiet", "--shared", "--no-checkout", str(top()), str(place))
        if made is None or git.git("-C", str(place), "checkout", "--quiet", "--detach", commit) is None:
            raise Refusal(f"commit {commit[:12]} cannot be checked out", "git failed", "git fsck      (and see there)")
        yield project_in(place)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def refuse_dirty(record: Record) -> None:
    """Uncommitted changes are kept as a patch; nothing is rerun from one."""
    if record.code.dirty:
        patch = f"runs/{record.run_id}/code.patch"
        raise Refusal(
            f"{record.run_id} was made from uncommitted changes",
            f"{', '.join(record.code.dirty[:5])}: no commit holds what ran; runs/{record.run_id}/code.patch does",
            "secrets were taken out of code.patch, so that it no longer applies: ask whoever made the run"
            if "code.patch" in record.removed
            else f"git checkout {record.code.commit[:12]} && git apply {patch}, commit that, train",
        )


def top() -> Path:
    """The folder that holds this repository."""
    found = git.git("rev-parse", "--show-toplevel")
    assert found is not None, "a commit was found, so there is a repository"
    return Path(found.decode().rstrip("\n"))


def project_in(place: Path) -> Path:
    """The project inside a clone: where this one lies inside its repository."""
    return place / Path.cwd().resolve().relative_to(top().resolve())


def give_data(record: Record, place: Path, python: Path) -> str:
    """Put the run's data into a clone, pulled by DVC where there is a remote for them; returns how, in words.

    What DVC cannot give is copied from here, and train.py there verifies the checksums of all of it.
    """
    wanted = sorted(record.data.files)
    told = pull(place, python) if (place / ".dvc").is_dir() else "there is no DVC repository in that commit"
    missing = [name for name in wanted if not (place / name).is_file()]
    if not missing:
        return "pulled by DVC"
    for name in missing:
        copy_data(record, name, place)
    return f"copied from this folder ({', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}): {told}"


def pull(place: Path, python: Path) -> str:
    """`dvc pull` in a clone, with this one's untracked settings (addresses, credentials); why not all came."""
    settings = Path(".dvc/config.local")
    if settings.is_file():
        shutil.copy(settings, place / settings)
    done = subprocess.run([python, "-m", "dvc", "pull", "-q"], cwd=place, capture_output=True, text=True, check=False)
    return (done.stderr.strip() or "it is not in the remote").splitlines()[-1]


def copy_data(record: Record, name: str, place: Path) -> None:
    """One file of the data from here, or all of `data/`, whose checksum is one of the whole folder."""
    if not Path(name).is_file():
        raise Refusal(
            f"{name} is not to be had",
            f"{record.run_id} learnt from it; DVC does not give it, and it is not here",
            "dvc pull, or dvc repro derived/NAME/dvc.yaml",
        )
    (place / name).parent.mkdir(parents=True, exist_ok=True)
    if name.startswith("data/"):
        shutil.copytree("data", place / "data", dirs_exist_ok=True)
    else:
        shutil.copy(name, place / name)


def give_parent(record: Record, place: Path) -> None:
    """Copy the run whose weights came first, by which the rerun starts as the run did."""
    if record.parent is None:
        return
    if not (RUNS / record.parent / "record.json").is_file():
        raise Refusal(
            f"{record.parent} is not here",
            f"{record.run_id} starts from its weights",
            "copy that run folder into runs/, or rerun that run first",
        )
    refuse_links(RUNS / record.parent)
    shutil.copytree(RUNS / record.parent, place / RUNS / record.parent)
