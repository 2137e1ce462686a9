"""What was hashed once is not read again, and nothing that changed is ever taken for what it was."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from receipts.provenance import checksums, looks, remembered


@pytest.fixture
def reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every path whose bytes were really read; in a folder of its own, where files settle at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(remembered, "SETTLED_S", 0.0)
    monkeypatch.setattr(remembered, "WORTH", 1)
    found: list[Path] = []

    def counted(read: Callable[[Path], str]) -> Callable[[Path], str]:
        return lambda path: found.append(path) or read(path)  # type: ignore[func-returns-value]

    monkeypatch.setattr(checksums, "read_md5", counted(checksums.read_md5))
    monkeypatch.setattr(checksums, "read_folder", counted(checksums.read_folder))
    Path("data/deep").mkdir(parents=True)
    for name in ("data/a", "data/deep/b"):
        Path(name).write_bytes(name.encode() * 10)
    return found


def test_an_unchanged_file_is_read_once(reads: list[Path]) -> None:
    assert checksums.md5(Path("data/a")) == checksums.md5(Path("data/a"))
    assert reads == [Path("data/a")]


def test_an_unchanged_folder_is_read_once(reads: list[Path]) -> None:
    assert checksums.folder_md5(Path("data")) == checksums.folder_md5(Path("data"))
    assert reads.count(Path("data")) == 1


def same_size(path: Path) -> None:
    path.write_bytes(bytes(reversed(path.read_bytes())))


def old_date(path: Path) -> None:
    then = path.stat()
    same_size(path)
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))


def another_inode(path: Path) -> None:
    fresh = path.with_name("fresh")
    fresh.write_bytes(bytes(reversed(path.read_bytes())))
    fresh.replace(path)


@pytest.mark.parametrize("change", [same_size, old_date, another_inode])
def test_other_bytes_are_seen_whatever_the_file_says_of_itself(
    reads: list[Path], change: Callable[[Path], None]
) -> None:
    file, folder = Path("data/deep/b"), Path("data")
    before = checksums.md5(file), checksums.folder_md5(folder)
    time.sleep(0.02)  # a tick of the file system's clock
    change(file)
    after = checksums.md5(file), checksums.folder_md5(folder)
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert after == (checksums.read_md5(file), checksums.read_folder(folder))


@pytest.mark.parametrize("change", ["added", "removed", "ignored"])
def test_a_folder_with_other_members_is_read_again(reads: list[Path], change: str) -> None:
    before = checksums.folder_md5(Path("data"))
    if change == "added":
        Path("data/c").write_bytes(b"c")
    elif change == "removed":
        Path("data/a").unlink()
    else:
        Path(".dvcignore").write_text("data/a\n")
    after = checksums.folder_md5(Path("data"))
    assert before != after == checksums.read_folder(Path("data"))


def test_what_has_not_settled_is_not_remembered(reads: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "SETTLED_S", 3600.0)
    for _ in range(2):
        checksums.md5(Path("data/a"))
    assert reads == [Path("data/a")] * 2


def test_a_damaged_memory_and_one_that_cannot_be_written_cost_a_reading(reads: list[Path]) -> None:
    first = checksums.md5(Path("data/a"))
    for memory in remembered.MEMORY.iterdir():
        memory.write_text("{")
    assert checksums.md5(Path("data/a")) == first
    for memory in remembered.MEMORY.iterdir():
        memory.unlink()
    remembered.MEMORY.rmdir()
    remembered.MEMORY.write_text("no folder")
    assert checksums.md5(Path("data/a")) == first
    assert reads == [Path("data/a")] * 3


def test_a_look_is_the_same_however_many_processes_share_it(reads: list[Path]) -> None:
    Path("data/deep/ü \n").write_bytes(b"3")
    Path("data/deep/down").mkdir()
    Path("data/deep/link").symlink_to("b")
    Path("data/deep/around").symlink_to("..")  # a folder, not followed
    alone = looks.look("data")
    assert alone == looks.look_together("data", 2) == looks.look_together("data", 5)
    assert alone[1] == 4
    assert alone[2] == max(path.stat().st_ctime_ns for path in Path("data").rglob("*") if path.is_file())
    Path("data/deep/b").rename("data/deep/c")
    assert looks.look("data")[0] != alone[0]


def test_a_large_folder_is_looked_at_by_several_processes(reads: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "A_PROCESS", 1)
    asked: list[int] = []
    monkeypatch.setattr(
        remembered, "look_together", lambda folder, parts: asked.append(parts) or looks.look_together(folder, 2)
    )
    first = checksums.folder_md5(Path("data"))
    assert checksums.folder_md5(Path("data")) == first
    assert reads.count(Path("data")) == 1
    assert asked == [1, remembered.processes(2)]  # before anything is known of it, and after
    same_size(Path("data/a"))
    assert checksums.folder_md5(Path("data")) == checksums.read_folder(Path("data")) != first


def test_what_another_process_cannot_look_at_is_looked_at_here(
    reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks.sys, "executable", "false")
    assert looks.look_together("data", 3) == looks.look("data")
