"""What differs between two runs, in the order in which it most likely matters."""

import subprocess
from pathlib import Path

import pytest
from folders import commit, git
from records import made, score

from receipts.provenance.git import between
from receipts.runs.diff import GROUPS, Side, differences, lines, numbers
from receipts.runs.record import Code, Core, Data, Identity, World

CONFIG = {"model.lr": "0.1", "seed": "0", "task.margin": "0.03", "trainer.accelerator": "auto", "purpose": "Why?"}
WORLD = {"packages.numpy": "2.1", "packages.torch": "2.6", "python.version": "3.11.1"}


def side(number: int = 0, **changes: object) -> Side:
    return Side(made(number, score(), **changes), dict(CONFIG), dict(WORLD))


def test_a_run_differs_in_nothing_from_itself() -> None:
    found = differences(side(), side())
    assert tuple(found) == GROUPS
    assert not any(found.values())
    assert "THE SAME: data and split, harness, config, code, environment, launch" in lines(found, [], [])


def test_every_difference_stands_in_its_group() -> None:
    data = Data("real", "UCI", "CC BY 4.0", "2", {"data/digits.csv.gz": "md5:0000"}, None, "splits/digits.json")
    other = Side(
        made(
            1,
            score(harness="ff" * 32),
            data=data,
            identity=Identity("9f", "aa", "bb", "cc", "dd", "other manifest"),
            code=Code("c0ffee", ["train.py"], None, Core("0.2.0", "9999"), "cd" * 32, {"src/lab/cnn.py": "7" * 64}),
            world=World("cuda", 1, 2, "32-true", 64, True),
            preset=["smoke"],
        ),
        CONFIG
        | {"model.lr": "0.2", "task.margin": "0.1", "trainer.accelerator": "cpu", "model.width": "3"}
        | {"metrics.0.second_of": "accuracy", "metrics.0.example.value": "1.0"},
        {"packages.numpy": "2.2", "packages.torch": "2.6", "python.version": "3.11.1"},
    )
    found = {group: [tuple(change) for change in changes] for group, changes in differences(side(), other).items()}
    assert found == {
        "data and split": [
            ("version", "1", "2"),
            ("files.data/digits.csv.gz", "md5:9b33", "md5:0000"),
            ("split manifest", "ee", "other manife"),
            ("task.margin", "0.03", "0.1"),
        ],
        "harness": [("val", "cd" * 6, "ff" * 6), ("metrics.0.second_of", "—", "accuracy")],
        "config": [("model.lr", "0.1", "0.2"), ("model.width", "—", "3")],
        "code": [
            ("src/lab/cnn.py", "—", "7" * 12),
            ("the core", "0.1.0 0123", "0.2.0 9999"),
            ("uncommitted", "clean", "train.py"),
        ],
        "environment": [("device", "cpu", "cuda"), ("threads", "1", "2"), ("packages.numpy", "2.1", "2.2")],
        "launch": [("trainer.accelerator", "auto", "cpu"), ("preset", "full", "smoke")],
    }
    text = lines(differences(side(), other), ["val accuracy 0.9 → 0.9"], ["val: all the same"])
    order = [text.index(group.upper()) for group in GROUPS]
    assert order == sorted(order)
    assert "THE SAME: nothing" in text


def test_long_groups_are_cut() -> None:
    other = side()._replace(environment={f"packages.p{n}": "1" for n in range(50)})
    assert "  … and 33 more" in lines(differences(side(), other), [], [])


def test_numbers_are_shown_with_their_change() -> None:
    a, b = made(0, score(0.9), score(0.8, "test")), made(1, score(0.95))
    assert numbers(a, b) == ["val accuracy 0.9000 → 0.9500 (+0.0500)"]
    assert numbers(a, made(1, score(None))) == ["val accuracy 0.9000 → undefined"]


def test_files_between_two_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    heads = []
    for name in ("src", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ä.py").write_text("1")
        commit(tmp_path)
        heads.append(git(tmp_path, "rev-parse", "HEAD").strip())
    (tmp_path / "src/b.py").write_text("2")
    commit(tmp_path)
    now = git(tmp_path, "rev-parse", "HEAD").strip()
    assert between(heads[0], now, ["src"]) == ["src/b.py"]
    assert between(heads[0], heads[1], ["src"]) == []
    assert between("0" * 40, now, ["src"]) is None
