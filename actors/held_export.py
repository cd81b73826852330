"""Decisions of reviewers as labelled mail: a parquet file with the columns that training reads, and what was known beside them."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SOURCE = "review"
SPLIT = "train"
GROUP_OCTETS = 64_000_000  # of mail in a row group
SCHEMA = pa.schema(
    [
        ("raw", pa.binary()),
        ("label", pa.string()),
        ("source", pa.string()),
        ("split", pa.string()),
        ("lang", pa.string()),
        ("p_ham", pa.float64()),
        ("p_spam", pa.float64()),
        ("p_phish", pa.float64()),
        ("reason", pa.string()),
        ("at_ms", pa.int64()),
        ("id", pa.string()),
    ]
)


def export(path: Path, decisions: Iterable[tuple[dict[str, Any], bytes | None]]) -> dict[str, int]:
    """Write decisions with their mail; how many rows, by label, and how many whose mail is missing. Memory stays bounded.

    Raises:
        OSError: the file cannot be written.
    """
    counts: Counter[str] = Counter({"rows": 0, "ham": 0, "spam": 0, "phish": 0, "missing": 0})
    rows: list[dict[str, Any]] = []
    octets = 0
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for entry, raw in decisions:
            if raw is None:
                counts["missing"] += 1
                continue
            counts.update(("rows", entry["label"]))
            rows.append(_row(entry, raw))
            octets += len(raw)
            if octets >= GROUP_OCTETS:
                writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
                rows, octets = [], 0
        writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
    return dict(counts)


def _row(entry: dict[str, Any], raw: bytes) -> dict[str, Any]:
    ham, spam, phish = entry["scores"] or (None, None, None)
    return {
        "raw": raw,
        "label": entry["label"],
        "source": SOURCE,
        "split": SPLIT,
        "lang": None,
        "p_ham": ham,
        "p_spam": spam,
        "p_phish": phish,
        "reason": entry["reason"],
        "at_ms": entry["at_ms"],
        "id": entry["id"],
    }
