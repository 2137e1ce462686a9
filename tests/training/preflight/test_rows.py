"""Which places of a batch have a say in its loss, where inputs have a gradient and where they have none."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from receipts.training.preflight.rows import idle

N = 32
X = torch.randn(N, 4, generator=torch.Generator().manual_seed(0))
TOKENS = torch.arange(N * 3).reshape(N, 3) % 50
Y = torch.arange(N) % 3
TABLE = torch.randn(50, 3, generator=torch.Generator().manual_seed(1))


def scores(x: Any) -> Tensor:
    return x["a"][:, :3] + x["b"][0][:, :1] if isinstance(x, dict) else x[:, :3]


def test_places_by_gradient() -> None:
    def cut(x: Any, y: Any, _: int) -> Tensor:
        return functional.cross_entropy(scores(x)[2:20], y[2:20])

    outside = [0, 1, *range(20, N)]
    assert idle(cut, X, Y, N) == outside
    assert idle(cut, {"a": X, "b": [X.clone(), "word"]}, Y, N) == outside
    assert idle(lambda x, y, _: functional.cross_entropy(scores(x), y), X, Y, N) == []
    assert idle(lambda x, y, _: functional.cross_entropy(scores(x), y, ignore_index=1), X, Y, N) == []
    assert idle(lambda x, y, _: functional.cross_entropy(scores(x).detach(), y), X, Y, N) is None


def test_places_of_tokens() -> None:
    def loss(x: Any, y: Any, n: int) -> Tensor:
        return functional.cross_entropy(TABLE[x].mean(1)[:n], y[:n])

    assert idle(lambda x, y, _: loss(x, y, 16), TOKENS, Y, N) == list(range(16, N))
    assert idle(lambda x, y, _: loss(x, y, N), TOKENS, Y, N) == []
    assert idle(lambda x, y, _: loss(x, y, N), TOKENS[:4], Y[:4], 4) is None
