"""Everything a number will be traced back to, collected before anything is spent."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receipts.config.build import refuse_other_clone
from receipts.config.compose import Experiment
from receipts.provenance import checksums, code, git, known_bad, secrets
from receipts.provenance.identity import Identity, identify, targets
from receipts.refusal import Refusal

SYNTHETIC = "synthetic-data"


@dataclass(frozen=True)
class Sources:
    """Commit and dirt, code, data and split of a run, and the identity made of them.

    `files` maps the dataset's files to `md5:…`, `lab` the researcher's files to SHA-256; `dvc` is what the
    committed data.dvc says; `origin` holds the dataset's kind, source, licence, version and, if it has one, generator.
    """

    commit: str
    dirty: list[str]
    repository: str | None
    lab: dict[str, str]
    files: dict[str, str]
    dvc: str | None
    origin: dict[str, str]
    manifest: Path
    identity: Identity


def trace(values: dict[str, Any], files: dict[str, str], origin: dict[str, str], manifest: Path) -> Sources:
    """Collect the sources of a run whose data on disk are the committed ones; anything else is refused."""
    known_bad.refuse()  # before any of them is imported
    commit = git.commit()
    checksums.verify_files(files)
    dvc = checksums.verify_folder() if any(Path(name).parts[0] == "data" for name in files) else None
    lab = code.lab(targets(values))
    if lab:
        refuse_other_clone()
    identity = identify(values, lab, files, manifest.read_bytes())
    dirty = sorted({*git.dirty(), *git.untracked(list(lab))})
    return Sources(commit, dirty, git.repository(), lab, files, dvc, origin, manifest, identity)


def refuse_unfit(sources: Sources, experiment: Experiment) -> None:
    """What may not make numbers for others to read, unless the config allows it: anything goes under a limit."""
    secrets.refuse(experiment.values)
    if not experiment.config.limited:
        refuse_dirty(sources, experiment.config.allow_dirty)
        refuse_unreal(sources, experiment.config.waive)


def refuse_unreal(sources: Sources, waived: dict[str, str]) -> None:
    """Numbers on data that nobody measured, without a reason for making them."""
    kind = sources.origin["kind"]
    if kind != "real" and not waived.get(SYNTHETIC, "").strip():
        author = f", written by {sources.origin['generator']}" if "generator" in sources.origin else ""
        raise Refusal(
            f"the data are {kind}{author}, and the preset is full",
            "a number on them says nothing of the world, and would soon be read as if it did",
            f"waive: {{{SYNTHETIC}: the reason}} in the YAML; every number then says {kind.upper()}"
            "      (or preset=smoke, preset=fast for a look)",
        )


def refuse_dirty(sources: Sources, allowed: bool) -> None:
    """A full run whose code, config or data pointer no commit holds could never be repeated by anyone."""
    if sources.dirty and not allowed:
        more = f" and {len(sources.dirty) - 5} more" if len(sources.dirty) > 5 else ""
        where = shlex.join(sorted({Path(name).parts[0] for name in sources.dirty}))
        raise Refusal(
            "the work tree differs from the commit",
            f"{', '.join(sources.dirty[:5])}{more}: no commit would name what this run used",
            f"git add {where} && git commit -m 'what it is about'"
            "      (or allow_dirty=true: the difference is stored, and the number is not reportable)",
        )
