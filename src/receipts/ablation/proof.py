"""The proof that two arms differ in what is declared and in nothing else, key by key of their resolved configs.

A key that the declaration does not name may differ only where its value is written as an interpolation of a declared
one (`model.classes: ${task.classes}`); it is then named as following that key. Whatever else differs is refused.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from receipts.config import presets
from receipts.config.compose import Experiment, flat
from receipts.config.files import files, load_yaml
from receipts.config.schema import SWITCHES
from receipts.refusal import Refusal

ASIDE = (*SWITCHES, "purpose", "ablations")  # about a launch or a file, never about a method
ASKED = ("task", "split", "metrics", "limit")
REFERENCE = re.compile(r"\$\{(?:[\w.]+:)?(?P<dots>\.*)(?P<key>[\w.\[\]]+)[^}]*\}")
ABSENT = "absent"


@dataclass(frozen=True)
class Composed:
    """An experiment and its values as they are written, interpolations unresolved."""

    experiment: Experiment
    written: dict[str, Any]


@dataclass(frozen=True)
class Proof:
    """What differs between reference and arm: key to [the reference's value, the arm's]; which keys follow which."""

    difference: dict[str, list[Any]]
    follows: dict[str, str]


def prove(reference: Composed, arm: Composed, words: Sequence[str], name: str) -> Proof:
    """The difference that the words declare; refused when it is more than that, or less."""
    declared = {key: word for word in words for key in keys_of(word)}
    found = into_lists(difference(reference.experiment.values, arm.experiment.values), declared)
    for key, word in declared.items():
        if not any(covers(key, changed) for changed in found) and not is_group(word):
            raise changes_nothing(word, key, reference.experiment.values)
    if not found:
        raise changes_nothing(words[0], next(iter(declared), "it"), reference.experiment.values)
    follows = {}
    for changed in found:
        if any(covers(key, changed) for key in declared):
            continue
        leader = followed(changed, arm.written, list(declared)) or followed(changed, reference.written, list(declared))
        if leader is None:
            raise Refusal(
                f"the arm {name} differs in {changed}, which nothing declares",
                f"declared are {', '.join(declared)}; with two changes nobody could say which of them did it",
                f"add the change of {changed} to the arm's override: under ablations:, or take it back",
            )
        follows[changed] = leader
    return Proof(found, follows)


def refuse_joint(proof: Proof, word: str) -> None:
    """One typed override is one factor: changes that belong together are declared, with the reason they do."""
    own = [key for key in proof.difference if key not in proof.follows]
    if len(own) > 1:
        raise Refusal(
            f"override={word} changes {len(own)} keys at once: {', '.join(own)}",
            "an arm that is typed is one factor; changes that only make sense together are declared with a hypothesis",
            "an entry of ablations: in the experiment's YAML, with all of them under override:",
        )


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """Dotted key to both values, for every leaf that differs; a leaf that one side lacks is `absent`."""
    one, other = ({k: v for k, v in flat(side).items() if k.split(".")[0] not in ASIDE} for side in (before, after))
    return {
        key: [one.get(key, ABSENT), other.get(key, ABSENT)]
        for key in {**one, **other}
        if one.get(key, ...) != other.get(key, ...)
    }


def into_lists(found: dict[str, list[Any]], declared: Iterable[str]) -> dict[str, list[Any]]:
    """The same, leaf by leaf in a list that a declared key leads into, as `model.steps.1.1.C` does."""
    names, out = list(declared), dict[str, list[Any]]()
    for key, (before, after) in found.items():
        if not any(name.startswith(f"{key}.") for name in names):
            out[key] = [before, after]
            continue
        one, other = unfolded(before, key), unfolded(after, key)
        pairs = {leaf: [one.get(leaf, ABSENT), other.get(leaf, ABSENT)] for leaf in {**one, **other}}
        out |= {leaf: values for leaf, values in pairs.items() if values[0] != values[1]}
    return out


def unfolded(value: Any, key: str) -> dict[str, Any]:
    """Every leaf below a value by its dotted key, those of lists by their places."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = [unfolded(part, f"{key}.{name}" if key else str(name)) for name, part in parts]
    return {leaf: found for part in inner for leaf, found in part.items()} or {key: value}


def keys_of(word: str) -> list[str]:
    """The dotted keys that an override declares: the one it names, or those that a group's file states."""
    key, equals, value = word.lstrip("+~").partition("=")
    if not equals and not word.startswith("~"):
        raise Refusal(
            f"{word!r} is no override",
            "an arm is one KEY=VALUE; several arms are a list of them, several values of one key a sweep",
            "'override=[model.dropout=0,model.width=16]'      (or 'sweep=model.dropout=[0,0.1]')",
        )
    if key in ("conf", "data"):
        raise Refusal(
            f"override={word} exchanges the {'experiment' if key == 'conf' else 'data'}",
            "an arm is the same experiment on the same data, but for one change",
            "conf=a,b compares experiments" + ("" if key == "conf" else "; another data set is another experiment"),
        )
    if key.split(".")[0] in ASKED:
        raise Refusal(
            f"override={word} changes what is asked, not what answers it",
            "arms are scored on the same rows by the same metrics, or their difference means nothing",
            "another file in conf/data/, and conf=a,b      (a part of the train rows: fit.train_fraction=0.5)",
        )
    if key == "seed" or key in ASIDE:
        raise Refusal(
            f"override={word} is no change of the method",
            "seeds are shared by all arms, and launch switches move no number",
            "seeds=N for the seeds, and switches beside override=",
        )
    return group_keys(key, value) if is_group(word) else [key]


def is_group(word: str) -> bool:
    """Whether an override chooses a file of a group."""
    return word.lstrip("+~").partition("=")[0] in ("preset", "trainer")


def group_keys(group: str, value: str) -> list[str]:
    """The dotted keys that the chosen files of a group state."""
    names = [name.strip(" '\"").removesuffix(".yaml") for name in value.strip("[]").split(",")]
    if group == "preset":
        return [key for name in names for key in presets.stated(name)]
    known = files(group)
    return [f"trainer.{key!s}" for name in names if name in known for key in load_yaml(known[name])]


def covers(declared: str, key: str) -> bool:
    """Whether a declared key is a leaf or stands above it."""
    return key == declared or key.startswith(f"{declared}.")


def followed(key: str, written: dict[str, Any], declared: Sequence[str]) -> str | None:
    """The declared key whose value a key takes over, directly or through others; None where it takes over none."""
    waiting, seen = [key], set[str]()
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        for leader in references(here, written):
            if found := next((name for name in declared if covers(name, leader) or covers(leader, name)), None):
                return found
            waiting.append(leader)
    return None


def references(key: str, written: dict[str, Any]) -> list[str]:
    """The absolute keys that the text of a value, or of a node above it, refers to."""
    parts, node, found = key.split("."), written, list[str]()
    for depth, part in enumerate(parts, start=1):
        node = node.get(part) if isinstance(node, dict) else None  # type: ignore[assignment]
        if isinstance(node, dict):
            continue
        for match in REFERENCE.finditer(repr(node)):
            above = parts[: depth - len(match["dots"])] if match["dots"] else []
            found.append(".".join([*above, match["key"]]))
        break
    return found


def changes_nothing(word: str, key: str, values: dict[str, Any]) -> Refusal:
    """An arm that would be the reference again."""
    now = unfolded(values, "").get(key, "what it says")
    return Refusal(
        f"override {word} changes nothing",
        f"{key} already is {now}; the arm would be the reference once more",
        "another value, or leave it out",
    )
