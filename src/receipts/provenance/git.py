"""What git knows: the commit, what differs from it, and where the repository lives."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from receipts.refusal import Refusal

WATCHED = ("src", "conf", "splits", "train.py", "data.dvc", "requirements.lock")


def git(*arguments: str) -> bytes | None:
    """The output of a git command, or None when it fails."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise Refusal(
            "git is not installed",
            "every record names the commit that made it",
            "install git (Debian: apt install git)",
        ) from error
    return done.stdout if done.returncode == 0 else None


def commit() -> str:
    """The commit that is checked out, refused where there is none."""
    found = git("rev-parse", "--verify", "HEAD")
    if found is None:
        inside = git("rev-parse", "--git-dir") is not None
        raise Refusal(
            "the repository has no commit yet" if inside else f"{Path.cwd()} is not a git repository",
            "every record names the commit that made it",
            "git add -A && git commit -m 'start'" if inside else "git init && git add -A && git commit -m 'start'",
        )
    return found.decode().strip()


def dirty(watched: Sequence[str] = WATCHED) -> list[str]:
    """Changed and untracked files among those that can move a number, sorted."""
    found = git("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", *watched) or b""
    return sorted(entry[3:] for entry in found.decode(errors="surrogateescape").split("\0") if entry)


def patch(paths: Sequence[str]) -> bytes:
    """The difference between the commit and these files, new files included, fit for `git apply`."""
    tracked = git("diff", "--binary", "HEAD", "--", *paths) or b""
    known = set((git("ls-files", "-z", "--", *paths) or b"").decode(errors="surrogateescape").split("\0"))
    return tracked + b"".join(new_file(path) for path in paths if path not in known and Path(path).is_file())


def new_file(path: str) -> bytes:
    """An untracked file as a patch; `git diff --no-index` ends with 1 when it found a difference."""
    return subprocess.run(
        ["git", "diff", "--binary", "--no-index", "--", "/dev/null", path], capture_output=True, check=False
    ).stdout


def committed(path: Path) -> bytes | None:
    """The bytes of a file as the checked-out commit has them; None when it does not."""
    return git("show", f"HEAD:./{path.as_posix()}")


def repository() -> str | None:
    """The address of the remote, without any credentials in it."""
    found = git("remote", "get-url", "origin")
    return None if found is None else re.sub(r"(?<=://)[^/@]*@", "", found.decode().strip())


def between(a: str, b: str, paths: Sequence[str]) -> list[str] | None:
    """Files that differ between two commits; None when one of them is unknown here."""
    found = git("diff", "--name-only", "-z", a, b, "--", *paths)
    return None if found is None else sorted(filter(None, found.decode(errors="surrogateescape").split("\0")))


def changed_since(revision: str, paths: Sequence[str]) -> list[str]:
    """Files that differ between a commit and the work tree; empty when the commit is unknown here."""
    found = git("diff", "--name-only", "-z", revision, "--", *paths)
    return [] if found is None else sorted(filter(None, found.decode(errors="surrogateescape").split("\0")))
