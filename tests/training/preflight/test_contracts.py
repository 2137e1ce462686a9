"""What a loss is given: probabilities for logits, shapes that broadcast, a softmax over the batch."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from receipts.training.preflight.contracts import Contracts

B, K = 8, 3
Z = torch.randn(B, K, generator=torch.Generator().manual_seed(0))
Y = torch.arange(B) % K
V = torch.linspace(-1, 1, B)


def broken(
    step: Callable[[], Any], y: Tensor = Y, classes: int | None = K, counts: list[int] | None = None
) -> list[str]:
    with (contracts := Contracts(y, classes, counts)):
        step()
    return list(contracts.broken)


@pytest.mark.parametrize(
    ("step", "check"),
    [
        (lambda: functional.cross_entropy(Z.softmax(-1), Y), "loss-wants-logits"),
        (lambda: nn.CrossEntropyLoss(label_smoothing=0.1)(nn.Softmax(1)(Z), Y), "loss-wants-logits"),
        (lambda: functional.binary_cross_entropy_with_logits(Z.sigmoid(), Z.round()), "loss-wants-logits"),
        (lambda: nn.BCEWithLogitsLoss()(nn.Sigmoid()(Z[:, :1]).squeeze(1), V), "loss-wants-logits"),
        (lambda: functional.cross_entropy(Z.sigmoid(), Y), "loss-wants-logits"),
        (
            lambda: functional.binary_cross_entropy_with_logits(
                Z.sigmoid().clamp(0.01, 0.99).flatten(), Z.gt(0).float().flatten()
            ),
            "loss-wants-logits",
        ),
        (lambda: functional.cross_entropy(torch.tanh(Z), Y), "logits-cut-off"),
        (lambda: functional.nll_loss(Z.softmax(-1), Y), "loss-wants-log-probabilities"),
        (lambda: functional.nll_loss(Z, Y), "loss-wants-log-probabilities"),
        (lambda: functional.cross_entropy(Z.repeat(4, 1).relu(), Y.repeat(4)), "logits-cut-off"),
        (
            lambda: functional.binary_cross_entropy_with_logits(Z.repeat(4, 1).clamp(0), torch.ones(32, K)),
            "logits-cut-off",
        ),
        (lambda: functional.kl_div(Z.softmax(-1), Z.softmax(-1), reduction="sum"), "loss-wants-log-probabilities"),
        (lambda: functional.nll_loss(functional.log_softmax(Z, dim=0), Y), "softmax-over-batch"),
        (lambda: functional.cross_entropy(torch.softmax(Z, 0), Y), "softmax-over-batch"),
    ],
)
def test_a_broken_promise_is_named(step: Callable[[], Any], check: str) -> None:
    assert check in broken(step)


@pytest.mark.parametrize(
    "step",
    [
        lambda: functional.mse_loss(V[:, None], V),
        lambda: functional.l1_loss(V, V[:, None]),
        lambda: nn.HuberLoss()(V[:, None], V),
        lambda: ((V[:, None] - V) ** 2).mean(),
        lambda: (V - V.clone()[:, None]).abs().mean(),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_shapes_that_make_every_pair_are_named(step: Callable[[], Any]) -> None:
    assert broken(step, V, None) == ["loss-broadcasts"]


@pytest.mark.parametrize(
    "step",
    [
        lambda: functional.cross_entropy(Z, Y),
        lambda: functional.cross_entropy(Z.log_softmax(-1), Y),
        lambda: functional.cross_entropy(torch.zeros(B, K), Y),
        lambda: functional.cross_entropy(torch.zeros(100, K), torch.zeros(100).long()),
        lambda: functional.cross_entropy(Z.repeat(4, 1).abs(), Y.repeat(4)),
        lambda: functional.cross_entropy(Z.relu(), Y),
        lambda: functional.cross_entropy(30 * torch.tanh(Z / 30), Y),
        lambda: functional.cross_entropy(torch.tanh(Z / 30).mul_(30), Y),
        lambda: functional.binary_cross_entropy_with_logits(Z.clamp(-9, 9), Z.gt(0).float()),
        lambda: functional.cross_entropy(Z, Z.softmax(-1)),
        lambda: functional.nll_loss(Z.log_softmax(-1), Y),
        lambda: functional.nll_loss(Z.softmax(-1).log(), Y),
        lambda: functional.kl_div(Z.log_softmax(-1), Z.softmax(-1), reduction="batchmean"),
        lambda: functional.binary_cross_entropy_with_logits(Z.sigmoid() * 3, Z.round()),
        lambda: functional.binary_cross_entropy(Z.sigmoid(), (Z > 0).float()),
        lambda: functional.mse_loss(V, V.clone()),
        lambda: functional.mse_loss(Z, torch.ones(())),
        lambda: functional.mse_loss(Z[:, None] - Z[None], torch.zeros(B, B, K)),
        lambda: Z[:, :, None] - Z[:, None],
        lambda: Z.reshape(K, B).softmax(0),
        lambda: torch.randn(B, 5).softmax(0),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_promises_that_are_kept_are_left_alone(step: Callable[[], Any]) -> None:
    assert broken(step) == []


@pytest.mark.parametrize(
    ("weights", "counts", "inverted"),
    [
        ([0.6, 0.3, 0.1], [600, 300, 100], True),
        ([9.0, 1.0, 1.2], [900, 100, 110], True),
        ([1 / 6, 1 / 3, 1.0], [600, 300, 100], False),
        ([0.4, 0.6, 1.0], [600, 300, 100], False),
        ([1.0, 1.0, 1.0], [600, 300, 100], False),
        ([0.31, 0.33, 0.36], [100, 105, 112], False),
        ([5.0, 1.0, 1.0], [600, 300, 100], False),
        ([0.6, 0.4, 0.0], [600, 300, 0], False),
    ],
)
def test_weights_that_are_the_frequencies_are_named(weights: list[float], counts: list[int], inverted: bool) -> None:
    for loss in (functional.cross_entropy, lambda z, y, w: functional.nll_loss(z.log_softmax(-1), y, weight=w)):
        named = broken(lambda loss=loss: loss(Z, Y, torch.tensor(weights)), counts=counts)  # type: ignore[misc]
        assert named == (["class-weights-inverted"] if inverted else [])
