"""Ask what one change is worth: every arm under the same seeds, differing in what is declared and nothing else.

python ablate.py override=model.dropout=0 seeds=5      (or sweep=KEY=[v1,v2], conf=a,b, folds=5, ablations:)
dry_run=true looks only; test=true opens test, and counts it; any other word changes all arms alike: preset=smoke
"""

from receipts.ablation import forecast, outcome, outoffold, planning, watching
from receipts.ablation.arms import question
from receipts.ablation.launching import launcher, refuse_unknown
from receipts.config.entry import start
from receipts.config.questions import Ablating
from receipts.refusal import DONE


def ablate(asked: Ablating) -> int:
    refuse_unknown(asked.launcher)
    arms = question(asked)  # composed, and proved to differ in what they declare
    plan = planning.planned(asked, arms)  # arms x seeds; the same plan as before if there is one
    work = forecast.survey(plan, asked)
    forecast.announce(plan, work, asked)
    if asked.dry_run:
        return DONE

    planning.freeze(plan)  # every cell's config is on disk before the first one starts
    codes = dict[int, int]()
    if work.todo:
        with launcher(asked, plan.experiments) as cells:
            codes = watching.run(plan, work, asked, cells)
    outoffold.collect(plan)
    outcome.publish(plan.plan, asked)  # results/: what a stage of dvc.yaml leaves
    return outcome.show(plan, work, asked, codes)


if __name__ == "__main__":
    start(ablate, Ablating)
