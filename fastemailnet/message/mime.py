"""The parts that a reader is shown, and their decoded content (RFC 2045, 2046): any octets give some parts, in bounded work.

The email package is right but costs a millisecond a mail; this reader does only what scoring needs, by whole-buffer searches. Of
alternatives only the one that a mail program shows is kept, wherever in the tree the HTML stands.
"""

import binascii
import re
from typing import NamedTuple

from fastemailnet.message.charset import text_of
from fastemailnet.message.header import fields, first, split, split_where_it_ends
from fastemailnet.message.words import base64_octets, decoded

MAX_PARTS = 100
MAX_DEPTH = 8
MAX_DECODED_OCTETS = 400_000  # of one text part; more is cut

_PARAMETER = re.compile(r';\s*([\w!#$%&+.^`|~\'-]+)(?:\*(\d{0,2}))?\*?\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]+)')
_SOFT_BREAK = re.compile(rb"=[ \t]+(?=\r?\n)")
_META_CHARSET = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?([\w:.-]+)", re.IGNORECASE)
_SAYS = re.compile(rb">\s*[^<\s]|<img", re.IGNORECASE)


class Part(NamedTuple):
    """A leaf of the tree of parts that is shown, or an attachment."""

    content_type: str  # lower case, type/subtype
    charset: str
    disposition: str  # inline, attachment or ""
    name: str
    body: bytes  # transfer-decoded for text parts, as it stands for others

    @property
    def is_html(self) -> bool:
        """Whether a reader sees it as a page."""
        return self.content_type == "text/html" and self.disposition != "attachment"

    @property
    def is_text(self) -> bool:
        """Whether a reader sees it as plain text."""
        return self.content_type.startswith("text/") and not self.is_html and self.disposition != "attachment"

    def text(self) -> str:
        """The part as text in its charset; of HTML that declares none, the one in its <meta>."""
        charset = self.charset
        if not charset and self.is_html:
            meta = _META_CHARSET.search(self.body, 0, 2_000)
            charset = meta[1].decode() if meta else ""
        return text_of(self.body, charset)


def parts(raw: bytes) -> list[Part]:
    """The shown leaves of a message in order, at most MAX_PARTS, at most MAX_DEPTH deep."""
    return _tree(raw, "text/plain", 0)[:MAX_PARTS]


def parameters(value: str) -> dict[str, str]:
    """The parameters of a structured field, names in lower case; RFC 2231 continuations are joined."""
    given: dict[str, str] = {}
    if ";" in value:
        for name, number, text in _PARAMETER.findall(value[:10_000]):
            name, text = name.lower(), text.strip('"')
            given[name] = given.get(name, "") + text if number not in ("", "0") else given.get(name, text)
    return given


def _tree(raw: bytes, default: str, depth: int) -> list[Part]:
    if depth > MAX_DEPTH:
        return []
    block, offset = split_where_it_ends(raw)
    own = fields(block)
    declared = first(own, "Content-Type")
    kind = declared.partition(";")[0].strip().lower() or default
    given = parameters(declared)
    if kind.startswith("multipart/"):
        pieces = _pieces(raw[offset:], given.get("boundary", "").encode("utf-8", "replace"))
        if pieces:
            return _multipart(kind, pieces, depth)
        kind = "text/plain"  # no delimiter anywhere: a reader sees the lines as they stand
    body = raw[offset:]
    encoding = first(own, "Content-Transfer-Encoding").strip().lower()
    disposition = first(own, "Content-Disposition")
    if kind in ("message/rfc822", "message/global"):
        return _message(decode(body, encoding), depth)
    if "/" not in kind:
        kind = "text/plain"
    name = given.get("name") or parameters(disposition).get("filename", "")
    placed = disposition.partition(";")[0].strip().lower()
    content = decode(body, encoding) if kind.startswith("text/") else body
    return [Part(kind, given.get("charset", ""), placed, decoded(name), content)]


def _multipart(kind: str, pieces: list[bytes], depth: int) -> list[Part]:
    default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    branches = []
    count = 0
    for piece in pieces:
        branch = _tree(piece, default, depth + 1)
        branches.append(branch)
        count += len(branch)
        if count >= MAX_PARTS:
            break
    if kind == "multipart/alternative":
        return _shown(branches)
    return [part for branch in branches for part in branch]


def _shown(branches: list[list[Part]]) -> list[Part]:
    """Of alternatives the last with a page that says something, else the last with text, else all."""
    for branch in reversed(branches):
        if any(part.is_html and _SAYS.search(part.body) for part in branch):
            return branch
    for branch in reversed(branches):
        if any(part.is_text and part.body.strip() for part in branch):
            return branch
    return [part for branch in branches for part in branch]


def _message(raw: bytes, depth: int) -> list[Part]:
    """A message inside a message: its subject is seen above its parts."""
    raw = raw.lstrip(b"\r\n")
    inner = _tree(raw, "text/plain", depth + 1)
    subject = decoded(first(fields(split(raw)[0]), "Subject"))
    shown = Part("text/plain", "utf-8", "", "", subject.encode("utf-8", "replace"))
    return [shown, *inner] if subject else inner


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands between the delimiter lines (RFC 2046 section 5.1.1); a missing last one is the end."""
    pieces: list[bytes] = []
    start = -1
    at, end, is_last = _delimiter(body, boundary, 0) if boundary else (-1, -1, True)
    while at >= 0:
        if start >= 0:
            pieces.append(body[start:at])
        start = end
        if is_last or len(pieces) >= MAX_PARTS:
            return pieces
        at, end, is_last = _delimiter(body, boundary, end)
    if start >= 0:
        pieces.append(body[start:])
    return pieces


def _delimiter(body: bytes, boundary: bytes, start: int) -> tuple[int, int, bool]:
    """The next line of -- and the boundary alone: its offset, the offset after it, and whether -- closes it; -1: none.

    ``start`` is the offset of a line.
    """
    wanted = b"--" + boundary
    at = start if body.startswith(wanted, start) else _next_line(body, wanted, start)
    while at >= 0:
        line_end = body.find(b"\n", at)
        after = line_end + 1 if line_end >= 0 else len(body)
        rest = body[at + len(wanted) : after].strip() if after - at < len(wanted) + 100 else b"another boundary"
        if rest in (b"", b"--"):
            return at, after, rest == b"--"
        at = _next_line(body, wanted, at)
    return -1, -1, True


def _next_line(body: bytes, beginning: bytes, start: int) -> int:
    return body.find(b"\n" + beginning, start) + 1 or -1


def decode(body: bytes, encoding: str) -> bytes:
    """A body without its transfer encoding, cut at MAX_DECODED_OCTETS; what does not decode stays as it is."""
    if encoding == "base64":
        return base64_octets(body[: MAX_DECODED_OCTETS * 3 // 2])[:MAX_DECODED_OCTETS]
    if encoding == "quoted-printable":
        body = body[: MAX_DECODED_OCTETS * 3]
        return binascii.a2b_qp(_SOFT_BREAK.sub(b"=", body) if b"= " in body else body)[:MAX_DECODED_OCTETS]
    return body[:MAX_DECODED_OCTETS]
