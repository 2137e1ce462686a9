"""scikit-learn estimators as methods: one fit, stored with skops, loaded without running anybody's code."""

import hashlib
import importlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError  # it has no public home
from threadpoolctl import threadpool_limits

from receipts.bounds import confine, refuse_bomb, refuse_special
from receipts.config import build
from receipts.config.schema import Config
from receipts.data.sealed import Subset, as_matrix
from receipts.provenance.determinism import derive, seed_globals, streams
from receipts.refusal import Refusal
from receipts.runs.log import progress
from receipts.runs.record import Checkpoint, World
from receipts.training.method import Outputs, Site
from receipts.training.preflight.kept import Rehearsed

FILE = Path("checkpoints/estimator.skops")
MEASURES = ("sklearn.feature_selection", "sklearn.metrics")  # their public functions make numbers of numbers
KEPT = {  # what fitted estimators hold besides classes of allowed packages; nothing but numbers comes of any of it
    *("numpy.dtype", "numpy.mean", "scipy.sparse._csc.csc_matrix", "scipy.sparse._csr.csr_matrix"),
    *("scipy.interpolate._bsplines.BSpline", "scipy._lib.array_api_compat.numpy._aliases.asarray"),
    "sklearn.cluster._kmeans._kmeans_single_lloyd",
}
TIMED = {"refit_time_", "mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"}  # of a search
ADDRESS = re.compile(r'(?<="__id__": )\d+|(?<="file": ")\d+')


class EstimatorMethod:
    """An estimator behind `fit` and `predict`; every `random_state` left open gets a seed derived from the run's."""

    def __init__(self, config: Config) -> None:
        self.config = config
        seed_globals(derive("init", config.seed))
        self.estimator: Any = seeded(build.build(config.model), config.seed)

    def fit(self, train: Subset, val: Subset, site: Site) -> Checkpoint:
        """One call to the estimator's own fit."""
        site.first_step()
        progress.info("fit %s on %d rows", type(self.estimator).__name__, len(train))
        self._fit(self.estimator, train)
        save(self.estimator, site.folder / FILE)
        return Checkpoint(FILE.as_posix(), None, "the fit itself", fingerprint(site.folder / FILE))

    def load(self, folder: Path, checkpoint: Checkpoint) -> None:
        """Read the stored estimator; only types of the allowed packages are built."""
        path = confine(folder, checkpoint.file)
        self.estimator = read(path)
        if fingerprint(path) != checkpoint.weights:
            raise Refusal(
                f"{path} is not the estimator that was recorded",
                "its fingerprint differs from the record's",
                "restore it, or train again: python train.py … rerun=true",
            )

    def predict(self, subset: Subset) -> Outputs:
        """Class probabilities `(n, classes)`, or values of the target's shape; named where a kind takes either."""
        return self._predict(self.estimator, subset)

    def world(self) -> World:
        """One process on a CPU."""
        fit = self.config.fit
        return World("cpu", 1, fit.threads, "64-true", None, True, seeds=streams(self.config.seed))

    def parameters(self) -> dict[str, Any]:
        """Every parameter of the estimator and of those inside it, as text where it is no plain value."""
        return {key: plain(value) for key, value in sorted(self.estimator.get_params(deep=True).items())}

    def model(self) -> Any:
        """The estimator."""
        return self.estimator

    def ended(self) -> None:
        """An estimator's fit has no epochs."""
        return

    def steps(self) -> None:
        """Nor steps."""
        return

    def rehearse(self, train: Subset, val: Subset) -> Rehearsed:
        """An estimator's loss and batches are its own."""
        return Rehearsed()

    def size(self) -> None:
        """Estimators have no common notion of size."""
        return

    def _fit(self, estimator: Any, train: Subset) -> None:
        with threadpool_limits(self.config.fit.threads), asked_for():
            estimator.fit(as_matrix(train), train.targets)

    def _predict(self, estimator: Any, subset: Subset) -> Outputs:
        x = as_matrix(subset)
        with threadpool_limits(self.config.fit.threads):
            kind = self.config.task.kind
            if kind == "regression" or (kind == "ordinal" and not hasattr(estimator, "predict_proba")):
                values = np.asarray(estimator.predict(x)).reshape(subset.targets.shape)
                return values if kind == "regression" else {"value": values}
            if not hasattr(estimator, "predict_proba"):
                raise Refusal(
                    f"{type(estimator).__name__} gives no probabilities",
                    "accuracy alone would do without; likelihood and calibration need them",
                    "wrap it in sklearn.calibration.CalibratedClassifierCV",
                )
            probabilities = np.zeros((len(x), self.config.task.classes or 0))
            probabilities[:, estimator.classes_] = estimator.predict_proba(x)  # a class may be absent from train
            return probabilities


