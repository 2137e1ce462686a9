"""An interrupted run that somebody sent: whoever goes on with it writes, links and deletes inside its folder alone."""

import io
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from records import made
from traps import Trap

from receipts.refusal import Refusal
from receipts.runs import claims, points, resuming
from receipts.runs import record as records
from receipts.training import resuming as continued
from receipts.training.keeping import moved

STATES: dict[str, dict[str, Any]] = {
    "the best one": {"best_model_path": "OUT"},
    "the best one, by a way up": {"best_model_path": "IN/../../../../victim"},
    "one that is to be deleted": {"kth_best_model_path": "IN/../../../../victim", "best_k_models": {}},
    "one among the best": {"best_k_models": {"OUT": torch.tensor(0.5)}},
    "the last one": {"dirpath": "/gone", "last_model_path": "OUT"},
    "an address": {"best_model_path": "memory://x/best.ckpt"},
    "a folder of another run": {"dirpath": "IN", "best_model_path": "IN/../../other/best.ckpt"},
}


@pytest.mark.parametrize("case", STATES)
def test_no_path_in_a_point_leads_out_of_its_run(trap: Trap, case: str) -> None:
    folder = trap.run() / "checkpoints"

    def placed(value: Any) -> Any:
        if isinstance(value, dict):
            return {placed(key): kept for key, kept in value.items()}
        return value.replace("IN", os.path.realpath(folder)).replace("OUT", str(trap.victim))

    state = {key: placed(value) for key, value in STATES[case].items()}
    with pytest.raises(Refusal, match="names a file outside its run"):
        moved({"callbacks": {"ModelCheckpoint{}": state}}, folder)


def test_a_point_sets_nothing_but_what_it_is_meant_to(trap: Trap) -> None:
    class Part:
        lasting = ("seen",)
        seen, path = 0, "history.csv"

    part = Part()
    going = continued.Resumption.__new__(continued.Resumption)
    going.parts = {"Part": part}
    going.state = {"parts": {"Part": {"seen": 3, "path": str(trap.victim)}}}
    going.restore("Part")
    assert (part.seen, part.path) == (3, "history.csv")


@pytest.mark.parametrize("way", ["log", "point that is a pipe", "best one that is a link"])
@pytest.mark.parametrize("status", ["running", "failed"])
def test_a_run_with_a_way_out_is_not_gone_on_with(trap: Trap, way: str, status: str) -> None:
    folder = trap.run(status=status, failure=records.Failure("why", []), ended=None)
    content = io.BytesIO()
    torch.save({"state_dict": {}}, content)
    point = points.write(folder, 5, content.getvalue(), folder / "none")
    if way == "log":
        (folder / "train.log").symlink_to(trap.victim)
    elif way == "best one that is a link":
        point.with_suffix(points.BEST).symlink_to(trap.victim)
    else:
        os.mkfifo(folder / points.FOLDER / f"{9:09d}-{'ab' * 8}.ckpt")
    with pytest.raises(Refusal, match="is not made of plain files"):
        resuming.left_by(records.read(folder))
    if status == "failed":
        with pytest.raises(Refusal, match="is not made of plain files"):
            claims.refuse_failed([records.read(folder)])


@pytest.mark.parametrize("text", ["{}", "[]", "5", '{"cpu": 1}', "[" * 100_000, "{", '{"cpu": {}, "gpu": {}}'])
def test_an_environment_that_is_none_is_refused(trap: Trap, text: str) -> None:
    path = trap.run() / "environment.json"
    path.write_text(text)
    with pytest.raises(Refusal, match="is no environment of a run"):
        resuming.elsewhere(path, {"cpu": {"model": "A"}, "gpu": {"models": None}, "python": {"version": "3"}})


def test_a_folder_that_nobody_altered_is_gone_on_with(trap: Trap) -> None:
    folder = trap.run(status="running", ended=None)
    assert resuming.left_by(records.read(folder)) is None
    assert resuming.left_by(made(7)) is None, "nor is a folder that is gone"
    point = points.write(folder, 5, b"five", folder / "none")
    assert resuming.left_by(records.read(folder)) == point
    inside = os.path.realpath(folder / "checkpoints")
    state = {"dirpath": inside, "best_model_path": f"{inside}/best.ckpt", "kth_best_model_path": "", "monitor": "val/x"}
    kept = {"ModelCheckpoint{}": dict(state), "EarlyStopping{}": {"wait_count": 2}, "odd": 3}
    assert moved({"callbacks": kept}, folder / "checkpoints")["callbacks"]["ModelCheckpoint{}"] == state
    assert moved({}, Path("checkpoints")) == {}
