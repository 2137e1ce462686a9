"""Facts that only an author knows, and that nobody has declared: what cannot be checked for want of them."""

from receipts.config.schema import Config
from receipts.data.manifest import Manifest

LOST = {  # what stays open where a fact is not declared
    "dataset.entities": "whether one person, patient or device stands in two splits",
    "dataset.times": "whether train comes before what is held back",
    "dataset.features": "whether every column is known when a prediction is made",
    "facts.ceiling": "whether a score is higher than the problem allows",
    "facts.chance": "what somebody who guesses would reach, beyond the best constant",
    "facts.invariances": "whether augmentation changes what a sample is",
    "facts.ema": "whether the average of the weights is scored or the raw ones, as was meant",
    "split.near_duplicate": "how near is too near; a quarter of the sixth neighbour's distance is taken",
}


def missing(config: Config, manifest: Manifest, averages: bool = False) -> list[str]:
    """The names of facts that matter to this experiment and that neither dataset nor YAML states.

    `averages` tells whether it keeps an average of its weights.
    """
    known = manifest.facts
    table = manifest.golden is not None and len(manifest.golden.shape) == 2
    stated = {
        "dataset.entities": known is not None and known.entities is not None,
        "dataset.times": known is not None and known.times is not None,
        "dataset.features": manifest.features is not None or not table,
        "facts.ceiling": config.facts.ceiling is not None,
        "facts.chance": config.facts.chance is not None,
        "facts.invariances": config.facts.invariances is not None or not config.augment,
        "facts.ema": config.facts.ema is not None or not averages,
        "split.near_duplicate": config.split.near_duplicate is not None or known is None,
    }
    return [name for name, is_stated in stated.items() if not is_stated]
