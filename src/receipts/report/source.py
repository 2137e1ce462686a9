"""Where a report's runs come from: the run folders here, or those that a team's MLflow server holds."""

from pathlib import Path

from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.runs.log import say
from receipts.runs.views import counted


def pulled(source: str) -> Path:
    """The folder to collect runs from. With `mlflow`, records, configs, histories and predictions are brought first.

    A run whose files are not those that were sent is left out, and named.
    """
    if source == "runs":
        return RUNS
    if source != "mlflow":
        raise Refusal(f"source={source}", "runs are read from runs/ or from MLflow", "source=runs, or source=mlflow")
    from receipts.runs import pulling

    done = pulling.pull(pulling.PULLED)
    taken = counted(len(done.taken), "run")
    say(f"pulled {taken} from MLflow, {len(done.already)} were here, {len(done.refused)} not taken")
    for run_id, reason in done.refused.items():
        say(f"  NOT TAKEN  {run_id}: {reason}")
    for run_id, reason in done.altered.items():
        say(f"  ALTERED    {run_id} on the server: {reason}; receipts sync puts it right, where it was made")
    for name in done.withdrawn:
        say(f"  WITHDRAWN  {name}: the server no longer has it; receipts sync sends it again, where it was made")
    return done.folder
