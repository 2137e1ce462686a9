"""Arms: composed from what was typed or declared, and proved to differ in that and in nothing else."""

from pathlib import Path

import pytest
from folders import commit, write

from receipts.ablation.arms import Question, question
from receipts.config.questions import Ablating
from receipts.refusal import Refusal

DECLARED = """
defaults: [net]
purpose: What is each part worth?
ablations:
  dropout: {override: [model.dropout=0], hypothesis: It regularises., expect: worse, if_null: Drop the sentence.}
  small: {override: [model.hidden=4, model.lr=0.1], hypothesis: They go together., expect: worse}
"""
pytestmark = pytest.mark.usefixtures("here")


def asked(**words: object) -> Question:
    return question(Ablating(**words))  # type: ignore[arg-type]


def names(found: Question) -> list[str]:
    return [variant.arm.name for variant in found.variants]


def refused(what: str, **words: object) -> Refusal:
    with pytest.raises(Refusal) as found:
        asked(**words)
    assert what in found.value.what, found.value
    assert found.value.fix
    return found.value


def test_each_override_is_an_arm_and_its_difference_is_told() -> None:
    found = asked(override=["model.dropout=0", "model.hidden=8"])
    assert (found.kind, names(found)) == ("ablations", ["net", "model.dropout=0", "model.hidden=8"])
    assert [variant.arm.difference for variant in found.variants] == [
        {},
        {"model.dropout": [0.2, 0]},
        {"model.hidden": [16, 8]},
    ]
    assert found.variants[2].arm.overrides == ["model.hidden=8"]


def test_words_that_all_arms_share_are_in_no_difference() -> None:
    found = asked(override=["model.dropout=0"], words=["preset=smoke", "model.lr=0.02"])
    assert found.reference.experiment.config.limit.epochs == 1
    assert {variant.experiment.config.model["lr"] for variant in found.variants} == {0.02}
    assert list(found.variants[1].arm.difference) == ["model.dropout"]


def test_without_override_the_arms_are_those_that_the_file_declares(here: Path) -> None:
    write(here, "conf/declared.yaml", DECLARED)
    found = asked(conf=["declared"])
    assert names(found) == ["declared", "dropout", "small"]
    dropout, small = (variant.arm for variant in found.variants[1:])
    assert (dropout.hypothesis, dropout.expect, dropout.if_null) == ("It regularises.", "worse", "Drop the sentence.")
    assert small.difference == {"model.hidden": [16, 4], "model.lr": [0.01, 0.1]}


def test_a_typed_override_that_the_file_declares_keeps_its_hypothesis(here: Path) -> None:
    write(here, "conf/declared.yaml", DECLARED)
    found = asked(conf=["declared"], override=["model.dropout=0"])
    assert names(found) == ["declared", "dropout"]
    assert found.variants[1].arm.expect == "worse"


def test_without_either_the_experiment_stands_alone() -> None:
    found = asked()
    assert (found.kind, names(found)) == ("seeds", ["net"])


def test_experiments_are_compared_as_they_are() -> None:
    found = asked(conf=["linear", "net.yaml"])
    assert (found.kind, names(found)) == ("comparison", ["linear", "net"])
    assert [variant.arm.deterministic for variant in found.variants] == [True, False]


def test_a_sweep_turns_one_key_and_its_own_value_is_the_reference() -> None:
    found = asked(sweep="fit.batch_size=[32,64,128]")
    assert (found.kind, found.key) == ("sweep", "fit.batch_size")
    assert names(found) == ["net", "fit.batch_size=32", "fit.batch_size=128"]
    assert names(asked(sweep="fit.train_fraction=0.1,0.5,1")) == [
        "net",
        "fit.train_fraction=0.1",
        "fit.train_fraction=0.5",
    ]


def test_a_key_that_only_follows_a_declared_one_is_named_as_following_it(here: Path) -> None:
    text = (here / "conf/net.yaml").read_text().replace("hidden: 16", "hidden: ${fit.batch_size}")
    write(here, "conf/bound.yaml", text)
    arm = asked(conf=["bound"], override=["fit.batch_size=32"]).variants[1].arm
    assert arm.difference == {"model.hidden": [64, 32], "fit.batch_size": [64, 32]}
    assert arm.follows == {"model.hidden": "fit.batch_size"}


def test_a_key_follows_through_others_and_by_relative_paths(here: Path) -> None:
    text = (here / "conf/net.yaml").read_text().replace("hidden: 16", "hidden: ${.outputs}")
    write(here, "conf/bound.yaml", text.replace("outputs: ${task.classes}", "outputs: ${fit.batch_size}"))
    arm = asked(conf=["bound"], override=["fit.batch_size=32"]).variants[1].arm
    assert arm.follows == {"model.hidden": "fit.batch_size", "model.outputs": "fit.batch_size"}


