"""Whether what made the numbers is committed, is still known here, and has been given to anybody else."""

from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed
from receipts.gauntlet.subjects import Subject
from receipts.provenance import git


def judge(subject: Subject, terms: Terms) -> Outcome:
    """Dirty runs and unknown commits fail; what is not pushed yet, or changed since, is only shown."""
    commits = sorted({run.code.commit for run in subject.runs})
    dirty = sorted(run.run_id for run in subject.runs if run.code.dirty)
    lost = [name[:12] for name in commits if git.git("cat-file", "-e", f"{name}^{{commit}}") is None]
    kept = [name[:12] for name in commits if name[:12] not in lost and not holders(name)]
    today = git.dirty()
    shown = ", ".join(name[:12] for name in commits[:4]) + (" …" if len(commits) > 4 else "")
    told = [f"{len(subject.runs)} runs, made from {shown}"]
    told += [f"not pushed: {', '.join(kept)}" if kept else "all of them pushed"] if not lost else []
    told += [f"{len(today)} files are changed here since the last commit"] if today else []
    if dirty or lost:
        wrong = [f"{run} was made from uncommitted changes" for run in dirty]
        wrong += [f"no commit {name} here" for name in lost]
        return failed("; ".join([*wrong, *told]))
    return passed("; ".join(told))


def holders(commit: str) -> list[str]:
    """The remote branches that hold a commit."""
    found = git.git("branch", "--remotes", "--contains", commit)
    return [] if found is None else found.decode().split()


CHECK = Check(
    "committed",
    "Every run was made from a commit that is known here, without uncommitted changes.",
    "commit, then train again; git push gives the commits to others",
    judge,
    of_project=True,
    apart=False,
    kept=False,
)
