"""Where a server's session stands: what the next octets are, and whether they are encrypted."""

from enum import Enum


class Tls(Enum):
    """Where STARTTLS stands (RFC 3207)."""

    NONE = "none"
    OFFERED = "offered"
    BEGUN = "begun"  # 220 is said
    DONE = "done"


class State(Enum):
    """What the next octets are."""

    COMMAND = "command"
    LOGIN = "login"  # a response of AUTH
    DATA = "data"
    CHUNK = "chunk"
    WAITING = "waiting"  # for an answer
    HANDSHAKE = "handshake"
    CLOSED = "closed"
