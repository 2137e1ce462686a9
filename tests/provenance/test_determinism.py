"""Seeds derived by name, generators pinned, and operations that cannot be pinned told."""

import os
import random
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from receipts.provenance import determinism
from receipts.provenance.determinism import derive, pin_backend, seed_globals, watched


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Leave the process's own switches alone."""
    threads, algorithms = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(algorithms)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32 = cudnn
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])


def test_streams_are_pinned_for_all_time() -> None:
    """Whoever changes these makes every recorded seed a lie."""
    assert derive("init", 0) == 1972644149930995479
    assert derive("init", 1) == 8239638002230139200
    assert derive("order", 0, 0) == 4876581156571347824
    assert derive("step", 0, 0, 3, 7) == 5250889928699370044
    assert derive("augment", 0, 0, 3, 7) == 2156232304716427195
    assert determinism.streams(0)["init"] == "derive('init', 0) = 1972644149930995479"


def test_streams_are_distinct_and_fit_every_generator() -> None:
    names = ("init", "order", "step", "augment", "estimator", "read", "epoch", "start", "move")
    found = [derive(name, *numbers) for name in names for numbers in ((0,), (1,), (0, 1), (1, 0), (0, 0, 1), (11,))]
    assert len(set(found)) == len(found)
    assert all(0 <= seed < 2**63 for seed in found)
    assert derive("order", 1, 11) != derive("order", 11, 1)
    assert set(determinism.streams(0)) == set(names)


def draws() -> tuple[float, ...]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_one_seed_drives_python_numpy_and_torch(seed: int) -> None:
    seed_globals(seed)
    first = draws()
    assert draws() != first
    seed_globals(seed)
    assert draws() == first
    torch.manual_seed(seed)
    assert first[2] == float(torch.rand(()))  # the stream is torch's own


def test_zero_is_a_seed() -> None:
    seed_globals(0)
    zero = draws()
    seed_globals(1)
    assert draws() != zero
    seed_globals(0)
    assert draws() == zero


def unpinnable() -> None:
    """`put_` without accumulation has no deterministic form: two rows may go to one place."""
    torch.zeros(3).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))


def test_warn_collects_each_operation_once_and_lets_other_warnings_through() -> None:
    pin_backend("warn", threads=1)
    with warnings.catch_warnings(record=True) as others, watched() as found:
        warnings.simplefilter("always")
        unpinnable()
        unpinnable()
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert found == ["put_"]
    assert [str(other.message) for other in others] == ["something else"]


def test_true_raises_and_false_is_silent() -> None:
    pin_backend(True, threads=1)
    with watched() as found, pytest.raises(RuntimeError, match="put_ does not have a deterministic implementation"):
        unpinnable()
    pin_backend(False, threads=1)
    with watched() as found:
        unpinnable()
    assert found == []


@pytest.mark.parametrize("deterministic", [True, "warn", False])
def test_every_switch_is_set_whatever_it_was_before(deterministic: bool | str) -> None:
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = True
    pin_backend(deterministic, threads=1)
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled() is (deterministic is not False)
    assert torch.is_deterministic_algorithms_warn_only_enabled() is (deterministic == "warn")
    assert torch.backends.cudnn.deterministic is (deterministic is not False)
    assert not torch.backends.cudnn.benchmark
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def test_cublas_is_told_before_cuda_starts_unless_the_user_has_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    determinism.prepare()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    determinism.prepare()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"
