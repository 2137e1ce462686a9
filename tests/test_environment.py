"""What a fresh clone is built from: pins, pipeline, data by checksum, and the papers of the project itself."""

import configparser
import hashlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CUDA = re.compile(r"^(nvidia|cuda|triton)")


def pins(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if not line.startswith("-c ")]


def version(pin: Requirement) -> str:
    """The one version a pin allows."""
    (spec,) = pin.specifier
    assert spec.operator == "==", f"{pin} is not exact"
    assert "*" not in spec.version, f"{pin} is not exact"
    return spec.version


def load(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text())


def ranges() -> list[Requirement]:
    return [Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]]


# --- pins ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ranges(), ids=lambda wanted: wanted.name)
def test_the_lock_pins_what_pyproject_asks_for(wanted: Requirement) -> None:
    found = [version(pin) for pin in pins("requirements.lock") if pin.name.lower() == wanted.name.lower()]
    assert found, f"{wanted.name} is not in the lock: make lock"
    assert all(wanted.specifier.contains(each) for each in found)


def test_conda_installs_the_lock_itself() -> None:
    python, pip, section = load("environment.yml")["dependencies"]
    assert section == {"pip": ["-r requirements.lock", "-e ."]}  # no second list of pins that could differ
    assert pip == "pip"
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))


def test_cuda_libraries_are_constraints_and_install_nothing() -> None:
    assert (ROOT / "requirements.lock").read_text().splitlines()[0] == "-c cuda.txt"
    assert [pin.name for pin in pins("requirements.lock") if CUDA.match(pin.name)] == []
    assert [pin.name for pin in pins("cuda.txt") if not CUDA.match(pin.name)] == []
    assert all(version(pin) for pin in pins("cuda.txt"))


def test_pins_exist_on_every_registry() -> None:
    assert [str(pin) for pin in pins("requirements.lock") if "+" in version(pin)] == []


@pytest.mark.parametrize("name", ["requirements.lock", "cuda.txt", "environment.yml", "Makefile"])
def test_no_index_address(name: str) -> None:
    assert not re.search(r"://|index-url|--find-links| @ ", (ROOT / name).read_text())


@pytest.mark.parametrize(
    ("name", "versions"),
    [("lightning", ["2.6.2", "2.6.3"]), ("mlflow", ["3.18.0"])],  # malicious; does not install
)
def test_bad_releases_are_excluded_everywhere(name: str, versions: list[str]) -> None:
    (wanted,) = (each for each in ranges() if each.name == name)
    family = {name, f"pytorch-{name}", f"{name}-skinny", f"{name}-tracing"}
    locked = {version(pin) for pin in pins("requirements.lock") if pin.name in family}
    for bad in versions:
        assert not wanted.specifier.contains(bad)
        assert bad not in locked


# --- the Makefile ----------------------------------------------------------------------------------------------------


def dry(*verbs: str, **variables: str) -> str:
    """What make would do, from nothing."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    command = ["make", "--dry-run", "--always-make", *verbs]
    return subprocess.run(command, cwd=ROOT, env=kept | variables, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("verb", "tool"),
    [
        ("env", "pip install"),
        ("repro", "dvc repro --no-run-cache"),
        ("test", 'pytest -m "not slow"'),
        ("test-all", "pytest\n"),
        ("check", "pre-commit run --all-files"),
        ("smoke", "train.py conf=$conf preset=smoke"),
        ("lock", "uv pip compile"),
    ],
)
def test_each_verb_calls_the_real_tool(verb: str, tool: str) -> None:
    assert tool in dry(verb)


def test_find_links_decide_which_torch() -> None:
    assert "--torch-backend" not in dry("env", PIP_FIND_LINKS="wheels more")
    assert "--torch-backend auto" in dry("env")
    assert "--torch-backend cpu" in dry("env", UV_TORCH_BACKEND="cpu")


def test_byte_code_is_written() -> None:
    assert "unexport PYTHONDONTWRITEBYTECODE" in (ROOT / "Makefile").read_text()
    assert "unset PYTHONDONTWRITEBYTECODE" in (ROOT / ".ci/run").read_text()


# --- the pipeline and its data ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not (ROOT / "conf/baseline.yaml").exists(), reason="the shipped experiments were deleted")
def test_stages_name_files_that_exist() -> None:
    stages = load("dvc.yaml")["stages"]["experiment"]
    for item in stages["foreach"]:
        files = [path.replace("${item}", item) for path in stages["do"]["deps"]]
        assert [path for path in files if path != "data" and not (ROOT / path).exists()] == []
    assert "data" in stages["do"]["deps"]


def test_compiled_code_makes_no_stage_stale() -> None:
    assert {"__pycache__/", "*.egg-info/"} <= set((ROOT / ".dvcignore").read_text().splitlines())


def default_remote() -> str:
    config = configparser.ConfigParser()
    config.read(ROOT / ".dvc/config")
    return config["core"]["remote"]


def test_the_bundled_remote_holds_the_bytes_that_data_dvc_names() -> None:
    (named,) = load("data.dvc")["outs"]
    if default_remote() != "bundled":
        pytest.skip("this project keeps its data in a remote of its own")
    store = ROOT / ".dvc/bundled/files/md5"
    held = {path.parent.name + path.name: path for path in store.glob("*/*")}
    assert named["md5"] in held
    for name, path in held.items():
        assert hashlib.md5(path.read_bytes()).hexdigest() == name.removesuffix(".dir")


def test_dvc_stays_at_home() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".dvc/config")
    assert config["core"]["analytics"] == config["core"]["check_update"] == "false"
    urls = [config[section]["url"] for section in config.sections() if "bundled" in section]
    assert default_remote() != "bundled" or urls == ["bundled"]  # relative to .dvc/: every clone has its own


# --- the project as a project ----------------------------------------------------------------------------------------


def test_hooks_run_what_the_environment_holds() -> None:
    for repository in load(".pre-commit-config.yaml")["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            tool = Path(hook["entry"].split()[0])
            if tool == Path("make"):
                continue
            assert tool.parent == Path(".venv/bin")
            assert (Path(sys.prefix) / "bin" / tool.name).exists()


def test_the_gate_can_be_run() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_citation_names_this_version() -> None:
    citation = load("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]


def test_experiments_have_a_place_for_rows_and_one_for_notes() -> None:
    text = (ROOT / "EXPERIMENTS.md").read_text()
    before, rows, notes = re.split(r"<!-- receipts:(?:begin|end) -->\n", text)
    assert rows.splitlines()[0] == (
        "| run_id | config | data version | commit | seeds | metric ± interval | verdict | notes |"
    )
    assert before.strip()
    assert notes.strip()
