"""F4 and F5: how long people wait before something happens, and what is imported meanwhile.

python benchmarks/start.py [F4] [F5] [imports] [ROUNDS]      (all three and 7 unless said)
"""

import os
import subprocess
import sys

from measure import clone, compare, middle, python, tell

HEAVY = ("torch", "lightning", "mlflow", "pandas", "numpy", "sklearn", "torchmetrics", "pyarrow", "scipy")


def first_step(place, rounds: int) -> None:
    """F4: command to first training step, pre-flight included, against importing Lightning alone."""
    ours, theirs = compare(
        lambda n: python(place, "train.py", "conf=baseline", f"seed={100 + n}", "fit.epochs=1", until="step 1/"),
        lambda n: python(place, "-c", "import lightning.pytorch"),
        rounds,
    )
    pairs = [a[0] / b[0] for a, b in zip(ours, theirs, strict=True)]
    tell(
        "F4",
        what="first step / import lightning.pytorch",
        ratio=round(middle(ours) / middle(theirs), 3),
        ratios=[round(ratio, 3) for ratio in pairs],
        seconds=round(middle(ours), 2),
        against=round(middle(theirs), 2),
        goal="<= 1.5",
    )


def without_work(place, rounds: int) -> None:
    """F5: a skip, a refusal and `--help`, each against importing Hydra."""
    python(place, "train.py", "conf=floor")
    cases = {
        "skip": (("train.py", "conf=floor"), 0),
        "refusal": (("train.py", "model.dropuot=0"), 3),
        "help": (("train.py", "--help"), 0),
    }
    for name, (words, code) in cases.items():
        ours, theirs = compare(
            lambda n, words=words, code=code: python(place, *words, code=code),
            lambda n: python(place, "-c", "import hydra"),
            rounds,
        )
        tell(
            f"F5 {name}",
            seconds=round(middle(ours), 3),
            against=round(middle(theirs), 3),
            more=round(middle(ours) - middle(theirs), 3),
            mores=[round(a[0] - b[0], 3) for a, b in zip(ours, theirs, strict=True)],
            cpu=round(middle(ours, 1), 3),
            goal="<= 0.5 more",
            heavy=imported(place, *words),
        )


def imported(place, *words: str) -> list[str]:
    """Which heavy packages a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    names = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    return sorted(name for name in names if name in HEAVY)


def stages(place) -> None:
    """What each stage of train.py imports, in milliseconds: the top-level modules in the order of their cost."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "train.py", "conf=baseline", "preset=smoke", "rerun=true"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    cost: dict[str, float] = {}
    for line in done.stderr.splitlines():
        if not line.startswith("import time:") or "self" in line:
            continue
        own, _, name = (part.strip() for part in line.removeprefix("import time:").split("|"))
        package = name.split(".")[0]
        cost[package] = cost.get(package, 0.0) + int(own) / 1000
    top = sorted(cost.items(), key=lambda entry: -entry[1])[:12]
    tell(
        "imports of train.py", milliseconds={name: round(value) for name, value in top}, total=round(sum(cost.values()))
    )


if __name__ == "__main__":
    parts = {"F5": without_work, "F4": first_step, "imports": lambda place, _: stages(place)}
    given = [word for word in sys.argv[1:] if word in parts]
    with clone() as place:
        for part in given or parts:
            parts[part](place, next((int(word) for word in sys.argv[1:] if word.isdigit()), 7))
