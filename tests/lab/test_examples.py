"""The shipped experiments, presets, trainers, network and dataset: what the files say is what happens."""

import json
import re
from pathlib import Path

import pytest
import yaml
from folders import record, runs, write
from launching import launch

from receipts.config import reporting
from receipts.config.check import validate
from receipts.config.compose import compose, differences
from receipts.refusal import Refusal

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = sorted(path.stem for path in (ROOT / "conf").glob("*.yaml"))


@pytest.mark.parametrize("conf", EXPERIMENTS)
def test_every_experiment_composes_and_earns_no_warning(here: Path, conf: str) -> None:
    for preset in (path.stem for path in (here / "conf/preset").glob("*.yaml")):
        if preset == "bf16" and str(compose(f"conf={conf}").config.model["_target_"]).startswith("sklearn."):
            with pytest.raises(Refusal, match="preset bf16 sets"):
                validate(compose(f"conf={conf}", f"preset={preset}").config)
            continue
        found = compose(f"conf={conf}", f"preset={preset}")
        assert validate(found.config) == []
        assert found.config.purpose.endswith("?")


def test_trainers_hold_hardware_only(here: Path) -> None:
    plain = compose().values
    for name in (path.stem for path in (here / "conf/trainer").glob("*.yaml")):
        found = compose(f"trainer={name}", "trainer.processes=2" if name == "ddp" else "seed=0")
        assert validate(found.config) == []
        assert found.values | {"trainer": plain["trainer"]} == plain


def test_the_default_experiment_is_the_network_on_the_digits(here: Path) -> None:
    assert (compose().conf, compose().dataset, compose().preset) == ("baseline", "digits", ["full"])


@pytest.mark.parametrize("conf", EXPERIMENTS)
def test_the_scores_in_a_files_first_line_are_the_committed_ones(conf: str) -> None:
    head = (ROOT / "conf" / f"{conf}.yaml").read_text().splitlines()[0]
    assert head.startswith("# ")
    stated = re.search(r"(?i)accuracy val (?P<val>[\d.]+), test (?P<test>[\d.]+\d)", head)
    if stated is None:
        return
    results = json.loads((ROOT / "results" / f"{conf}.json").read_text())
    for split, number in stated.groupdict().items():
        assert f"{results[split]['accuracy']:.{len(number) - 2}f}" == number


def test_the_table_over_tasks_in_the_docs_can_be_pasted(here: Path) -> None:
    text = (ROOT / "docs/report.md").read_text(encoding="utf-8")
    (pasted,) = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "tasks:" in block]
    write(here, "conf/scripts/report.yaml", pasted)
    (table,) = reporting.load().tables.values()
    named = [name for experiments in table.tasks.values() for name in experiments]
    assert set(named) <= set(EXPERIMENTS)
    datasets = {task: {compose(f"conf={name}").dataset for name in names} for task, names in table.tasks.items()}
    assert datasets == {"digits": {"digits"}, "fashion": {"fashion"}}


def test_the_report_prints_experiments_that_are_there() -> None:
    tables = yaml.safe_load((ROOT / reporting.PATH).read_text())["tables"]
    assert set(tables) == {"main", "ablations"}
    assert set(tables["main"]["rows"]) <= set(EXPERIMENTS)


def test_a_variant_states_nothing_but_its_difference(here: Path) -> None:
    assert differences(compose("conf=baseline").values, compose("conf=wide").values) == ["model.width=64"]


def test_presets_cap_and_never_set(here: Path) -> None:
    stated = {path.stem: yaml.safe_load(path.read_text()) for path in (here / "conf/preset").glob("*.yaml")}
    assert stated.pop("full") == {}
    assert stated.pop("bf16") == {"fit": {"precision": "bf16-mixed"}}
    assert {"smoke", "fast"} == set(stated)
    assert all(set(values) == {"limit"} for values in stated.values())


def test_the_dataset_is_what_its_description_says(shipped: Path) -> None:
    look = """
    import numpy as np
    from receipts import Dataset, build, compose

    digits = build(compose().config.data, "data")
    assert isinstance(digits, Dataset)
    assert len(digits.ids) == len(set(digits.ids)) == len(digits.targets) == 1797
    assert (digits.ids[0], digits.ids[-1]) == ("digit-0000", "digit-1796")
    assert digits.inputs.shape == (1797, 1, 8, 8) and digits.inputs.dtype == np.float32
    assert digits.inputs.min() == 0 and digits.inputs.max() == 1
    assert digits.targets.dtype == np.int64 and set(digits.targets) == set(range(10))
    """
    write(shipped, "look.py", look)
    done = launch(shipped, "look.py")
    assert done.code == 0, done.err
    parts = json.loads((shipped / "splits/digits.json").read_text())["splits"]
    assert {name: part["n"] for name, part in parts.items()} == {"train": 1078, "val": 359, "test": 360}


def test_the_network_keeps_its_promises(shipped: Path) -> None:
    look = """
    import torch
    from receipts import build, compose

    model = build(compose().config.model)
    assert sum(parameter.numel() for parameter in model.parameters()) == 56714
    for x in (torch.rand(3, 1, 8, 8), torch.rand(2, 1, 28, 28), torch.rand(1, 1, 5, 7)):
        model.eval()
        assert model(x).shape == (len(x), 10)
        assert torch.allclose(model.predict_step(x, 0).sum(-1), torch.ones(len(x)))
        model.train()
        loss = model.training_step((x, torch.zeros(len(x), dtype=torch.int64)), 0)
        assert loss.shape == () and loss.requires_grad
    (group,) = model.configure_optimizers().param_groups
    assert (group["lr"], group["weight_decay"]) == (1e-3, 1e-2)
    assert len(group["params"]) == len(list(model.parameters()))
    """
    write(shipped, "look.py", look)
    done = launch(shipped, "look.py")
    assert done.code == 0, done.err


@pytest.mark.parametrize("conf", [conf for conf in EXPERIMENTS if not conf.startswith("fashion")])
def test_every_experiment_runs_from_end_to_end(shipped: Path, conf: str) -> None:
    trained = launch(shipped, "train.py", f"conf={conf}", "preset=smoke")
    assert (trained.code, trained.err) == (0, "")
    scored = launch(shipped, "eval.py", f"run_id={runs(shipped)[0].name}")
    assert (scored.code, scored.err) == (0, "")
    found = record(shipped)
    assert found["conf"] == conf
    assert [score["split"] for score in found["scores"]] == ["val", "test"]
    assert all(score["n"] == 200 for score in found["scores"])
    assert {check["verdict"] for check in found["checks"]} <= {"pass", "not applicable"}
    assert found["code"]["dirty"] == []
