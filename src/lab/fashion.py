"""Fashion-MNIST: the second example dataset, fetched from its authors and read from memory maps."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np

from receipts import fetch

ADDRESS = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"
PUBLISHED = {  # MD5 as the authors' README states it
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
TRAIN = 60_000


class FashionMNIST:
    """70,000 grey images of 28 × 28 pixels, ten kinds of clothing; the authors' 60,000 train rows, then their test.

    Images stay bytes in a memory map, so that opening costs nothing and rows that are not asked for are not read;
    `ToUnit` makes numbers of them.
    """

    kind, source, licence, version = (
        "real",
        "Zalando Research, github.com/zalandoresearch/fashion-mnist",
        "MIT",
        "2017-08",
    )
    access = "free to all under the MIT licence; 30 MB from its authors, or from the folder in RECEIPTS_MIRROR"

    def __init__(self, folder: str) -> None:
        self.files = [f"{folder}/images.npy", f"{folder}/labels.npy"]
        images, labels = (np.load(path, mmap_mode="r") for path in self.files)
        self.inputs = images[:, None]  # (70000, 1, 28, 28) uint8, still on disk
        self.targets = np.asarray(labels, dtype=np.int64)  # (70000,)
        self.ids = [f"fashion-{row:05d}" for row in range(len(labels))]
        self.official = {"train": range(TRAIN), "test": range(TRAIN, len(labels))}

    @staticmethod
    def fetch(folder: str) -> list[Path]:
        """The four published files, verified and unpacked once into two arrays; `receipts fetch fashion` calls this."""
        place = Path(folder)
        names = list(PUBLISHED)
        raw = [fetch(ADDRESS + name, PUBLISHED[name], place / "raw", f"fashion-mnist/{name}") for name in names]
        train_x, train_y, test_x, test_y = (unpacked(path) for path in raw)
        arrays = {"images.npy": np.concatenate([train_x, test_x]), "labels.npy": np.concatenate([train_y, test_y])}
        return [stored(place / name, array) for name, array in arrays.items()]


class ToUnit:
    """Grey values as bytes to float32 in [0, 1]."""

    def __call__(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Images of any shape."""
        return x / np.float32(255)


def unpacked(path: Path) -> np.ndarray[Any, Any]:
    """A gzipped IDX file of bytes as an array: two zeros, type, number of axes, their lengths, then the values."""
    content = gzip.decompress(path.read_bytes())
    axes = content[3]
    shape = np.frombuffer(content, dtype=">u4", count=axes, offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * axes).reshape(shape)


def stored(path: Path, array: np.ndarray[Any, Any]) -> Path:
    """An array in a file that can be mapped and that nobody overwrites by accident."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    np.save(path, array)
    path.chmod(0o444)
    return path
