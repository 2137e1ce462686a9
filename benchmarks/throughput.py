"""F1 and F2: epochs of training with everything on, against a plain loop on the same model, data and threads.

python benchmarks/throughput.py [F1] [F2] [ROUNDS]      (both and 9 unless said; needs Fashion-MNIST, docs/data.md, and
an idle machine: threads that wait for a core wait spinning, and make a step thirty times as long)
"""

import statistics
import sys

from measure import ROOT, tell
from turns import epochs, ratios

ROWS = {"fashion_cnn": 6_400, "fashion_mlp": 50_000}  # of each split; the small network is through all in a second
FIGURES = {
    "F1": ("fashion_cnn", {"dataloader": ">= 1.0"}),
    "F2": ("fashion_mlp", {"dataloader": ">= 1.2", "sliced": ">= 0.8"}),
}


def figure(name: str, rounds: int) -> None:
    """Ratios of throughput, an epoch of each in turn."""
    conf, kinds = FIGURES[name]
    rows = ROWS[conf]
    words = [f"conf={conf}", f"fit.epochs={rounds + 1}", f"limit.rows={rows}", "fit.select.patience=null"]
    plain = str(ROOT / "benchmarks" / "plain_loop.py")
    commands = {"ours": (ROOT, ["benchmarks/turns.py", "train.py", *words, "rerun=true", "allow_dirty=true"])}
    commands |= {kind: (ROOT, [plain, conf, kind, str(rounds + 1), str(rows)]) for kind in kinds}
    times = epochs(commands, rounds)
    middle = {
        key: [round(statistics.median(entry[at] for entry in values), 3) for at in (0, 1)]
        for key, values in times.items()
    }
    for kind, goal in kinds.items():
        found = ratios(times["ours"], times[kind])
        tell(
            name,
            conf=conf,
            against=kind,
            ratio=statistics.median(found),
            ratios=found,
            cpu_ratio=statistics.median(ratios(times["ours"], times[kind], 1)),
            seconds_per_epoch={key: wall for key, (wall, _) in middle.items()},
            cpu_per_epoch={key: cpu for key, (_, cpu) in middle.items()},
            goal=goal,
        )


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if word in FIGURES]
    for each in given or FIGURES:
        figure(each, next((int(word) for word in sys.argv[1:] if word.isdigit()), 9))
