"""Who a process is, by what launchers say in its environment."""

import pytest

from receipts.config.place import ALONE, Place, place, refuse_misplaced
from receipts.refusal import Refusal

TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
SLURM = {"SLURM_NTASKS": "6", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NNODES": "2"}  # of a batch script
STEP = {**SLURM, "SLURM_STEP_NUM_TASKS": "6", "SLURM_STEP_NUM_NODES": "2", "SLURM_PROCID": "4", "SLURM_LOCALID": "1"}


@pytest.mark.parametrize(
    ("environment", "here"),
    [
        ({}, ALONE),
        (TORCHRUN, Place(3, 4, 1, 2, "torchrun")),
        ({**TORCHRUN, "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"}, ALONE),
        (SLURM, ALONE),
        (STEP, Place(4, 6, 1, 2, "srun")),
        ({**STEP, "SLURM_STEP_NUM_TASKS": "1"}, ALONE),
        ({**STEP, **TORCHRUN}, Place(3, 4, 1, 2, "torchrun")),
        ({"RANK": "1", "WORLD_SIZE": "2"}, ALONE),
    ],
)
def test_a_process_is_who_its_launcher_says(environment: dict[str, str], here: Place) -> None:
    assert place(environment) == here


@pytest.mark.parametrize(
    ("processes", "nodes", "here", "what"),
    [
        (2, 2, ALONE, "trainer.nodes is 2, and nobody has started the other nodes"),
        (2, 1, Place(0, 4, 0, 2, "torchrun"), "torchrun started 4 processes on 2 nodes, and the experiment asks for 2"),
        (4, 1, Place(0, 4, 0, 2, "srun"), "srun started 4 processes on 2 nodes, and the experiment asks for 4"),
        (1, 1, Place(0, 2, 0, 1, "srun"), "srun started 2 processes on 1 node, and"),
    ],
)
def test_more_or_fewer_processes_than_the_experiment_says_are_refused(
    processes: int, nodes: int, here: Place, what: str
) -> None:
    with pytest.raises(Refusal, match=what) as caught:
        refuse_misplaced(processes, nodes, here)
    assert "nodes" in caught.value.fix


@pytest.mark.parametrize(("processes", "nodes", "here"), [(2, 1, ALONE), (2, 2, Place(0, 4, 0, 2, "srun"))])
def test_as_many_as_it_says_are_not(processes: int, nodes: int, here: Place) -> None:
    refuse_misplaced(processes, nodes, here)
