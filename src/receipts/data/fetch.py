"""Files that somebody else publishes: from their official address, or from a folder that mirrors it; verified.

Nothing ever stands in for a file that cannot be had. The mirror is the folder that `RECEIPTS_MIRROR` names.
"""

import os
import time
from pathlib import Path
from typing import Final

from receipts.provenance.checksums import md5
from receipts.refusal import Refusal
from receipts.runs.log import say

MIRROR: Final = "RECEIPTS_MIRROR"
ATTEMPTS: Final = 4
PAUSE_S = 2.0  # before the second attempt; doubled before each further one
TIMEOUT_S: Final = 30


def fetch(url: str, checksum: str, folder: Path, mirrored: str) -> Path:
    """A published file whose MD5 is `checksum` (32 hexadecimal digits): where it lies on this machine.

    `mirrored` is its path below the mirror; without a mirror it is downloaded into `folder`, which is left alone
    where it already holds the file. Raises a `Refusal` when it cannot be had or is another file.
    """
    if mirror := os.environ.get(MIRROR):
        return from_mirror(Path(mirror) / mirrored, checksum)
    path = folder / url.rpartition("/")[2]
    if path.is_file() and md5(path) == checksum:
        return path
    problems = []
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
        problem = download(url, checksum, path)
        if problem is None:
            return path
        problems.append(problem)
        say(f"  {url}: {problem} (attempt {attempt + 1} of {ATTEMPTS})")
    raise Refusal(
        f"{url} cannot be had",
        f"{ATTEMPTS} attempts, the last one: {problems[-1]}; nothing stands in for missing data",
        f"try again later, or put it into a mirror: {MIRROR}=FOLDER, as FOLDER/{mirrored}",
    )


def from_mirror(path: Path, checksum: str) -> Path:
    """A mirrored file, where it lies: it is read, never changed."""
    if not path.is_file():
        raise Refusal(
            f"the mirror lacks {path.name}",
            f"{MIRROR} is set, and there is no {path}",
            f"put it there, or unset {MIRROR} to download it",
        )
    if (found := md5(path)) != checksum:
        raise Refusal(
            f"{path} is not the published file",
            f"its MD5 should be {checksum} and is {found} ({path.stat().st_size:,} bytes)",
            f"replace it, or unset {MIRROR} to download it",
        )
    return path


def download(url: str, checksum: str, path: Path) -> str | None:
    """One attempt: None when the verified file lies at `path`, otherwise what came instead of it."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    seen: dict[str, str] = {}

    def get(address: str, target: str, registry: object) -> None:
        pooch.HTTPDownloader(timeout=TIMEOUT_S)(address, target, registry)
        seen["what"] = describe(Path(target))

    try:
        pooch.retrieve(address(url), f"md5:{checksum}", path.name, path.parent, downloader=get)
    except OSError as error:  # the errors of requests are of this kind
        return f"{type(error).__name__}: {error}"
    except ValueError:  # pooch's word for another checksum; its temporary file is gone by now
        return f"got {seen['what']}, whose MD5 is not {checksum}"
    path.chmod(0o444)  # raw data are read, never changed
    return None


def address(url: str) -> str:
    """Only the two protocols of the web: pooch would also take others, and local files."""
    if not url.startswith(("https://", "http://")):
        raise Refusal(f"{url} is no web address", "files are fetched by https", "give an address that starts so")
    return url


def describe(path: Path) -> str:
    """What a file that is not the right one looks like."""
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    page = start.startswith((b"<!doctype html", b"<html"))
    return f"{'an HTML page' if page else 'a file'} of {path.stat().st_size:,} bytes"
