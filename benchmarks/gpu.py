"""What can only be measured on a GPU: the same bits twice, its cost, half precision, and F1 with data on the device.

python benchmarks/gpu.py      (needs a GPU and Fashion-MNIST, docs/datasets.md; 10 minutes or so; refused without a GPU)
"""

import json
import statistics
import subprocess
import sys

from measure import ROOT, tell
from throughput import ROWS
from turns import epochs

from receipts.config.devices import gpus
from receipts.refusal import Refusal
from receipts.refusal import tell as tell_refusal

CONF, EPOCHS, ROUNDS = "fashion_cnn", 3, 5
AGAIN = ("rerun=true", "allow_dirty=true")
VARIANTS = {
    "fp32": (),
    "bf16": ("preset=bf16",),
    "fp32, not deterministic": ("fit.deterministic=false",),
    "bf16, not deterministic": ("preset=bf16", "fit.deterministic=false"),
}


def weights(number: int, *words: str) -> tuple[str, dict, float]:
    """The hash of the weights that a run kept, its world, and its val accuracy."""
    stated = (f"conf={CONF}", f"fit.epochs={EPOCHS}", f"seed={number}", f"limit.rows={ROWS[CONF]}", "trainer=gpu")
    command = [sys.executable, "train.py", *stated, *AGAIN, *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    newest = max((ROOT / "runs").glob(f"*-{CONF}-s{number}-*/record.json"), key=lambda path: path.stat().st_mtime)
    record = json.loads(newest.read_text())
    return record["checkpoint"]["weights"], record["world"], record["scores"][0]["metrics"]["accuracy"]["value"]


def same_bits() -> None:
    """Every variant twice; the deterministic ones must give the same bits."""
    for name, words in VARIANTS.items():
        (first, world, accuracy), (again, *_) = weights(0, *words), weights(0, *words)
        tell(
            "GPU-determinism",
            variant=name,
            device=world["device"],
            same=first == again,
            accuracy=accuracy,
            ops=world["nondeterministic_ops"],
            backend=world["backend"],
            goal="" if "not" in name else "same is true",
        )


def speed() -> None:
    """Seconds per epoch of every variant, against a plain loop on the same GPU, in turn."""
    kinds = ("dataloader-gpu", "sliced-gpu")
    stated = [f"conf={CONF}", f"fit.epochs={ROUNDS + 1}", f"limit.rows={ROWS[CONF]}", "trainer=gpu", *AGAIN]
    plain = str(ROOT / "benchmarks" / "plain_loop.py")
    commands = {name: (ROOT, ["benchmarks/turns.py", "train.py", *stated, *words]) for name, words in VARIANTS.items()}
    commands |= {kind: (ROOT, [plain, CONF, kind, str(ROUNDS + 1), str(ROWS[CONF])]) for kind in kinds}
    times = epochs(commands, ROUNDS)
    middle = {name: statistics.median(wall for wall, _ in values) for name, values in times.items()}
    tell(
        "GPU-F1",
        seconds_per_epoch={name: round(value, 4) for name, value in middle.items()},
        ratio={kind: round(middle[kind] / middle["fp32"], 3) for kind in kinds},
        cost_of_determinism=round(middle["fp32"] / middle["fp32, not deterministic"], 3),
        bf16=round(middle["fp32"] / middle["bf16"], 3),
        goal=">= 1.0 against dataloader-gpu",
    )


if __name__ == "__main__":
    if not gpus():
        none = "nvidia-smi lists none, or CUDA_VISIBLE_DEVICES hides all of them"
        sys.exit(tell_refusal(Refusal("there is no GPU here", none, "run this where there is one: docs/gpu.md")))
    same_bits()
    speed()
