"""What the DNS said, as a value: routing decides from these, and whoever asks makes them.

``is_secure`` holds only where a validating resolver that the operator trusts said so (the AD bit, RFC 4035 section 3.2.3).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Found(Enum):
    """Kinds of answer."""

    RECORDS = "records"
    NO_DATA = "no such record"  # the name is there, this type is not
    NO_NAME = "no such name"  # NXDOMAIN
    FAILED = "no answer now"  # SERVFAIL, refusal, time-out


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """An answer to one question. ``until_s`` is on the clock of whoever asked; ``name`` is the owner after CNAMEs."""

    found: Found
    records: tuple[T, ...] = ()
    name: str = ""
    is_secure: bool = False
    until_s: float = 0.0
    failure: str = ""


class Mx(NamedTuple):
    """One MX record; ``host`` in lower case without the final dot, "" for the root."""

    preference: int
    host: str


class Tlsa(NamedTuple):
    """One TLSA record (RFC 6698 section 2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes
