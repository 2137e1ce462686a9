"""Command lines as people type them, composed in the small project: what comes out, and what is refused."""

from pathlib import Path

import pytest

from receipts.config import project as place
from receipts.config.compose import Experiment, compose, data_plan, to_config
from receipts.config.entry import spelt, split, worst
from receipts.config.questions import Ablating
from receipts.refusal import Refusal

pytestmark = pytest.mark.usefixtures("here")


def test_the_default_experiment_is_the_one_pyproject_names() -> None:
    found = compose()
    assert (found.conf, found.preset, found.dataset, found.overrides) == ("net", ["full"], "digits", [])
    assert found.config.seed == 0
    assert found.config.model["outputs"] == 10
    assert found.config.fit.select.metric == "accuracy"


def test_an_experiment_may_be_named_with_its_file_ending() -> None:
    assert compose("conf=wider.yaml").conf == "wider"


def test_a_variant_is_its_difference_and_inherits_neither_purpose_nor_ablations(here: Path) -> None:
    (here / "conf/net.yaml").write_text(
        (here / "conf/net.yaml").read_text()
        + "ablations: {small: {override: [model.hidden=4], hypothesis: h, expect: worse}}\n"
    )
    found = compose("conf=wider")
    assert found.config.model["hidden"] == 32
    assert found.config.model["lr"] == 0.01
    assert found.config.purpose == "Is the network too narrow?"
    assert found.config.ablations == {}
    assert list(compose("conf=net").config.ablations) == ["small"]


def test_overrides_are_the_values_that_differ_from_the_file_not_the_words_typed() -> None:
    assert compose("seed=0", "model.hidden=16").overrides == []
    assert compose("seed=3", "model.hidden=16").overrides == ["seed=3"]
    assert compose("limits.save_seconds=7").overrides == [], "it moves no number"


def test_a_step_of_a_pipeline_is_addressed_by_its_number() -> None:
    assert compose("conf=linear", "model.steps.1.1.C=2.5").config.model["steps"][1][1]["C"] == 2.5
    with pytest.raises(Refusal, match=r"model.steps.1 is a list, and 'logreg' is no place in one"):
        compose("conf=linear", "model.steps.1.logreg.C=2.5")


def test_presets_cap_and_stack() -> None:
    assert compose("preset=smoke").config.limit.epochs == 1
    stacked = compose("preset=[smoke,fast]")
    assert stacked.preset == ["smoke", "fast"]
    assert stacked.config.limit.rows == 1000


def test_an_experiment_may_choose_its_data() -> None:
    found = compose("conf=ridge")
    assert (found.dataset, found.config.task.kind, found.config.task.primary) == ("diabetes", "regression", "mae")


def test_the_data_part_stands_alone() -> None:
    plan = data_plan("diabetes")
    assert plan.call["inputs"] == "data/diabetes_data_raw.csv.gz"
    assert plan.task.kind == "regression"


def test_a_stored_config_comes_back_typed() -> None:
    found = compose("conf=wider")
    assert to_config(found.values) == found.config


