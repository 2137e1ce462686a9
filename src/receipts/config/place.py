"""Which process this is of those that train together, as torchrun or srun say in the environment of each.

Elsewhere a fit of several processes is started by a person as one command, which starts the others itself.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from receipts.refusal import Refusal

VARIABLES = (  # what launchers say to the processes of one fit; whatever starts a fit of its own takes them away
    *("RANK", "LOCAL_RANK", "GROUP_RANK", "NODE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"),
    *("TORCHELASTIC_RUN_ID", "TORCHELASTIC_USE_AGENT_STORE", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID"),
    *("SLURM_NTASKS", "SLURM_NTASKS_PER_NODE", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NUM_NODES"),
)


@dataclass(frozen=True)
class Place:
    """One process of `world` on `nodes` machines; `local` is its number on its own machine.

    `launcher` is `torchrun` or `srun` where one of them started every process; `port` is where they meet otherwise.
    """

    rank: int = 0
    world: int = 1
    local: int = 0
    nodes: int = 1
    launcher: str = ""
    port: int = 0


ALONE = Place()


def place(environment: Mapping[str, str] = os.environ) -> Place:
    """Where the environment says that this process stands; alone where no launcher started more than one."""
    tasks = int(environment.get("SLURM_STEP_NUM_TASKS", 1))  # absent in a batch script, which runs once
    if "TORCHELASTIC_RUN_ID" in environment and (world := int(environment["WORLD_SIZE"])) > 1:
        nodes = world // int(environment["LOCAL_WORLD_SIZE"])
        return Place(int(environment["RANK"]), world, int(environment["LOCAL_RANK"]), nodes, "torchrun")
    if tasks > 1:
        nodes = int(environment.get("SLURM_STEP_NUM_NODES", 1))
        return Place(int(environment["SLURM_PROCID"]), tasks, int(environment["SLURM_LOCALID"]), nodes, "srun")
    return ALONE


def refuse_misplaced(processes: int, nodes: int, here: Place) -> None:
    """Refuse to train unless there are as many processes and machines as `trainer` says, `processes` on each."""
    each = f"torchrun --nnodes={nodes} --nproc-per-node={processes} --node-rank=K --master-addr=HOST train.py …"
    if not here.launcher and nodes > 1:
        raise Refusal(
            f"trainer.nodes is {nodes}, and nobody has started the other nodes",
            "a command on one machine cannot start processes on another: torchrun or srun do that",
            f"on node K: {each}      (srun: docs/distributed.md)",
        )
    if here.launcher and (here.nodes, here.world) != (nodes, processes * nodes):
        started = f"{here.launcher} started {here.world} processes on {here.nodes} {plural('node', here.nodes)}"
        raise Refusal(
            f"{started}, and the experiment asks for {processes} on each of {nodes}",
            "trainer.processes counts those on one node, trainer.nodes the nodes",
            f"trainer.processes={here.world // here.nodes} trainer.nodes={here.nodes}      (or {each})",
        )


def refuse_crowd(script: str, here: Place) -> None:
    """Refuse a script that would do the same thing in every process that a launcher started."""
    if here.launcher:
        raise Refusal(
            f"{here.launcher} started {here.world} processes of {script}",
            "each of them would do the whole work; only train.py shares it with the others",
            f"python {script} …      (eval.py processes=N starts its own)",
        )


def plural(word: str, n: int) -> str:
    """The word as its number wants it."""
    return word if n == 1 else f"{word}s"


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
