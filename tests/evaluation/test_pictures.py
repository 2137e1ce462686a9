"""Pictures that a run keeps of the samples a report shows."""

from pathlib import Path

import numpy as np

from receipts.data.sealed import Subset
from receipts.evaluation import pictures
from receipts.evaluation.predictions import Predictions


def answered(n: int = 200) -> Predictions:
    """Every fourth sample wrong; the later, the more confident."""
    targets = np.zeros(n, np.int64)
    sure = 0.5 + np.linspace(0.01, 0.49, n)
    wrong = np.arange(n) % 4 == 0
    shares = np.stack([np.where(wrong, 1 - sure, sure), np.where(wrong, sure, 1 - sure)], 1).astype(np.float32)
    return Predictions([f"s{row}" for row in range(n)], targets, shares)


def subset(found: Predictions, inputs: object) -> Subset:
    assert found.targets is not None
    return Subset("test", found.ids, inputs, found.targets, None, None)


def test_the_most_confident_mistakes_and_the_least_confident_right_ones_are_kept(tmp_path: Path) -> None:
    found = answered()
    pictures.write(found, subset(found, np.random.default_rng(0).random((200, 1, 8, 8))), tmp_path)
    kept = pictures.read(tmp_path, "test")
    wrong = [row for row in range(200) if row % 4 == 0]
    right = [row for row in range(200) if row % 4]
    assert set(kept) == {f"s{row}" for row in wrong[-pictures.KEPT :] + right[: pictures.KEPT]}
    assert {image.shape for image in kept.values()} == {(8, 8)}


def test_a_picture_is_of_its_own_sample_on_one_scale_for_all(tmp_path: Path) -> None:
    found = answered(8)
    inputs = np.arange(8, dtype=np.float32)[:, None, None] * np.ones((8, 5, 5), np.float32)
    pictures.write(found, subset(found, inputs), tmp_path)
    for name, image in pictures.read(tmp_path, "test").items():
        assert np.allclose(image, int(name[1:]) / 7)


def test_large_pictures_are_made_small(tmp_path: Path) -> None:
    found = answered(4)
    pictures.write(found, subset(found, np.zeros((4, 3, 300, 150))), tmp_path)
    assert {image.shape for image in pictures.read(tmp_path, "test").values()} == {(60, 30, 3)}


def test_of_inputs_that_are_no_images_nothing_is_kept(tmp_path: Path) -> None:
    found = answered(4)
    for inputs in (np.zeros((4, 10)), np.zeros((4, 5, 70, 70)), np.zeros((4, 2, 2)), {"x": np.zeros((4, 8, 8))}):
        pictures.write(found, subset(found, inputs), tmp_path)
    assert pictures.read(tmp_path, "test") == {}


def test_of_values_the_largest_errors_are_kept(tmp_path: Path) -> None:
    n = pictures.KEPT + 20
    found = Predictions([f"s{row}" for row in range(n)], np.zeros(n, np.float32), value=np.arange(n, dtype=np.float32))
    pictures.write(found, subset(found, np.zeros((n, 6, 6), np.uint8)), tmp_path)
    assert set(pictures.read(tmp_path, "test")) == {f"s{row}" for row in range(20, n)}


def test_kept_pictures_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    found = answered(20)
    for name in ("one", "two"):
        pictures.write(found, subset(found, np.random.default_rng(0).random((20, 8, 8))), tmp_path / name)
    assert pictures.path(tmp_path / "one", "test").read_bytes() == pictures.path(tmp_path / "two", "test").read_bytes()
