"""What a run computed on: system, packages, processor, GPU, numeric backends. A fact that cannot be had is null.

Nothing here imports torch or starts CUDA: either would cost seconds, or fix settings that still have to be made.
"""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from receipts.config.project import LOCK

# An allow-list: whatever is not named here may be a secret, and is not recorded.
VARIABLES: Final = (
    *("OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "OMP_DYNAMIC", "KMP_AFFINITY", "KMP_BLOCKTIME"),
    *("MKL_NUM_THREADS", "MKL_DYNAMIC", "MKL_CBWR", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "NUMEXPR_NUM_THREADS"),
    *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_LAUNCH_BLOCKING", "CUBLAS_WORKSPACE_CONFIG"),
    *("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"),
    *("NCCL_ALGO", "NCCL_PROTO", "WORLD_SIZE", "RANK", "LOCAL_RANK", "SLURM_JOB_ID", "SLURM_NNODES", "SLURM_NTASKS"),
    *("PYTHONHASHSEED", "PYTHONOPTIMIZE", "LANG", "LC_ALL", "TZ"),
)
# What torch is asked, as attributes of the package; functions are called.
FLAGS: Final = (
    *("backends.cudnn.enabled", "backends.cudnn.deterministic", "backends.cudnn.benchmark"),
    *("backends.cudnn.allow_tf32", "backends.cuda.matmul.allow_tf32", "get_float32_matmul_precision"),
    *("backends.cuda.matmul.allow_fp16_reduced_precision_reduction",),
    *("backends.cuda.matmul.allow_bf16_reduced_precision_reduction",),
    *("backends.cuda.matmul.fp32_precision", "backends.cudnn.conv.fp32_precision", "backends.cudnn.rnn.fp32_precision"),
    *("backends.mkldnn.enabled", "backends.mkldnn.matmul.fp32_precision", "backends.cpu.get_cpu_capability"),
    *("are_deterministic_algorithms_enabled", "is_deterministic_algorithms_warn_only_enabled"),
    *(
        "utils.deterministic.fill_uninitialized_memory",
        "get_default_dtype",
        "get_num_threads",
        "get_num_interop_threads",
    ),
)


def snapshot(threads: int | None) -> dict[str, Any]:
    """Everything for `environment.json`; `threads` is what the run asked for."""
    return {
        "system": system(),
        "python": {"version": platform.python_version(), "implementation": platform.python_implementation()},
        "lock": {"file": LOCK.as_posix(), "sha256": sha256(LOCK.read_bytes()).hexdigest() if LOCK.is_file() else None},
        "cpu": cpu(),
        "gpu": gpu(),
        "threads": threads,
        "backend": backend_flags(),
        "pools": pools(),
        "variables": {name: os.environ.get(name) for name in VARIABLES},
        "packages": packages(),
    }


def system() -> dict[str, str | None]:
    """Operating system, its distribution, kernel, machine and C library."""
    try:
        distribution = platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        distribution = None
    return {
        "name": platform.system() or None,
        "distribution": distribution,
        "kernel": platform.release() or None,
        "machine": platform.machine() or None,
        "libc": " ".join(platform.libc_ver()).strip() or None,
    }


def cpu() -> dict[str, str | int | None]:
    """Model, cores of the machine, cores this process may use, memory in MiB."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    except (ValueError, OSError):
        memory = None
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return {"model": model or None, "cores": os.cpu_count(), "usable_cores": usable, "memory_mib": memory}


def gpu() -> dict[str, Any]:
    """Models and driver by nvidia-smi, CUDA and cuDNN by torch if it is loaded; models are null where nobody knows."""
    rows = nvidia_smi()
    return {
        "models": None if rows is None else [name for name, _, _ in rows],
        "memory_mib": None if rows is None else [int(memory) if memory.isdigit() else None for _, memory, _ in rows],
        "driver": rows[0][2] if rows else None,
        "cuda": ask("version.cuda"),
        "hip": ask("version.hip"),
        "cudnn": ask("backends.cudnn.version"),
    }


def nvidia_smi() -> list[tuple[str, str, str]] | None:
    """Name, memory in MiB and driver of every GPU; None where there is no working nvidia-smi."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    query = [command, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    rows = [tuple(cell.strip() for cell in line.split(",")) for line in done.stdout.splitlines()]
    return [(row[0], row[1], row[2]) for row in rows if len(row) == 3]


def backend_flags() -> dict[str, Any]:
    """Every switch of torch that can move a number; empty while torch is not loaded."""
    return {name: ask(name) for name in FLAGS} if "torch" in sys.modules else {}


def ask(name: str) -> Any:
    """A fact of torch by its dotted name; None when torch is not loaded, does not know it, or will not say.

    torch refuses to report the old TF32 switches once the newer `fp32_precision` ones were set.
    """
    try:
        found = attrgetter(name)(sys.modules["torch"])
        found = found() if callable(found) else found
    except (KeyError, AttributeError, RuntimeError):
        return None
    return found if found is None or isinstance(found, bool | int | str) else str(found)


def pools() -> list[dict[str, Any]]:
    """The BLAS and OpenMP libraries loaded so far: version, kernel family, number of threads."""
    from threadpoolctl import threadpool_info

    found = ({key: value for key, value in pool.items() if key != "filepath"} for pool in threadpool_info())
    return sorted(found, key=repr)  # they come in the order in which they were loaded, another one in every process


def packages() -> dict[str, str]:
    """Installed packages and their versions, by name."""
    found = ((each.metadata["Name"], each.version) for each in importlib.metadata.distributions())
    return dict(sorted((name, version) for name, version in found if name))
