"""Run folders whose files are links, devices or not what they say: nothing is read or written through them."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from traps import Trap, pickled

from receipts import bounds, cli
from receipts.ablation import planning
from receipts.evaluation import pictures
from receipts.evaluation.storage import read as read_predictions
from receipts.guards.review import run as reviewing
from receipts.refusal import REFUSED, Refusal
from receipts.report import stored
from receipts.report.collect import collect
from receipts.runs import choice, dynamics, flat, record, repeat, reviews, store
from receipts.runs import plans as planned


def linked(name: str) -> Callable[[Trap, Path], None]:
    def make(trap: Trap, folder: Path) -> None:
        path = folder / name
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(trap.victim)

    return make


def linked_folder(trap: Trap, folder: Path) -> None:
    (folder / "predictions").symlink_to(trap.victim.parent)


def piped(trap: Trap, folder: Path) -> None:
    os.mkfifo(folder / "train.log")


def linked_twice(trap: Trap, folder: Path) -> None:
    (folder / "groups").mkdir()
    (folder / "groups/a").symlink_to("../b")
    (folder / "b").symlink_to(trap.victim)


WAYS_OUT = {
    "log": linked("train.log"),
    "lock": linked(".record.lock"),
    "reserve": linked(".reserve"),
    "config": linked("config.yaml"),
    "metrics": linked("metrics.json"),
    "deep": linked("groups/val/a/predictions.csv"),
    "predictions": linked_folder,
    "a link to a link": linked_twice,
    "a pipe": piped,
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_a_folder_with_a_way_out_is_neither_selected_nor_written_to(trap: Trap, way: str) -> None:
    folder = trap.run()
    WAYS_OUT[way](trap, folder)
    with pytest.raises(Refusal, match="is not made of plain files"):
        choice.select(folder.name)
    with pytest.raises(Refusal, match="is not made of plain files"), store.editing(folder.name):
        pass
    assert cli.main(["show", folder.name]) == REFUSED


def test_a_folder_with_a_way_out_is_not_sent(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    from receipts.runs import delivery

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{trap.project}/mlflow.db")
    folder = trap.run()
    linked("README.md")(trap, folder)
    with pytest.raises(Refusal, match="is not made of plain files"):
        delivery.send(folder, None)  # type: ignore[arg-type]


def test_a_record_that_is_a_link_or_endless_is_not_read(trap: Trap) -> None:
    folder = trap.run()
    text = (folder / "record.json").read_bytes()
    trap.project.joinpath("elsewhere.json").write_bytes(text)
    for target in ("/dev/zero", trap.project / "elsewhere.json"):
        (folder / "record.json").unlink()
        (folder / "record.json").symlink_to(target)
        with pytest.raises(Refusal, match=r"cannot be read|is no file of"):
            record.read(folder)
        assert collect().records == []
    (folder / "record.json").unlink()
    os.mkfifo(folder / "record.json")
    with pytest.raises(Refusal, match="is no file of"):
        record.read(folder)
    (folder / "record.json").unlink()
    with (folder / "record.json").open("wb") as file:
        file.truncate(bounds.MOST + 1)
    with pytest.raises(Refusal, match="is no file of"):
        record.read(folder)


@pytest.mark.parametrize("name", ["../victim", "/etc/passwd", "a/../../x", "a\\..\\b", "C:\\x", "\0", "", ".", "a//b"])
def test_no_name_leads_out_of_a_folder(trap: Trap, name: str) -> None:
    folder = trap.run()
    assert not bounds.is_inside(name)
    with pytest.raises(Refusal, match="names a file outside its folder"):
        bounds.confine(folder, name)


def test_a_name_that_only_a_link_leads_out_is_refused_and_an_honest_one_is_not(trap: Trap) -> None:
    folder = trap.run()
    (folder / "honest").mkdir()
    (folder / "honest/a.parquet").touch()
    (folder / "also").symlink_to("honest")
    bounds.refuse_links(folder)
    assert bounds.confine(folder, "also/a.parquet") == folder / "also/a.parquet"
    (folder / "predictions").symlink_to(trap.victim.parent)
    with pytest.raises(Refusal, match="outside its folder"):
        bounds.confine(folder, "predictions/victim")


REVIEWS = [
    "[1]",
    "{",
    '[{"by": "a"}]',
    '[{"item": "x", "by": "a"}]',
    '[{"by": [1], "item": 1, "at": 2}]',
    "5",
    "[" * 9**6,
]


@pytest.mark.parametrize("text", REVIEWS, ids=lambda text: text[:30])
def test_a_review_that_is_none_is_refused(trap: Trap, text: str) -> None:
    folder = trap.run()
    path = folder / "review.json"
    path.write_text('[{"item": "worst", "what": "a", "by": "Ada", "at": "2026-11-20T13:37:00Z"}, {"item": "x"}]')
    assert reviews.told([folder.name]) == "worst looked at by Ada on 2026-11-20"
    path.write_text(text)
    with pytest.raises(Refusal, match="cannot be read"):
        reviews.told([folder.name])
    with pytest.raises(Refusal, match="cannot be read"):
        reviewing.signed_before(path)


def test_a_pipe_where_predictions_should_be_is_not_waited_for(trap: Trap) -> None:
    folder = trap.run()
    (folder / "predictions").mkdir()
    os.mkfifo(folder / "predictions/val.parquet")
    with pytest.raises(Refusal, match="is no plain file"):
        bounds.confine(folder, "predictions/val.parquet")
    assert stored.Store(Path("runs")).sampled(record.read(folder), "val", "accuracy") == (
        f"{folder}/predictions/val.parquet is no plain file"
    )


def test_a_folder_that_is_gone_has_no_ways_out(trap: Trap) -> None:
    bounds.refuse_links(trap.project / "runs/gone")
    with pytest.raises(Refusal, match="holds no record"), store.editing("20261120-133700-gone-s0-9f3c1a7e"):
        pass


HISTORIES = {
    "text for numbers": "step,loss\n1,=cmd\n",
    "cells too many": "step,loss\n1,2,3,4\n",
    "cells too few": "step,loss,lr\n1\n",
    "a step that is none": "step,elapsed_s\nnan,1\n",
    "an endless time": "step,elapsed_s\n1,inf\n",
    "an open quotation": 'step,loss\n"1,2\n3\n',
    "not text": "step\n\udcff\n",
    "a step beyond all others": "step,loss\n1e300,1\n",
    "a time beyond all others": "step,elapsed_s\n1,1e300\n",
}


@pytest.mark.parametrize("case", HISTORIES)
def test_a_history_that_is_none_is_refused(trap: Trap, case: str) -> None:
    folder = trap.run()
    (folder / "history.csv").write_bytes(HISTORIES[case].encode(errors="surrogateescape"))
    with pytest.raises(Refusal, match="is no history"):
        dynamics.read(folder / "history.csv")
    with pytest.raises(Refusal):
        flat.points(folder, record.read(folder))


LAUGHS = "x0: &x0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"x{n + 1}: &x{n + 1} [{','.join([f'*x{n}'] * 9)}]\n" for n in range(8)
)
CONFIGS = {
    "an object of Python": ("x: !!python/object/apply:os.system ['touch ../canary']\n", "python/object"),
    "a million laughs": (LAUGHS, "aliases stand for more than"),
    "a list in itself": ("x: &a [*a]\n", "holds itself"),
    "a key that stands twice": ("seed: 1\n", "'seed' stands twice"),
    "nested without end": ("x: " + "[" * 20_000, "cannot be read"),
    "too long": ("# " + "x" * 2_000_000, "is no file of at most"),
    "no text": ("# \udcff\udcfe", "cannot be read"),
    "an interpolation": ("on_end: ${oc.env:HOME}\n", "holds an interpolation"),
    "one inside a list": ("metrics: [{function: '${oc.env:HOME}'}]\n", "holds an interpolation"),
    "an unknown key": ("evil: 1\n", "evil"),
    "a key of Hydra": ("hydra: {callbacks: {a: {_target_: os.system}}}\n", "hydra"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_config_beside_a_record_that_none_wrote_is_refused(trap: Trap, case: str) -> None:
    folder = trap.run()
    path = folder / "config.yaml"
    assert repeat.experiment_of(record.read(folder)).config.seed == 0
    lines, reason = CONFIGS[case]
    for key in ("on_end", "metrics"):
        if lines.startswith(key):
            path.write_text(path.read_text().replace({"on_end": "on_end: null\n", "metrics": "metrics: []\n"}[key], ""))
    path.write_bytes(path.read_bytes() + lines.encode(errors="surrogateescape"))
    with pytest.raises(Refusal, match=reason):
        repeat.experiment_of(record.read(folder))


def test_a_list_where_the_config_should_be_is_refused(trap: Trap) -> None:
    folder = trap.run()
    (folder / "config.yaml").write_text("- a\n")
    with pytest.raises(Refusal, match="is not a config"):
        repeat.experiment_of(record.read(folder))


def test_the_command_in_a_stored_config_is_nobodys_to_run(trap: Trap) -> None:
    folder = trap.run()
    path = folder / "config.yaml"
    path.write_text(path.read_text().replace("on_end: null", f"on_end: touch {trap.canary}"))
    assert "canary" in path.read_text()
    assert repeat.experiment_of(record.read(folder)).config.on_end is None


@pytest.mark.parametrize("case", ["pickled", "text", "a bomb", "not numbers", "too many axes", "beyond white"])
def test_kept_pictures_that_are_none_are_refused(trap: Trap, case: str) -> None:
    folder = trap.run()
    path = pictures.path(folder, "val")
    path.parent.mkdir()
    images = {
        "not numbers": np.array([["a"] * 4] * 4)[None],
        "too many axes": np.zeros((1, 2, 2, 2, 2), np.float32),
        "beyond white": np.full((1, 4, 4), np.nan, np.float32),
    }.get(case, np.zeros((1, 4, 4), np.float32))
    file = io.BytesIO()
    np.savez(file, ids=np.array(["a"]), images=images)
    path.write_bytes(file.getvalue())
    if case == "pickled":
        with zipfile.ZipFile(path, "w") as members:
            head = io.BytesIO()
            np.lib.format.write_array_header_1_0(head, {"descr": "|O", "fortran_order": False, "shape": (1,)})
            for name in ("ids", "images"):
                members.writestr(f"{name}.npy", head.getvalue() + pickled(trap.canary))
    elif case == "text":
        path.write_bytes(pickled(trap.canary))
    elif case == "a bomb":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as members:
            members.writestr("ids.npy", bytes(pictures.MOST + 1))
    with pytest.raises(Refusal, match="holds no pictures"):
        pictures.read(folder, "val")


def test_predictions_with_pickles_where_numbers_belong_are_refused(trap: Trap) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    folder = trap.run()
    (folder / "predictions").mkdir()
    path = folder / "predictions/val.parquet"
    for metadata in ({}, {b"pandas": b'{"columns": [{"numpy_type": "object", "metadata": {"encoding": "pickle"}}]}'}):
        table = pa.table({"sample_id": ["a"], "target": pa.array([pickled(trap.canary)], pa.binary())})
        parquet.write_table(table.replace_schema_metadata(metadata), path)
        with pytest.raises(Refusal, match="is not a readable predictions file"):
            read_predictions(path)
    path.write_bytes(pickled(trap.canary))
    with pytest.raises(Refusal, match="is not a readable predictions file"):
        read_predictions(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("plan_id", "../../x"),
        ("commit", "--output=x"),
        ("cells", "../../../victim"),
        ("schema", "x"),
        ("kind", "rm"),
        ("arms", []),
    ],
)
def test_a_plan_that_names_what_lies_outside_is_refused(trap: Trap, key: str, value: str) -> None:
    import json

    cell = {"arm": "net", "seed": 0, "config": "cells/0000.yaml", "identity": "ab"}
    facts = {
        "plan_id": "p", "conf": "net", "kind": "ablations", "command": "", "created": "", "commit": "ab", "seeds": [0],
        "arms": [{"name": "net", "conf": "net"}], "cells": [cell],
    }  # fmt: skip
    folder = planned.PLANS / "p"
    (folder / "cells").mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(facts))
    plan = planned.read(folder)
    for text in ("", "- a", "x: [", "'"):
        (folder / "cells/0000.yaml").write_text(text)
        with pytest.raises(Refusal, match="cannot be read"):
            planning.thaw(folder, plan, plan.cells[0])
    facts |= {key: [cell | {"config": value}] if key == "cells" else value}
    (folder / "plan.json").write_text(json.dumps(facts))
    with pytest.raises(Refusal, match="is not a readable plan"):
        planned.read(folder)
