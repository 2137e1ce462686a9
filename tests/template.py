"""The small project as tests and benchmarks use it: with real data under a data.dvc, split, and committed."""

import shutil
from pathlib import Path

from folders import commit, git, inside, shipped_data
from launching import launch

from receipts.provenance.checksums import folder_md5

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("digits.csv.gz", "diabetes_data_raw.csv.gz", "diabetes_target.csv.gz")


def small(folder: Path) -> Path:
    """Make the project."""
    shutil.copytree(ROOT / "tests" / "projects" / "small", folder)
    for script in ("train.py", "eval.py", "ablate.py"):
        shutil.copy(ROOT / script, folder)
    shipped_data(folder, *SHIPPED)
    git(folder, "init", "-q", "-b", "main")
    pointer = "outs:\n- md5: {}\n  hash: md5\n  path: data\n"
    (folder / "data.dvc").write_text(pointer.format(folder_checksum(folder)))
    for name in ("digits", "diabetes", "lazy", "module"):
        assert (done := launch(folder, "receipts", "split", name)).code == 0, done.err
    commit(folder, "start")
    return folder


def reporting(folder: Path) -> Path:
    """The same with report.py in it."""
    shutil.copy(ROOT / "report.py", folder)
    commit(folder)
    return folder


def folder_checksum(folder: Path) -> str:
    """MD5 of the data as DVC has it."""
    with inside(folder):
        return folder_md5(Path("data"))
