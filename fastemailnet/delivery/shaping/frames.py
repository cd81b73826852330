"""The stream ``shaping``: what rules heard and what people decided, in one order for all. Fields are only added at the end.

    HIT       a reply matched a rule: which, where, and the words
    SUSPEND   a person: send nothing there until then
    RESUME    a person: go on; it ends what people and rules did to the same scope

A HIT says what was heard, not what follows: that is the rule's, and every reader has the same rules. One whose rule is in no file
any more does nothing, so that a bad rule goes with its lines.
"""

from enum import StrEnum

import msgspec

from fastemailnet.wire import Decoder

STREAM = "shaping"
MAX_TEXT_CHARACTERS = 500  # of a reply, in a HIT
FOR_GOOD = 2**53 - 1  # milliseconds; every reader of JSON can hold it


class Of(StrEnum):
    """What a scope names."""

    ALL = "all"
    DOMAIN = "domain"
    SITE = "site"
    PROVIDER = "provider"


class Scope(msgspec.Struct, frozen=True, array_like=True):
    """Which mail: to all, a domain, a site or a provider; of a tenant and a lane, or of all of them ("")."""

    of: Of
    name: str = ""  # "" for all
    tenant: str = ""
    lane: str = ""

    def __str__(self) -> str:
        name = self.name if self.of is Of.DOMAIN else f"{self.of.value}:{self.name}" if self.name else self.of.value
        tenant = f" of tenant {self.tenant}" if self.tenant else ""
        return f"{name}{tenant}" + (f" in lane {self.lane}" if self.lane else "")


class Hit(msgspec.Struct, frozen=True, array_like=True, tag="H"):
    """A reply that a rule is about."""

    rule: str  # its key
    site: str
    domain: str
    tenant: str
    at_ms: int
    text: str
    node: str  # who heard it; with ``at_ms`` it tells one hit from another


class Suspend(msgspec.Struct, frozen=True, array_like=True, tag="S"):
    """Send nothing there. A later word about the same scope counts instead."""

    scope: Scope
    at_ms: int
    until_ms: int
    reason: str


class Resume(msgspec.Struct, frozen=True, array_like=True, tag="R"):
    """Send again."""

    scope: Scope
    at_ms: int
    reason: str


Frame = Hit | Suspend | Resume
_encoder = msgspec.msgpack.Encoder()
_decoder = Decoder[Frame](Frame)


def encode_frame(frame: Frame) -> bytes:
    """A frame as a record."""
    return _encoder.encode(frame)


def decode_frame(record: bytes) -> Frame:
    """The frame in a record. Raises msgspec.MsgspecError where it is none."""
    return _decoder.decode(record)


def scope_of(target: str, tenant: str = "", lane: str = "") -> Scope:
    """The scope that a person names: ``example.org``, ``site:NAME``, ``provider:NAME`` or ``all``."""
    kind, colon, name = target.strip().partition(":")
    if colon and kind == Of.SITE.value:
        return Scope(Of.SITE, name.strip().lower(), tenant, lane)  # as hosts are written
    if colon and kind == Of.PROVIDER.value:
        return Scope(Of.PROVIDER, name.strip(), tenant, lane)
    if target.strip() == Of.ALL.value:
        return Scope(Of.ALL, "", tenant, lane)
    return Scope(Of.DOMAIN, target.strip().lower().rstrip("."), tenant, lane)
