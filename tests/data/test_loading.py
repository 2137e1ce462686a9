"""Journeys with samples read one at a time and with a DataModule, in the small project."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from folders import commit, record, runs, write
from launching import Ended

Run = Callable[..., Ended]


def outcome(folder: Path, number: int = 0) -> tuple[str, str]:
    """Weights and predictions of a run, as hashes."""
    found = record(folder, number)
    return found["checkpoint"]["weights"], found["scores"][0]["sha256"]


def edit(folder: Path, name: str, before: str, after: str) -> None:
    """Exchange one piece of a file of the project, and commit."""
    text = (folder / name).read_text()
    assert before in text
    (folder / name).write_text(text.replace(before, after))
    commit(folder)


# --- samples read one at a time ---------------------------------------------------------------------------------------


def test_workers_move_no_bit_and_two_seeds_differ(project: Path, run: Run) -> None:
    done = run("train.py", "conf=lazy")
    assert (done.code, done.err) == (0, "")
    assert "1078 train, 360 val rows of lazy (real)" in done.out
    for workers in (1, 2):
        assert run("train.py", "conf=lazy", f"trainer.workers={workers}", "rerun=true").code == 0
    assert len({outcome(project, number) for number in range(3)}) == 1
    assert len({record(project, number)["identity"]["id"] for number in range(3)}) == 1
    assert run("train.py", "conf=lazy", "seed=1", "trainer.workers=2").code == 0
    assert outcome(project, 0) != outcome(project, 1)
    checks = {check["code"]: check["evidence"] for check in record(project)["checks"]}
    assert checks["train-content"].startswith("200 of 1078 inputs, evenly spread, and labels")

    tested = run("eval.py", "run_id=latest")
    assert (tested.code, tested.err) == (0, "")
    assert record(project)["scores"][1]["n"] == 359


def test_samples_one_at_a_time_train_as_they_do_in_memory(project: Path, run: Run) -> None:
    """Same rows, same order, same seeds: the way of reading is no part of the experiment."""
    write(project, "conf/data/lazy.yaml", (project / "conf/data/digits.yaml").read_text())
    edit(project, "conf/data/lazy.yaml", "lab.data.Digits", "lab.lazy.LazyDigits")
    assert run("receipts", "split", "lazy").code == 0
    edit(project, "conf/lazy.yaml", "transforms: [{_target_: sklearn.preprocessing.StandardScaler}]\n", "")
    edit(project, "conf/lazy.yaml", "augment: [{_target_: lab.lazy.Noise}]\n", "")
    assert run("train.py", "conf=net").code == 0
    assert run("train.py", "conf=lazy", "trainer.workers=2").code == 0
    assert outcome(project, 0) == outcome(project, 1)


def test_an_estimator_reads_every_sample(project: Path, run: Run) -> None:
    write(project, "conf/linear_lazy.yaml", "defaults: [linear, override /data: lazy]\npurpose: A test.\n")
    commit(project)
    done = run("train.py", "conf=linear_lazy")
    assert (done.code, done.err) == (0, "")
    assert record(project)["scores"][0]["metrics"]["accuracy"]["value"] > 0.9


# --- datasets that go wrong -------------------------------------------------------------------------------------------

DRAWS = ("/ 16}", "/ 16 + np.float32(np.random.rand() / 9)}")
HELD = ("/ 16}", "/ 16 + np.float32(self.rng.random() / 9)}")


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("row:04d}", "row // 2:04d}", "LazyDigits has duplicate ids: digit-0000, digit-0001"),
        ("table[:, 64]", "table[1:, 64]", "LazyDigits has 1797 ids and 1796 targets"),
        ('version = "real"', 'version = "imagined"', "LazyDigits.kind is 'imagined'"),
        ("        self.files", "        self.rng = np.random.default_rng(0)\n        self.files", None),
        (*DRAWS, "LazyDigits changes between two reads"),
        ("range(len(table))]", "np.random.permutation(len(table))]", "built twice, it gave other ids"),
        ("table[:, 64].astype", "np.random.permutation(table[:, 64]).astype", "built twice, it gave other targets"),
        ("def __getitem__", "def __iter__", "LazyDigits is a streaming dataset"),
    ],
)
def test_what_no_split_can_be_made_of_is_refused(
    project: Path, run: Run, before: str, after: str, what: str | None
) -> None:
    edit(project, "src/lab/lazy.py", before, after)
    if what is None:  # a generator that the dataset holds
        edit(project, "src/lab/lazy.py", *HELD)
        what = "LazyDigits changes between two reads"
    done = run("receipts", "split", "lazy")
    assert done.code == 3, done.err
    assert what in done.err
    assert re.search(r"^  fix    \S", done.err, re.MULTILINE)


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (*DRAWS, "LazyDigits changes between two reads"),
        ("/ 16}", "/ 15}", "inputs of train are not those the split was made from"),
        ("table[:, 64].astype", "table[::-1, 64].astype", "labels of train are not those the split was made from"),
        (
            "for sample in samples])",
            "for sample in samples]) + np.float32(np.random.rand())",
            "its collate made another",
        ),
        ("for sample in samples])", "for sample in samples[1:]])", "LazyDigits.collate made 7 rows of 8"),
    ],
)
def test_what_changed_since_the_split_is_refused(project: Path, run: Run, before: str, after: str, what: str) -> None:
    edit(project, "src/lab/lazy.py", before, after)
    done = run("train.py", "conf=lazy", "preset=smoke")
    assert done.code == 3, done.err
    assert what in done.err
    assert "Traceback" not in done.err


def test_missing_data_name_their_terms(project: Path, run: Run) -> None:
    (project / "data/digits.csv.gz").unlink()
    for words in (("train.py", "conf=lazy"), ("receipts", "split", "lazy")):
        done = run(*words)
        assert done.code == 3
        assert "REFUSED  data/digits.csv.gz is missing" in done.err
        assert "nothing stands in for missing data; comes with the repository" in done.err
    assert runs(project) == []


# --- a DataModule -----------------------------------------------------------------------------------------------------


def test_a_datamodule_trains_and_is_tested(project: Path, run: Run) -> None:
    done = run("train.py", "conf=module")
    assert (done.code, done.err) == (0, "")
    assert "1000 train, 400 val rows of module (real)" in done.out
    found = record(project)
    assert found["reportable"] is True
    assert found["scores"][0]["metrics"]["accuracy"]["value"] > 0.5
    verdicts = {check["code"]: check["verdict"] for check in found["checks"]}
    assert verdicts["val-steady"] == "pass"
    assert {code for code, verdict in verdicts.items() if verdict == "not run"} >= {"train-content", "test-sealed"}
    assert {verdicts[code] for code in ("split-overlap", "golden-batch", "row-counts", "inputs-alike")} == {"pass"}
    assert run("train.py", "conf=module", "rerun=true").code == 0
    assert outcome(project, 0) == outcome(project, 1)

    tested = run("eval.py", "run_id=latest:module")
    assert tested.code == 0, tested.err[-3000:]
    assert tested.err == ""
    found = record(project)
    assert found["scores"][1]["n"] == 397
    assert (runs(project)[0] / "predictions/test.csv").read_text().splitlines()[1].startswith("test/000")
    assert len(found["openings"]) == 1

    capped = run("train.py", "conf=module", "preset=smoke", "data.batch_size=50")  # no other rows, so no other manifest
    assert "200 train, 200 val rows" in capped.out
    assert "step 1/4 " in capped.out


SHUFFLED = (
    'DataLoader(self.parts["val"], self.batch_size)',
    'DataLoader(self.parts["val"], self.batch_size, shuffle=True)',
)
SECRETLY = (
    'DataLoader(self.parts["val"], self.batch_size)',
    'DataLoader(self.parts["val"], batch_sampler=[torch.randperm(400).tolist()])',
)
STREAM = """

