"""Hydra's and OmegaConf's errors in the words of the person who typed the mistake."""

import re
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

from receipts.refusal import Refusal, nearest


def explain(error: Exception, options: dict[str, list[str]], schema: type, stated: Callable[[], list[str]]) -> Refusal:
    """A refusal for one of Hydra's errors: which key or option, why not, and the nearest valid one.

    `options` are the names in each group, `schema` knows the typed keys, `stated()` are the dotted keys that the
    chosen files state.
    """
    if refused := next((cause for cause in causes(error) if isinstance(cause, Refusal)), None):
        return refused  # by a resolver of ours
    chain = [str(error), *(str(cause) for cause in causes(error))]
    text = "\n".join(chain)
    if found := re.search(r"Could not (?:find|load) '(?P<group>\w+)/(?P<name>[^']+)'", text):
        return unknown_option(found["group"], found["name"], options)
    if found := re.search(r"You must specify '(?P<group>\w+)'", text):
        known = options.get(found["group"], [])
        return Refusal(
            f"no {found['group']} is chosen",
            "the project names no default for it",
            f"{found['group']}={'|'.join(known)}",
        )
    if found := re.search(r"full_key: (?P<key>\S+)", text):
        return bad_key(found["key"], text, schema, stated)
    if found := re.search(r"Could not override '(?P<key>[^']+)'", text):
        return bad_key(found["key"], text, schema, stated)
    if found := re.search(r"Ambiguous value for argument '(?P<word>[^']+)'", text):
        return Refusal(
            f"{found['word']} names several values", "only a sweep takes them, one run for each", f"-m {found['word']}"
        )
    word = getattr(error, "override", None)
    return Refusal(
        "the configuration cannot be composed" + (f": {word!r} cannot be read" if word else ""),
        first_line(chain),
        "write key=value; a value with signs such as = , ( or a blank in double quotes: 'key=\"a=b\"'"
        if word
        else "correct the words after the script's name",
    )


def into_list(text: str, words: Sequence[str]) -> Refusal | None:
    """A refusal for `model.steps.1.logreg.C=2`, where `model.steps.1` is a list; None for any other TypeError."""
    if not (found := re.fullmatch(r"Index '(?P<part>.+)' \(str\) is not an int", text)):
        return None
    keys = [word.lstrip("+~").partition("=")[0].split(".") for word in words]
    key = next((key for key in keys if found["part"] in key[1:]), [])
    place = ".".join(key[: key.index(found["part"], 1)]) if key else "a key of the command line"
    return Refusal(
        f"{place} is a list, and {found['part']!r} is no place in one",
        "what stands in a list is found by its number, counted from 0",
        f"{place}.NUMBER=…" if key else "write the number",
    )


def causes(error: BaseException) -> list[BaseException]:
    """The exceptions behind an exception, nearest first."""
    found = []
    while (cause := error.__cause__ or error.__context__) is not None:
        found.append(cause)
        error = cause
    return found


def unknown_option(group: str, name: str, options: dict[str, list[str]]) -> Refusal:
    """`conf=typo`: the options there are."""
    known = options.get(group, [])
    folder = "conf" if group == "conf" else f"conf/{group}"
    return Refusal(
        f"there is no {group} {name!r}{nearest(name, known)}",
        f"{folder}/ holds {', '.join(known) or 'nothing'}",
        f"choose one of them, or write {folder}/{name}.yaml",
    )


def bad_key(key: str, text: str, schema: type, stated: Callable[[], list[str]]) -> Refusal:
    """A key that the schema does not know, lacks, or that holds a value of another type."""
    where = found["file"] if (found := re.search(r"In '(?P<file>[^']+)'", text)) else None
    place = f"conf/{where.removeprefix('conf/')}.yaml" if where not in (None, "config") else "the command line"
    if "not in" in text or "Could not override" in text:
        parent, _, leaf = key.rpartition(".")
        known = keys_below(schema, parent) or below(parent, stated())
        return Refusal(
            f"unknown key {key!r}{nearest(leaf, known)}",
            f"{place}: " + (f"known here are {', '.join(known)}" if known else "nothing of that name stands there"),
            "correct the name" if known or not parent else f"correct the name, or add it: +{key}=…",
        )
    if found := re.search(r"[Mm]issing mandatory value: (?P<key>[\w.]+)", text):
        return Refusal(f"{found['key']} is not stated", "it has no default", f"state it: {found['key']}=…")
    reason = next(
        (line for line in text.splitlines() if re.search(r"[Cc]annot|could not|not a valid|Invalid", line)), text
    )
    return Refusal(f"{key} cannot take that value", f"{place}: {reason.strip()}", f"give {key} a value of its type")


def keys_below(schema: type, path: str) -> list[str]:
    """The names a schema knows below a dotted path; none where it is open."""
    here: Any = schema
    for part in path.split(".") if path else []:
        hints = get_type_hints(here) if is_dataclass(here) else {}
        if part not in hints:
            return []
        here = next((kind for kind in (hints[part], *get_args(hints[part])) if is_dataclass(kind)), None)
    return [entry.name for entry in fields(here)] if is_dataclass(here) else []


def below(parent: str, keys: list[str]) -> list[str]:
    """The names that directly follow a dotted path among dotted keys."""
    found = (key.removeprefix(f"{parent}.").split(".")[0] for key in keys if key.startswith(f"{parent}."))
    return list(dict.fromkeys(found))


def first_line(chain: list[str]) -> str:
    """The most telling line of a chain of messages: the innermost one's first."""
    return next(
        (
            line.strip()
            for message in reversed(chain)
            for line in message.splitlines()
            if line.strip() not in ("", "None")
        ),
        "",
    )
