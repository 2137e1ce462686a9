"""Which sentinels watch a fit."""

from typing import Any

from lightning.pytorch import Callback

from receipts.config import rungs
from receipts.config.schema import Config
from receipts.data.batches import TrainBatches
from receipts.data.ownloader import OwnLoader
from receipts.data.sealed import Subset
from receipts.training.method import Site
from receipts.training.sentinels.continuity import ContinuityLedger
from receipts.training.sentinels.draws import DrawLedger
from receipts.training.sentinels.findings import Findings
from receipts.training.sentinels.learning import LearningLedger
from receipts.training.sentinels.modes import ModeLedger
from receipts.training.sentinels.numerics import NumericsLedger
from receipts.training.sentinels.rates import RateLedger
from receipts.training.sentinels.replicas import ReplicaLedger
from receipts.training.sentinels.rounding import RoundingLedger
from receipts.training.sentinels.samples import SampleLedger
from receipts.training.sentinels.schedules import ScheduleLedger
from receipts.training.sentinels.silence import Silence
from receipts.training.sentinels.statistics import StatisticsLedger
from receipts.training.sentinels.steps import StepLedger
from receipts.training.sentinels.updates import UpdateLedger
from receipts.training.validation import HarnessValidation


def posted(
    config: Config, site: Site, validation: HarnessValidation, train: Subset, batches: TrainBatches | Any
) -> list[Callback]:
    """The ledgers of one fit; none where they are switched off."""
    if not config.sentinels:
        return []
    findings = Findings(site.checks, config.waive, site.folder, config.limited)
    facts = config.facts
    floor = "facts.rung is floor" if rungs.rung(config) == "floor" else None
    own = train.inputs if isinstance(train.inputs, OwnLoader) else None

    def ids(batch: int) -> list[str] | None:
        return [train.ids[row] for row in batches.rows(batch)] if isinstance(batches, TrainBatches) else None

    return [
        Silence(site, config.limits.silence_minutes),
        NumericsLedger(findings, ids),
        StepLedger(findings),  # a step that is left out again and again is why nothing moves
        UpdateLedger(findings, facts.frozen),
        ModeLedger(findings, facts.frozen, facts.random_predictions),
        StatisticsLedger(findings),
        RoundingLedger(findings),
        DrawLedger(findings),
        ContinuityLedger(findings),
        RateLedger(findings, facts.partial_schedule),
        ScheduleLedger(findings),
        SampleLedger(findings, len(train), own.source if own else None, config.task.classes is not None),
        ReplicaLedger(findings),
        LearningLedger(findings, validation, floor),
    ]
