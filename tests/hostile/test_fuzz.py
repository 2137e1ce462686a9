"""Anything at all where a config, a name, a record or a manifest should be: read or refused, never a crash, never a
write outside the run folders.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from anything import FUZZ, TEXT, VALUE
from hypothesis import given, settings
from hypothesis import strategies as some
from invented import full
from omegaconf import DictConfig
from traps import SMALL, Trap, config

from receipts import bounds, cli
from receipts.config.compose import compose, data_plan
from receipts.config.files import load_yaml
from receipts.data.manifest import load
from receipts.refusal import DONE, REFUSED, Refusal
from receipts.report.collect import collect
from receipts.runs import choice, flat, record, views

MANIFEST = SMALL.parents[2] / "splits/digits.json"


def leaves(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside a value, itself included."""
    yield way
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(inner, (*way, key))


def exchanged(facts: Any, way: tuple[Any, ...], value: Any) -> Any:
    """Facts with the value at the end of a way exchanged."""
    if not way:
        return value
    found = json.loads(json.dumps(facts))
    inner = found
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = value
    return found


def beyond(trap: Trap) -> set[str]:
    """Everything that lies outside the run folders."""
    found = (path.relative_to(trap.project.parent) for path in trap.project.parent.rglob("*"))
    return {str(path) for path in found if path.parts[:2] != ("project", "runs") and "__pycache__" not in path.parts}


RECORD = json.loads(record.encode(full()))
RECORD["process"]["host"] = "another-host"
WAYS = list(leaves(RECORD))


@FUZZ
@given(way=some.sampled_from(WAYS), value=VALUE)
def test_a_record_with_anything_anywhere_is_read_or_refused(trap: Trap, way: tuple[Any, ...], value: Any) -> None:
    before = beyond(trap)
    folder = Path("runs") / RECORD["run_id"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_bytes(config())
    (folder / "record.json").write_text(json.dumps(exchanged(RECORD, way, value)))
    assert cli.main(["ls"]) == DONE
    codes = {cli.main(["show", folder.name]), cli.main(["diff", folder.name, folder.name])}
    assert codes in ({DONE}, {REFUSED})
    found = collect()
    assert len(found.records) + len(found.broken) == 1
    assert (codes == {DONE}) == bool(found.records), "one reader takes what another refuses"
    for good in found.records:
        flat.tags(good)
        flat.points(folder, good)
        views.write(folder, good)
    assert beyond(trap) == before


@FUZZ
@given(data=some.binary(max_size=200))
def test_bytes_where_a_record_should_be_are_refused(trap: Trap, data: bytes) -> None:
    folder = trap.run()
    (folder / "record.json").write_bytes(data)
    with pytest.raises(Refusal):
        record.read(folder)


@FUZZ
@given(wanted=TEXT)
def test_any_word_for_a_run_is_that_run_or_refused(trap: Trap, wanted: str) -> None:
    folder = trap.run()
    try:
        found = choice.select(wanted)
    except Refusal:
        return
    assert found.run_id == folder.name


@FUZZ
@given(name=TEXT | some.from_regex(r"\A([a-z.]{0,3}[/\\]){0,4}[a-z.]{0,3}\Z"))
def test_any_name_in_a_folder_stays_in_it(trap: Trap, name: str) -> None:
    folder = Path("runs/a")
    try:
        found = bounds.confine(folder, name)
    except Refusal:
        return
    assert found.resolve().is_relative_to(folder.resolve())
    assert found.resolve() != folder.resolve()


WORDS = some.sampled_from(
    ["seed", "model.hidden", "model", "data", "fit", "fit.epochs", "on_end", "conf", "preset", "task"]
)


@settings(FUZZ, max_examples=15)
@given(key=WORDS | TEXT, value=TEXT, sign=some.sampled_from(["", "+", "++", "~"]))
def test_any_word_of_a_command_composes_or_is_refused(trap: Trap, key: str, value: str, sign: str) -> None:
    before = beyond(trap)
    with suppress(Refusal):
        compose("conf=net", f"{sign}{key}={value}")
    assert beyond(trap) == before


@FUZZ
@given(text=some.text(alphabet="ab:-[]{}&*!|>'\"#%@`, \n\t0.$", max_size=60))
def test_any_text_is_a_mapping_or_refused(trap: Trap, text: str) -> None:
    path = trap.project / "conf/any.yaml"
    path.write_text(text)
    with suppress(Refusal):
        assert isinstance(load_yaml(path), DictConfig)


@pytest.mark.skipif(not MANIFEST.exists(), reason="the shipped datasets were deleted")
@FUZZ
@given(value=VALUE, way=some.integers(0, 10_000))
def test_a_manifest_with_anything_anywhere_is_read_or_refused(trap: Trap, value: Any, way: int) -> None:
    facts = json.loads(MANIFEST.read_text())
    ways = list(leaves(facts))
    Path("splits").mkdir(exist_ok=True)
    before = beyond(trap)
    Path("splits/digits.json").write_text(json.dumps(exchanged(facts, ways[way % len(ways)], value)))
    with suppress(Refusal):
        load(data_plan("digits"))
    assert beyond(trap) <= before | {"project/splits/digits.json"}
