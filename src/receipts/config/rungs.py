"""The lower rungs of the ladder: which experiments are a floor or a linear baseline that others are compared with.

By what an experiment builds, never by what its file is called; `facts.rung` states it for a class of one's own.
"""

from receipts.config.build import calls
from receipts.config.schema import Config

RUNGS = ("floor", "linear")
FLOORS = ("sklearn.dummy.",)
LINEAR = (
    "sklearn.linear_model.",
    *("sklearn.svm.LinearSVC", "sklearn.svm.LinearSVR", "sklearn.discriminant_analysis.LinearDiscriminantAnalysis"),
)
AFFINE = (  # around or before a linear model these leave it linear; polynomial or kernel features would not
    *("sklearn.pipeline.Pipeline", "sklearn.calibration.CalibratedClassifierCV"),
    *(f"sklearn.preprocessing.{name}Scaler" for name in ("Standard", "MinMax", "MaxAbs", "Robust")),
    "sklearn.decomposition.PCA",
)


def rung(config: Config) -> str | None:
    """`floor`, `linear` or None: as declared, else where scikit-learn's own classes leave no doubt.

    The last call within the model is the estimator; whatever stands around or before it must be affine.
    """
    if config.facts.rung is not None:
        return config.facts.rung
    model = [str(node["_target_"]) for _, node in calls("model", config.model)]
    around = model[:-1] + [str(node["_target_"]) for _, node in calls("transforms", config.transforms)]
    if model[-1].startswith(FLOORS):
        return "floor"
    return "linear" if model[-1].startswith(LINEAR) and set(around) <= set(AFFINE) else None
