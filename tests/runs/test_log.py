"""Lines of steps reach the log as every other line does, or stop the run where they cannot."""

import logging
import os
import re
import time
from pathlib import Path

import pytest

from receipts.runs.log import Log, logged, logs, note, progress, settle


def test_a_step_stands_in_the_log_like_every_line(tmp_path: Path) -> None:
    with logged(tmp_path):
        progress.info("before")
        note(str, "a step")
        progress.info("after")
    lines = (tmp_path / "train.log").read_text(encoding="utf-8").splitlines()
    stamps = [re.fullmatch(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (before|a step|after)", line) for line in lines]
    assert [stamp and stamp[2] for stamp in stamps] == ["before", "a step", "after"]


def test_a_line_is_there_a_moment_later_and_at_once_where_it_has_to_be(tmp_path: Path) -> None:
    read = (tmp_path / "train.log").read_text
    with logged(tmp_path):
        note("step {}".format, 1)
        deadline = time.monotonic() + 20
        while "step 1\n" not in read() and time.monotonic() < deadline:
            time.sleep(0.01)
        note("step {}".format, 2)
        settle()
        assert [line[20:] for line in read().splitlines()] == ["step 1", "step 2"]
        note("step {}".format, 3)
    assert [line[20:] for line in read().splitlines()] == ["step 1", "step 2", "step 3"]


def test_a_copy_of_the_process_does_not_tell_the_same_steps_again(tmp_path: Path) -> None:
    with logged(tmp_path):
        (log,) = logs()
        log.closed.set()  # nobody writes them meanwhile
        note(str, "a step")
        if (child := os.fork()) == 0:
            progress.info("from the copy")
            os._exit(0)
        os.waitpid(child, 0)
    lines = (tmp_path / "train.log").read_text(encoding="utf-8").splitlines()
    assert [line[20:] for line in lines] == ["from the copy", "a step"]


def test_without_a_log_of_ours_a_step_goes_where_logging_sends_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        note(str, "a step elsewhere")
    assert "a step elsewhere" in caplog.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_told_and_not_stepped_over() -> None:
    log = Log(Path("/dev/full"))

    def steps() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            log.later(str, "a step")
            time.sleep(0.01)

    with pytest.raises(OSError, match="No space left"):
        steps()
    log.close()
