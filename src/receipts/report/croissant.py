"""Croissant 1.1 for each dataset of a report: what it is, under which licence, which bytes (JSON-LD of MLCommons).

From records and committed manifests alone, so the data need not be here. A fact that nobody recorded is left out.
"""

import hashlib
import json
import mimetypes
import re
from pathlib import Path
from typing import Any

from receipts.provenance import secrets
from receipts.report import citation
from receipts.report.methods import dataset
from receipts.report.model import Report
from receipts.runs.record import Record

CONFORMS = "http://mlcommons.org/croissant/1.1"
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "citeAs": "cr:citeAs",
    "md5": "cr:md5",
    "recordSet": "cr:recordSet",
    "field": "cr:field",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "source": "cr:source",
    "extract": "cr:extract",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "isLiveDataset": "cr:isLiveDataset",
}
LICENCES = {  # as datasets state them, and the address that a Croissant file names
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC BY-SA 4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC BY-NC 4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "CC0 1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "MIT": "https://spdx.org/licenses/MIT.html",
    "Apache-2.0": "https://spdx.org/licenses/Apache-2.0.html",
}


def write(report: Report, folder: Path) -> None:
    """`croissant/<data>.json` for every dataset that a run in a table learnt from."""
    found: dict[str, Record] = {}
    for run in (run for table in report.tables for row in table.rows for run in row.runs):
        if run.data.name == dataset(run) or dataset(run) not in found:  # rather itself than one of its folds
            found[dataset(run)] = run
    for data, run in sorted(found.items()):
        (folder / "croissant").mkdir(exist_ok=True)
        text = json.dumps(described(run), indent=1, ensure_ascii=False) + "\n"
        (folder / "croissant" / f"{data}.json").write_text(text, encoding="utf-8")


def described(run: Record) -> dict[str, Any]:
    """The dataset of a run as JSON-LD."""
    data = run.data
    written = f", written by {data.generator}" if data.generator else ""
    facts: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": dataset(run),
        "description": f"{data.source}. Data are {data.kind}{written}; divided as {data.manifest} says.",
        "license": LICENCES.get(data.licence, data.licence),
        "version": data.version,
        "isLiveDataset": False,
        "creator": {"@type": "sc:Organization", "name": data.source},
        "citeAs": f"{data.source}, version {data.version}",
    }
    if re.fullmatch(r"\d{4}(-\d{2}){0,2}", data.version):
        facts["datePublished"] = data.version
    if (url := address(run)) is not None:
        facts["url"] = url
    return facts | {"distribution": [*(file(path, checksum) for path, checksum in data.files.items()), *manifest(run)]}


def address(run: Record) -> str | None:
    """Where the data are described: the address that their source states, else the repository of their pointer."""
    if stated := re.search(r"https?://[^\s,;)]+", run.data.source):
        return stated[0].rstrip(".")
    if run.code.repository and run.code.repository.startswith("http"):
        return run.code.repository
    code = citation.read().get("repository-code")
    return secrets.public(code) if isinstance(code, str) else None


def file(path: str, checksum: str) -> dict[str, Any]:
    """One file of the data; `checksum` is `md5:…`, as DVC has it."""
    algorithm, _, digest = checksum.partition(":")
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "encodingFormat": encoding(path),
        algorithm: digest,
    }


def manifest(run: Record) -> list[dict[str, Any]]:
    """The manifest of the division, if it is here as it was for the run."""
    path = Path(run.data.manifest)
    if not path.is_file():
        return []
    return [file(path.as_posix(), f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")]


def encoding(path: str) -> str:
    """The media type of a file by its name; of a compressed one, that of the compression."""
    kind, packed = mimetypes.guess_type(path)
    return f"application/{packed}" if packed else kind or "application/octet-stream"
