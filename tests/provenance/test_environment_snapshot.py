"""environment.json: real facts, nulls for what is missing, and nothing that was not asked for."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from receipts.provenance import environment


def test_the_facts_are_those_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("requirements.lock").write_text("torch==2.13.0\n")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = json.loads(json.dumps(environment.snapshot(2)))
    assert found["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert found["system"]["name"] == os.uname().sysname
    assert found["lock"]["sha256"] == sha256(b"torch==2.13.0\n").hexdigest()
    assert found["packages"]["msgspec"] == version("msgspec")
    assert found["cpu"]["cores"] == os.cpu_count()
    assert 0 < found["cpu"]["usable_cores"] <= os.cpu_count()
    assert found["cpu"]["memory_mib"] > 100
    assert found["threads"] == 2
    assert found["variables"]["OMP_NUM_THREADS"] == "3"


def test_only_allowed_variables_are_recorded_and_no_lock_is_null(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "open sesame")
    found = environment.snapshot(None)
    assert set(found["variables"]) == set(environment.VARIABLES)
    assert "open sesame" not in json.dumps(found)
    assert found["lock"]["sha256"] is None


def test_torch_is_asked_only_when_it_is_there() -> None:
    code = (
        "import json, sys\nfrom receipts.provenance import environment as e\n"
        "before = e.snapshot(1)\nassert 'torch' not in sys.modules\nassert before['backend'] == {}\n"
        "import torch\ntorch.use_deterministic_algorithms(True, warn_only=True)\ntorch.set_num_threads(1)\n"
        "print(json.dumps(e.snapshot(1)))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["backend"]["are_deterministic_algorithms_enabled"] is True
    assert found["backend"]["is_deterministic_algorithms_warn_only_enabled"] is True
    assert found["backend"]["get_num_threads"] == 1
    assert found["backend"]["get_default_dtype"] == "torch.float32"
    assert found["backend"]["backends.cudnn.benchmark"] is False
    assert set(found["backend"]) == set(environment.FLAGS)
    assert any(pool["user_api"] == "openmp" for pool in found["pools"])


def test_a_switch_that_torch_will_not_report_is_null(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise RuntimeError("mixed use of the legacy and new APIs")

    monkeypatch.setitem(
        sys.modules, "torch", SimpleNamespace(get_float32_matmul_precision=refuse, get_num_threads=lambda: 4)
    )
    flags = environment.backend_flags()
    assert flags["get_float32_matmul_precision"] is None
    assert flags["backends.cudnn.benchmark"] is None
    assert flags["get_num_threads"] == 4


def test_gpus_come_from_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA H200, 143771, 570.86.15'\necho 'NVIDIA H200, [N/A], 570.86.15'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = environment.gpu()
    assert found["models"] == ["NVIDIA H200", "NVIDIA H200"]
    assert found["memory_mib"] == [143771, None]
    assert found["driver"] == "570.86.15"
    tool.write_text("#!/bin/sh\necho 'no driver'\nexit 9\n")
    assert environment.gpu()["models"] is None
    monkeypatch.setenv("PATH", "")
    assert environment.gpu()["models"] is None
