"""The harness does not change by accident: its hash is pinned, and a change has a version and a note of its own."""

from pathlib import Path

from receipts.provenance import code

ROOT = Path(__file__).parents[2]
PIN = ROOT / "src/receipts/evaluation/harness.pin"


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
