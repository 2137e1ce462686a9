"""A tracking server that answers as it likes: like MLflow's own, but for what a test has it say."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

RUN = "a" * 32  # MLflow's own id of its only run


@dataclass
class Answer:
    """A reply: its body, its status, and headers beside the usual ones."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Impostor:
    """What the server holds; `says` maps part of a path to another answer, which may depend on the query.

    `asked` are the paths of all requests so far.
    """

    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    says: dict[str, Answer | Callable[[dict[str, list[str]]], Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        """Its only run, as MLflow would describe it."""
        info = {"run_id": RUN, "run_uuid": RUN, "experiment_id": "1", "status": "FINISHED", "lifecycle_stage": "active"}
        info |= {"artifact_uri": f"mlflow-artifacts:/1/{RUN}/artifacts"} | self.info
        tags = [{"key": key, "value": value} for key, value in self.tags.items()]
        return {"info": info, "data": {"tags": tags, "metrics": self.metrics, "params": []}}

    def answer(self, path: str, query: dict[str, list[str]]) -> Answer:
        """What is said to a request."""
        self.asked.append(path)
        for part, said in self.says.items():
            if part in path:
                return said if isinstance(said, Answer) else said(query)
        if "/experiments/" in path:
            return Answer({"experiment": {"experiment_id": "1", "name": "x", "lifecycle_stage": "active"}})
        if "/runs/search" in path:
            return Answer({"runs": [self.run()]})
        if "/runs/" in path:
            return Answer({"run": self.run()})
        if path.endswith("/mlflow-artifacts/artifacts"):
            below = query.get("path", [""])[0].partition("/artifacts")[2].strip("/")
            names = [name for name in self.files if name.rpartition("/")[0] == below]
            return Answer({"files": [{"path": name.rpartition("/")[2], "is_dir": False} for name in names]})
        if "/mlflow-artifacts/artifacts/" not in path:
            return Answer({})
        held = self.files.get(path.partition(f"{RUN}/artifacts/")[2])
        return Answer(b"{}", 404) if held is None else Answer(held)


@contextmanager
def served(server: Impostor) -> Iterator[str]:
    """Its address, while it answers."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            said = server.answer(parts.path, parse_qs(parts.query))
            data = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self.send_response(said.status)
            usual = {"Content-Type": "application/json", "Content-Length": str(len(data))}
            for name, value in (usual | said.headers).items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # whoever asked has gone
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = handle_any  # noqa: N815

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()
        thread.join()
