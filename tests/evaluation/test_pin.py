"""The harness does not change by accident: its hash is pinned, and a change has a version and a note of its own."""

import ast
from pathlib import Path

from receipts.provenance import code

ROOT = Path(__file__).parents[2]
PIN = ROOT / "src/receipts/evaluation/harness.pin"


UNHASHED = {  # what the hashed files may take from elsewhere: words, types and the shape of a result, no number
    "receipts.config.schema.Task",
    "receipts.refusal.CheckFailed",
    "receipts.refusal.Refusal",
    "receipts.refusal.nearest",
    "receipts.runs.record.Metric",
}


def imported(path: Path) -> set[str]:
    """The names below `receipts` that a file imports, wherever in it."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [(getattr(node, "module", None), alias.name) for node in nodes for alias in node.names]
    found = {f"{module}.{name}" if module else name for module, name in names}
    return {name for name in found if name.startswith("receipts")}


def pinned() -> list[tuple[int, str]]:
    """Version and hash, oldest first."""
    lines = [line.split() for line in PIN.read_text().splitlines() if line and not line.startswith("#")]
    return [(int(version), checksum) for version, checksum in lines]


def test_the_harness_is_the_one_that_is_pinned() -> None:
    version, checksum = pinned()[-1]
    assert code.harness() == checksum, (
        f"the harness is no longer version {version}: if that is meant, append "
        f"`{version + 1} {code.harness()}` to {PIN.relative_to(ROOT)} and name `{code.harness()[:12]}` in CHANGELOG.md"
    )


def test_every_version_is_pinned_once_and_has_its_note() -> None:
    found = pinned()
    assert [version for version, _ in found] == list(range(1, len(found) + 1))
    assert len({checksum for _, checksum in found}) == len(found)
    notes = (ROOT / "CHANGELOG.md").read_text()
    for version, checksum in found:
        assert f"harness {version} (`{checksum[:12]}`)" in notes.lower(), (
            f"CHANGELOG.md has no note of harness {version}"
        )


def test_all_that_makes_a_score_is_hashed() -> None:
    inside = {f"receipts.evaluation.{path.stem}" for path in code.HARNESS}
    for path in code.HARNESS:
        elsewhere = {name for name in imported(path) if name not in inside and name.rpartition(".")[0] not in inside}
        assert elsewhere <= UNHASHED, f"{path.name} takes {elsewhere - UNHASHED} from files that no hash covers"


def test_the_second_opinion_takes_nothing_from_the_first() -> None:
    second = code.CORE / "evaluation" / "second.py"
    assert second in code.HARNESS
    assert imported(second) == {"receipts.refusal.CheckFailed", "receipts.runs.record.Metric"}
