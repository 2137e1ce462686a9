"""Handwritten digits, held in memory."""

import numpy as np


class Digits:
    """1,797 grey images of 8 × 8 pixels; a writer's samples lie next to each other."""

    kind, source, licence, version = "real", "UCI optdigits, test part", "CC BY 4.0", "1998-07"

    def __init__(self, path: str) -> None:
        table = np.loadtxt(path, delimiter=",", dtype=np.float32)
        images = table[:, :64].reshape(-1, 1, 8, 8) / 16
        labels = table[:, 64].astype(np.int64)
        self.files = [path]
        self.inputs = images
        self.targets = labels
        self.ids = [f"digit-{row:04d}" for row in range(len(labels))]
