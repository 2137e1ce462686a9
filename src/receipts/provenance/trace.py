"""Everything a number will be traced back to, collected before anything is spent."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receipts.config.build import refuse_other_clone
from receipts.provenance import checksums, code, git
from receipts.provenance.identity import Identity, identify, targets
from receipts.refusal import Refusal


@dataclass(frozen=True)
class Sources:
    """Commit and dirt, code, data and split of a run, and the identity made of them.

    `files` maps the dataset's files to `md5:…`, `lab` the researcher's files to SHA-256; `dvc` is what the
    committed data.dvc says; `origin` holds the dataset's kind, source, licence and version.
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
    commit = git.commit()
    checksums.verify_files(files)
    dvc = checksums.verify_folder() if any(Path(name).parts[0] == "data" for name in files) else None
    lab = code.lab(targets(values))
    if lab:
        refuse_other_clone()
    identity = identify(values, lab, files, manifest.read_bytes())
    dirty = sorted({*git.dirty(), *git.untracked(list(lab))})
    return Sources(commit, dirty, git.repository(), lab, files, dvc, origin, manifest, identity)


def refuse_dirty(sources: Sources, preset: list[str], allowed: bool) -> None:
    """A full run whose code, config or data pointer no commit holds could never be repeated by anyone."""
    if sources.dirty and preset == ["full"] and not allowed:
        more = f" and {len(sources.dirty) - 5} more" if len(sources.dirty) > 5 else ""
        raise Refusal(
            "the work tree differs from the commit",
            f"{', '.join(sources.dirty[:5])}{more}: no commit would name what this run used",
            "git commit it      (or allow_dirty=true: the difference is stored, and the number is not reportable)",
        )
