"""Runs that are not what they were: ids that name none, records, weights and predictions that somebody changed."""

import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from folders import record, runs, write
from launching import launch
from mistaken import Run, refused, tampered


@pytest.fixture(scope="module")
def finished(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a smoke run of the network and one of the linear model."""
    folder = tmp_path_factory.mktemp("finished") / "project"
    shutil.copytree(template, folder)
    for conf in ("linear", "net"):
        assert launch(folder, "train.py", f"conf={conf}", "preset=smoke").code == 0
    return folder


@pytest.fixture
def used(finished: Path, tmp_path: Path) -> Path:
    """A copy of that project for one test."""
    return shutil.copytree(finished, tmp_path / "used")


# --- run ids ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("20250101", "there is no run 20250101"),
        ("nonsense", "there is no run nonsense"),
        ("2", "2 is the beginning of 2 runs"),
        ("../runs", "'../runs' is no run id"),
        ("runs/2", "'runs/2' is no run id"),
        (".", "'.' is no run id"),
        ("", "'' is no run id"),
        ("latest:nett", "there is no completed run of nett as its file states it"),
        ("latest:net", "there is no completed run of net as its file states it"),
        ("latest:../net", "there is no completed run of ../net"),
        ("it's", "there is no run it's"),
        ("a,b", "there is no run a,b"),
        ("[x]", "there is no run [x]"),
        ("*", "there is no run *"),
    ],
)
def test_run_ids_that_name_no_run(finished: Path, wanted: str, sentence: str) -> None:
    before = [record(finished, number) for number in (0, 1)]
    refused(launch(finished, "eval.py", f"run_id={wanted}"), sentence)
    assert [record(finished, number) for number in (0, 1)] == before


def test_eval_without_words_it_understands(finished: Path) -> None:
    refused(launch(finished, "eval.py"), "run_id is not stated")
    refused(launch(finished, "eval.py", "run_id=latest", "split=tset"), "there is no split 'tset'", "train, val, test")
    refused(launch(finished, "eval.py", "run_id=latest", "splt=val"), "unknown key 'splt'")
    refused(launch(finished, "receipts", "show", "../x"), "'../x' is no run id")


# --- runs that are not what they were --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("record.json", lambda all: all[: len(all) // 2], "record.json is not a readable record"),
        ("record.json", lambda all: b"", "record.json is not a readable record"),
        ("record.json", lambda all: b"\xff\xfe" + all, "record.json is not a readable record"),
        ("record.json", lambda all: b"[]", "record.json is not a readable record"),
        ("record.json", lambda all: all.replace(b'"schema": 1', b'"schema": 2'), "was written by a newer core"),
        ("record.json", lambda all: all.replace(b'"names"', b'"nmaes"'), "record.json is not a readable record"),
        ("config.yaml", lambda all: all[: len(all) // 2], "config"),
        ("config.yaml", lambda all: b"", "config.yaml is not a config"),
        ("config.yaml", lambda all: b"\xff\xfe" + all, "config.yaml cannot be read"),
        (
            "config.yaml",
            lambda all: all.replace(b"hidden: 16", b"hidden: 17"),
            "the config of today is not the config of",
        ),
        ("config.yaml", lambda all: all + b"planted: 1\n", "unknown key 'planted'"),
        ("checkpoints/best.ckpt", lambda all: all[: len(all) // 2], "best.ckpt is no readable checkpoint"),
        ("checkpoints/best.ckpt", lambda all: b"", "best.ckpt is no readable checkpoint"),
        ("checkpoints/best.ckpt", None, "best.ckpt is missing"),
        ("config.yaml", None, "config.yaml is missing"),
    ],
)
def test_damaged_runs_are_not_scored(
    used: Path, file: str, change: Callable[[bytes], bytes] | None, sentence: str
) -> None:
    run = runs(used)[0]
    path, kept = run / file, run / "record.json"
    before = kept.read_bytes()
    path.unlink() if change is None else tampered(path, change)
    refused(launch(used, "eval.py", f"run_id={path.parents[file.count('/')].name}"), sentence)
    assert launch(used, "receipts", "ls").code == 0
    if path != kept:
        assert kept.read_bytes() == before


def test_a_damaged_record_stands_in_the_list_and_in_the_way(used: Path) -> None:
    damaged = runs(used)[0]
    tampered(damaged / "record.json", lambda all: all[:100])
    listed = launch(used, "receipts", "ls")
    assert re.search(rf"{damaged.name}\s+unreadable", listed.out)
    refused(
        launch(used, "train.py", "conf=net", "preset=smoke"), "is not a readable record", f"move runs/{damaged.name}"
    )
    shutil.move(damaged, used / "moved")
    assert launch(used, "eval.py", "run_id=latest").code == 0
    assert launch(used, "train.py", "conf=net", "preset=smoke").code == 0


class Planted:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch planted",)


def test_a_pickle_in_place_of_weights_is_never_run(used: Path) -> None:
    torch_run, sklearn_run = runs(used)
    for run, file in ((torch_run, "checkpoints/best.ckpt"), (sklearn_run, "checkpoints/estimator.skops")):
        (run / file).write_bytes(pickle.dumps(Planted()))
        refused(launch(used, "eval.py", f"run_id={run.name}"), f"{file} ")
        assert not (used / "planted").exists()
    assert record(used)["openings"] == record(used, 1)["openings"] == []


def test_an_estimator_that_would_call_a_function_is_never_built(used: Path) -> None:
    run = runs(used)[1]
    plant = """
    import os, skops.io
    from sklearn.preprocessing import FunctionTransformer

    skops.io.dump(FunctionTransformer(os.system), "{run}/checkpoints/estimator.skops")
    """
    write(used, "plant.py", plant.replace("{run}", str(run)))
    assert launch(used, "plant.py").code == 0
    refused(launch(used, "eval.py", f"run_id={run.name}"), "holds types outside the allow-list", "system")
    assert record(used, 1)["openings"] == []


def test_weights_of_another_run_are_refused(used: Path) -> None:
    assert launch(used, "train.py", "conf=net", "preset=smoke", "seed=1").code == 0
    ours, theirs = runs(used)[:2]
    shutil.copy(theirs / "checkpoints/best.ckpt", ours / "checkpoints/best.ckpt")
    refused(launch(used, "eval.py", f"run_id={ours.name}"), "does not hold the weights that were recorded")
    assert record(used)["openings"] == []


def test_a_config_that_came_back_with_another_target_builds_nothing(used: Path) -> None:
    from receipts.config.schema import NO_NUMBER
    from receipts.provenance import code

    run = runs(used)[0]
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["model"] = {"_target_": "os.system", "command": "touch planted"}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    refused(launch(used, "eval.py", f"run_id={run.name}"), "the config of today is not the config of")

    found = record(used)  # whoever can write the config can write the record too
    kept = {key: value for key, value in config.items() if key not in NO_NUMBER}
    kept["processes"] = config["trainer"]["processes"]
    found["identity"]["config"] = code.sha256(json.dumps(kept, sort_keys=True).encode())
    found["identity"]["code"] = "x"
    (run / "record.json").write_text(json.dumps(found))
    look = f"import receipts\nreceipts.load('{run.name}').model()\n"
    write(used, "look.py", look)
    done = launch(used, "look.py")
    assert "Refusal" in done.err
    assert "os.system is outside the allow-list" in done.err
    assert not (used / "planted").exists()


@pytest.mark.parametrize(
    ("file", "change", "sentences"),
    [
        ("src/lab/net.py", lambda all: all + b"# changed\n", ["the code of today", "src/lab/net.py", "git checkout"]),
        ("train.py", lambda all: all + b"# changed\n", ["the code of today", "train.py", "git checkout"]),
        ("requirements.lock", lambda all: all + b"numpy\n", ["the lock of today", "requirements.lock", "git checkout"]),
        ("data/digits.csv.gz", lambda all: all[:-1], ["data/digits.csv.gz is not the file", "dvc checkout"]),
        ("splits/digits.json", lambda all: all + b"\n", ["the split of today", "splits/digits.json"]),
    ],
)
def test_a_run_whose_ground_has_moved_is_not_scored(
    used: Path, file: str, change: Callable[[bytes], bytes], sentences: list[str]
) -> None:
    tampered(used / file, change)
    refused(launch(used, "eval.py", "run_id=latest"), *sentences)
    assert record(used)["openings"] == []


def test_a_changed_harness_is_told_apart(used: Path) -> None:
    found = record(used)
    found["code"]["harness"] = "0" * 64
    (runs(used)[0] / "record.json").write_text(json.dumps(found))
    refused(launch(used, "eval.py", "run_id=latest"), "the evaluation harness is not the one this run was scored with")


def test_a_failed_run_is_not_scored(project: Path, run: Run) -> None:
    refused(run("train.py", "conf=net", "preset=smoke", "task.classes=9"), "lie outside")
    name = runs(project)[0].name
    refused(run("eval.py", f"run_id={name}"), f"{name} is not complete", "its status is failed")
    refused(run("eval.py", "run_id=latest"), "there is no completed run")


def test_stored_predictions_that_were_cut_are_not_read(used: Path) -> None:
    tampered(runs(used)[0] / "predictions/val.parquet", lambda all: all[:-20])
    write(used, "look.py", "import receipts\nreceipts.load('latest').predictions('val')\n")
    assert "is not a readable predictions file" in launch(used, "look.py").err


def test_a_lost_history_costs_the_curve_and_nothing_else(template: Path, tmp_path: Path) -> None:
    project = shutil.copytree(template, tmp_path / "project")
    assert launch(project, "train.py", "conf=net").code == 0
    tampered(runs(project)[0] / "history.csv", lambda all: all[: len(all) // 2])
    assert launch(project, "eval.py", "run_id=latest:net").code == 0
