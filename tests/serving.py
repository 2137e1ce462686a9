"""A team's servers, real and on loopback: `mlflow server`, and a PostgreSQL of its own where that is installed."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from receipts.runs import tracking


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Postgres:
    """PostgreSQL in a session and a folder of its own, under its own user where we are root, which it refuses to be."""

    def __init__(self) -> None:
        self.user = "postgres" if os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # not below pytest's, which only we may enter
        self.port = free_port()
        if self.user:
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)

    @property
    def address(self) -> str:
        """What `mlflow server --backend-store-uri` is given."""
        return f"postgresql+psycopg2://mlflow@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Make a cluster and start it; nothing in it has to outlive the machine, so it need not be flushed."""
        binaries, data = folder_of_binaries(), self.folder / "data"
        assert binaries is not None
        words = [binaries / "initdb", "-D", data, "-U", "mlflow", "--auth=trust", "--no-sync"]
        subprocess.run(words, user=self.user, cwd="/", check=True, capture_output=True)
        listen = ["-c", "listen_addresses=127.0.0.1", "-p", str(self.port), "-k", self.folder, "-c", "fsync=off"]
        self.process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *listen],
            user=self.user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(lambda: (self.folder / f".s.PGSQL.{self.port}").exists(), self.process)

    def stop(self) -> None:
        """End it and forget everything."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        shutil.rmtree(self.folder)


def folder_of_binaries() -> Path | None:
    """Where PostgreSQL's programs are: Debian keeps them off the path."""
    found = [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((path for path in found if (path / "postgres").exists()), None)


def lacking() -> str:
    """Why there is no PostgreSQL here; nothing where there is one."""
    if folder_of_binaries() is None:
        return "PostgreSQL is not installed: apt-get install postgresql"
    if find_spec("psycopg2") is None:
        return "its client is not installed: pip install -e '.[team]'"
    if os.getuid() == 0 and not any(user.pw_name == "postgres" for user in pwd.getpwall()):
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


class Server:
    """`mlflow server` in a session of its own, with one worker; runs in a database, artifacts in a folder."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.port, self.folder = free_port(), folder
        self.address = f"http://127.0.0.1:{self.port}"
        self.database = database or f"sqlite:///{folder}/server.db"
        self.artifacts = folder / "artifacts"

    def start(self) -> None:
        """Start it and wait until it answers, which takes 12 s."""
        places = ["--backend-store-uri", self.database, "--artifacts-destination", str(self.artifacts)]
        listen = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *places, *listen],
                env={**os.environ, **tracking.DEFAULTS},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self.answers, self.process)

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            with urlopen(f"{self.address}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def kill(self) -> None:
        """End it and everything it started, at once."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def wait_until(answers: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait until a server answers; it must not end before."""
    until = time.monotonic() + 120
    while not answers():
        assert process.poll() is None, f"{process.args} ended with {process.returncode}"
        assert time.monotonic() < until, f"{process.args} never answered"
        time.sleep(0.2)
