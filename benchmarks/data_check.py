"""F8: is `data/` what data.dvc names? Ours against DVC's own check, on first sight and when nothing has changed since.

python benchmarks/data_check.py [FILES … | GIGABYTESg …]      (default: 1000 10000 100000 1g)
"""

import json
import os
import statistics
import subprocess
import sys
from math import log
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import ROOT, tell

ROUNDS = 5
OURS = """
import time
from pathlib import Path
from receipts.provenance.checksums import verify_folder
began = time.perf_counter()
verify_folder()
print(time.perf_counter() - began)
"""
DVC = """
import time
from dvc.repo import Repo
repo = Repo()
began = time.perf_counter()
assert repo.status(targets=["data.dvc"]) == {}
print(time.perf_counter() - began)
"""


def seconds(place: Path, program: str) -> float:
    """What one check took, its imports left out."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run([sys.executable, "-c", program], cwd=place, env=environment, check=True, capture_output=True)
    return float(done.stdout.split()[-1])


def forget(place: Path) -> None:
    """Take from both what they remember of earlier looks."""
    subprocess.run(["rm", "-rf", "runs/.checksums", ".dvc/tmp", ".dvc/site"], cwd=place, check=True)


def fill(place: Path, size: str) -> float:
    """Write a dataset of a number of small files, or of one large one; its size as a number."""
    data = place / "data"
    data.mkdir()
    if size.endswith("g"):
        with (data / "large.bin").open("wb") as file:
            for _ in range(int(float(size[:-1]) * 1024)):
                file.write(os.urandom(1 << 20))
        return float(size[:-1])
    for number in range(int(size)):
        folder = data / f"{number // 1000:04d}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number:07d}.bin").write_bytes(number.to_bytes(8, "little") * 64)
    return float(size)


def measured(size: str) -> dict[str, float]:
    """Median seconds of both checks, first and second look, in turn."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        fill(place, size)
        isolated = f"[core]\n    site_cache_dir = {place}/.dvc/site\n    analytics = false\n"
        for words in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
            subprocess.run(words, cwd=place, check=True)
        (place / ".dvc/config").write_text(isolated)
        subprocess.run([sys.executable, "-m", "dvc", "add", "-q", "data"], cwd=place, check=True)
        for words in (
            ["add", "data.dvc"],
            ["-c", "user.name=b", "-c", "user.email=b@example.org", "commit", "-qm", "b"],
        ):
            subprocess.run(["git", *words], cwd=place, check=True)
        times: dict[str, list[float]] = {"first": [], "dvc first": [], "second": [], "dvc second": []}
        for _ in range(ROUNDS):
            forget(place)
            times["first"].append(seconds(place, OURS))
            times["dvc first"].append(seconds(place, DVC))
            times["second"].append(seconds(place, OURS))
            times["dvc second"].append(seconds(place, DVC))
    return {name: statistics.median(values) for name, values in times.items()}


if __name__ == "__main__":
    sizes = sys.argv[1:] or ["1000", "10000", "100000", "1g"]
    found = {size: measured(size) for size in sizes}
    for size, times in found.items():
        tell(
            "F8",
            size=size,
            first=round(times["dvc first"] / times["first"], 3),
            second=round(times["dvc second"] / times["second"], 3),
            against_reading=round(times["dvc first"] / times["second"], 3),
            seconds={name: round(value, 4) for name, value in times.items()},
            goal="first >= 1, second >= 20 times as fast as DVC",
        )
    counted = [size for size in sizes if not size.endswith("g")]
    if len(counted) > 1:
        low, high = counted[0], counted[-1]
        growth = {
            name: round(log(found[high][name] / found[low][name]) / log(float(high) / float(low)), 2)
            for name in found[low]
        }
        tell("F8 growth", exponent=growth, sizes=json.loads(f"[{low}, {high}]"))
