"""Secrets in what is about to be stored: tokens of known shapes, and assignments whose name and value look like it.

A run folder is sent to a server and handed to reviewers; whatever stands in it is public sooner or later. Hashes and
checksums are no secrets: long random text alone is not taken for one, unless its name says what it is.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from receipts.refusal import Refusal

# No shape looks further than so many characters for how it ends: a line of nothing but beginnings would take for ever.
SHAPES: Final = {
    "private key": (
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:.*?-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|.*)"
    ),
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    "GitLab token": r"\bglpat-[\w-]{20,}",
    "AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}",
    "API key": r"\bsk-[\w-]{0,80}?[A-Za-z0-9]{20,}[\w-]*|\bsk_live_[A-Za-z0-9]{20,}",
    "Google API key": r"\bAIza[\w-]{35}",
    "Slack token": r"\bxox[abeoprs]-[\w-]{10,}|\bxapp-\d-[\w-]{20,}",
    "package registry token": r"\bpypi-[\w-]{50,}|\bnpm_[A-Za-z0-9]{36,}",
    "Azure storage key": r"\bAccountKey=[A-Za-z0-9+/]{40,}={0,2}",
    "Docker token": r"\bdckr_pat_[\w-]{20,}",
    "SendGrid key": r"\bSG\.[\w-]{20,30}\.[\w-]{20,}",
    "Google access token": r"\bya29\.[\w-]{20,}",
    "signed web token": r"\beyJ[\w-]{10,400}\.eyJ[\w-]{10,9999}\.[\w-]{10,}",
    "password in an address": r"(?<=://)[^/\s:@'\"]{1,99}:[^/\s@'\"]{1,4000}(?=@)|(?<=https://)[^/\s:@'\"]{20,4000}(?=@)",
    "bearer token": r"(?i:(?<=bearer )[A-Za-z0-9._~+/=-]{20,})",
    "name and password": r"(?i:(?<=authorization: basic )[A-Za-z0-9+/]{8,}={0,2})",
    "password of a netrc": r"(?i:\blogin\s{1,20}\S{1,99}\s{1,20}password\s{1,20})\S{4,999}",
    "signature in an address": r"(?:(?<=[?&]sig=)|(?<=X-Amz-Signature=))[A-Za-z0-9%+/]{20,}={0,2}",
}
KNOWN: Final = {kind: re.compile(shape, re.DOTALL) for kind, shape in SHAPES.items()}
NAME: Final = r"(?:secret|token|passw(?:or)?d|api[_-]?key|access[_-]?key|secret[_-]?key|credentials?)"
NAMED = re.compile(
    rf"(?i:(--(?:[\w-]{{0,40}}-)?{NAME}[ =]|(?<![A-Za-z]){NAME}['\"]?\s*[:=]\s*['\"]?))"
    r"([A-Za-z0-9+/=_.~!#$%^&*-]{12,})"
)
USER: Final = re.compile(r"(?<=://)(?:[^\s'\"/]{0,4000}|[^\s'\"/:]{0,4000}:(?!\d+/)[^\s'\"]{0,4000})@")
HINTS: Final = (  # none of these in a text, no secret in it: looked for first, since logs are written line by line
    *("key", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "akia", "asia", "hf_", "sk-", "sk_"),
    *("aiza", "xox", "xapp-", "dckr_pat_", "sg.", "ya29.", "pypi-", "npm_", "eyj", "://", "bearer", "secret"),
    *("token", "passw", "credential", "authorization", "sig=", "signature="),
)
RANDOM, TURNS = 3.0, 3  # bits a character, and changes from letter to digit or back, that no word has
SURE = 4.2  # bits that suffice where both cases and digits are mixed
BINARY = re.compile(r"(GIT binary patch\n(?:.+\n)+)")  # base 85, in which any letters may follow each other


def scrub(text: str) -> tuple[str, list[str]]:
    """The text with `[removed: KIND]` in the place of every secret, and the kinds found, each once, in order."""
    lower = text.lower()
    if not any(hint in lower for hint in HINTS):
        return text, []
    found: dict[str, None] = {}
    for kind, shape in KNOWN.items():
        text, count = shape.subn(f"[removed: {kind}]", text)
        found |= dict.fromkeys([kind] if count else [])

    def named(match: re.Match[str]) -> str:
        if not is_random(match[2]):
            return match[0]
        found["secret by its name"] = None
        return f"{match[1]}[removed: secret by its name]"

    return NAMED.sub(named, text), list(found)


def public(address: str) -> str:
    """An address, or a message that names one, without user, password (whatever signs it holds) and tokens."""
    return scrub(USER.sub("", address))[0]


def is_random(value: str) -> bool:
    """Whether a value mixes letters and digits as no word and no name in code does."""
    counts = Counter(value).values()
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    turns = re.findall(r"[A-Za-z](?=\d)|\d(?=[A-Za-z])", value)
    mixed = all(re.search(kind, value) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return (bits >= RANDOM and len(turns) >= TURNS) or (bits >= SURE and mixed)


def scrub_bytes(data: bytes) -> tuple[bytes, list[str]]:
    """The same of a file's bytes; what is binary inside a patch is left as it is."""
    parts = BINARY.split(data.decode(errors="surrogateescape"))
    done = [(part, []) if number % 2 else scrub(part) for number, part in enumerate(parts)]
    kinds = dict.fromkeys(kind for _, kinds in done for kind in kinds)
    return "".join(part for part, _ in done).encode(errors="surrogateescape"), list(kinds)


def scrub_files(paths: Sequence[Path]) -> None:
    """Logs that other processes wrote: taken out where they lie, before anybody is sent them."""
    for path in paths:
        data, kinds = scrub_bytes(path.read_bytes())
        if kinds:
            path.write_bytes(data)
            print(told(kinds, path.name), flush=True)


def told(kinds: Sequence[str], where: str) -> str:
    """What is printed where something was removed."""
    return f"  REMOVED  {', '.join(kinds)} from {where}: change it at its issuer, it has been on screen or in a file"


def refuse(values: Any, key: str = "") -> None:
    """Refuse a secret in a config before anything is spent: stored without it, the run could not be taken up again."""
    if isinstance(values, dict | list):
        for name, value in values.items() if isinstance(values, dict) else enumerate(values):
            refuse(value, f"{key}.{name}" if key else str(name))
    elif isinstance(values, str) and (kinds := scrub(values)[1] or scrub(f"{key}={values}")[1]):
        raise Refusal(
            f"{key} holds what looks like a secret ({', '.join(kinds)})",
            "the resolved config is stored with the run, sent to MLflow and shown to reviewers",
            "let the code read it from the environment where it is used      (if it is none: another name for the key)",
        )
