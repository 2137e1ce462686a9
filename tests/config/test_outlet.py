"""Standard output whose reader leaves early."""

import subprocess
import sys
from pathlib import Path

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
