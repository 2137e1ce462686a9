"""What Lightning modules may do, and that the number is always that of the weights that were kept."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from launching import launch

from receipts.evaluation.storage import read
from receipts.training import checkpoints

LAST = "fit.callbacks=[{_target_: lab.odd.Last}]"
UNLEARNT = "+waive={beats-the-floor: nothing is to be learnt here}"
SPOILT = "fit.callbacks=[{_target_: lab.odd.Last}, {_target_: lab.odd.Spoil, epoch: 3}]"
EMA = "{_target_: lightning.pytorch.callbacks.EMAWeightAveraging, decay: 0.9}"
LOOK = '''
"""Fit and predict, and say what is left on the module."""

import sys
from pathlib import Path

from receipts.config.compose import compose
from receipts.data import manifest
from receipts.data.opening import open_splits
from receipts.training.method import Site, build_method

experiment = compose("conf=plain")
_, division = manifest.load(experiment.data)
train, val = open_splits(experiment, division, ("train", "val"), [])
method = build_method(experiment.config)
before = set(vars(method.module))
Path("look").mkdir()
checkpoint = method.fit(train, val, Site(Path("look")))
left = sorted(name for name in vars(method.module) if name in ("log", "validation_step"))
method.load(Path("look"), checkpoint)
once, again = method.predict(val), method.predict(val)
print("left", left, type(method.module).__name__, (once == again).all(), method.model().training)
'''


@pytest.fixture(scope="module")
def plain(train: Any) -> Any:
    return train("conf=plain", LAST, "fit.epochs=6")


def accuracy(run: Any) -> float:
    """The harness's number by hand: the stored predictions, nothing else."""
    table = read(run.folder / "predictions/val.parquet")
    assert table.probabilities is not None
    return float(np.mean(table.probabilities.argmax(1) == table.targets))


@pytest.mark.parametrize(("metric", "better"), [("accuracy", "max"), ("nll", "min")])
def test_the_best_epoch_is_kept_and_its_number_is_that_of_its_weights(train: Any, metric: str, better: str) -> None:
    run = train("conf=plain", SPOILT, "fit.epochs=4", f"fit.select.metric={metric}", "model.lr=1")
    seen = [float(row[f"val/{metric}"]) for row in run.history]
    best = int(np.argmax(seen) if better == "max" else np.argmin(seen))
    assert best < 3, "the last epoch was the best one, so nothing was shown"
    checkpoint = run.record["checkpoint"]
    assert checkpoint["epoch"] == best + 1
    assert checkpoint["rule"] == f"{better} val {metric}"
    assert run.value(metric) == seen[best]  # to the last digit
    assert run.value("accuracy") == accuracy(run)
    assert sorted(checkpoints.state_of(run.folder / checkpoint["file"], checkpoint["weights"])) == [
        "layer.bias",
        "layer.weight",
    ]
    assert checkpoint["weights"] != checkpoints.weights_hash(run.last["state_dict"])


def test_patience_ends_training(train: Any) -> None:
    run = train("conf=plain", "model.lr=1e-12", "fit.epochs=9", "fit.select.patience=2", LAST, UNLEARNT)
    assert [row["epoch"] for row in run.history] == ["1", "2", "3"]
    assert run.last["steps"] == 3 * 17
    assert run.record["checkpoint"]["epoch"] == 1


def test_schedules_may_wait_for_the_harness(train: Any) -> None:
    run = train("conf=plain", "model={lr: 1.0e-12, plateau: true}", "fit.epochs=4", LAST, UNLEARNT)
    rates = [float(row["learning_rate"]) for row in run.history]
    np.testing.assert_allclose(rates, [1e-12, 1e-12, 1e-13, 1e-14])  # as it was while the epoch was trained


def test_accumulated_batches_are_one_step(train: Any) -> None:
    run = train("conf=plain", LAST, "fit.accumulate=2")
    assert [row["step"] for row in run.history] == ["9", "18"]  # 17 batches, and the last one alone
    assert run.last["steps"] == 18
    assert run.record["world"]["global_batch"] == 128
    assert "batch    128 samples an optimizer step" in run.ended.out


def test_clipped_gradients_are_short_steps(train: Any, plain: Any) -> None:
    run = train("conf=plain", LAST, "fit.clip_norm=1e-4", "model.lr=1", UNLEARNT)
    assert 0 < run.last["moved"] <= 34 * 1e-4 * 1.001
    assert plain.last["moved"] > 0.1
    assert float(run.history[0]["gradient_norm"]) > 1e-2  # as it was before clipping


def test_no_epoch_scores_the_model_as_it_was_made(train: Any, plain: Any) -> None:
    run = train("conf=plain", "fit.epochs=0", UNLEARNT)
    record = run.record
    assert record["checkpoint"]["file"] == "checkpoints/init.ckpt"
    assert record["checkpoint"]["rule"] == "no epoch was trained"
    assert record["checkpoint"]["epoch"] is None
    assert run.check("selected-is-scored") == "not applicable"
    assert record["warnings"] == ["fit.epochs is 0: the model is scored as it was initialised"]
    assert run.value("accuracy") < plain.value("accuracy")
    again = train("conf=plain", "fit.epochs=0", "seed=1", UNLEARNT)
    assert again.record["checkpoint"]["weights"] != record["checkpoint"]["weights"]


