"""Checksums of data: the same words as DVC's own, held against what is committed and not against the work tree."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from receipts.provenance.checksums import folder_md5, md5, pointed_to, verify_files, verify_folder
from receipts.refusal import Refusal

NAMES = (
    *("plain.csv", "a/x", "a-b/x", "a.b/x", "a/b/c/d", "A", "with space", 'q"uote', "empty", "ä/ö.txt", "日本.txt"),
    *(".hidden", ".deep/f", "z/.deep/f", ".DS_Store", "__pycache__/m.pyc", "z/__pycache__/n.pyc", "p.egg-info/f"),
    *("t.tmp", "keep.tmp", "raw/skip.txt", "z/raw/x.txt", "only/here.txt", "z/only/here.txt", "z/data/f", "z/.git/f"),
)
IGNORED = (
    "# made by using the code\n__pycache__/\n*.egg-info/\n.venv/\n",
    "*.tmp\n!keep.tmp\n/data/only\ndata/raw/*.txt\n  A  \n\nz/data/\n",
    "*\n!data\n!data/**\n.deep\n**/b/**\n?.tmp\n[a]/x\n",
)
ASK_DVC = """
import sys
from pathlib import Path
from dvc.repo import Repo
Repo.init(no_scm=True)
for number, patterns in enumerate(sys.argv[1:]):
    Path(".dvcignore").write_text(patterns)
    Repo().add("data")
    Path("data.dvc").rename(f"{number}.txt")
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with every name that could be sorted, encoded or ignored wrongly, and what DVC says of it."""
    folder = tmp_path_factory.mktemp("tree")
    for name in NAMES:
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if name == "empty" else f"bytes of {name}")
    (folder / "data/link").symlink_to("a/x")
    (folder / "data/nothing").mkdir()
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "PYTHONWARNINGS": "ignore"}
    subprocess.run(
        [sys.executable, "-c", ASK_DVC, *IGNORED], cwd=folder, env=environment, check=True, capture_output=True
    )
    return folder


@pytest.mark.parametrize("number", range(len(IGNORED)))
def test_a_folder_has_the_checksum_that_dvc_gives_it(tree: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    Path(".dvcignore").write_text(IGNORED[number])
    assert folder_md5(Path("data")) == pointed_to(Path(f"{number}.txt").read_bytes())


def test_every_byte_and_every_name_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen = set()
    for name, content in (("a", "1"), ("b", "1"), ("a", "2"), ("c/a", "1")):
        shutil.rmtree("data", ignore_errors=True)
        Path("data", name).parent.mkdir(parents=True)
        Path("data", name).write_text(content)
        seen.add(folder_md5(Path("data")))
    assert len(seen) == 4
    assert all(found.endswith(".dir") for found in seen)


def test_a_file_has_the_md5_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert md5(tmp_path / "f") == "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321


def test_the_committed_pointer_is_believed_and_the_one_in_the_work_tree_is_not(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    named = verify_folder()
    assert named == folder_md5(Path("data"))

    with Path("data/digits.csv.gz").open("ab") as file:
        file.write(b"one more byte")
    tampered = folder_md5(Path("data"))
    Path("data.dvc").write_text(Path("data.dvc").read_text().replace(named or "", tampered))  # as `dvc repro` does
    with pytest.raises(Refusal) as found:
        verify_folder()
    assert f"data.dvc says {named[:8]}…, data/ hashes to {tampered[:8]}…" in found.value.why  # type: ignore[index]
    assert found.value.fix.startswith("git checkout data.dvc && dvc checkout --force data.dvc")

    shutil.rmtree("data")
    with pytest.raises(Refusal, match="the data are not here"):
        verify_folder()


def test_a_project_without_data_under_dvc_has_no_pointer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert verify_folder() is None  # not even a repository
    assert pointed_to(None) is None


@pytest.mark.parametrize("text", [b"", b"outs: []", b"outs: 3", b"outs:\n- path: data", b"a: b: c", b"\xff\xfe\x00"])
def test_a_pointer_that_says_nothing_is_refused(text: bytes) -> None:
    with pytest.raises(Refusal, match=r"data\.dvc cannot be read"):
        pointed_to(text)


def test_each_file_is_held_against_its_own_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f").write_bytes(b"abc")
    verify_files({"f": "md5:900150983cd24fb0d6963f7d28e17f72"})
    Path("f").write_bytes(b"ab")
    with pytest.raises(Refusal, match=r"f is not the file the split was made from\n.*\(2 bytes\)"):
        verify_files({"f": "md5:900150983cd24fb0d6963f7d28e17f72"})
    with pytest.raises(Refusal, match="g is missing"):
        verify_files({"g": "md5:900150983cd24fb0d6963f7d28e17f72"})
