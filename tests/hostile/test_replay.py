"""A record that is made again: its words are settings of an experiment, and nothing to Hydra or to a shell."""

import pytest
from records import made
from traps import Trap

from receipts.provenance import git
from receipts.refusal import Refusal
from receipts.replay.clone import give_parent
from receipts.replay.replaying import command

WORDS = [
    "hydra.callbacks.a._target_=os.system",
    "+hydra.callbacks.a._target_=os.system",
    "++hydra.run.dir=/tmp/x",
    "hydra/launcher=evil",
    "hydra.job_logging.handlers.x.()=os.system",
    "--config-dir=/tmp/evil",
    "--config-path",
    "-cd=/tmp/evil",
    "--multirun",
    "on_end=touch canary",
    "+on_end=touch canary",
    "~hydra",
    "@evil",
    "; touch canary",
    "",
    "modelx.y=1",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_that_is_no_setting_is_not_typed_again(word: str) -> None:
    swept = made(0, overrides=[word], command="python train.py -m conf=net")
    with pytest.raises(Refusal, match="no setting of an experiment"):
        command(swept)


def test_switches_that_were_typed_are_left_out_and_the_rest_is_typed_again() -> None:
    typed = "python train.py conf=net seed=3 'on_end=rm -rf x' model.lr=0.1 +model.x=2 trainer=cpu retry=true ~waive"
    assert command(made(0, command=typed)) == [
        "conf=net", "seed=3", "model.lr=0.1", "+model.x=2", "trainer=cpu", "~waive",
    ]  # fmt: skip
    assert command(made(0, command="python train.py 'conf", overrides=["seed=3"])) == ["conf=net", "seed=3"]


@pytest.mark.parametrize("revision", ["--output=canary", "-O/tmp/x", "--ext-diff", "HEAD --output=canary", "a;id", ""])
def test_no_revision_is_an_option_of_git(trap: Trap, revision: str) -> None:
    from folders import git as run_git

    run_git(trap.project, "init", "-q")
    run_git(trap.project, "add", "-A")
    run_git(trap.project, "commit", "-qm", "start")
    before = sorted(path.name for path in trap.project.iterdir())
    assert not git.between(revision, revision, ["src"])
    assert git.changed_since(revision, ["src"]) == []
    assert sorted(path.name for path in trap.project.iterdir()) == before


def test_a_parent_with_a_way_out_is_not_copied(trap: Trap) -> None:
    folder = trap.run()
    (folder / "train.log").unlink(missing_ok=True)
    (folder / "train.log").symlink_to(trap.victim)
    with pytest.raises(Refusal, match="not made of plain files"):
        give_parent(made(0, parent=folder.name), trap.project / "clone")
    assert not (trap.project / "clone").exists()
