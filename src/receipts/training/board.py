"""What processes that a launcher started tell each other beside the training: a few words in a store that all reach.

The store is torch's own: the one of torchrun's agent on the first node, or one that the first process keeps. Every
process beats in it, so that one that is gone is missed within seconds, whatever the others wait for.
"""

import os
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta

from receipts.config.place import Place
from receipts.refusal import Refusal

JOIN_S, TOLD_S = 600.0, 10.0  # nodes of one job can start minutes apart; nobody should wonder why it is quiet
BEAT_S, LOOK_S = 1.0, 0.2
SILENT_S = 20.0  # a process whose interpreter is held up for that long is as good as gone
RUN, END = "run", "end"  # keys: the run that was made, and the exit code of the first process
DID, STOPS = "has done its share", "was told to stop"  # how a process leaves that is not at fault


class Board:
    """The words of one process and of the others: strings under keys, and when each of them was last heard."""

    def __init__(self, place: Place) -> None:
        from torch.distributed import DistError
        from torch.distributed.distributed_c10d import PrefixStore
        from torch.distributed.rendezvous import rendezvous

        self.place = place
        waits = f"waiting up to {JOIN_S / 60:g} minutes for the {place.world} processes of this fit to find each other"
        quiet = threading.Timer(TOLD_S, print, [waits], {"file": sys.stderr, "flush": True})
        quiet.daemon = True
        quiet.start()
        try:
            self.join()
            store, _, _ = next(rendezvous("env://", place.rank, place.world, timeout=timedelta(seconds=JOIN_S)))
        except DistError as error:
            raise Refusal(
                f"the {place.world} processes of this fit did not find each other within {JOIN_S / 60:g} minutes",
                (str(error).strip() or type(error).__name__).splitlines()[0],
                "start all nodes, with one address that each of them reaches      (docs/distributed.md)",
            ) from error
        finally:
            quiet.cancel()
        self.store = PrefixStore("receipts", store)
        self.heard: dict[int, tuple[str, float]] = {}

    def join(self) -> None:
        """Name the first process's address where only SLURM's own variables say which it is."""
        if self.place.launcher == "srun":
            from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

            try:
                slurm = SLURMEnvironment(auto_requeue=False)
            except RuntimeError as error:
                raise Refusal(
                    "this SLURM job does not say how many tasks each node has",
                    str(error).splitlines()[0],
                    "srun --nodes=N --ntasks-per-node=P python train.py …      (docs/distributed.md)",
                ) from error
            os.environ |= {"MASTER_ADDR": slurm.main_address, "MASTER_PORT": str(slurm.main_port)}

    def post(self, key: str, word: str) -> None:
        """Leave a word for the others."""
        self.store.set(key, word)

    def read(self, key: str) -> str | None:
        """A word, if it has been left."""
        return self.store.get(key).decode() if self.store.check([key]) else None

    def wait(self, *keys: str) -> dict[str, str]:
        """Wait for any of these keys; all that are there."""
        try:
            while not (found := {key: word for key in keys if (word := self.read(key)) is not None}):
                time.sleep(LOOK_S)
        except RuntimeError as error:
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise Refusal("the first process is gone", why, "see what it, or its launcher, says") from error
        return found

    def beat(self, stop: threading.Event) -> None:
        """Say again and again that this process is alive, until told to stop."""
        number = 0
        with suppress(RuntimeError):  # the store may go first when all of them end
            while not stop.is_set():
                self.post(f"alive/{self.place.rank}", str(number := number + 1))
                stop.wait(BEAT_S)

    def leave(self, how: str) -> None:
        """Say how this process ended, and as which of all."""
        self.post(f"left/{self.place.rank}", f"{self.store.add('leaving', 1)} {how}")

    def left(self, rank: int) -> tuple[int, str] | None:
        """As which of all, and how, another process ended; None where it has not said so."""
        number, _, how = (self.read(f"left/{rank}") or "").partition(" ")
        return (int(number), how) if number else None

    def silence(self, rank: int) -> float:
        """Seconds since another process was last heard."""
        word, now = self.read(f"alive/{rank}") or "", time.monotonic()
        before = self.heard.get(rank)
        if before is None or before[0] != word:
            self.heard[rank] = (word, now)
        return now - self.heard[rank][1]
