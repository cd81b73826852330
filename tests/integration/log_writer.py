"""A process that writes to an embedded log until it is fenced or killed; its arguments are the directory and the node.

It appends batches of 1 to 20 records ``NODE batch index size padding`` to ``journal/0`` and, after each is
acknowledged, prints the batch number and its first offset. The line is written before the next append begins, so that
whoever reads the lines knows of every acknowledged batch but perhaps the last.
"""

import os
import sys
from pathlib import Path

from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.log.interface import Fenced, Token


def main(directory: str, node: str) -> None:
    log = EmbeddedLog(Path(directory))
    os.write(1, b"ready\n")
    batch = 0
    while True:
        size = batch * 7 % 20 + 1
        records = [f"{node} {batch} {index} {size} ".encode() + b"." * (batch % 3 * 3_000) for index in range(size)]
        result = log.append("journal", 0, records, token=Token(node, 1))
        if isinstance(result, Fenced):
            os.write(1, b"fenced %d\n" % result.offset)
            return
        os.write(1, b"%d %d\n" % (batch, result.start))
        batch += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
