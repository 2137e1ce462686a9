"""What git is asked: the commit, what differs from it as a patch that applies, and an address without secrets."""

import subprocess
from pathlib import Path

import pytest

from receipts.provenance import git
from receipts.refusal import Refusal


def tell(*words: str, folder: Path | None = None) -> str:
    author = ["-c", "user.name=tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def write(name: str, content: str | bytes) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit of code, config and a binary file."""
    folder = tmp_path / "clone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "nobody"))
    tell("init", "-q", "-b", "main")
    write("src/lab/net.py", "a = 1\n")
    write("src/lab/old.py", "gone = True\n")
    write("src/lab/table.bin", bytes(range(256)))
    write("conf/net.yaml", "seed: 0\n")
    write("train.py", "print()\n")
    write("README.md", "read me\n")
    tell("add", "-A")
    tell("commit", "-qm", "start")
    return folder


def change_everything() -> list[str]:
    """One change of every kind; returns the files that differ."""
    write("src/lab/net.py", "a = 2\n")
    Path("src/lab/old.py").unlink()
    write("src/lab/table.bin", bytes(reversed(range(256))))
    write("src/lab/neu/größe.py", "b = 1\n")
    write("src/lab/weights.bin", b"\x00\xff\x00 no text")
    write("src/lab/empty.py", "")
    write("conf/with space.yaml", "seed: 1\n")
    tell("mv", "train.py", "src/moved.py")
    return sorted(
        (
            *("src/lab/net.py", "src/lab/old.py", "src/lab/table.bin", "src/lab/neu/größe.py", "src/lab/weights.bin"),
            *("src/lab/empty.py", "conf/with space.yaml", "train.py", "src/moved.py"),
        )
    )


def test_dirt_is_every_change_under_what_identity_reads_and_nothing_else() -> None:
    assert git.dirty() == []
    texts = ("README.md", "EXPERIMENTS.md", "dvc.lock", "notes/a.md")
    for harmless in (*texts, "results/net.json", "report/page.html", "conf/scripts/report.yaml"):
        write(harmless, "changed\n")
    assert git.dirty() == []
    for name in ("data.dvc", "requirements.lock", "splits/digits.json"):
        write(name, "x")
    assert {"data.dvc", "requirements.lock", "splits/digits.json"} <= set(git.dirty())


def test_changed_deleted_new_binary_and_moved_files_are_all_dirt() -> None:
    changed = change_everything()
    assert git.dirty() == changed


def test_code_that_git_ignores_is_held_by_no_commit_either() -> None:
    write(".gitignore", "data/\n")  # meant for the data; it hides code as well
    write("src/lab/data/loader.py", "c = 1\n")
    assert git.dirty() == []
    assert git.untracked(["src/lab/net.py", "src/lab/data/loader.py"]) == ["src/lab/data/loader.py"]
    assert git.untracked([]) == []
    assert b"+c = 1" in git.patch(["src/lab/data/loader.py"])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"color.ui": "always", "diff.noprefix": "true", "diff.external": "false", "diff.context": "0"},
        {"diff.mnemonicPrefix": "true", "core.quotePath": "false", "status.showUntrackedFiles": "no"},
    ],
    ids=["plain", "peculiar", "odd"],
)
def test_the_patch_turns_the_commit_into_the_work_tree(
    repository: Path, tmp_path: Path, settings: dict[str, str]
) -> None:
    for name, value in settings.items():
        tell("config", name, value)
    changed = change_everything()
    (tmp_path / "code.patch").write_bytes(git.patch(git.dirty()))
    other = tmp_path / "other"
    tell("clone", "-q", str(repository), str(other))
    tell("apply", str(tmp_path / "code.patch"), folder=other)
    for name in changed:
        here, there = repository / name, other / name
        assert here.exists() == there.exists(), name
        assert not here.exists() or here.read_bytes() == there.read_bytes(), name


def test_a_patch_holds_only_what_was_asked_for() -> None:
    change_everything()
    assert git.patch(["src/lab/net.py"]).count(b"diff --git") == 1


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://host.example/lab/repo.git", "https://host.example/lab/repo.git"),
        ("https://token@host.example/r.git", "https://host.example/r.git"),
        ("https://me:secret@host.example:8080/r.git", "https://host.example:8080/r.git"),
        ("https://me@mail.example:secret@host.example/r.git", "https://host.example/r.git"),
        ("https://me:sec@ret@host.example/a@b/r.git", "https://host.example/a@b/r.git"),
        ("ssh://git@host.example/r.git", "ssh://host.example/r.git"),
        ("git@host.example:lab/r.git", "git@host.example:lab/r.git"),
        ("../elsewhere/r.git", "../elsewhere/r.git"),
    ],
)
def test_the_address_of_the_remote_holds_no_credentials(address: str, shown: str) -> None:
    assert git.repository() is None
    tell("remote", "add", "origin", address)
    assert git.repository() == shown


def test_committed_bytes_are_those_of_the_commit() -> None:
    write("train.py", "tampered\n")
    assert git.committed(Path("train.py")) == b"print()\n"
    assert git.committed(Path("new.py")) is None
    assert git.changed_since("HEAD", ["src", "train.py"]) == ["train.py"]
    assert git.changed_since("0" * 40, ["src"]) == []


def test_a_folder_below_the_top_of_a_repository_is_a_project_too(monkeypatch: pytest.MonkeyPatch) -> None:
    write("sub/conf/net.yaml", "seed: 0\n")
    tell("add", "-A")
    tell("commit", "-qm", "sub")
    monkeypatch.chdir("sub")
    assert git.committed(Path("conf/net.yaml")) == b"seed: 0\n"
    write("conf/net.yaml", "seed: 1\n")
    write("conf/new.yaml", "seed: 2\n")
    assert git.dirty() == ["conf/net.yaml", "conf/new.yaml"]
    patch = git.patch(git.dirty())
    assert b"+seed: 1" in patch
    assert b"+seed: 2" in patch


def test_no_repository_and_no_commit_are_refused_with_their_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(Refusal, match="is not a git repository"):
        git.commit()
    tell("init", "-q")
    with pytest.raises(Refusal, match="the repository has no commit yet"):
        git.commit()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Refusal, match="git is not installed"):
        git.commit()