def test_a_key_inside_a_list_is_one_factor() -> None:
    found = asked(conf=["linear"], sweep="model.steps.1.1.C=[0.1,1.0]")
    assert names(found) == ["linear", "model.steps.1.1.C=0.1"]
    assert found.variants[1].arm.difference == {"model.steps.1.1.C": [1.0, 0.1]}
    nothing = refused("changes nothing", conf=["linear"], override=["model.steps.1.1.C=1.0"])
    assert nothing.why.startswith("model.steps.1.1.C already is 1.0")


def test_a_preset_may_be_an_arm_where_it_changes_one_key() -> None:
    found = asked(override=["preset=bf16"])
    assert found.variants[1].arm.difference == {"fit.precision": ["32-true", "bf16-mixed"]}


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("model.dropuot=0", "unknown key 'model.dropuot'; did you mean dropout?"),
        ("model.dropout=0.2", "override model.dropout=0.2 changes nothing"),
        ("model={dropout:0,hidden:8}", "changes 2 keys at once: model.hidden, model.dropout"),
        ("preset=fast", "changes 2 keys at once: limit.rows, limit.epochs"),
        ("model.dropout", "'model.dropout' is no override"),
        ("0.2", "'0.2' is no override"),
        ("conf=wider", "override=conf=wider exchanges the experiment"),
        ("data=lazy", "override=data=lazy exchanges the data"),
        ("seed=3", "override=seed=3 is no change of the method"),
        ("allow_dirty=true", "override=allow_dirty=true is no change of the method"),
        ("task.classes=11", "override=task.classes=11 changes what is asked"),
        ("limit.rows=3", "override=limit.rows=3 changes what is asked"),
    ],
)
def test_an_override_that_is_no_arm(word: str, what: str) -> None:
    refused(what, override=[word])


def test_a_joint_change_that_the_declaration_does_not_name(here: Path) -> None:
    """One of two declared keys already has its value: then only the other would be tried, under the name of both."""
    write(here, "conf/declared.yaml", DECLARED.replace("model.lr=0.1", "model.lr=0.01"))
    refused("override model.lr=0.01 changes nothing", conf=["declared"])


def test_a_difference_that_nothing_declares(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only an interpolation that is worked out anew each time can do that."""
    monkeypatch.setattr("receipts.config.compose.gpus", iter(range(9)).__next__)
    text = (here / "conf/net.yaml").read_text().replace("hidden: 16", "hidden: ${gpus:}")
    write(here, "conf/moving.yaml", text)
    found = refused("differs in model.hidden, which nothing declares", conf=["moving"], override=["model.dropout=0"])
    assert "declared are model.dropout" in found.why


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ({"override": ["model.dropout=0", "model.dropout=0"]}, "override names model.dropout=0 twice"),
        ({"conf": ["net", "net.yaml"]}, "conf names net twice"),
        ({"conf": ["net", "nett"]}, "there is no conf 'nett'; did you mean net?"),
        ({"conf": ["net", "linear"], "override": ["model.lr=1"]}, "override= and conf=a,b are two questions"),
        ({"override": ["model.lr=1"], "sweep": "model.lr=[1,2]"}, "override= and sweep= are two questions"),
        ({"sweep": "model.lr=[0.1]"}, "sweep=model.lr=[0.1] has 1 value"),
        ({"sweep": "model.lr=[]"}, "sweep=model.lr=[] has no values"),
        ({"sweep": "model.lr"}, "sweep=model.lr names no values"),
        ({"sweep": "model.lr=[0.1,0.1]"}, "sweep=model.lr names 0.1 twice"),
        ({"sweep": "model.rate=[0.1,0.2]"}, "unknown key 'model.rate'"),
        ({"seeds": 0}, "seeds is 0"),
        ({"folds": 1}, "folds is 1"),
        ({"workers": 0}, "workers is 0"),
        ({"words": ["rerun=true"]}, "rerun=true means nothing to a plan"),
        ({"words": ["smoke"]}, "the word 'smoke' means nothing"),
        ({"words": ["preset=smok"]}, "there is no preset 'smok'"),
    ],
)
def test_words_that_ask_for_no_plan(words: dict[str, object], what: str) -> None:
    refused(what, **words)


def test_an_ablation_that_overrides_nothing(here: Path) -> None:
    write(here, "conf/declared.yaml", DECLARED.replace("[model.dropout=0]", "[]"))
    refused("ablations.dropout overrides nothing", conf=["declared"])
    commit(here)
