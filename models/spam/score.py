"""Score a file of messages: ``python -m models.spam.score IN.parquet OUT.parquet``.

IN has a column ``raw`` (message octets); OUT has ``p_ham``, ``p_spam`` and ``p_phish`` in the same order. Memory stays bounded by the
batch, not by the file.
"""

import argparse
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fastemailnet.message.text import model_input, visible_text
from models.spam.runtime import Scorer, load

ROWS_AT_A_TIME = 512
SCHEMA = pa.schema([("p_ham", pa.float64()), ("p_spam", pa.float64()), ("p_phish", pa.float64())])


def score_file(source: Path, target: Path, model: Scorer) -> int:
    """Score every message of ``source`` into ``target``; returns how many."""
    count = 0
    with pq.ParquetWriter(target, SCHEMA) as writer:
        for batch in pq.ParquetFile(source).iter_batches(ROWS_AT_A_TIME, columns=["raw"]):
            raws = (value.as_py() for value in batch.column(0))
            texts = [model_input(visible_text(raw.encode() if isinstance(raw, str) else raw or b"")) for raw in raws]
            scores = model.score(texts)
            columns = zip(*((s.p_ham, s.p_spam, s.p_phish) for s in scores), strict=True)
            writer.write_batch(pa.record_batch([pa.array(column, pa.float64()) for column in columns], schema=SCHEMA))
            count += len(scores)
    return count


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, metavar="IN.parquet")
    parser.add_argument("target", type=Path, metavar="OUT.parquet")
    parser.add_argument("--weights", type=Path, help="directory of another model")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    model = load(args.weights, device=args.device)
    print(f"{score_file(args.source, args.target, model)} messages scored by model {model.version}", file=sys.stderr)


if __name__ == "__main__":
    main()
