"""Checkpoints and estimators that somebody sent: read as plain data, or refused before anything of them is built."""

import io
import json
import os
import zipfile
from pathlib import Path

import pytest
import torch
from traps import Touch, Trap, pickled

from receipts import bounds
from receipts.refusal import Refusal
from receipts.training import checkpoints, estimators


def saved(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@pytest.mark.parametrize(
    "case", ["in the zip", "bare", "among the weights", "beside the weights", "as a key", "legacy"]
)
def test_code_in_a_checkpoint_does_not_run(trap: Trap, case: str) -> None:
    payload = Touch(trap.canary)
    path = trap.project / "evil.ckpt"
    if case == "bare":
        path.write_bytes(pickled(trap.canary))
    elif case == "legacy":
        torch.save({"state_dict": payload}, path, _use_new_zipfile_serialization=False)
    else:
        path.write_bytes(
            saved(
                {
                    "in the zip": payload,
                    "among the weights": {"state_dict": {"w": payload}},
                    "beside the weights": {"state_dict": {"w": torch.zeros(1)}, "callbacks": payload},
                    "as a key": {"state_dict": {"w": torch.zeros(1)}, "hyper_parameters": {"x": [payload]}},
                }[case]
            )
        )
    with pytest.raises(Refusal, match="is no readable checkpoint"):
        checkpoints.read(path)


@pytest.mark.parametrize(
    "content", [[1], {"state_dict": 1}, {}, torch.zeros(1)], ids=["list", "number", "empty", "tensor"]
)
def test_a_checkpoint_without_weights_is_refused(trap: Trap, content: object) -> None:
    path = trap.project / "odd.ckpt"
    path.write_bytes(saved(content))
    with pytest.raises(Refusal, match="is no checkpoint"):
        checkpoints.read(path)


WEIGHTS = {
    "a number": 1,
    "a list": [torch.zeros(1)],
    "one that memory would unfold": torch.zeros(1).expand(10**13),
    "one without values": torch.zeros(3, device="meta"),
    "sparse": torch.eye(3).to_sparse(),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_a_weight_that_the_file_does_not_hold_in_full_is_refused(trap: Trap, case: str) -> None:
    path = trap.project / "odd.ckpt"
    path.write_bytes(saved({"state_dict": {"w": WEIGHTS[case]}}))
    with pytest.raises(Refusal, match="its weight 'w' is no tensor"):
        checkpoints.state_of(path, "ab")


def test_weights_that_share_or_reorder_their_values_are_read(trap: Trap) -> None:
    path, base = trap.project / "honest.ckpt", torch.arange(6.0).reshape(2, 3)
    state = {
        "a": base,
        "b": base.T,
        "c": base[:, 1],
        "d": torch.tensor(True),
        "e": torch.zeros(0),
        "f": base[:1].expand(9, 3),
    }
    path.write_bytes(saved({"state_dict": state}))
    assert list(checkpoints.state_of(path, checkpoints.weights_hash(state))) == list(state)


@pytest.mark.parametrize("name", [1, None])
def test_a_weight_without_a_name_is_refused(trap: Trap, name: object) -> None:
    path = trap.project / "odd.ckpt"
    path.write_bytes(saved({"state_dict": {name: torch.zeros(1), "a": torch.zeros(1)}}))
    with pytest.raises(Refusal, match="is no checkpoint"):
        checkpoints.read(path)


@pytest.mark.parametrize("member", ["schema.json", "archive/data.pkl"])
def test_an_archive_that_unpacks_to_far_more_is_refused(trap: Trap, member: str) -> None:
    path = trap.project / "bomb"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as members, members.open(member, "w") as file:
        for _ in range(5):
            file.write(b" " * (bounds.MOST_UNPACKED // 4))
    for read in (checkpoints.read, estimators.read):
        with pytest.raises(Refusal, match="unpacks to 335,544,320 bytes"):
            read(path)


def test_a_pipe_that_is_called_a_checkpoint_is_not_waited_for(trap: Trap) -> None:
    path = trap.project / "evil.ckpt"
    os.mkfifo(path)
    with pytest.raises(Refusal, match="is no plain file"):
        checkpoints.read(path)
    with pytest.raises(Refusal, match="is no plain file"):
        estimators.read(path)


def node(**facts: object) -> dict[str, object]:
    return {"__class__": "x", "__module__": "x", "__loader__": "ObjectNode", "__id__": 1, **facts}


SKOPS = {
    "a function": {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "__id__": 1, "content": {}},
    "a type": {"__class__": "Popen", "__module__": "subprocess", "__loader__": "TypeNode", "__id__": 1},
    "an object": node(__class__="Popen", __module__="subprocess", content={"__loader__": "JsonNode", "content": "{}"}),
    "a function that an allowed package imports": {
        "__class__": "check_output", "__module__": "sklearn.utils._testing", "__loader__": "FunctionNode", "__id__": 1,
        "content": {"module_path": "sklearn.utils._testing", "function": "check_output"},
    },
    "a loader of nobody's": {"__class__": "a", "__module__": "b", "__loader__": "EvilNode", "__id__": 1},
    "a list where a node belongs": ["x"],
}  # fmt: skip


@pytest.mark.parametrize("case", SKOPS)
def test_code_in_an_estimator_does_not_run(trap: Trap, case: str) -> None:
    path = trap.project / "evil.skops"
    with zipfile.ZipFile(path, "w") as members:
        members.writestr("schema.json", json.dumps(SKOPS[case]))
        members.writestr("../../victim", "mine now")
    with pytest.raises(Refusal):
        estimators.read(path)


def test_a_pickle_that_is_called_an_estimator_is_refused(trap: Trap) -> None:
    path = trap.project / "evil.skops"
    path.write_bytes(pickled(trap.canary))
    with pytest.raises(Refusal, match="cannot be read"):
        estimators.read(path)


def test_the_run_that_weights_come_from_is_found_inside_runs(trap: Trap) -> None:
    for name in ("../../project", "/etc", ".."):
        with pytest.raises(Refusal):
            checkpoints.begin_from({"run": name, "identity": "ab", "weights": "ab"}, torch.nn.Linear(1, 1))
    assert not Path("runs").exists()
