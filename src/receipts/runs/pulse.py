"""Whether a run that is alive gets anywhere: the time of its last step, while there are steps to wait for."""

import time


class Pulse:
    """Beaten at every step by the training, looked at by the heartbeat; between `start` and `stop` only."""

    def __init__(self) -> None:
        self.patience_s = 0.0
        self.last: float | None = None

    def start(self, patience_s: float) -> None:
        """From now on a step is to be done within so many seconds."""
        self.patience_s = patience_s
        self.beat()

    def beat(self) -> float:
        """A step is done; returns when."""
        self.last = now = time.monotonic()
        return now

    def stop(self) -> None:
        """No more steps are to come."""
        self.last = None

    @property
    def is_silent(self) -> bool:
        """Whether the next step takes longer than it may."""
        return self.last is not None and time.monotonic() - self.last > self.patience_s
