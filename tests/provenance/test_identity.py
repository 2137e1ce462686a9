"""One hash over what can move a number: everything that can changes it, nothing else does."""

import copy
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from receipts.config import project as place
from receipts.config.compose import Experiment, compose
from receipts.config.schema import NO_NUMBER, SWITCHES
from receipts.data import manifest
from receipts.provenance import trace as tracing
from receipts.provenance.identity import Identity, identify, targets
from receipts.provenance.trace import Sources, refuse_dirty, trace
from receipts.refusal import Refusal


@pytest.fixture(autouse=True)
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(project)
    monkeypatch.setattr(tracing, "refuse_other_clone", lambda: None)  # this process has another `lab`
    place.settings.cache_clear()
    yield project
    place.settings.cache_clear()


@cache
def composed(*words: str) -> Experiment:
    """Composing costs a tenth of a second, and nearly every test leaves conf/ alone."""
    return compose(*words)


def sources(*words: str) -> Sources:
    experiment = composed(*words)
    path, division = manifest.load(experiment.data)
    return trace(experiment.values, division.files, division.origin, path)


def identity(*words: str) -> Identity:
    return sources(*words).identity


def leaves(values: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every plain value, empty containers included."""
    if isinstance(values, dict | list) and values:
        for key, inner in values.items() if isinstance(values, dict) else enumerate(values):
            yield from leaves(inner, (*path, key))
    else:
        yield path


def test_every_value_of_a_config_counts_but_those_that_cannot_move_a_number() -> None:
    experiment = composed("conf=net", "+waive={split-overlap: reason}")
    parts = ({"src/lab/net.py": "1"}, {"data": "md5:2"}, b"manifest")
    before = identify(experiment.values, *parts)
    silent = set()
    for path in leaves(experiment.values):
        changed = copy.deepcopy(experiment.values)
        node = changed
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = True if path == ("facts", "deterministic") else "changed"
        after = identify(changed, *parts)
        assert (after.code, after.lock, after.data) == (before.code, before.lock, before.data)
        if after.id == before.id:
            silent.add(".".join(map(str, path)))
    launch = {"purpose", "ablations", "waive.split-overlap", "trainer.accelerator", "trainer.workers", *SWITCHES}
    launch |= {"limits.hours", "limits.save_seconds", "limits.silence_minutes"}
    assert silent == launch
    assert set(NO_NUMBER) == {"trainer", "purpose", "ablations", "limits", "waive", *SWITCHES}


@pytest.mark.parametrize(
    "words",
    [
        ["seed=1"],
        ["model.dropout=0.3"],
        ["fit.threads=2"],
        ["fit.select.metric=nll"],
        ["preset=smoke"],
        ["trainer.processes=2"],
        ["conf=wider"],
        ["task.margin=0.01"],
    ],
)
def test_words_that_make_another_run(words: list[str]) -> None:
    assert identity(*words).id != identity().id
    assert identity(*words).config != identity().config


@pytest.mark.parametrize(
    "words",
    [
        ["seed=0"],
        ["purpose=another"],
        ["trainer=cpu"],
        ["rerun=true"],
        ["retry=true"],
        ["allow_dirty=true"],
        ["conf=twin"],
        ["conf=net.yaml"],
        ["+waive={split-overlap: reason}"],
    ],
)
def test_words_that_do_not(words: list[str]) -> None:
    assert identity(*words) == identity()


def append(name: str, text: str = "\n# changed\n") -> None:
    with Path(name).open("a") as file:
        file.write(text)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("src/lab/net.py", "code"),
        ("src/lab/data.py", "code"),
        ("src/lab/__init__.py", "code"),
        ("train.py", "code"),
        ("requirements.lock", "lock"),
        ("splits/digits.json", "split"),
    ],
)
def test_files_that_make_another_run(name: str, part: str) -> None:
    before = identity()
    append(name, "\n" if name.endswith("json") else "\n# changed\n")
    after = identity()
    assert after.id != before.id
    parts = ("config", "code", "lock", "data", "split")
    assert [each for each in parts if getattr(after, each) != getattr(before, each)] == [part]


def test_the_data_make_another_run() -> None:
    values, parts = composed().values, ({}, b"manifest")
    one = identify(values, parts[0], {"data/f": "md5:1"}, parts[1])
    assert one != identify(values, parts[0], {"data/f": "md5:2"}, parts[1])
    assert one != identify(values, parts[0], {"data/g": "md5:1"}, parts[1])


@pytest.mark.parametrize(
    "name",
    ["README.md", "EXPERIMENTS.md", "dvc.lock", "eval.py", "src/lab/unrelated.py", "conf/wider.yaml", "conf/new.yaml"],
)
def test_files_that_do_not(name: str) -> None:
    before = identity()
    append(name)
    assert identity() == before


def test_a_comment_in_an_experiment_is_no_new_run_but_a_purpose_is_no_part_of_it_either(here: Path) -> None:
    before = identity()
    composed.cache_clear()
    append("conf/net.yaml", "# a comment\nablations: {a: {override: [seed=1], hypothesis: h, expect: worse}}\n")
    assert identity() == before
    composed.cache_clear()


def test_a_fact_of_determinism_takes_the_seed_out() -> None:
    assert identity("conf=linear", "seed=7") == identity("conf=linear")
    assert identity("conf=linear", "facts.deterministic=false") != identity("conf=linear")
    assert identity("seed=7") != identity()


def test_the_names_of_an_ablation_are_no_targets_of_the_run() -> None:
    values = copy.deepcopy(composed("conf=linear").values)
    values["ablations"] = {"a": {"override": [{"_target_": "lab.net.Net"}]}}
    assert targets(values) == [
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing.StandardScaler",
        "sklearn.linear_model.LogisticRegression",
        "lab.data.Digits",
    ]


def test_the_sources_name_what_the_number_came_from(here: Path) -> None:
    found = sources()
    assert len(found.commit) == 40
    assert found.dirty == []
    assert sorted(found.lab) == ["src/lab/__init__.py", "src/lab/data.py", "src/lab/net.py"]
    assert set(found.files) == {"data/digits.csv.gz"}
    assert (found.dvc or "").endswith(".dir")
    assert found.origin["licence"] == "CC BY 4.0"


def test_code_that_git_was_told_to_ignore_makes_a_run_dirty() -> None:
    append(".gitignore", "data/\n")  # meant for the data; it hides a package of the lab as well
    append("src/lab/net.py", "\nfrom lab.data.extra import more\n")
    Path("src/lab/data.py").rename("src/lab/loaders.py")
    Path("src/lab/data").mkdir()
    Path("src/lab/data/__init__.py").write_text(Path("src/lab/loaders.py").read_text())
    Path("src/lab/data/extra.py").write_text("more = 1\n")
    assert {"src/lab/data/__init__.py", "src/lab/data/extra.py"} <= set(sources().dirty)


def test_a_dirty_full_run_is_refused_and_a_look_is_not() -> None:
    append("src/lab/net.py")
    found = sources()
    assert found.dirty == ["src/lab/net.py"]
    words = r"the work tree differs from the commit\n.*src/lab/net\.py: no commit"
    with pytest.raises(Refusal, match=words) as refused:
        refuse_dirty(found, allowed=False)
    refuse_dirty(found, allowed=True)
    subprocess.run(refused.value.fix.split("      (")[0], shell=True, check=True, stdout=subprocess.DEVNULL)
    refuse_dirty(sources(), allowed=False)
