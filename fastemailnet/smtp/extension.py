"""What a server offers in its EHLO reply (RFC 5321 section 4.1.1.1)."""

import re
from dataclasses import dataclass

from fastemailnet.outcome import Reply

_NUMBER = re.compile(r"[0-9]{1,20}")  # RFC 1870 section 3


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The extensions that this client uses."""

    pipelining: bool = False
    chunking: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    size: int | None = None  # octets; 0: offered without a limit
    checkpoint: bool = False
    dsn: bool = False
    requiretls: bool = False

    @classmethod
    def of(cls, reply: Reply) -> "Capabilities":
        """Read an EHLO reply; words that are unknown are passed over."""
        found: dict[str, str] = {}
        for line in reply.text.split("\n")[1:]:
            word, _, argument = line.strip().partition(" ")
            found[word.upper()] = argument.strip()
        size = found.get("SIZE")
        return cls(
            pipelining="PIPELINING" in found,
            chunking="CHUNKING" in found,
            eight_bit="8BITMIME" in found,
            smtputf8="SMTPUTF8" in found,
            size=None if size is None else int(size) if _NUMBER.fullmatch(size) else 0,
            checkpoint="CHECKPOINT" in found,
            dsn="DSN" in found,
            requiretls="REQUIRETLS" in found,
        )
