"""The GPUs this process may use, counted without torch, which would take seconds to load."""

import os
import subprocess


def gpus() -> int:
    """How many NVIDIA GPUs are visible: those that CUDA_VISIBLE_DEVICES lists, or all that the driver knows."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    known = driver()
    if listed is None:
        return known
    names = [name.strip() for name in listed.split(",")]
    usable = names[: names.index("-1")] if "-1" in names else names
    return min(known, len([name for name in usable if name]))


def driver() -> int:
    """How many GPUs nvidia-smi lists; none where it is missing or fails."""
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in done.stdout.splitlines()) if done.returncode == 0 else 0
