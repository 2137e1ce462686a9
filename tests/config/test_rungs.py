"""Floors and linear baselines are known by what they build."""

from typing import Any

import pytest

from receipts.config.rungs import rung
from receipts.config.schema import Config, Facts

SVC = {"_target_": "sklearn.svm.LinearSVC"}
LOGREG = {"_target_": "sklearn.linear_model.LogisticRegression", "C": 1.0}


def piped(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"_target_": "sklearn.pipeline.Pipeline", "steps": [[str(n), step] for n, step in enumerate(steps)]}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"_target_": "sklearn.dummy.DummyRegressor"}, "floor"),
        (LOGREG, "linear"),
        (piped({"_target_": "sklearn.preprocessing.StandardScaler"}, LOGREG), "linear"),
        (piped({"_target_": "sklearn.preprocessing.PolynomialFeatures"}, LOGREG), None),
        (piped({"_target_": "sklearn.kernel_approximation.Nystroem"}, LOGREG), None),
        ({"_target_": "sklearn.calibration.CalibratedClassifierCV", "estimator": SVC}, "linear"),
        ({"_target_": "sklearn.ensemble.BaggingClassifier", "estimator": LOGREG}, None),
        ({"_target_": "sklearn.svm.SVC"}, None),
        ({"_target_": "lab.cnn.SmallCNN"}, None),
    ],
)  # fmt: skip
def test_by_class(model: dict[str, Any], expected: str | None) -> None:
    assert rung(Config(model=model)) == expected


def test_what_is_declared_counts() -> None:
    assert rung(Config(model={"_target_": "lab.linear.Probe"}, facts=Facts(rung="linear"))) == "linear"


def test_transforms_before_a_linear_model_must_be_affine() -> None:
    kernel = [{"_target_": "lab.data.Fourier"}]
    assert rung(Config(model=LOGREG, transforms=kernel)) is None
