"""What the machine does while it trains, sampled by a thread of its own so that no step waits for it."""

import shutil
import subprocess
import threading

import psutil
import torch

EVERY_S = 1.0
FIRST_S = 0.1
SMI_S = 5.0

Sample = dict[str, float]


class Meter:
    """Processor use of this process (100 is one core) and its memory in MiB; the same of its GPU where it has one."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.process = psutil.Process()
        self.lock = threading.Lock()
        self.samples: list[Sample] = []
        self.latest: Sample = {}
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.watch, name="utilisation", daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self.process.cpu_percent()  # the first call only starts the clock
        self.thread.start()

    def stop(self) -> None:
        """Sample no more."""
        self.stopped.set()

    def watch(self) -> None:
        """Sample until stopped: soon at first, so that a short epoch has a value, then every second."""
        wait = FIRST_S
        while not self.stopped.wait(wait):
            found = self.sample()
            with self.lock:
                self.samples.append(found)
                self.latest = found
            wait = EVERY_S

    def sample(self) -> Sample:
        """One look; a GPU's use is left out where nvidia-smi has nothing to say."""
        found = {"cpu_percent": self.process.cpu_percent(), "memory_mib": self.process.memory_info().rss / 2**20}
        if self.device.type == "cuda":
            found["gpu_memory_mib"] = torch.cuda.memory_reserved(self.device) / 2**20
            if (used := gpu_percent(self.device.index or 0)) is not None:
                found["gpu_percent"] = used
        return found

    def since(self) -> dict[str, float | None]:
        """Means over the samples since the last call; the latest one where there is none since."""
        with self.lock:
            taken, self.samples = self.samples or [self.latest], []
        names = ["cpu_percent", "memory_mib"]
        names += ["gpu_percent", "gpu_memory_mib"] if self.device.type == "cuda" else []
        return {name: mean([sample[name] for sample in taken if name in sample]) for name in names}


def mean(values: list[float]) -> float | None:
    """The mean to one decimal, or nothing of nothing."""
    return round(sum(values) / len(values), 1) if values else None


def gpu_percent(index: int) -> float | None:
    """How busy a GPU is, by nvidia-smi; None where it can't say. `index` counts the visible ones."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    query = [program, f"--id={torch.cuda.get_device_properties(index).uuid}", "--query-gpu=utilization.gpu"]
    try:
        done = subprocess.run(
            [*query, "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=SMI_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = done.stdout.strip()
    return float(said) if done.returncode == 0 and said.replace(".", "", 1).isdigit() else None
