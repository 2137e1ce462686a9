"""A tracking server that somebody else runs: whatever it answers is taken as a failure, and leads nowhere else."""

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from impostor import RUN, Answer, Impostor, served
from invented import full, score
from traps import Trap

from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.runs import pulling, record, syncing, tracking

ROWS = b"rows"
DEEP = b"[" * 100_000


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*tracking.DEFAULTS, "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in tracking.DEFAULTS.items():
        monkeypatch.setenv(name, value)


def honest() -> Impostor:
    """A server that holds one run, sent in full."""
    found = full("a", second=1)
    found.scores = [score()]
    found.scores[0].sha256 = hashlib.sha256(ROWS).hexdigest()
    data = record.encode(found)
    tags = {tracking.RUN_ID: found.run_id, tracking.SENT: hashlib.sha256(data).hexdigest(), tracking.FILES: "{}"}
    return Impostor(tags, {"record.json": data, "predictions/val.parquet": ROWS})


def folder() -> Path:
    """The folder of that run, here."""
    found = full("a", second=1)
    found.scores = [score()]
    place = RUNS / found.run_id
    place.mkdir(parents=True)
    (place / "record.json").write_bytes(record.encode(found))
    (place / "README.md").write_text("# A run\n")
    return place


def child(name: str) -> Callable[[dict[str, list[str]]], Answer]:
    """A listing in which record.json is a folder that holds `name`."""

    def listing(query: dict[str, list[str]]) -> Answer:
        inside = "record.json" in query.get("path", [""])[0]
        return Answer({"files": [{"path": name if inside else "record.json", "is_dir": False}]})

    return listing


SEARCH, FILES = "/runs/search", "/mlflow-artifacts/artifacts"
ANSWERS: dict[str, dict[str, Any]] = {
    "a page of a proxy": {SEARCH: Answer(b"<html>sign in</html>", headers={"Content-Type": "text/html"})},
    "nested without end": {SEARCH: Answer(b'{"runs":' + DEEP)},
    "a list": {SEARCH: Answer([1])},
    "runs that are none": {SEARCH: Answer({"runs": "x"})},
    "a number beyond all": {SEARCH: Answer(b'{"runs":[{"data":{"metrics":[{"key":"a","value":1e999}]}}]}')},
    "an error that is none": {SEARCH: Answer({"error_code": [1], "message": {}}, 400)},
    "an experiment that is none": {"/experiments/": Answer(5)},
    "files that are none": {FILES: Answer({"files": "x"})},
    "a file without a name": {FILES: Answer({"files": [{"is_dir": False}]})},
    "files nested without end": {FILES: Answer(b'{"files":' + DEEP)},
    "files outside": {FILES: child("../../../../victim")},
    "files with names that are too long": {FILES: child("a" * 5000)},
    "another address": {SEARCH: Answer(b"", 302, {"Location": "file:///etc/passwd"})},
    "a body that is cut": {SEARCH: Answer(b"{}", headers={"Content-Length": "100"})},
    "a packed body that is none": {SEARCH: Answer(b"{}", headers={"Content-Encoding": "gzip"})},
    "an error for ever": {SEARCH: Answer({}, 500)},
    "come back tomorrow": {SEARCH: Answer({}, 429, {"Retry-After": "86400"})},
    "one page after the other": {SEARCH: Answer({"next_page_token": "x"})},
}
PLACES = [
    "runs:/" + RUN, "http://[::1", "evil://x/y", "file:///etc", "../victim", "", "{top}/victim",
    "file://{top}/victim#/" + RUN + "/artifacts", "file://{top}/" + RUN + "/artifacts/%2e%2e/%2e%2e/victim",
]  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_that_is_none_is_a_failure_of_the_store(
    trap: Trap, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    server = honest()
    server.says = ANSWERS[case]
    began = time.monotonic()
    with served(server) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with pytest.raises(Refusal, match="cannot be read") as refused:
            pulling.pull(pulling.PULLED)
        assert len(refused.value.why) <= tracking.REASON_LIMIT
        if FILES not in server.says:
            here = folder()
            with suppress(Refusal):
                assert here.name in syncing.sync([here]).failed
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("place", PLACES)
def test_no_folder_of_this_machine_is_the_servers_to_name(
    trap: Trap, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    server, here = honest(), folder()
    server.info["artifact_uri"] = place.format(top=trap.project.parent)
    with served(server) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with suppress(Refusal):
            assert len(pulling.pull(pulling.PULLED).refused) == 1
        server.tags.clear()
        assert here.name in syncing.sync([here]).failed


def test_a_folder_that_is_the_runs_own_is_written_to(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    server, here = honest(), folder()
    server.says["/runs/get"] = Answer({"run": server.run() | {"info": server.run()["info"] | {"artifact_uri": "/x"}}})
    server.info["artifact_uri"] = f"file://{trap.project}/shared/{RUN}/artifacts"
    server.tags.clear()
    with served(server) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        assert syncing.sync([here]).sent == [here.name]
    assert (trap.project / "shared" / RUN / "artifacts/record.json").is_file()


@pytest.mark.parametrize("name", ["20261120-150000-" + "x" * 400, "20261120-150000-" + "x" * 10**6, "x" * 10**6])
def test_a_name_without_end_is_no_run_id(trap: Trap, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    server = honest()
    server.tags[tracking.RUN_ID] = name
    with served(server) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        ((key, reason),) = pulling.pull(pulling.PULLED).refused.items()
    assert "is no run id" in reason
    assert len(key + reason) < 1000


def test_of_two_runs_with_one_id_the_older_one_is_taken_and_the_other_named(
    trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = honest()
    later = json.loads(json.dumps(server.run()).replace(server.tags[tracking.SENT], "ab" * 32))
    server.says = {SEARCH: Answer({"runs": [server.run(), server.run(), later]})}
    with served(server) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        done = pulling.pull(pulling.PULLED)
    assert (done.taken, done.already) == ([server.tags[tracking.RUN_ID]],) * 2
    assert "another run of the server has this id" in done.refused[server.tags[tracking.RUN_ID]]


def test_a_pull_asks_for_no_more_than_the_files_and_their_folders(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    server = honest()
    with served(server) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        assert len(pulling.pull(pulling.PULLED).taken) == 1
        first, server.asked = server.asked, []
        assert len(pulling.pull(pulling.PULLED).already) == 1
    asked = sorted(path.rpartition("/mlflow")[2] for path in first if "server-info" not in path)
    files = [f"-artifacts/artifacts/1/{RUN}/artifacts/{name}" for name in server.files]
    listings = ["-artifacts/artifacts"] * 4  # each folder, and whether each of the two files is one
    assert asked == sorted(["/experiments/get-by-name", "/runs/search", *listings, *files])
    assert [path.rpartition("/mlflow")[2] for path in server.asked] == ["/experiments/get-by-name", "/runs/search"]