@contextmanager
def asked_for() -> Iterator[None]:
    """Say what the YAML asks for and no estimator can do, in scikit-learn's own words."""
    try:
        yield
    except InvalidParameterError as error:
        raise Refusal(
            str(error), "the estimator checks its parameters when it is fitted", "correct it in model:"
        ) from error


def seeded(estimator: Any, seed: int) -> Any:
    """The estimator with every open `random_state` set, nested ones included."""
    if not isinstance(estimator, BaseEstimator):
        return estimator
    open_states = [
        key for key, value in estimator.get_params().items() if key.endswith("random_state") and value is None
    ]
    return estimator.set_params(**dict.fromkeys(open_states, derive("estimator", seed) % 2**32))


def plain(value: Any) -> Any:
    """A parameter as it can stand in JSON."""
    return value if isinstance(value, bool | int | float | str | None) else repr(value)


def fingerprint(path: Path) -> str:
    """SHA-256 over everything that a stored estimator learnt, the same for every run that learnt the same.

    skops names objects by their addresses, which no two runs share, so these are numbered in order of appearance;
    the gaps between the fields of a tree's nodes hold whatever was in memory, so fields are hashed one by one. How
    long a search took is nothing it learnt.
    """
    digest = hashlib.sha256()
    with zipfile.ZipFile(path) as stored:
        schema = stored.read("schema.json").decode()
        if any(f'"{name}"' in schema for name in TIMED):
            schema = json.dumps(without_times(json.loads(schema)))
        numbers = {address: n for n, address in enumerate(dict.fromkeys(ADDRESS.findall(schema)))}
        digest.update(ADDRESS.sub(lambda found: str(numbers[found[0]]), schema).encode())
        files = {Path(name).stem: name for name in stored.namelist()}
        for name in (files[address] for address in numbers if address in files):
            digest.update(without_gaps(stored.read(name)) if name.endswith(".npy") else stored.read(name))
    return digest.hexdigest()


def without_times(node: Any) -> Any:
    """A part of a stored estimator without what a clock said."""
    if isinstance(node, list):
        return [without_times(each) for each in node]
    if isinstance(node, dict):
        return {name: without_times(each) for name, each in node.items() if name not in TIMED}
    return node


def without_gaps(npy: bytes) -> bytes:
    """An array file as type, shape and values, without the bytes between the fields of a structured array."""
    array = np.load(io.BytesIO(npy), allow_pickle=False)
    fields = [array[name] for name in array.dtype.names] if array.dtype.names else [array]
    return f"{array.dtype} {array.shape}".encode() + b"".join(field.tobytes() for field in fields)


def save(estimator: Any, path: Path) -> None:
    """Store an estimator with skops."""
    import skops.io

    path.parent.mkdir(exist_ok=True)
    skops.io.dump(estimator, path)


def read(path: Path) -> Any:
    """Read an estimator; a file that holds anything but allowed classes is refused before any of it is built."""
    import skops.io

    again = "restore it, or train again with rerun=true"
    try:
        refuse_special(path)
        refuse_bomb(path)
        foreign = skops.io.get_untrusted_types(file=path)
        refuse_foreign(path, foreign)
        return skops.io.load(path, trusted=foreign)
    except FileNotFoundError as error:
        raise Refusal(f"{path} is missing", "the record names it", again) from error
    except Refusal:
        raise
    except Exception as error:  # a damaged file makes skops stumble anywhere
        raise Refusal(f"{path} cannot be read", f"{type(error).__name__}: {error}", again) from error


def refuse_foreign(path: Path, names: list[str]) -> None:
    """Names in a stored estimator that lead neither to a class defined in an allowed package nor to a measure.

    Their spelling is not enough: `sklearn.utils._testing.check_output` is the function that starts programs.
    """
    refused = []
    for name in names:
        if name in KEPT or is_measure(name):
            continue
        try:
            build.resolve("estimator", name)
        except Refusal:
            refused.append(name)
    if refused:
        raise Refusal(f"{path} holds types outside the allow-list", ", ".join(refused), "restore the run's own file")


def is_measure(name: str) -> bool:
    """Whether a name leads to what a search or a selection of columns goes by, e.g. `f1_score` or `f_classif`."""
    short = name.rpartition(".")[2]
    for module in map(importlib.import_module, MEASURES):
        found = getattr(module, short, None) if short in module.__all__ else None
        if found is not None and name == f"{found.__module__}.{found.__qualname__}":
            return True
    return False
