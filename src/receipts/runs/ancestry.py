"""Where the first weights of a run come from: `fit.init_from` names another run, and its name is made exact."""

from dataclasses import replace

from receipts.config.compose import Experiment, to_config
from receipts.config.schema import Config
from receipts.refusal import Refusal
from receipts.runs import choice


def rooted(experiment: Experiment) -> tuple[Experiment, Config]:
    """The experiment, and its config, with `fit.init_from` as run id, identity and weights of the run meant today.

    Identity holds the latter two: the same weights are the same start, whichever folder they lie in.
    """
    wanted = experiment.config.fit.init_from
    if wanted is None or isinstance(wanted, dict):
        return experiment, experiment.config
    record = choice.select(str(wanted))
    if record.status != "completed" or record.checkpoint is None:
        raise Refusal(
            f"fit.init_from: {record.run_id} is not complete", f"its status is {record.status}", "name a completed run"
        )
    if not record.checkpoint.file.endswith(".ckpt"):
        raise Refusal(
            f"fit.init_from: {record.run_id} is a run of an estimator",
            f"{record.checkpoint.file} holds no weights of a module",
            "name a run of the same module",
        )
    origin = {"run": record.run_id, "identity": record.identity.id, "weights": record.checkpoint.weights}
    values = {**experiment.values, "fit": {**experiment.values["fit"], "init_from": origin}}
    config = to_config(values)
    return replace(experiment, config=config, values=values), config
