"""Replies of an SMTP server (RFC 5321 section 4.2), parsed incrementally from any split of the stream."""

import re
from collections.abc import Iterator

from fastemailnet.outcome import Reply

MAX_LINE_OCTETS = 2_048  # RFC 5321 allows 512; some servers say more
MAX_SAID_OCTETS = 512  # of a line that we say, with code and CRLF (RFC 5321 section 4.5.3.1.5)
MAX_LINES = 100
MAX_TEXT_CHARACTERS = 4_096  # what is kept of a reply; it goes into the log and the ledger
MAX_SUBJECT = 255  # of an enhanced status code: more is none, and nothing that records it has room for it
CODES = range(200, 600)
_CODE = re.compile(rb"[2-5][0-9]{2}")
_UNREADABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]"
)  # what a terminal might obey, and octets that were no text
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)")


class ReplyError(Exception):
    """What came is no SMTP reply; the connection cannot be used any more. Never leaves this package and ``net``."""


class ReplyParser:
    """Feed octets, take whole replies."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lines: list[str] = []

    def feed(self, octets: bytes) -> Iterator[Reply]:
        """The replies that are complete now, one by one: those before a breach count, wherever the stream was split.

        Take all of them before feeding again.

        Raises:
            ReplyError: the peer does not speak SMTP, or endlessly.
        """
        self._buffer += octets
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            reply = self._line(line.removesuffix(b"\r"))
            if reply is not None:
                yield reply
        if len(self._buffer) > MAX_LINE_OCTETS:
            raise ReplyError(f"reply line over {MAX_LINE_OCTETS} octets")

    def _line(self, line: bytes) -> Reply | None:
        code, mark = line[:3], line[3:4]
        if len(line) > MAX_LINE_OCTETS:
            raise ReplyError(f"reply line over {MAX_LINE_OCTETS} octets")
        if not _CODE.fullmatch(code) or mark not in (b"", b" ", b"-"):
            raise ReplyError(f"not an SMTP reply: {line[:80].decode('utf-8', 'replace')!a}")
        if self._lines and self._lines[0][:3] != code.decode():
            raise ReplyError(f"reply changes its code within its lines: {line[:80].decode('utf-8', 'replace')!a}")
        self._lines.append(line.decode("utf-8", "replace"))
        if len(self._lines) > MAX_LINES:
            raise ReplyError(f"reply of more than {MAX_LINES} lines")
        if mark == b"-":
            return None
        lines, self._lines = self._lines, []
        return make(int(code), [text[4:] for text in lines])


def readable(text: str) -> str:
    """Words of a stranger as one may record and show them."""
    return _UNREADABLE.sub("\ufffd", text)


def make(code: int, lines: list[str]) -> Reply:
    """A reply from its code and the texts of its lines, the enhanced status code (RFC 2034) taken out."""
    lines = [readable(line) for line in lines]
    found = _ENHANCED.match(lines[0])
    if found is None or found[1] != str(code // 100) or int(found[2]) > MAX_SUBJECT:
        return Reply(code, None, "\n".join(lines)[:MAX_TEXT_CHARACTERS])
    prefix = found[0].strip()
    texts = [line.removeprefix(prefix).strip() for line in lines]
    return Reply(code, (int(found[1]), int(found[2]), int(found[3])), "\n".join(texts)[:MAX_TEXT_CHARACTERS])


def render(reply: Reply) -> bytes:
    """A reply as a server sends it; what would break its lines is replaced, and what would make one too long is left out."""
    enhanced = ".".join(map(str, reply.enhanced)) + " " if reply.enhanced else ""
    *before, last = reply.text.replace("\r", " ").split("\n")
    lines = [*(f"{reply.code}-{enhanced}{line}" for line in before), f"{reply.code} {enhanced}{last}"]
    return b"".join(map(_line, lines))


def _line(text: str) -> bytes:
    """A line of a reply. Whoever made its text may have quoted what a client says, which is as long as the client likes."""
    octets = text.encode()
    if len(octets) > MAX_SAID_OCTETS - len(b"\r\n"):
        octets = octets[: MAX_SAID_OCTETS - len(b"\r\n")].decode(errors="ignore").encode()
    return octets + b"\r\n"
