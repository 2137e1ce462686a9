"""Which sentinels watch a fit."""

from lightning.pytorch import Callback

from receipts.config.schema import Config
from receipts.training.method import Site
from receipts.training.sentinels.findings import Findings
from receipts.training.sentinels.updates import UpdateLedger


def posted(config: Config, site: Site) -> list[Callback]:
    """The ledgers of one fit; none where they are switched off."""
    if not config.sentinels:
        return []
    findings = Findings(site.checks, config.waive, site.folder, config.limited)
    return [UpdateLedger(findings, config.facts.frozen)]
