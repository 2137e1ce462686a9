"""The same digits, read one at a time: what a folder of image files would look like to the core."""

from typing import Any

import numpy as np


class LazyDigits:
    """1,797 grey images of 8 × 8 pixels, each parsed when it is asked for."""

    kind, source, licence, version = "real", "UCI optdigits, test part", "CC BY 4.0", "1998-07"
    access = "comes with the repository"

    def __init__(self, path: str) -> None:
        table = np.loadtxt(path, delimiter=",", dtype=np.float32)
        self.files = [path]
        self.lines = [",".join(f"{value:g}" for value in row[:64]) for row in table]
        self.targets = table[:, 64].astype(np.int64)
        self.ids = [f"digit-{row:04d}" for row in range(len(table))]

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {"pixels": np.array(self.lines[row].split(","), dtype=np.float32) / 16}

    def collate(self, samples: list[dict[str, Any]]) -> np.ndarray[Any, Any]:
        return np.stack([sample["pixels"] for sample in samples])


class Noise:
    """An augmentation that draws from everything there is to draw from."""

    def __init__(self) -> None:
        self.own = np.random.default_rng(0)

    def __call__(self, x: Any, y: Any, generator: Any) -> tuple[Any, Any]:
        import torch

        drawn = torch.rand(len(x), 1, generator=generator) + torch.rand(len(x), 1)
        drawn += torch.as_tensor(self.own.random((len(x), 1)) + np.random.rand(len(x), 1), dtype=torch.float32)  # noqa: NPY002
        return x + drawn / 100, y