class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        yield torch.zeros(64), torch.tensor(1)
"""


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (*SHUFFLED, "DigitsModule.val_dataloader shuffles"),
        (*SECRETLY, "DigitsModule.val_dataloader shuffles"),
        (SHUFFLED[0], SHUFFLED[1].replace("shuffle", "drop_last"), "DigitsModule.val_dataloader drops its last batch"),
        ('DataLoader(self.parts["val"], self', "DataLoader(Stream(), self", "val_dataloader is a streaming dataset"),
        ('DataLoader(self.parts["train"], self.batch_size, shuffle=True)', "DataLoader(Stream(), 4)", "streaming"),
        (SHUFFLED[0], f"[{SHUFFLED[0]}]", "DigitsModule.val_dataloader returned a list"),
        ("/ 16)", "/ 16 + np.random.rand())", None),
        (
            "    def train_",
            "    def on_after_batch_transfer(self, batch, i): return batch\n\n    def train_",
            "own on_after",
        ),
    ],
)
def test_a_datamodule_that_cannot_be_scored_is_refused(
    project: Path, run: Run, before: str, after: str, what: str | None
) -> None:
    (project / "src/lab/module.py").write_text((project / "src/lab/module.py").read_text() + STREAM)
    edit(project, "src/lab/module.py", before, after)
    what = what or "the val loader gives other inputs than when its manifest was made"
    done = run("train.py", "conf=module", "preset=fast")
    assert done.code == 3, done.err
    assert what in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["fit.batch_size=32"], "fit.batch_size means nothing to a DataModule"),
        (["transforms=[{_target_: sklearn.preprocessing.StandardScaler}]"], "transforms means nothing to a DataModule"),
        (["split.seed=1"], "split.seed means nothing to the rule datamodule"),
    ],
)
def test_what_a_datamodule_decides_by_itself_is_not_stated(
    project: Path, run: Run, words: list[str], what: str
) -> None:
    done = run("train.py", "conf=module", *words)
    assert done.code == 3
    assert what in done.err


def test_a_datamodule_without_files_is_only_for_looking(project: Path, run: Run) -> None:
    edit(project, "src/lab/module.py", "batch_size, [path]", "batch_size, []")
    assert run("receipts", "split", "module").code == 0
    commit(project)
    done = run("train.py", "conf=module")
    assert done.code == 3
    assert "lab.module.DigitsModule names no files" in done.err
    assert run("train.py", "conf=module", "preset=smoke").code == 0
    edit(
        project,
        "conf/data/module.yaml",
        "rule: datamodule",
        "rule: contiguous, shares: {train: 0.6, val: 0.2, test: 0.2}",
    )
    done = run("receipts", "split", "module")
    assert done.code == 3
    assert "DigitsModule is a LightningDataModule" in done.err
