"""Images that were multiplied before they were divided are found in every form; real digits and tables are not."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import zoom
from sklearn import datasets

from receipts.data import shared, twins
from receipts.data.facts import NearDuplicates
from receipts.data.steady import content_hashes
from receipts.guards.data import overlap

Images = Any
DIGITS = (datasets.load_digits().images[:, None] / 16).astype(np.float32)


def enlarged(x: Images) -> Images:
    return zoom(x, (1, 1, 8 / x.shape[2], 8 / x.shape[3]), order=1, grid_mode=True, mode="nearest")


def found(x: Images) -> tuple[NearDuplicates, float | None]:
    order, n = np.random.default_rng(3).permutation(len(x)), len(x)
    parts = np.split(order, [int(0.6 * n), int(0.8 * n)])
    rows = {name: np.sort(part) for name, part in zip(("train", "val", "test"), parts, strict=True)}
    table = SimpleNamespace(ids=[str(row) for row in range(n)], inputs=x, targets=np.zeros(n))
    features = twins.features(table)
    hashes, _ = content_hashes(table)
    return shared.near_duplicates(table, rows, hashes, features, twins.FRACTION), shared.centred(
        features, rows["train"]
    )


def multiplied(how: Callable[[Images], Images], share: float = 0.05) -> Images:
    some = np.random.default_rng(0).permutation(len(DIGITS))[: int(share * len(DIGITS))]
    return np.concatenate([DIGITS, how(DIGITS[some]).astype(np.float32)])


@pytest.mark.parametrize(
    ("how", "share", "said"),
    [
        (lambda x: x[..., ::-1], 0.03, "mirrored"),
        (lambda x: x[:, :, ::-1], 0.05, "upside down"),
        (lambda x: np.rot90(x, 1, (2, 3)), 0.05, "turned"),
        (lambda x: np.roll(x, 1, 3), 0.05, "moved"),
        (lambda x: x * 0.6 + 0.2, 0.05, "brighter"),
        (lambda x: x[..., ::-1] + np.random.default_rng(0).normal(0, 0.03, x.shape), 0.05, "mirrored"),
        (lambda x: x[..., ::-1] * 0.6 + 0.2, 0.05, "mirrored"),
        (lambda x: enlarged(x[:, :, :7, :7]), 0.05, "larger"),
        (lambda x: enlarged(x[:, :, 1:7, 1:7]), 0.05, "larger"),
    ],
)
def test_images_that_were_multiplied_are_told_with_how(how: Any, share: float, said: str) -> None:
    check = overlap.near(found(multiplied(how, share))[0])
    assert check.verdict == "fail"
    assert said in check.evidence


@pytest.mark.parametrize("x", [DIGITS, DIGITS.reshape(-1, 8, 8), datasets.load_wine().data.astype(np.float32)])
def test_what_nobody_multiplied_is_left_alone(x: Images) -> None:
    assert overlap.near(found(x)[0]).verdict == "pass"


@pytest.mark.parametrize(
    ("x", "share"),
    [
        (DIGITS, 0),
        ((DIGITS - np.float32(0.3)) / np.float32(0.4), 0),
        (DIGITS - DIGITS.mean(0), 1),
        (DIGITS - DIGITS.mean(), 1),
        (datasets.load_diabetes().data.astype(np.float32), 1),  # published so
    ],
)
def test_rows_that_were_centred_together_are_told_by_their_mean(x: Images, share: float) -> None:
    assert found(x)[1] == share
