"""Files beside the runs that nobody types: whatever stands in them, they are read, made anew, or refused."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from anything import FUZZ, VALUE
from hypothesis import given
from hypothesis import strategies as some
from records import made
from traps import Trap

from receipts.evaluation import audit
from receipts.gauntlet.checks import installed
from receipts.provenance import checksums, remembered
from receipts.refusal import Refusal
from receipts.report import gauntlet, lost
from receipts.report import numbers as printed_numbers
from receipts.runs import diff, dynamics, gc, known, plans, printed, resuming, reviews, vetted
from receipts.runs.record import Checkpoint
from receipts.runs.store import Run
from receipts.training import deaths

RUN = Path("runs/20261120-133700-net-s0-9f3c1a7e")


def remembers(path: Path) -> None:
    remembered.MEMORY.mkdir(parents=True, exist_ok=True)
    name = remembered.hashlib.blake2b(remembered.os.fsencode(Path("x").absolute()), digest_size=12).hexdigest()
    (remembered.MEMORY / name).write_bytes(path.read_bytes())
    assert isinstance(remembered.recall(Path("x"), "state", 2**63, lambda: "read"), str)


def scored(path: Path) -> None:
    record = made(0)
    record.checkpoint = Checkpoint("checkpoints/best.ckpt", 1, "max val accuracy", "79cd")
    for score in record.scores:
        audit.lineage(path.parent, score, record, False)


READERS: dict[str, tuple[Path, Callable[[Path], object]]] = {
    "printed": (Path("runs") / printed.NAME, lambda path: printed.load(path.parent)),
    "vetted": (Path("runs") / vetted.NAME, lambda path: vetted.load(path.parent)),
    "known": (Path("runs") / known.NAME, lambda path: known.remembered(path.parent)),
    "numbers": (Path("report") / printed_numbers.NAME, lambda path: lost.written(path.parent)),
    "numbers that gc keeps": (gc.NUMBERS, lambda _: gc.numbers()),
    "gauntlet": (Path("report") / gauntlet.NAME, lambda path: gauntlet.read(path.parent)),
    "review": (RUN / "review.json", reviews.stored),
    "plan": (Path("runs/plans/20261120-150000-net-abcdef01") / plans.NAME, lambda path: plans.read(path.parent)),
    "history": (RUN / "history.csv", dynamics.read),
    "history of a score": (RUN / "history.csv", scored),
    "environment": (RUN / "environment.json", lambda path: diff.environment(path.parent)),
    "environment of a resume": (RUN / "environment.json", lambda path: resuming.elsewhere(path, {})),
    "environment of a check": (RUN / "environment.json", lambda _: installed.packages(made(0))),
    "end of a process": (RUN / "failed.rank1.json", lambda path: deaths.cause(Run(path.parent, made(0)), 1, "it died")),
    "pointer": (Path("data.dvc"), lambda path: checksums.pointed_to(path.read_bytes())),
    "remembered": (Path("remembered"), remembers),
}
TEXTS = [
    *(b"", b"5", b"null", b"[]", b"{}", b"[5]", b'{"\xff": 1}', b'{"a": "\xff"}', b'"\\udcff"', b'[{"a": 1}]', b"\0"),
    *(b"[" * 100_000, b'{"a":' * 100_000, b"1e999", b"[1e999, NaN]", b'{"packages": [1]}', b'{"packages": {"a": []}}'),
    *(b"epoch,val/accuracy\nx,y\n", b"epoch\n1,2,3\n", b"a,a\n" + b"x" * 200_000 + b"\n", b"epoch\n1e999\n"),
    *(b"outs: [{md5: [a]}]", b"outs: [{md5: {a: b}}]", b"a: &a [*a]\nouts: [{md5: *a}]", b"!!python/name:os.system"),
    *(b'{"outs": [{"md5": 5}]}', b"- " * 5000 + b"a"),
]


@pytest.mark.parametrize("case", READERS)
def test_nothing_that_stands_in_a_file_nobody_types_ends_in_a_traceback(trap: Trap, case: str) -> None:
    path, read = READERS[case]
    path.parent.mkdir(parents=True, exist_ok=True)
    for text in TEXTS:
        path.write_bytes(text)
        with suppress(Refusal):
            read(path)


@FUZZ
@given(case=some.sampled_from(sorted(READERS)), value=VALUE | some.binary(max_size=60))
def test_anything_at_all_there_is_read_or_refused(trap: Trap, case: str, value: object) -> None:
    path, read = READERS[case]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    with suppress(Refusal):
        read(path)
