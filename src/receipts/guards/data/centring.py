"""Statistics of all rows that went into the data, told by the numbers, however the code that did it is written."""

import ast
from collections.abc import Iterator

import msgspec

from receipts.checks.catalogue import failed, not_run, passed
from receipts.config.compose import Experiment
from receipts.data.manifest import Manifest
from receipts.guards.static import source
from receipts.runs.record import Check

NAME = "statistics-of-all"
MOST = 0.9  # of the columns
REDUCING = source.vocabulary(
    "mean std var average median sum nanmean nanstd nanvar nanmedian cumsum fit fit_transform partial_fit fit_resample "
    "scale zscore normalize standardize whiten robust_scale minmax_scale svd eigh cov corrcoef reduce "
    "BatchNorm1d batch_norm layer_norm statistics"
)


def audit(manifest: Manifest, experiment: Experiment) -> Iterator[Check]:
    """Whether a column holds mean labels of all rows, or the experiment's code gave all rows a mean of nought."""
    if manifest.facts is not None and manifest.facts.encoded:
        told = named(manifest, manifest.facts.encoded)
        yield failed(NAME, f"{told}: each value is the mean label of its rows, val and test among them")
        return
    follow = msgspec.UNSET if manifest.facts is None else manifest.facts.followed
    if isinstance(follow, list) and follow:
        told = named(manifest, follow)
        yield failed(NAME, f"{told}: rows of train hold other numbers once lines of test do; all rows went into them")
        return
    if manifest.facts is None or manifest.facts.centred is None:
        yield not_run(NAME, "the manifest does not tell: receipts split NAME, and commit it")
        return
    share = manifest.facts.centred
    seen = f"{share:.0%} of the columns have a mean of nought over all rows, and another over train"
    if share < MOST:
        yield passed(NAME, f"{seen}; {changing(follow)}")
    elif place := reduces(experiment):
        yield failed(NAME, f"{seen}; {place}")
    else:
        yield passed(NAME, f"{seen}; the files came so, and whoever made them saw what is held back")


def changing(follow: list[int] | str | msgspec.UnsetType) -> str:
    """What became of train when lines of test were changed, or why they were not."""
    if isinstance(follow, list):
        return "changing lines of test changes none of train"
    why = "the manifest is of an older core, receipts split NAME asks" if follow is msgspec.UNSET else follow
    return f"not asked: whether train follows from lines of test ({why})"


def named(manifest: Manifest, columns: list[int]) -> str:
    """Columns as people know them."""
    names = list(manifest.features or {})
    return ", ".join(names[each] if each < len(names) else f"column {each}" for each in columns)


def reduces(experiment: Experiment) -> str:
    """Where the file of the dataset takes a statistic or fits something; nothing where it nowhere does."""
    module = str(experiment.values["data"]["_target_"]).rpartition(".")[0].replace(".", "/")
    for each in source.of(experiment):
        if each.path.with_suffix("").as_posix().endswith(module):
            for node in source.calls(each.tree):
                if source.called(node) in REDUCING:
                    return f"{each.at(node)}: {ast.unparse(node)[:80]}"
    return ""
