"""What a `split:` may state: which keys each rule needs, and shares that can be met. `data.rules` has the rules."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from receipts.config.schema import Split
from receipts.refusal import Refusal, nearest

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Keys:
    """The keys beside `rule` that a rule needs, and those it can do without."""

    needed: Sequence[str]
    optional: Sequence[str] = ()


RULES = {  # `receipts.data.rules` has a function for each
    "entity": Keys(["shares", "seed"]),
    "time": Keys(["shares"]),
    "contiguous": Keys(["shares"]),
    "stratified": Keys(["shares", "seed"]),
    "official": Keys(["shares"], ["seed"]),
    "folds": Keys(["shares", "folds", "fold"], ["seed"]),
    "datamodule": Keys([]),
}


OF_ALL = (("near_duplicate",), ())  # keys of every rule; of a DataModule, whose rows nobody compares, none


def stated(split: Split) -> dict[str, Any]:
    """What a split states, without the keys it leaves out: the form in which a manifest remembers it."""
    return {key: value for key, value in asdict(split).items() if value not in (None, {})}


def check(split: Split) -> None:
    """Refuse an unknown rule, keys that it lacks or that mean nothing to it, and shares that cannot be met."""
    if split.rule not in RULES:
        raise Refusal(
            f"there is no split rule {split.rule!r}{nearest(split.rule, list(RULES))}",
            f"known are {', '.join(RULES)}",
            "correct split.rule",
        )
    keys, given = RULES[split.rule], [key for key in stated(split) if key != "rule"]
    if missing := [key for key in keys.needed if key not in given]:
        raise Refusal(
            f"the split does not state {', '.join(missing)}",
            f"the rule {split.rule} needs {', '.join(keys.needed)}, and each of them decides which rows are held back",
            "state " + ", ".join(f"split.{key}" for key in missing) + " in the data file",
        )
    if extra := [
        key for key in given if key not in (*keys.needed, *keys.optional, *OF_ALL[split.rule == "datamodule"])
    ]:
        raise Refusal(
            f"split.{', split.'.join(extra)} means nothing to the rule {split.rule}",
            f"it takes {', '.join((*keys.needed, *keys.optional)) or 'nothing'}",
            f"take {', '.join(extra)} out",
        )
    if split.rule != "datamodule":
        check_shares(split)


def check_shares(split: Split) -> None:
    """Shares for train, val and test, each above 0 and at most 1 in all; a fold that exists."""
    shares = split.shares
    if not set(PARTS) <= set(shares) or sum(shares.values()) > 1 + 1e-9 or min(shares.values()) <= 0:
        raise Refusal(
            f"split.shares are {shares}",
            "train, val and test are needed, each above 0 and at most 1 in all",
            "correct split.shares",
        )
    if split.folds is not None and (split.folds < 2 or split.fold not in range(split.folds)):
        raise Refusal(
            f"split.fold is {split.fold} of {split.folds}",
            "there are at least two folds, and they are counted from 0",
            "correct split.fold or split.folds",
        )


def folded(split: Split, folds: int, fold: int | None = None) -> Split:
    """The division of a cross-validation over the rows that a split divides: each row is test in one fold.

    Folds are blocks of neighbours where the split has blocks of neighbours, and drawn by the split's own seed
    elsewhere; train and val share the rest of each fold as they do in the split.
    """
    if split.rule in ("time", "datamodule"):
        raise Refusal(
            f"the rule {split.rule} has no folds",
            "all but the last fold would learn from what comes later"
            if split.rule == "time"
            else "a DataModule divides by itself",
            "seeds=N without folds=",
        )
    rest = split.shares["train"] + split.shares["val"]
    shares = {name: round(split.shares[name] / rest * (1 - 1 / folds), 6) for name in ("train", "val")}
    shares["test"] = round(1 - sum(shares.values()), 6)
    seed = None if split.rule == "contiguous" else split.seed or 0
    return Split("folds", shares, seed, folds, fold)


def words(split: Split) -> tuple[str, ...]:
    """A division as words of a command line."""
    shares = ",".join(f"{name}:{share}" for name, share in split.shares.items())
    return (
        f"split.rule={split.rule}",
        f"split.shares={{{shares}}}",
        *(
            f"split.{key}={'null' if (value := getattr(split, key)) is None else value}"
            for key in ("seed", "folds", "fold")
        ),
    )
