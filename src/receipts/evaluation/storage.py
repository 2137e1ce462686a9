"""Predictions as they are stored: Parquet, the same bytes for the same content, checked by its pages when read.

Hashed into every record as part of the harness: a score is computed from what this file reads back, and nothing else.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from receipts.evaluation.predictions import SLICE, Predictions
from receipts.evaluation.promises import Array
from receipts.refusal import Refusal

FORMAT, SCHEMA = b"receipts.predictions", 1  # the Parquet key under which the schema and the shapes stand


def write(predictions: Predictions, path: Path) -> str:
    """Store predictions as Parquet, whole or not at all, the same bytes for the same content; returns their SHA-256.

    Columns: `sample_id, entity_id?, group?, slice:<name>…, target?, prediction, probabilities | value, metadata?`; a
    value is its own prediction and stored once. Arrays are fixed-size lists, their shapes stand in the metadata.
    """
    from pyarrow import parquet

    table, draft = _to_table(predictions), path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            parquet.write_table(table, file, compression="zstd", use_dictionary=False, write_page_checksum=True)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path) -> Predictions:
    """The predictions of a stored file; refuses one that is cut, altered or of another make."""
    from pyarrow import ArrowException, parquet

    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            return _from_table(file.read())
    except (ArrowException, OSError, LookupError, AttributeError, TypeError, ValueError) as error:
        raise Refusal(
            f"{path} is not a readable predictions file",
            f"{type(error).__name__}: {error}",
            "restore it from MLflow or a backup, or predict again: python eval.py run_id=RUN",
        ) from error


def _to_table(predictions: Predictions) -> Any:
    import pyarrow as pa

    labels = None if predictions.probabilities is None else predictions.prediction
    arrays = {"target": predictions.targets, "prediction": labels}
    arrays |= {"probabilities": predictions.probabilities, "value": predictions.value}
    texts = {"sample_id": predictions.ids, "entity_id": predictions.entities, "group": predictions.groups}
    texts |= {f"{SLICE}{name}": parts for name, parts in predictions.slices.items()}
    columns = {name: pa.array(column, pa.string()) for name, column in texts.items() if column is not None}
    columns |= {name: _to_arrow(array) for name, array in arrays.items() if array is not None}
    if extra := predictions.metadata:
        columns["metadata"] = pa.StructArray.from_arrays(list(map(_to_arrow, extra.values())), names=list(extra))
    shapes = {name: array.shape[1:] for name, array in arrays.items() if array is not None}
    header = {"schema": SCHEMA, "shapes": shapes, "metadata": {name: extra[name].shape[1:] for name in extra}}
    return pa.table(columns).replace_schema_metadata({FORMAT: json.dumps(header)})


def _from_table(table: Any) -> Predictions:
    header = json.loads(table.schema.metadata[FORMAT])
    if header["schema"] != SCHEMA:
        raise ValueError(f"its schema is {header['schema']}, this core reads {SCHEMA}")
    texts = {
        name: table[name].to_pylist()
        for name in table.column_names
        if name in ("sample_id", "entity_id", "group") or name.startswith(SLICE)
    }
    arrays = {name: _from_arrow(table[name], shape) for name, shape in header["shapes"].items()}
    extra: Any = table["metadata"].combine_chunks() if header["metadata"] else None
    predictions = Predictions(
        texts["sample_id"],
        arrays.get("target"),
        arrays.get("probabilities"),
        arrays.get("value"),
        texts.get("entity_id"),
        texts.get("group"),
        {name: _from_arrow(extra.field(name), shape) for name, shape in header["metadata"].items()},
        {name.removeprefix(SLICE): column for name, column in texts.items() if name.startswith(SLICE)},
    )
    if not np.array_equal(arrays.get("prediction", predictions.prediction), predictions.prediction):
        raise ValueError("its column `prediction` is not the most probable class")
    return predictions


def _to_arrow(array: Array) -> Any:
    """(N, *shape) as a column of N scalars or N fixed-size lists."""
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(array).reshape(-1))
    return flat if array.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, int(np.prod(array.shape[1:])))


def _from_arrow(column: Any, shape: Sequence[int]) -> Array:
    from pyarrow import types

    flat = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    if column.null_count:
        raise ValueError(f"{column.null_count} cells are empty")
    flat = flat.flatten() if shape else flat
    if types.is_integer(flat.type) or types.is_floating(flat.type):  # to_numpy would import pandas: a quarter second
        return np.from_dlpack(flat).reshape(-1, *shape)
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(-1, *shape)
