"""The fault suite: each fault is caught by the check that should, with its cure; no honest project is alarmed."""

import subprocess
from pathlib import Path

import cases
import pytest
from cases import ROOT, Case, Outcome
from folders import git, write
from launching import launch


def parameters(found: list[Case]) -> list[object]:
    """One test a case; those that are not quick are slow, and those that slip through are known to."""
    marks = [
        [
            *([] if case.quick else [pytest.mark.slow]),
            *([pytest.mark.xfail(reason="slips through", strict=False)] if case.slips else []),
        ]
        for case in found
    ]
    return [pytest.param(case, id=case.title, marks=each) for case, each in zip(found, marks, strict=True)]


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that cases change."""
    return cases.workshop(tmp_path_factory.mktemp("workshop") / "project")


def play(case: Case, workshop: Path, tmp_path: Path) -> Outcome:
    """What comes of a case; a crash of ours is no way to be caught."""
    outcome = cases.play(case, workshop, tmp_path / "project")
    assert outcome.verdict != "crash", outcome.out
    return outcome


@pytest.mark.parametrize("case", parameters([case for case in cases.faults() if case.strong]))
def test_a_fault_is_caught_by_the_check_that_should(case: Case, workshop: Path, tmp_path: Path) -> None:
    outcome = play(case, workshop, tmp_path)
    assert case.caught is not None
    assert outcome.verdict == "caught", f"{case.what}\n{outcome.out[-2000:]}"
    assert cases.is_by(outcome, case.caught), f"caught by {outcome.by}: {outcome.said}"
    assert outcome.stage == case.caught.stage
    assert case.caught.says in outcome.said
    assert "fix " in outcome.out or "cure " in outcome.out


@pytest.mark.slow
@pytest.mark.parametrize("case", [pytest.param(case, id=case.title) for case in cases.faults() if not case.strong])
def test_a_small_dose_ends_without_a_crash(case: Case, workshop: Path, tmp_path: Path) -> None:
    play(case, workshop, tmp_path)


@pytest.mark.parametrize("case", parameters(cases.clean()))
def test_an_honest_project_raises_no_alarm(case: Case, workshop: Path, tmp_path: Path) -> None:
    outcome = play(case, workshop, tmp_path)
    assert outcome.verdict == "missed", f"{outcome.by} {outcome.said} {outcome.told}\n{outcome.out[-2000:]}"
    found = cases.newest(tmp_path / "project")
    assert found["reportable"], found["blocked_by"]
    assert {check["verdict"] for check in found["checks"]} <= {"pass", "not applicable", "not run"}


def test_every_case_says_what_it_is() -> None:
    for case in cases.faults():
        assert case.kind in ("A", "B", "D"), case.name
        assert case.category, case.name
        assert case.caught is not None, case.name
        assert case.caught.by == "refusal" or known(case.caught.by), case.name
        assert (case.dose is None) == (case.kind != "D"), case.name
    assert len({case.name for case in cases.clean()}) >= 12


def known(check: str) -> bool:
    """Whether the catalogue has the check."""
    from receipts.checks.catalogue import GUARDS

    return check in GUARDS


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A project with a workshop, and nothing else."""
    folder = tmp_path / "clone"
    digits = "tests/projects/workshop/src/lab/digits.py"
    for name in (digits, "BUGS.md", "pyproject.toml", "train.py", "conf/preset/full.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "start")
    return folder


def test_a_bug_that_got_through_becomes_a_case(clone: Path) -> None:
    changed, added = (clone / "tests/projects/workshop/src/lab" / name for name in ("digits.py", "more.py"))
    changed.write_text(changed.read_text().replace("/ 16", "/ 61"))
    write(added.parent, added.name, '"""More."""\n')
    done = launch(clone, "receipts", "faults", "new", "wrong-divisor")
    assert done.code == 0, done.err
    patch = clone / "tests/faults/wrong-divisor/change.patch"
    assert "wrong-divisor" in (clone / "BUGS.md").read_text().splitlines()[-1]
    assert "past: 20" in (patch.parent / "fault.yaml").read_text()
    git(clone, "checkout", "-q", "tests/projects")
    added.unlink()
    workshop = clone / "tests/projects/workshop"
    git(workshop, "init", "-q")  # where cases are played it is a repository of its own
    subprocess.run(["git", "apply", "-"], cwd=workshop, input=patch.read_text(), text=True, check=True)
    assert "/ 61" in changed.read_text()
    assert added.is_file()


def test_a_false_alarm_becomes_a_case_and_no_bug(clone: Path) -> None:
    write(clone, "tests/projects/workshop/src/lab/digits.py", '"""Other."""\n')
    before = (clone / "BUGS.md").read_text()
    assert launch(clone, "receipts", "faults", "new", "--clean", "honest").code == 0
    assert {path.name for path in (clone / "tests/clean/honest").iterdir()} == {"clean.yaml", "change.patch"}
    assert (clone / "BUGS.md").read_text() == before


@pytest.mark.parametrize(
    ("name", "sentence"), [("Wrong Name", "is no name for a case"), ("nothing-changed", "nothing differs")]
)
def test_what_is_no_case(clone: Path, name: str, sentence: str) -> None:
    write(clone, "train.py", "# what differs elsewhere is no change of the workshop")
    done = launch(clone, "receipts", "faults", "new", name)
    assert done.code == 3
    assert sentence in done.err
    assert not (clone / "tests/faults").exists()


def test_a_case_is_never_overwritten(clone: Path) -> None:
    write(clone, "tests/projects/workshop/src/lab/digits.py", '"""Other."""\n')
    assert launch(clone, "receipts", "faults", "new", "twice").code == 0
    done = launch(clone, "receipts", "faults", "new", "twice")
    assert (done.code, "twice exists" in done.err) == (3, True)
    assert [path.name for path in (clone / "tests/faults").iterdir()] == ["twice"]
