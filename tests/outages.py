"""The MLflow server is killed while a run trains, and started again later."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import surviving
from folders import runs
from held import TRAIN, held, holding, release, until
from launching import begin, ended, launch
from media import failed
from serving import Server


def server_killed(folder: Path) -> list[str]:
    """The run goes on and says what is missing; once the server is back, sync sends it, once."""
    holding(folder)
    (place := folder.parent / "server").mkdir()
    server = Server(place)
    server.start()
    there = {"MLFLOW_TRACKING_URI": server.address, "MLFLOW_EXPERIMENT_NAME": "chaos"}
    try:
        process = begin(folder, *TRAIN, environment=there, tracked=True)
        run = held(folder)
        until(lambda: run.name in sent(server))
        server.kill()
        release(folder)
        process.join(300)
        done = ended(folder, process)
        found = failed(done)
        found += [] if "WARNING MLflow lacks part of this run" in done.out else [f"nobody was told: {done.out}"]
        server.start()
        found += failed(launch(folder, "receipts", "sync", environment=there))
        wanted = {path.name: 1 for path in runs(folder)}
        found += [] if sent(server) == wanted else [f"the server holds {dict(sent(server))}"]
    finally:
        server.kill()
    return found + surviving.findings(folder, {})


def sent(server: Server) -> Counter[str]:
    """How often the server holds each run."""
    from mlflow import MlflowClient

    client = MlflowClient(server.address)
    found = client.get_experiment_by_name("chaos")
    return Counter(run.info.run_name for run in client.search_runs([found.experiment_id])) if found else Counter()


EVENTS: dict[str, Callable[[Path], list[str]]] = {"MLflow server killed": server_killed}
