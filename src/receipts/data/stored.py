"""What a manifest keeps beside itself in `splits/NAME.npz`: a hash of every sample and label, and scattered rows.

Hashes are BLAKE2b-64 of the bytes of x and of y, before transforms. Where they would make the file larger than git
should hold, only their first 40 bits are kept: of 70,000 samples that differ, two still share them once in 400 sets.
"""

import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from receipts.config import project
from receipts.data.manifest import Hashes, Manifest
from receipts.provenance import code
from receipts.refusal import Refusal
from receipts.runs.files import write_atomically

Array = np.ndarray[Any, Any]

LARGE: Final = 500_000  # bytes: above it a file belongs under DVC
WHOLE, SHORT = 8, 5  # bytes of a hash that are kept
FEW: Final = 100  # ranges that a manifest still spells out
NOWHERE: Final = 255
ALGORITHM: Final = {
    WHOLE: "blake2b-64 of x, of y",
    SHORT: "the first 40 bits of blake2b-64 of x, of y",
}


def digest(content: bytes) -> int:
    """64 bits of BLAKE2b."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")


def digests(samples: Iterable[Any]) -> Array:
    """A hash of each sample: of an array's bytes, or of those of a dictionary's arrays in the order of their names."""
    return np.array([digest(content(sample)) for sample in samples], dtype=np.uint64)


def content(sample: Any) -> bytes:
    """The bytes of one sample, whatever holds them: an array, a number, a tensor, or several of these."""
    if isinstance(sample, Mapping):
        return b"".join(content(sample[key]) for key in sorted(sample))
    if isinstance(sample, tuple | list):
        return b"".join(map(content, sample))
    if isinstance(sample, str):
        return sample.encode()
    return np.ascontiguousarray(sample).tobytes()


def write(name: str, x: Array, y: Array, codes: Mapping[str, Array]) -> Hashes:
    """Store content hashes `(n,)`, and the split of every row where rows are scattered, below `splits/`.

    `codes` maps a division to the number of each row's split, `NOWHERE` for none: uint8 `(n,)`.
    """
    path = project.SPLITS / f"{name}.npz"
    path.parent.mkdir(exist_ok=True)
    for kept in (WHOLE, SHORT, WHOLE):
        file = io.BytesIO()
        save = np.savez_compressed if codes or kept == SHORT else np.savez
        save(file, x=shortened(x, kept), y=shortened(y, kept), **codes)  # type: ignore[arg-type]
        if len(file.getvalue()) <= LARGE:
            break
    write_atomically(path, file.getvalue())
    return Hashes(path.as_posix(), code.sha256(file.getvalue()), ALGORITHM[kept])


def shortened(hashes: Array, kept: int) -> Array:
    """Hashes as they are stored: uint64 `(n,)` whole, or their first bytes `(n, kept)`."""
    if kept == WHOLE:
        return hashes
    return hashes.astype(">u8").view(np.uint8).reshape(-1, WHOLE)[:, :kept]


def read(manifest: Manifest) -> dict[str, Array]:
    """The stored arrays by name, checked against the manifest's checksum of the file."""
    path = Path(manifest.hashes.file)
    if not path.is_file() or code.sha256(path.read_bytes()) != manifest.hashes.sha256:
        under_dvc = path.with_name(f"{path.name}.dvc")
        raise Refusal(
            f"{path} is not the file its manifest names",
            "it is missing or changed",
            f"dvc pull {under_dvc}" if under_dvc.is_file() else f"git checkout {path}",
        )
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored}


def changed(now: Array, then: Array) -> Array:
    """Positions at which hashes `(n,)` differ from the stored ones, as far as those were kept."""
    if then.ndim == 1:
        return np.flatnonzero(now != then)
    return np.flatnonzero((shortened(now, then.shape[1]) != then).any(1))


def rows(manifest: Manifest) -> dict[str, Array]:
    """The rows of every split, sorted."""
    ranges = {name: part.rows for name, part in manifest.splits.items()}
    if all(found is not None for found in ranges.values()):
        return {name: spelt_out(found or []) for name, found in ranges.items()}
    codes = read(manifest)[key_of(manifest.rule)]
    return {name: np.flatnonzero(codes == number) for number, name in enumerate(ranges)}


def spelt_out(ranges: list[tuple[int, int]]) -> Array:
    """Half-open ranges as row numbers."""
    return np.concatenate([np.arange(first, last) for first, last in ranges]) if ranges else np.arange(0)


def ranges(part: Array) -> list[tuple[int, int]]:
    """Sorted row numbers as half-open ranges."""
    cuts = np.flatnonzero(np.diff(part) != 1) + 1
    return [(int(run[0]), int(run[-1]) + 1) for run in np.split(part, cuts)]


def codes_of(divided: dict[str, Array], n: int) -> Array:
    """The number of each row's split: uint8 `(n,)`."""
    codes = np.full(n, NOWHERE, np.uint8)
    for number, part in enumerate(divided.values()):
        codes[part] = number
    return codes


def is_scattered(divided: dict[str, Array]) -> bool:
    """Whether a division has too many ranges to spell out."""
    return any(np.count_nonzero(np.diff(part) != 1) >= FEW for part in divided.values())


def key_of(rule: dict[str, Any]) -> str:
    """The name under which the rows of a division are stored."""
    return f"rows{rule.get('fold', '')}"
