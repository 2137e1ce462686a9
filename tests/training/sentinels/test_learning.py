"""Not learning: predictions that stay at chance stop the fit, and one good pass is enough to go on."""

from types import SimpleNamespace

import numpy as np
import pytest

from receipts.evaluation.predictions import Predictions
from receipts.refusal import CheckFailed
from receipts.runs.record import Check
from receipts.training.sentinels.findings import Findings
from receipts.training.sentinels.learning import LearningLedger, beats_a_constant

RNG = np.random.default_rng(0)
N = 300
IDS = [f"id-{row}" for row in range(N)]
LABELS = RNG.integers(0, 3, N)


def classes(of_truth: float, targets: np.ndarray = LABELS, k: int = 3) -> Predictions:
    """Noise with a share of truth in it."""
    raw = RNG.dirichlet(np.ones(k), N) * (1 - of_truth) + np.eye(k)[targets] * of_truth
    return Predictions(IDS, targets, probabilities=(raw / raw.sum(1, keepdims=True)).astype(np.float32))


def valued(value: np.ndarray, targets: np.ndarray) -> Predictions:
    return Predictions(IDS, targets.astype(np.float32), value=value.astype(np.float32))


def test_what_beats_a_constant() -> None:
    assert not beats_a_constant(classes(0.0))[0]
    assert beats_a_constant(classes(0.3))[0]
    rare = (np.arange(N) % 20 == 0).astype(np.int64)
    assert not beats_a_constant(classes(0.0, rare, 2))[0]
    ranked = np.where(rare, 0.2, 0.03)
    table = Predictions(IDS, rare, probabilities=np.stack([1 - ranked, ranked], 1).astype(np.float32))
    assert beats_a_constant(table)[0], "it always says the larger class, and knows which is which"
    weighed = np.where(rare | (RNG.random(N) < 0.2), 0.9, 0.4)
    table = Predictions(IDS, rare, probabilities=np.stack([1 - weighed, weighed], 1).astype(np.float32))
    assert beats_a_constant(table)[0], "rare ones weigh more, so that too many are called so"
    overconfident = np.eye(3)[np.where(np.arange(N) % 2, LABELS, 0)]
    assert beats_a_constant(Predictions(IDS, LABELS, probabilities=overconfident.astype(np.float32)))[0]
    targets = RNG.normal(150, 70, N)
    assert not beats_a_constant(valued(np.full(N, 150.0) + RNG.normal(0, 1, N), targets))[0]
    assert beats_a_constant(valued(targets * 0.3 + RNG.normal(0, 10, N), targets))[0], "on a wrong scale"
    maps = RNG.normal(size=(N, 4, 4)) + np.arange(16).reshape(4, 4)
    assert not beats_a_constant(valued(np.broadcast_to(maps.mean(0), maps.shape), maps))[0]
    assert beats_a_constant(valued(maps * 0.5, maps))[0]


def judged(tables: list[Predictions], epochs: int, beside: str | None = None, limited: bool = False) -> list[Check]:
    found: list[Check] = []
    validation = SimpleNamespace(table=None)
    ledger = LearningLedger(Findings(found, {}, None, limited), validation, beside)  # type: ignore[arg-type]
    ledger.on_train_start(None, None)  # type: ignore[arg-type]
    for epoch, table in enumerate(tables):
        validation.table = table
        ledger.on_validation_end(SimpleNamespace(current_epoch=epoch, max_epochs=epochs), None)  # type: ignore[arg-type]
    return found


def test_a_fit_at_chance_stops_at_half_of_its_epochs_and_no_sooner() -> None:
    chance = [classes(0.0) for _ in range(10)]
    assert judged(chance[:9], 20) == []
    with pytest.raises(CheckFailed, match="not-learning"):
        judged(chance, 20)
    assert judged(chance[:4], 4) == [], "four passes are too few to tell"
    assert judged([*chance[:8], classes(0.5), *chance], 20)[0].verdict == "pass"


def test_a_look_and_a_floor_are_not_asked() -> None:
    chance = [classes(0.0)] * 10
    assert judged(chance, 10, beside="facts.rung is floor")[0].verdict == "not applicable"
    assert judged(chance, 10, limited=True)[0].verdict == "not applicable"
