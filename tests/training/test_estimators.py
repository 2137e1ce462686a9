"""scikit-learn estimators: seeded where they leave it open, stored so that reading them runs nothing."""

import os
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, SplineTransformer, StandardScaler

from receipts.config import project as place
from receipts.provenance.determinism import derive
from receipts.refusal import Refusal
from receipts.training.estimators import asked_for, fingerprint, read, save, seeded

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
Y = np.arange(60) % 3


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    place.settings.cache_clear()
    return tmp_path


def pipeline(scale: float = 1.0) -> Any:
    return Pipeline([("scale", StandardScaler()), ("model", LogisticRegression(C=scale))]).fit(X, Y)


def forest(seed: int = 0) -> Any:
    return RandomForestClassifier(3, max_depth=3, random_state=seed).fit(X, Y)


def kept(estimator: Any, name: str = "model") -> Path:
    path = Path("kept") / f"{name}.skops"
    save(estimator, path)
    return path


def test_a_parameter_that_no_estimator_takes_is_refused_by_its_name() -> None:
    with pytest.raises(Refusal, match="'C' parameter of LogisticRegression must be a float"), asked_for():
        Pipeline([("model", LogisticRegression(C=-1))]).fit(X, Y)


def test_every_open_random_state_is_filled_and_no_stated_one_is_touched() -> None:
    made = Pipeline([("a", RandomForestClassifier()), ("b", LogisticRegression(random_state=7))])
    found = seeded(made, 3).get_params()
    assert found["a__random_state"] == derive("estimator", 3) % 2**32
    assert found["b__random_state"] == 7
    assert seeded(RandomForestClassifier(), 0).random_state == derive("estimator", 0) % 2**32
    assert seeded(StandardScaler(), 0).get_params() == StandardScaler().get_params()
    anything = object()
    assert seeded(anything, 0) is anything


def after(step: Any) -> Any:
    return Pipeline([("first", step), ("model", LogisticRegression())]).fit(X, Y)


@pytest.mark.parametrize(
    "make",
    [
        *(pipeline, forest, lambda: DummyClassifier(strategy="prior").fit(X, Y)),
        lambda: after(SelectKBest(k=2)),
        lambda: after(SplineTransformer(3)),
        lambda: after(KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf")),
        lambda: GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, scoring="f1_macro", cv=2).fit(X, Y),
    ],
)
def test_a_stored_estimator_predicts_as_it_did_and_is_known_by_what_it_learnt(make: Any) -> None:
    estimator = make()
    path = kept(estimator)
    again = read(path)
    np.testing.assert_array_equal(again.predict_proba(X), estimator.predict_proba(X))
    same = kept(make(), "same")
    assert fingerprint(same) == fingerprint(path)
    assert fingerprint(kept(again, "again")) == fingerprint(path)


def test_another_estimator_has_another_fingerprint() -> None:
    made = [pipeline(), pipeline(2.0), forest(), forest(1), DummyClassifier(strategy="prior").fit(X, Y)]
    assert len({fingerprint(kept(estimator, f"e{number}")) for number, estimator in enumerate(made)}) == len(made)


@pytest.mark.parametrize(
    ("estimator", "foreign"),
    [
        (FunctionTransformer(func=os.system), "system"),
        (FunctionTransformer(func=os.path.exists), "exists"),
        (Pipeline([("a", FunctionTransformer(func=eval)), ("b", StandardScaler())]), "eval"),
        (FunctionTransformer(func=np.abs, kw_args={"path": Path("x")}), "pathlib"),
    ],
)
def test_types_outside_the_allow_list_are_refused_before_any_is_built(
    estimator: Any, foreign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept(estimator)
    monkeypatch.setattr(skops.io, "load", lambda *_, **__: pytest.fail("it was built"))
    with pytest.raises(Refusal, match="holds types outside the allow-list") as found:
        read(path)
    assert foreign in found.value.why


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.utils._testing", "check_output"),  # subprocess's, under scikit-learn's name
        ("sklearn.utils._testing.os", "system"),
        ("sklearn.nothing", "here"),
        ("sklearn.metrics._scorer", "warn"),
        ("sklearn.metrics", "os.system"),
        ("lab.nothing", "here"),
        ("sklearn", "os"),
    ],
)
def test_a_name_that_only_sounds_like_an_allowed_package_is_refused(module: str, name: str) -> None:
    path = kept(FunctionTransformer(func=os.path.exists))
    with zipfile.ZipFile(path) as archive:
        schema = archive.read("schema.json").decode()
    assert schema.count('"genericpath"') == schema.count('"exists"') == 1
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", schema.replace("genericpath", module).replace('"exists"', f'"{name}"'))
    with pytest.raises(Refusal, match="holds types outside the allow-list"):
        read(path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_file_that_was_cut_is_refused(share: float) -> None:
    path = kept(pipeline())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(Refusal, match="cannot be read"):
        read(path)


def test_a_missing_file_and_a_pickle_are_refused() -> None:
    with pytest.raises(Refusal, match="is missing"):
        read(Path("nothing.skops"))
    Path("kept").mkdir()
    for content in (b"\x80\x04cposix\nsystem\n.", b"{}", b"PK\x05\x06" + b"\0" * 18):
        Path("kept/model.skops").write_bytes(content)
        with pytest.raises(Refusal, match="cannot be read"):
            read(Path("kept/model.skops"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=3))
def test_damage_is_refused_or_leaves_a_file_that_has_a_fingerprint(damage: list[tuple[float, int]]) -> None:
    path = Path("kept/model.skops")
    damaged = bytearray(path.read_bytes() if path.exists() else kept(pipeline()).read_bytes())
    whole = bytes(damaged)
    for where, value in damage:
        damaged[int(where * len(damaged))] = value
    path.write_bytes(damaged)
    with suppress(Refusal):
        read(path)
        fingerprint(path)
    path.write_bytes(whole)
