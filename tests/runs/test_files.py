"""Files that are whole or absent."""

import errno
import os
import threading
from pathlib import Path

import pytest

from receipts.refusal import Refusal
from receipts.runs import files
from receipts.runs.files import write_atomically


def test_a_file_is_written_and_its_folders_with_it(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/file.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [found.name for found in path.parent.iterdir()] == ["file.json"]


def test_what_a_killed_process_was_about_to_keep_goes(tmp_path: Path) -> None:
    files.keep(tmp_path / "kept/one.json", b"one")
    (tmp_path / "kept/.two.json.db9ibm_9").write_bytes(b"tw")
    files.keep(tmp_path / "kept/two.json", b"two")
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"one.json", "two.json", ".write.lock"}


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_is_cut_short_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "file.json"
    write_atomically(path, b"old")
    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), stop)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    versions = [letter * 200_000 for letter in (b"a", b"b")]
    write_atomically(path, versions[0])
    done = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(60):
        write_atomically(path, versions[number % 2])
    done.set()
    reader.join()
    assert seen <= set(versions)


@pytest.mark.parametrize(("number", "refused"), [(errno.EACCES, True), (errno.EROFS, True), (errno.ENOSPC, False)])
def test_a_folder_that_cannot_be_written_is_refused_and_a_full_disk_is_no_such_thing(
    tmp_path: Path, number: int, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**options: object) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path))

    monkeypatch.setattr(files.tempfile, "mkstemp", fail)
    with pytest.raises(Refusal if refused else OSError) as found:
        write_atomically(tmp_path / "file", b"")
    if refused:
        assert found.value.fix == f"chmod -R u+w {tmp_path}"


def test_what_saves_time_is_written_without_the_rests_of_killed_processes_or_not_at_all(tmp_path: Path) -> None:
    for name in ("..seen.nx5q9jvr", "..other.nx5q9jvr", ".run"):
        (tmp_path / name).write_bytes(b"ha")
    files.remember(tmp_path / ".seen", b"all")
    assert {path.name for path in tmp_path.iterdir()} == {".seen", "..other.nx5q9jvr", ".run"}
    files.remember(tmp_path / ".run/.seen", b"all")
    assert (tmp_path / ".run").read_bytes() == b"ha", "a file stands where the folder would be: nothing is raised"
