"""Lines of steps reach the log as every other line does, or stop the run where they cannot."""

import logging
import re
from pathlib import Path

import pytest

from receipts.runs.log import Log, logged, note, progress


def test_a_step_stands_in_the_log_like_every_line(tmp_path: Path) -> None:
    with logged(tmp_path):
        progress.info("before")
        note("a step")
        progress.info("after")
    lines = (tmp_path / "train.log").read_text(encoding="utf-8").splitlines()
    stamps = [re.fullmatch(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (before|a step|after)", line) for line in lines]
    assert [stamp and stamp[2] for stamp in stamps] == ["before", "a step", "after"]


def test_a_line_is_there_before_the_next_one_is_written(tmp_path: Path) -> None:
    with logged(tmp_path):
        note("a step")
        assert "a step" in (tmp_path / "train.log").read_text(encoding="utf-8")


def test_without_a_log_of_ours_a_step_goes_where_logging_sends_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        note("a step elsewhere")
    assert "a step elsewhere" in caplog.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_told_and_not_stepped_over() -> None:
    log = Log(Path("/dev/full"))
    with pytest.raises(OSError, match="No space left"):
        log.write("a step")
    log.close()