@pytest.mark.parametrize(
    ("words", "what", "why"),
    [
        (["conf=nett"], "there is no conf 'nett'; did you mean net?", "linear"),
        (["preset=smok"], "there is no preset 'smok'; did you mean smoke?", "fast, full, smoke"),
        (["preset=[fast,nope]"], "there is no preset 'nope'", "fast, full, smoke"),
        (["data=nope"], "there is no data 'nope'", "diabetes, digits"),
        (["trainer=tpu"], "there is no trainer 'tpu'", "auto, cpu, ddp, ddp_cpu, gpu"),
        (["sed=3"], "unknown key 'sed'; did you mean seed?", "known here are"),
        (["fit.epoch=3"], "unknown key 'fit.epoch'; did you mean epochs?", "batch_size"),
        (["model.dropuot=0"], "unknown key 'model.dropuot'; did you mean dropout?", "hidden"),
        (["+sed=3"], "unknown key 'sed'", "known here are"),
        (["seed=abc"], "seed cannot take that value", "Integer"),
        (["seed=null"], "seed cannot take that value", "not Optional"),
        (["fit.epochs=1.5"], "fit.epochs cannot take that value", "Integer"),
        (["fit=3"], "fit cannot take that value", "Fit"),
        (["model.x=a=b"], "the configuration cannot be composed", "mismatched input"),
        (["model._target_=lab.net.Regressor"], "model._target_ cannot be exchanged", "inherit the arguments"),
    ],
)
def test_mistakes_on_the_command_line(words: list[str], what: str, why: str) -> None:
    with pytest.raises(Refusal) as found:
        compose(*words)
    assert what in found.value.what
    assert why in found.value.why


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("sed: 3\n", "unknown key 'sed'; did you mean seed?"),
        ("seed: 3\nfit: {epoch: 3}\n", "unknown key 'fit.epoch'; did you mean epochs?"),
        ("seed: nine\n", "seed cannot take that value"),
        ("# @package _global_\nseed: 3\n", "conf/typo.yaml carries a package header"),
        ("seed: [1\n", "conf/typo.yaml cannot be read as YAML"),
        ("- seed\n", "conf/typo.yaml is not a mapping"),
        ("seed: 1\nseed: 2\n", "conf/typo.yaml cannot be read as YAML"),
        ("defaults: [net]\nmodel: {_target_: lab.net.Regressor}\n", "conf/typo.yaml exchanges model._target_"),
        ("model: {}\n", "seed"),
    ],
)
def test_mistakes_in_a_file(here: Path, text: str, what: str) -> None:
    (here / "conf/typo.yaml").write_text(text)
    with pytest.raises(Refusal) as found:
        compose("conf=typo")
    assert what in found.value.what


def test_without_a_default_the_data_must_be_chosen(here: Path) -> None:
    (here / "pyproject.toml").write_text('[tool.receipts]\nconf = "net"\n')
    place.settings.cache_clear()
    with pytest.raises(Refusal, match="no data is chosen"):
        compose()


def test_run_ids_reach_hydra_as_text() -> None:
    assert spelt(["run_id=20261120", "run_id='x'", "seed=3", "-m"]) == [
        "run_id='20261120'",
        "run_id='x'",
        "seed=3",
        "-m",
    ]


@pytest.mark.parametrize(
    ("typed", "spelling"),
    [
        ("override=model.dropout=0", "override=['model.dropout=0']"),
        ("override=[model.dropout=0,model.width=16]", "override=['model.dropout=0','model.width=16']"),
        ("override=[model.layers=[1,2],seed=1]", "override=['model.layers=[1,2]','seed=1']"),
        ("override=model={a:1,b:2}", "override=['model={a:1,b:2}']"),
        ("override=[a=1],[b=2]", "override=['[a=1]','[b=2]']"),
        ("override=purpose=it's", r"override=['purpose=it\'s']"),
        ("override=model.width=${task.classes}", r"override=['model.width=\${task.classes}']"),
        ("sweep=fit.batch_size=[32,64]", "sweep='fit.batch_size=[32,64]'"),
        ("conf=a,b", "conf=['a','b']"),
        ("conf=a", "conf=['a']"),
        ("seeds=3", "seeds=3"),
        ("preset=[fast,bf16]", "words=['preset=[fast,bf16]']"),
        ("~model.x", "words=['~model.x']"),
        ("--help", "--help"),
    ],
)
def test_words_of_a_script_that_takes_any_are_quoted_for_hydra(typed: str, spelling: str) -> None:
    assert spelt([typed], Ablating) == [spelling]


def test_every_other_word_is_found_in_one_list() -> None:
    assert spelt(["preset=smoke", "test=true", "seed=3"], Ablating) == ["test=true", "words=['preset=smoke','seed=3']"]


def test_a_list_is_split_at_its_own_commas_only() -> None:
    assert split("[[1,2],[3]]") == ["[1,2]", "[3]"]
    assert split("[1,2],[3]") == ["[1,2]", "[3]"]
    assert split("[unclosed") == ["[unclosed"]
    assert split("") == split("[]") == []


def test_the_worst_code_of_several_jobs() -> None:
    assert worst([0, 0]) == 0
    assert worst([0, 3, 0]) == 3
    assert worst([3, 1, 0]) == 1
    assert worst([4, 3]) == 4
    assert worst([]) == 0


def test_an_experiment_keeps_its_text() -> None:
    import yaml

    found: Experiment = compose()
    assert yaml.safe_load(found.text) == found.values
