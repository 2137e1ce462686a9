"""MLflow as a view: complete, idempotent, rebuilt from run folders, and harmless when it is away."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from receipts.refusal import Refusal
from receipts.runs import flat, record, sending, syncing, tracking
from receipts.runs.record import Checkpoint, Code, Core, Cost, Data, Failure, Identity, Metric, Process, Score, World

HISTORY = "epoch,step,elapsed_s,train/loss,val/accuracy,module/top-1 @5\n1,10,0.5,2.25,0.5,\n2,20,1.0,nan,0.75,3\n"


@pytest.fixture(autouse=True)
def project(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project folder with a store of its own; mlflow caches stores by address, so that is absolute."""
    monkeypatch.chdir(tmp_path)
    for name in (*tracking.DEFAULTS, "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    shutil.copy(tables, "mlflow.db")


def score(split: str, accuracy: float) -> Score:
    metrics = {
        "accuracy": Metric(accuracy, accuracy, "higher", (0.0, 1.0), "share of equal labels"),
        "auroc": Metric(None, None, "higher", (0.0, 1.0), "one against rest", "one class only"),
    }
    return Score(split, 4, f"predictions/{split}.parquet", "ab" * 32, "cd" * 32, "2026-11-20T13:37:30Z", metrics)


def write_run(number: int = 0, status: str = "completed", scores: int = 1) -> Path:
    """A run folder as a finished training leaves it."""
    run_id = f"20261120-13370{number}-baseline-s{number}-9f3c1a7e"
    folder = Path("runs") / run_id
    (folder / "predictions").mkdir(parents=True, exist_ok=True)
    (folder / "checkpoints").mkdir(exist_ok=True)
    (folder / "checkpoints/best.ckpt").write_bytes(b"weights")
    (folder / "predictions/val.parquet").write_bytes(b"rows")
    (folder / "config.yaml").write_text(
        f"seed: {number}\npurpose: Why?\nmodel:\n  _target_: lab.cnn.SmallCNN\n  lr: 0.001\n  steps:\n"
        f"  - - scale\n    - C: 1.0\n  layers: [1, 2]\n  none: null\n  odd key @: {'x' * 7000}\nwaive: {{}}\n"
    )
    (folder / "history.csv").write_text(HISTORY)
    (folder / "README.md").write_text("# A run\n")
    made = record.Record(
        run_id=run_id, conf="baseline", names=["baseline"], overrides=[], preset=["full"], seed=number, purpose="Why?",
        command="python train.py conf=baseline", status=status, reportable=status == "completed",
        started="2026-11-20T13:37:02Z", heartbeat="2026-11-20T13:37:20Z",
        ended=None if status == "running" else "2026-11-20T13:37:33Z", process=Process("another-host", 1, 0.0),
        identity=Identity(*("9f" * 32, "aa", "bb", "cc", "dd", "ee")),
        code=Code("c0ffee", ["src/lab/cnn.py"], None, Core("0.1.0", "0123"), "cd" * 32, {}),
        data=Data("real", "UCI", "CC BY 4.0", "1", {"data/digits.csv.gz": "md5:9b33"}, "8b6e.dir", "splits/d.json"),
        world=World("cpu", 1, 1, "32-true", 64, True),
        checkpoint=Checkpoint("checkpoints/best.ckpt", 21, "max val accuracy", "79cd"),
        scores=[score("val", 0.5 + 0.25 * n) for n in range(scores)],
        cost=Cost(31.0, 29.4, 760.0, 93962, None) if status == "completed" else None,
        failure=Failure("loss is NaN", []) if status == "failed" else None,
    )  # fmt: skip
    (folder / "record.json").write_bytes(record.encode(made))
    return folder


def contents(database: Path = Path("mlflow.db")) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the store that is not a random id or a path, by record."""
    found = {}
    with closing(sqlite3.connect(database)) as store:
        names = "SELECT run_uuid, name, status, start_time, end_time FROM runs WHERE lifecycle_stage = 'active'"
        for run, name, *facts in store.execute(names).fetchall():
            assert name not in found, "one record, two runs"
            rows = [tuple(facts)]
            rows += store.execute("SELECT key, step, value, is_nan, timestamp FROM metrics WHERE run_uuid = ?", [run])
            rows += store.execute("SELECT key, value FROM params WHERE run_uuid = ?", [run])
            rows += store.execute("SELECT key, value FROM tags WHERE run_uuid = ?", [run])
            rows += [(path.name, path.read_bytes()) for path in Path("mlruns").glob(f"*/{run}/artifacts/**/*.*")]
            found[name] = sorted(rows, key=repr)
    return found


def elsewhere(code: str, **environment: str) -> "subprocess.Popen[str]":
    """Python in a process of its own, where mlflow has no store open yet."""
    start = [sys.executable, "-c", f"from pathlib import Path\nfrom receipts.runs import syncing, tracking\n{code}"]
    return subprocess.Popen(
        start, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


SYNC = "print(syncing.sync(sorted(Path('runs').glob('2*'))))"


def closed_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def test_a_finished_run_is_sent_whole() -> None:
    folder = write_run()
    assert syncing.sync([folder]) == syncing.Synced(sent=[folder.name])
    store = tracking.Store()
    assert store.client.get_experiment(store.experiment).name == Path.cwd().name
    run = store.view(folder, record.read(folder)).run
    assert (run.info.run_name, run.info.status, run.info.end_time) == (folder.name, "FINISHED", 1795181853000)
    assert run.data.params["model.steps.0.1.C"] == "1.0"
    assert run.data.params["model.layers"] == "[1, 2]"
    assert run.data.params["model.none"] == "null"
    assert run.data.params["model.odd key _"] == "x" * 6000
    assert run.data.metrics["val/accuracy"] == 0.5
    assert run.data.metrics["history/module/top-1 _5"] == 3
    assert run.data.metrics["cost/parameters"] == 93962
    assert not {"val/auroc", "cost/ms_per_sample", "history/step"} & set(run.data.metrics)
    points = store.client.get_metric_history(run.info.run_id, "history/val/accuracy")
    assert [(p.step, p.value, p.timestamp) for p in points] == [(10, 0.5, 1795181822500), (20, 0.75, 1795181823000)]
    wanted = {
        "run_id": folder.name, "identity": "9f" * 32, "commit": "c0ffee", "dirty": "true", "data": "dd", "split": "ee",
        "data_dvc": "8b6e.dir", "harness": "cd" * 32, "conf": "baseline", "seed": "0", "preset": "full",
        "status": "completed", "reportable": "true", "checkpoint": f"{folder}/checkpoints/best.ckpt",
    }  # fmt: skip
    assert {key: run.data.tags[f"receipts.{key}"] for key in wanted} == wanted
    assert run.data.tags["mlflow.source.git.commit"] == "c0ffee"
    sent = {path.relative_to(run.info.artifact_uri).as_posix() for path in Path(run.info.artifact_uri).rglob("*.*")}
    assert sent == {"README.md", "record.json", "config.yaml", "history.csv", "predictions/val.parquet"}


def test_sending_twice_changes_nothing_and_a_new_score_adds_one_point() -> None:
    folder = write_run()
    syncing.sync([folder])
    before = contents()
    assert syncing.sync([folder]) == syncing.Synced(already=[folder.name])
    assert contents() == before
    write_run(scores=2)
    assert syncing.sync([folder]).sent == [folder.name]
    store = tracking.Store()
    run = store.view(folder, record.read(folder)).run
    points = store.client.get_metric_history(run.info.run_id, "val/accuracy")
    assert [(point.step, point.value) for point in points] == [(0, 0.5), (1, 0.75)]
    assert run.data.metrics["val/accuracy"] == 0.75
    assert len(store.client.get_metric_history(run.info.run_id, "history/val/accuracy")) == 2


def by_hand(there: tracking.Store, run: str) -> None:
    """As anybody can who may log to the server."""
    there.client.log_metric(run, "val/accuracy", 0.99, step=5)
    there.client.set_tag(run, "receipts.seed", "7")


def in_the_database(there: tracking.Store, run: str) -> None:
    with closing(sqlite3.connect("mlflow.db")) as store, store:
        store.execute("UPDATE latest_metrics SET value = 0.99 WHERE key = 'val/accuracy'")
        store.execute("UPDATE metrics SET value = 0.99 WHERE key = 'val/accuracy'")


@pytest.mark.parametrize("alter", [by_hand, in_the_database])
@pytest.mark.parametrize("scores", [1, 2])
def test_what_was_altered_in_the_store_is_put_right_once(
    alter: Callable[[tracking.Store, str], None], scores: int
) -> None:
    folder = write_run()
    syncing.sync([folder])
    store = tracking.Store()
    run = store.view(folder, record.read(folder)).id
    alter(store, run)
    write_run(scores=scores)  # a second score was added meanwhile, and has a step of its own
    assert syncing.sync([folder]).sent == [folder.name]
    held = store.client.get_run(run).data
    assert (held.metrics["val/accuracy"], held.tags["receipts.seed"]) == (0.25 + 0.25 * scores, "0")
    before = contents()
    assert syncing.sync([folder]).already == [folder.name]
    assert contents() == before


def test_what_cannot_be_put_right_is_told_with_what_can() -> None:
    folder = write_run()
    syncing.sync([folder])
    with closing(sqlite3.connect("mlflow.db")) as store, store:
        store.execute("UPDATE latest_metrics SET value = 0.99, step = 9 WHERE key = 'val/accuracy'")
    there = tracking.Store()
    run = there.view(folder, record.read(folder)).id
    told = syncing.sync([folder]).failed[folder.name]
    assert told == f"val/accuracy cannot be put right: mlflow runs delete --run-id {run}, and it is sent anew"
    there.client.delete_run(run)
    assert syncing.sync([folder]).sent == [folder.name]
    assert there.view(folder, record.read(folder)).run.data.metrics["val/accuracy"] == 0.5


def test_a_run_followed_for_a_while_and_synced_later_equals_one_sent_at_once(
    tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run()
    syncing.sync([folder])
    at_once = contents()

    live = write_run(status="running")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{Path.cwd()}/live.db")
    shutil.copy(tables, "live.db")
    (live / "history.csv").write_text(HISTORY[: HISTORY.index("2,20")] + "2,20,1.")
    view = tracking.Store().view(live, record.read(live))
    view.begin()
    view.log(flat.history(live, view.record))
    (followed,) = contents(Path("live.db")).values()
    assert ("receipts.status", "running") in followed
    assert [row[1] for row in followed if row[0] == "history/epoch"] == [10], "half a line is no row"
    write_run()
    assert syncing.sync([folder]).sent == [folder.name]
    assert contents(Path("live.db")) == at_once


def test_a_tracker_shows_the_run_while_it_trains() -> None:
    folder = write_run(status="running")
    tracker = sending.Tracker(folder)
    tracker.start()
    tracker.start()
    for _ in range(200):
        if shown := live_metrics():
            break
        time.sleep(0.1)
    assert ("history/train/loss", 20) in shown
    write_run()
    assert tracker.finish() is None
    assert syncing.sync([folder]).already == [folder.name]


def live_metrics() -> list[tuple[str, int]]:
    with closing(sqlite3.connect("mlflow.db")) as store:
        return store.execute("SELECT key, step FROM metrics").fetchall()


@pytest.mark.parametrize(("status", "shown"), [("failed", "FAILED"), ("running", "KILLED")])
def test_how_a_run_ended_is_shown(status: str, shown: str) -> None:
    folder = write_run(status=status)
    assert syncing.sync([folder]).sent == [folder.name]
    ((facts, *_),) = (
        [row for row in rows if row[0] in {"FAILED", "KILLED", "FINISHED"}] for rows in contents().values()
    )
    assert facts[0] == shown


def test_a_deleted_store_is_rebuilt_with_the_same_content() -> None:
    folders = [write_run(number) for number in range(3)]
    syncing.sync(folders)
    before = contents()
    Path("mlflow.db").unlink()
    process = elsewhere(SYNC)
    output, errors = process.communicate()
    assert f"sent={[folder.name for folder in folders]}" in output
    assert errors == "", "no log lines of mlflow or alembic on the screen"
    assert contents() == before


def test_a_live_run_is_left_to_its_own_tracker_and_a_broken_folder_stops_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(syncing, "is_stale", lambda record: False)
    broken, good, live = write_run(0), write_run(1), write_run(2, status="running")
    (broken / "record.json").write_text("{")
    done = syncing.sync([broken, good, live])
    assert (done.sent, done.live, list(done.failed)) == ([good.name], [live.name], [broken.name])


def test_several_processes_at_once_on_a_fresh_store_all_succeed() -> None:
    Path("mlflow.db").unlink()
    folders = [write_run(number) for number in range(4)]
    trackers = [sending.Tracker(folder) for folder in [*folders, folders[0]]]
    for tracker in trackers:
        tracker.start()
    assert [tracker.finish(120) for tracker in trackers] == [None] * 5
    assert sorted(contents()) == [folder.name for folder in folders]


def test_a_corrupt_database_costs_a_warning() -> None:
    folder = write_run()
    Path("mlflow.db").write_bytes(b"this was a database once" * 100)
    warning = sending.Tracker(folder).finish()
    assert warning is not None
    assert "file is not a database" in warning
    assert "receipts sync" in warning
    assert "\n" not in warning
    with pytest.raises(Refusal, match="cannot be used"):
        syncing.sync([folder])


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "(raised as a result of Query-invoked autoflush)\n(sqlite3.Error) database or disk is full\n",
            "ValueError: (sqlite3.Error) database or disk is full",
        ),
        (
            "(raised as a result of Query-invoked autoflush)",
            "ValueError: (raised as a result of Query-invoked autoflush)",
        ),
        ("Max retries (Caused by X: refused)\nmore", "X: refused"),
        ("the first line\nand the second", "ValueError: the first line"),
    ],
)
def test_of_what_a_store_says_the_line_that_names_the_trouble_is_told(said: str, told: str) -> None:
    assert tracking.reason(ValueError(said)) == told


def test_a_store_that_cannot_be_opened_is_told_at_once() -> None:
    folder = write_run()
    Path("mlflow.db").unlink()
    Path("mlflow.db").mkdir()
    started = time.monotonic()
    assert "unable to open" in str(sending.Tracker(folder).finish())
    assert time.monotonic() - started < 20


def test_a_server_that_is_away_costs_a_warning_within_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{closed_port()}")
    folder = write_run()
    started = time.monotonic()
    warning = sending.Tracker(folder).finish()
    assert time.monotonic() - started < 20
    assert warning is not None
    assert "MLflow lacks part of this run" in warning
    assert "Connection refused" in warning
    assert len(warning) < 250
    with pytest.raises(Refusal) as refused:
        syncing.sync([folder])
    assert "secret" not in f"{warning}{refused.value}"


@pytest.mark.parametrize(("delay", "said"), [(0.0, "500"), (30.0, "timed out")])
def test_a_server_that_is_broken_or_slow_costs_a_warning(
    delay: float, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    folder = write_run()
    with answering(delay) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        started = time.monotonic()
        warning = sending.Tracker(folder).finish()
        assert time.monotonic() - started < 20
        with pytest.raises(Refusal, match="cannot be used"):
            syncing.sync([folder])
    assert warning is not None
    assert said in warning
    assert "receipts sync" in warning
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{Path.cwd()}/mlflow.db")
    assert syncing.sync([folder]).sent == [folder.name], "nothing is lost"


@contextmanager
def answering(delay: float) -> Iterator[str]:
    """A server that answers everything with 500, after a while."""

    class Broken(BaseHTTPRequestHandler):
        def parse_request(self) -> bool:
            stop.wait(delay)
            with suppress(OSError):
                super().parse_request()
                self.send_error(500, "out of order")
            return False

        def log_message(self, *words: object) -> None:
            pass

    stop = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        stop.set()
        server.shutdown()
        thread.join()


def test_a_locked_database_costs_a_warning_and_loses_nothing() -> None:
    folder = write_run()
    with closing(sqlite3.connect("mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        warning = sending.Tracker(folder).finish()
        assert time.monotonic() - started < 40
        other.execute("ROLLBACK")
    assert warning is not None
    assert "locked" in warning
    assert syncing.sync([folder]).sent == [folder.name]


def test_a_store_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "100")
        started = time.monotonic()
        assert "no answer within 3 s" in str(sending.Tracker(write_run()).finish(3))
        assert time.monotonic() - started < 10


def test_the_follower_ends_with_its_run() -> None:
    tracker = sending.Tracker(write_run(status="running"))
    tracker.start()
    child = tracker._child
    assert child is not None
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.close()
    assert child.wait(30) == 0
    child.stdout.close()


def test_importing_the_room_does_not_import_mlflow() -> None:
    process = elsewhere("import sys; print('mlflow' in sys.modules)")
    assert process.communicate()[0] == "False\n"


def test_runs_of_other_processes_are_sent_by_one_process_for_all() -> None:
    sender, folders = sending.Sender(), [write_run(number) for number in range(3)]
    assert sender.finish() is None  # nothing was to be sent, and nothing was started
    for folder in folders:
        sender.send(folder)
    assert sender.finish() is None
    assert sorted(contents()) == [folder.name for folder in folders]
    assert syncing.sync(folders).already == [folder.name for folder in folders]


def test_runs_that_could_not_be_sent_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mlflow.db").write_text("no database")
    sender = sending.Sender()
    sender.send(write_run())
    warning = sender.finish()
    assert warning is not None
    assert "MLflow lacks some of these runs" in warning
    assert "receipts sync" in warning


def test_a_run_that_others_will_send_is_left_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending.Tracker, "deferred", True)
    with sending.Tracker(write_run()) as tracker:
        tracker.start()
        assert tracker._child is None
    assert contents() == {}
