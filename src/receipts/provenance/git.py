"""What git knows: the commit, what differs from it, and where the repository lives."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from receipts.provenance import secrets
from receipts.refusal import Refusal

WATCHED = (
    *("src", "conf", "splits", "train.py", "data.dvc", "requirements.lock"),
    ":(exclude)conf/scripts",  # what a report prints moves no number
)
AS_PATCH = (  # whatever a person's own configuration makes of `git diff`
    *("--binary", "--unified=3", "--no-color", "--no-ext-diff", "--no-textconv"),
    *("--src-prefix=a/", "--dst-prefix=b/"),
)


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
        refuse_distrust()
        inside = git("rev-parse", "--git-dir") is not None
        raise Refusal(
            "the repository has no commit yet" if inside else f"{Path.cwd()} is not a git repository",
            "every record names the commit that made it",
            "git add -A && git commit -m 'start'" if inside else "git init && git add -A && git commit -m 'start'",
        )
    return found.decode().strip()


def user() -> str:
    """The name that git signs commits with."""
    if not (found := name()):
        raise Refusal(
            "git knows no user.name", "whoever looked signs with a name", "by=NAME      (or git config user.name NAME)"
        )
    return found


def name() -> str:
    """The name that git signs commits with; empty where it knows none."""
    return (git("config", "user.name") or b"").decode().strip()


def refuse_distrust() -> None:
    """git reads nothing in a folder of another user, as in a container that mounts the clone."""
    plain = os.environ | {"LC_ALL": "C"}
    said = subprocess.run(["git", "rev-parse", "--git-dir"], capture_output=True, check=False, env=plain).stderr
    if b"dubious ownership" in said:
        raise Refusal(
            f"git does not trust {Path.cwd()}",
            "the folder belongs to somebody else, and git reads nothing there unless told to",
            f"git config --global --add safe.directory {Path.cwd()}",
        )


def dirty(watched: Sequence[str] = WATCHED) -> list[str]:
    """Changed and untracked files among those that can move a number, sorted."""
    changed = names(git("diff", "--name-only", "--no-renames", "--relative", "-z", "HEAD", "--", *watched))
    new = names(git("ls-files", "--others", "--exclude-standard", "-z", "--", *watched))
    return sorted({*changed, *new})


def untracked(paths: Sequence[str]) -> list[str]:
    """Those of some files that git does not hold, be it because it was told to ignore them."""
    known = set(names(git("ls-files", "-z", "--", *paths)))
    return [path for path in paths if path not in known]


def names(listed: bytes | None) -> list[str]:
    """The paths in a list of git's that is separated by NUL; none where git failed."""
    return [name for name in (listed or b"").decode(errors="surrogateescape").split("\0") if name]


def patch(paths: Sequence[str]) -> bytes:
    """The difference between the commit and these files, new files included, fit for `git apply`."""
    if not paths:  # which git would take for all files
        return b""
    tracked = git("diff", *AS_PATCH, "--relative", "HEAD", "--", *paths) or b""
    return tracked + b"".join(new_file(path) for path in untracked(paths) if Path(path).is_file())


def new_file(path: str) -> bytes:
    """An untracked file as a patch; `git diff --no-index` ends with 1 when it found a difference."""
    return subprocess.run(
        ["git", "diff", *AS_PATCH, "--no-index", "--", "/dev/null", path], capture_output=True, check=False
    ).stdout


def committed(path: Path) -> bytes | None:
    """The bytes of a file as the checked-out commit has them; None when it does not."""
    return git("show", f"HEAD:./{path.as_posix()}")


def repository() -> str | None:
    """The address of the remote, without any credentials in it."""
    found = git("remote", "get-url", "origin")
    address = secrets.public((found or b"").decode(errors="replace").strip())
    return re.sub(r"^[^/@:]+:[^/@]+@", "", address) or None


def between(a: str, b: str, paths: Sequence[str]) -> list[str] | None:
    """Files that differ between two commits; None when one of them is unknown here."""
    found = git("diff", "--name-only", "-z", "--end-of-options", a, b, "--", *paths)
    return None if found is None else sorted(filter(None, found.decode(errors="surrogateescape").split("\0")))


def changed_since(revision: str, paths: Sequence[str]) -> list[str]:
    """Files that differ between a commit and the work tree; empty when the commit is unknown here."""
    return sorted(names(git("diff", "--name-only", "--relative", "-z", "--end-of-options", revision, "--", *paths)))
