"""Ten measurements and the progression of diabetes after a year."""

import numpy as np


class Patients:
    """442 patients, one row each."""

    kind, source, licence, version = "real", "Efron et al. 2004", "unknown", "2004"

    def __init__(self, inputs: str, targets: str) -> None:
        self.files = [inputs, targets]
        self.inputs = np.loadtxt(inputs, dtype=np.float32)
        self.targets = np.loadtxt(targets, dtype=np.float32)
        self.ids = [f"patient-{row:03d}" for row in range(len(self.targets))]