def test_epochs_that_were_never_validated_are_not_passed_off_as_the_first(train: Any) -> None:
    run = train("conf=plain", LAST, "fit.epochs=1", "fit.validate_every=2")
    checkpoint = run.record["checkpoint"]
    assert run.last["steps"] == 17
    assert checkpoint["weights"] == checkpoints.weights_hash(run.last["state_dict"])
    assert checkpoint["rule"] == "the last weights: val was never scored"
    assert checkpoint["file"] == "checkpoints/last.ckpt"
    assert run.value("accuracy") == accuracy(run)


def test_averaged_weights_are_those_that_are_scored_and_kept(train: Any) -> None:
    words = ("conf=net", "fit.epochs=3")
    raw = train(*words, LAST)
    run = train(*words, f"fit.callbacks=[{EMA}]")
    assert run.check("selected-is-scored") == "pass"
    epoch = run.record["checkpoint"]["epoch"]
    assert run.value("nll") == float(run.history[epoch - 1]["val/nll"])
    assert [row["loss"] for row in run.history] == [row["loss"] for row in raw.history]  # training is as it was
    assert [row["val/nll"] for row in run.history] != [row["val/nll"] for row in raw.history]
    assert run.record["checkpoint"]["weights"] != raw.record["checkpoint"]["weights"]


def test_half_precision_scores_alike_while_training_and_afterwards(train: Any) -> None:
    run = train("conf=talkative", "fit.precision=bf16-mixed", "fit.select.metric=nll")
    epoch = run.record["checkpoint"]["epoch"]
    assert run.value("nll") == float(run.history[epoch - 1]["val/nll"])
    assert run.value("accuracy") == float(run.history[epoch - 1]["val/accuracy"])
    assert run.record["world"]["precision"] == "bf16-mixed"
    assert run.check("selected-is-scored") == "pass"


def test_a_softmax_in_half_precision_does_not_sum_to_one(train: Any) -> None:
    """Lightning runs predict_step under autocast; on a CPU that rounds probabilities to three digits."""
    ended = train("conf=plain", "fit.precision=bf16-mixed", code=3)
    assert 'return {"logits": self(x)}' in ended.ended.err


def test_named_outputs_are_unpacked_and_further_ones_kept(train: Any, plain: Any) -> None:
    named = train("conf=talkative", "fit.epochs=6")
    table = read(named.folder / "predictions/val.parquet")
    assert table.metadata["margin"].shape == (359,)
    assert table.metadata["hidden"].shape == (359, 3)
    assert named.value("accuracy") == plain.value("accuracy")
    assert named.record["checkpoint"]["weights"] == plain.record["checkpoint"]["weights"]


def test_a_module_that_writes_into_its_batches_spoils_nothing(train: Any) -> None:
    run = train("conf=greedy", "fit.epochs=3", "fit.select.metric=nll")
    assert run.check("selected-is-scored") == "pass"
    epoch = run.record["checkpoint"]["epoch"]
    assert run.value("nll") == float(run.history[epoch - 1]["val/nll"])


def test_inputs_may_have_names_and_indices_stay_whole_numbers(train: Any, bench: Path) -> None:
    run = train("conf=halves")
    assert run.value("accuracy") == accuracy(run)
    assert (done := launch(bench, "eval.py", f"run_id={run.folder.name}")).code == 0, done.err
    assert run.value("accuracy", "test") > 0.1


def test_targets_may_be_maps(train: Any) -> None:
    run = train("conf=blur")
    table = read(run.folder / "predictions/val.parquet")
    assert table.targets is not None
    assert table.value is not None
    assert table.value.shape == table.targets.shape == (359, 8, 8)
    found = float(np.sqrt(np.mean((table.value.astype(np.float64) - table.targets) ** 2)))
    assert run.value("rmse") == pytest.approx(found, rel=1e-12)


def test_operations_without_a_deterministic_form_are_recorded_or_end_the_run(train: Any) -> None:
    run = train("conf=unpinnable", "fit.deterministic=warn")
    assert run.record["world"]["nondeterministic_ops"] == ["put_"]
    assert run.record["world"]["deterministic"] == "warn"
    ended = train("conf=unpinnable", code=1)
    assert ended.record["status"] == "failed"
    assert "put_ does not have a deterministic implementation" in ended.record["failure"]["reason"]
    assert train("conf=unpinnable", "fit.deterministic=false").record["world"]["nondeterministic_ops"] == []


def test_the_names_of_the_harness_are_its_own(train: Any) -> None:
    ended = train("conf=usurper", code=3)
    assert "the module logs 'val/accuracy'" in ended.ended.err
    assert "log it as val_batch/accuracy" in ended.ended.err


def test_the_module_comes_back_as_it_was(bench: Path) -> None:
    (bench / "look.py").write_text(LOOK)
    done = launch(bench, "look.py")
    assert done.code == 0, done.err
    assert "left [] Plain True False" in done.out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["fit.precision=banana"], "fit.precision is 'banana'"),
        (["fit.epochs=null"], "the experiment does not state fit.epochs"),
        (["fit.batch_size=null"], "the experiment does not state fit.batch_size"),
        (["limit.rows=3", "fit.select.metric=auroc"], "val has no auroc, by which the epoch is selected"),
        (["fit.callbacks=[{_target_: torch.nn.ReLU}]"], "ReLU is no callback"),
        (["fit.callbacks=[{_target_: lightning.pytorch.callbacks.RichProgressBar}]"], "has nothing to write to"),
    ],
)
def test_settings_that_lightning_would_stumble_over_are_refused(train: Any, words: list[str], what: str) -> None:
    ended = train("conf=plain", *words, code=3)
    assert what in ended.ended.err
    assert "Traceback" not in ended.ended.err
