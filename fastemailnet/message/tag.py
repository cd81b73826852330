"""The header fields by which a mail says that it is suspicious, in the form that SpamAssassin gave them and filters read.

    X-Spam-Flag: YES
    X-Spam-Status: Yes, score=0.934 required=0.800 tests=PHISH
    X-Spam-Score: 0.934

Score and threshold are probabilities, from 0 to 1. Fields of that family that are there already are taken out: whoever writes a mail
must not say what a filter thought of it. The fields are to be signed with the others, under ``NAMES``.
"""

import re
from typing import Final

from fastemailnet.message.header import split

NAMES: Final = ("x-spam-flag", "x-spam-status", "x-spam-score")
_FAMILY: Final = re.compile(rb"^x-spam[!-9;-~]*[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)", re.MULTILINE | re.IGNORECASE)


def tagged(raw: bytes, spam: float, phish: float, required: float) -> bytes:
    """The message with the fields before its own.

    Args:
        raw: a message with CRLF line ends.
        spam: its probability of being spam, from 0 to 1.
        phish: likewise.
        required: the threshold that the sum of both has reached.
    """
    _, offset = split(raw)
    score = f"{spam + phish:.3f}"
    test = "PHISH" if phish > spam else "SPAM"
    fields = (
        f"X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score={score} required={required:.3f} tests={test}\r\n"
        f"X-Spam-Score: {score}\r\n"
    )
    return fields.encode() + _FAMILY.sub(b"", raw[:offset]) + raw[offset:]
