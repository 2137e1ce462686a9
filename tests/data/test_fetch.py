"""Fetching from a server on loopback that fails, cuts files short, or sends a page instead of a file."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from receipts.data import fetch as fetching
from receipts.data.fetch import fetch
from receipts.refusal import Refusal

CONTENT = bytes(range(256)) * 40
CHECKSUM = hashlib.md5(CONTENT).hexdigest()
PAGE = b"<!DOCTYPE html><html><body>Please accept our terms.</body></html>"


class Server(HTTPServer):
    """A server that plays back a script, one word a request; after the script it serves the file."""

    script: list[str]
    asked: int = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        word = self.server.script.pop(0) if self.server.script else "serve"
        if word == "fail":
            self.send_error(503)
            return
        if word == "hang up":
            self.connection.close()
            return
        body = {"page": PAGE, "other": CONTENT[:-1] + b"?"}.get(word, CONTENT)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if word == "truncate" else body)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv(fetching.MIRROR, raising=False)
    monkeypatch.setattr(fetching, "PAUSE_S", 0.01)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server(("127.0.0.1", 0), Handler) as found:
        found.script = []
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def get(server: Server, folder: Path) -> Path:
    return fetch(f"http://127.0.0.1:{server.server_port}/file.gz", CHECKSUM, folder, "set/file.gz")


@pytest.mark.parametrize(
    "script", [[], ["fail", "fail"], ["truncate", "fail"], ["page", "hang up"], ["other", "truncate", "page"]]
)
def test_a_server_that_recovers_is_asked_until_the_file_is_right(
    server: Server, tmp_path: Path, script: list[str]
) -> None:
    server.script = list(script)
    path = get(server, tmp_path / "raw")
    assert path.read_bytes() == CONTENT
    assert server.asked == len(script) + 1
    assert [found.name for found in path.parent.iterdir()] == ["file.gz"]
    assert get(server, tmp_path / "raw") == path
    assert server.asked == len(script) + 1, "a verified file is not fetched again"


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("fail", "503"),
        ("truncate", "IncompleteRead"),
        ("page", "got an HTML page of 65 bytes, whose MD5 is not"),
        ("other", "got a file of 10,240 bytes, whose MD5 is not"),
    ],
)
def test_a_server_that_does_not_recover_ends_in_a_refusal_and_leaves_nothing(
    server: Server, tmp_path: Path, word: str, why: str
) -> None:
    server.script = [word] * 9
    with pytest.raises(Refusal) as refused:
        get(server, tmp_path)
    assert server.asked == fetching.ATTEMPTS
    assert why in refused.value.why
    assert "nothing stands in for missing data" in refused.value.why
    assert "RECEIPTS_MIRROR=FOLDER, as FOLDER/set/file.gz" in refused.value.fix
    assert list(tmp_path.iterdir()) == []


def test_pauses_double(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(fetching.time, "sleep", slept.append)
    server.script = ["fail"] * 3
    get(server, tmp_path)
    assert slept == [0.01, 0.02, 0.04]


def test_a_mirror_is_read_in_place_and_only_where_it_is_right(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(fetching.MIRROR, str(tmp_path))
    with pytest.raises(Refusal, match=r"the mirror lacks file\.gz"):
        get(server, tmp_path / "raw")
    (tmp_path / "set").mkdir()
    mirrored = tmp_path / "set/file.gz"
    mirrored.write_bytes(CONTENT[:-1])
    with pytest.raises(Refusal, match="is not the published file"):
        get(server, tmp_path / "raw")
    mirrored.write_bytes(CONTENT)
    assert get(server, tmp_path / "raw") == mirrored
    assert server.asked == 0
    assert not (tmp_path / "raw").exists()


def test_only_web_addresses_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(fetching.MIRROR, raising=False)
    with pytest.raises(Refusal, match="is no web address"):
        fetch("file:///etc/passwd", CHECKSUM, tmp_path, "set/passwd")
