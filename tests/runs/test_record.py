"""The record: what is written is read, and what is not a whole record of this core is refused, never half-read."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import full, running, score

from receipts.refusal import Refusal
from receipts.runs import record as records
from receipts.runs.record import SCHEMA, Failure, Record, decode, encode, read

WHERE = Path("runs/some/record.json")
TEXTS = st.text(st.characters(codec="utf-8"))


def test_a_record_survives_its_file() -> None:
    for record in (running(), full(), running(status="failed", failure=Failure("NaN", ["last", "lines"]))):
        assert decode(encode(record), WHERE) == record


def test_a_whole_record_has_something_in_every_field() -> None:
    """So that the round trip means something."""
    empty = [
        name for name, value in msgspec.structs.asdict(full(failure=Failure("f", []))).items() if value in ({}, ())
    ]
    assert empty == []


@given(TEXTS, TEXTS, st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2**53))
def test_any_text_and_any_number_survives(purpose: str, key: str, value: float, seed: int) -> None:
    record = full(purpose=purpose, parameters={key: value}, seed=seed)
    assert decode(encode(record), WHERE) == record


def test_people_can_read_it_in_the_declared_order() -> None:
    text = encode(full()).decode()
    assert text.startswith('{\n "schema": 1,\n "run_id": "20261120-133700-net-s0-aaaaaaaa",\n "conf": "net",')
    assert text.endswith("}\n")
    assert list(json.loads(text)) == list(Record.__struct_fields__)


def test_the_latest_score_of_a_split_is_its_score() -> None:
    record = full(scores=[score("val", 0.1), score("test", 0.2), score("val", 0.3)])
    assert record.score("val") is record.scores[2]
    assert record.score("test") is record.scores[1]
    assert record.score("train") is None


def changed(record: Record, **values: Any) -> bytes:
    return json.dumps(json.loads(encode(record)) | values).encode()


def test_an_unknown_field_is_refused_wherever_it_stands() -> None:
    with pytest.raises(Refusal, match="unknown field `mood`"):
        decode(changed(full(), mood="good"), WHERE)
    world = json.loads(encode(full()))["world"] | {"mood": "good"}
    with pytest.raises(Refusal, match=r"unknown field `mood` - at `\$\.world`"):
        decode(changed(full(), world=world), WHERE)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"status": "done"}, "Invalid enum value 'done'"),
        ({"seed": "0"}, "Expected `int`, got `str` - at `$.seed`"),
        ({"scores": None}, "Expected `array`, got `null`"),
        ({"schema": "1"}, "Expected `int`, got `str` - at `$.schema`"),
        ({"identity": {"id": "9f"}}, "missing required field `config`"),
    ],
)
def test_a_field_of_another_type_is_refused(values: dict[str, Any], why: str) -> None:
    with pytest.raises(Refusal) as found:
        decode(changed(full(), **values), WHERE)
    assert why in found.value.why
    assert found.value.fix.endswith("move runs/some away")


def test_a_newer_core_is_told_apart_from_damage() -> None:
    with pytest.raises(Refusal, match="was written by a newer core") as found:
        decode(changed(full(), schema=SCHEMA + 1, invention={"of": "tomorrow"}), WHERE)
    assert "take the newer core" in found.value.fix


def test_a_record_cut_anywhere_is_refused() -> None:
    whole = encode(full())
    for length in range(len(whole) - 1):  # the last byte is a line end
        with pytest.raises(Refusal, match="is not a readable record"):
            decode(whole[:length], WHERE)


@given(st.data())
def test_a_damaged_record_is_refused_or_whole_and_never_a_traceback(data: st.DataObject) -> None:
    damaged = bytearray(encode(full()))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Refusal):
        assert isinstance(decode(bytes(damaged), WHERE), Record)


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b"3", b'"text"', b"{}", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"\x00"]
)
def test_what_is_no_record_at_all_is_refused(content: bytes) -> None:
    with pytest.raises(Refusal, match="is not a readable record"):
        decode(content, WHERE)


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"holds no record\n.*record\.json is missing"):
        read(tmp_path)
    folder = tmp_path / running().run_id
    folder.mkdir()
    (folder / "record.json").write_bytes(records.encode(running()))
    assert read(folder).conf == "net"
