"""Standard streams whose reader leaves early."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from receipts.config.outlet import Outlet

WRITE = """
from pathlib import Path
from receipts.config.outlet import outlive_reader

outlive_reader()
print("first", flush=True)
for line in range(50_000):
    print(line)
Path("end").write_text("reached")
"""


def test_a_program_goes_on_when_nobody_reads_any_more(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "first\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 0
    assert (tmp_path / "end").read_text() == "reached"


def test_a_reader_who_stays_gets_every_line(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WRITE], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["first", *map(str, range(50_000))]


def test_a_file_is_left_as_it_is(tmp_path: Path) -> None:
    code = "import sys\nfrom receipts.config.outlet import outlive_reader\nbefore = sys.stdout\noutlive_reader()\n"
    with (tmp_path / "out").open("w") as out:
        subprocess.run([sys.executable, "-c", code + "assert sys.stdout is before"], stdout=out, check=True)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_program_goes_on_when_its_terminal_is_closed(stream: str, tmp_path: Path) -> None:
    code = WRITE.replace("print(line)", f"print(line, file=sys.{stream})").replace("\n", "\nimport sys\n", 1)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", code]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=theirs, stderr=theirs, preexec_fn=owning(theirs))
    os.close(theirs)
    assert os.read(ours, 1000).startswith(b"first")
    os.close(ours)  # the window is shut: SIGHUP, and from now on every line raises EIO
    assert process.wait(30) == 0
    assert (tmp_path / "end").read_text() == "reached"


def owning(terminal: int) -> Callable[[], None]:
    """What makes a process the one that a terminal belongs to, as a shell is."""

    def own() -> None:
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    return own


def test_a_hang_up_ends_nothing(tmp_path: Path) -> None:
    code = WRITE.replace("for line", "sys.stdin.readline()\nfor line").replace("\n", "\nimport sys\n", 1)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"
        process.send_signal(signal.SIGHUP)
        process.communicate("go on\n", timeout=30)
        assert process.returncode == 0
    assert (tmp_path / "end").read_text() == "reached"


def test_other_trouble_with_a_stream_is_no_secret() -> None:
    with Outlet(os.open("/dev/full", os.O_WRONLY), "w") as full, pytest.raises(OSError, match="No space left"):
        full.write(b"a line")
