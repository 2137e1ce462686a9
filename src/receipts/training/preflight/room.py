"""Whether there is time, disk and memory for what is about to start."""

import shutil
import sys
from pathlib import Path

import psutil

from receipts.checks.catalogue import NOTE, failed, not_applicable, passed
from receipts.runs.record import Check

# Of the weights: two checkpoints, two points to go on from and a third one while it is written, each with an optimizer
# that holds two numbers for each weight.
COPIES = 15
HELD = 4  # copies of the weights that training holds: themselves, their gradients, an optimizer's two numbers
BYTES, LOGS = 4, 50 * 2**20


def within(hours: float | None, eta_s: float | None, slow: str = "") -> Check:
    """The time that training will take against what may be spent; `slow` tells what a step took in other runs."""
    if eta_s is None:
        return not_applicable("time-limit", "nothing is known of the time of a step")
    said = f"the planned steps take about {spelled(eta_s)}"
    if hours is not None and eta_s > 3600 * hours:
        return failed("time-limit", f"{said}, limits.hours allows {hours:g} h")
    said += "" if hours is None else f" of {hours:g} h"
    return passed("time-limit", said + (NOTE + slow if slow else ""))


def on_disk(folder: Path, size: int | None) -> Check:
    """Room for checkpoints and logs."""
    needed, free = COPIES * BYTES * (size or 0) + LOGS, shutil.disk_usage(folder).free
    said = f"about {needed / 2**20:,.0f} MiB are written, {free / 2**20:,.0f} MiB are free"
    return passed("disk-room", said) if needed < free else failed("disk-room", said)


def in_memory(size: int | None) -> Check:
    """Room for weights, gradients and an optimizer's state; what activations need, the rehearsal has had already."""
    if size is None:
        return not_applicable("memory-room", "how much the method needs is not known beforehand")
    needed, (free, total) = HELD * BYTES * size, memory()
    said = (
        f"weights, gradients and optimizer need {needed / 2**20:,.0f} MiB; of {total / 2**20:,.0f} MiB "
        f"{free / 2**20:,.0f} are free"
    )
    return passed("memory-room", said) if needed < free else failed("memory-room", said)


def memory() -> tuple[int, int]:
    """Bytes that are free, and all there are: on the GPU where torch computes on one, its own reserve included."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        free, total = torch.cuda.mem_get_info()
        return free + torch.cuda.memory_reserved(), total
    machine = psutil.virtual_memory()
    return machine.available, machine.total


def spelled(seconds: float) -> str:
    """A time in the unit that people would use."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
