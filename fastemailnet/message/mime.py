"""The parts of a message and their decoded content (RFC 2045, 2046), tolerantly: any octets give some parts, in bounded work.

The email package is right but costs a millisecond a mail; this reader does only what scoring needs, by whole-buffer searches.
"""

import binascii
import re
from dataclasses import dataclass

from fastemailnet.message.header import Field, charset_text, fields, first, split

MAX_PARTS = 100
MAX_DEPTH = 8
MAX_DECODED_OCTETS = 400_000  # of one text part; more is cut

_PARAMETER = re.compile(r';\s*([\w!#$%&*+.^`|~\'-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]+)')
_QP = re.compile(rb"=([0-9A-Fa-f]{2})|=[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of the tree of parts."""

    content_type: str  # lower case, type/subtype
    charset: str
    disposition: str  # inline, attachment or ""
    name: str
    content_id: str
    body: bytes  # transfer-decoded for text parts, as it stands for others
    fields: list[Field]
    siblings: str  # subtype of the multipart around it, or ""

    def text(self) -> str:
        """The part as text in its charset."""
        return charset_text(self.body, self.charset)


def parts(raw: bytes) -> list[Part]:
    """The leaves of a message in order, at most MAX_PARTS, at most MAX_DEPTH deep."""
    found: list[Part] = []
    _walk(raw, "", 0, found)
    return found


def parameters(value: str) -> dict[str, str]:
    """The parameters of a structured field, names in lower case, RFC 2231 continuations left as they are."""
    return {name.lower(): text.strip('"') for name, text in _PARAMETER.findall(value)}


def _walk(raw: bytes, siblings: str, depth: int, found: list[Part]) -> None:
    if len(found) >= MAX_PARTS or depth > MAX_DEPTH:
        return
    block, offset = split(raw)
    own = fields(block)
    declared = first(own, "Content-Type")
    kind = declared.partition(";")[0].strip().lower() or "text/plain"
    given = parameters(declared)
    body = raw[offset:]
    if kind.startswith("multipart/") and given.get("boundary"):
        for piece in _pieces(body, given["boundary"].encode("utf-8", "replace")):
            _walk(piece, kind.partition("/")[2], depth + 1, found)
    elif kind in ("message/rfc822", "message/global"):
        _walk(body.lstrip(b"\r\n"), "rfc822", depth + 1, found)
    else:
        found.append(_leaf(kind, given, own, body, siblings))


def _leaf(kind: str, given: dict[str, str], own: list[Field], body: bytes, siblings: str) -> Part:
    disposition = first(own, "Content-Disposition")
    if kind.startswith("text/") or "/" not in kind:
        body = decode(body, first(own, "Content-Transfer-Encoding"))
    name = given.get("name") or parameters(disposition).get("filename", "")
    placed = disposition.partition(";")[0].strip().lower()
    return Part(
        kind, given.get("charset", ""), placed, name, first(own, "Content-ID").strip("<> "), body, own, siblings
    )


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    pieces: list[bytes] = []
    at = _delimiter(body, boundary, 0)
    while at >= 0 and len(pieces) < MAX_PARTS:
        line_end = body.find(b"\n", at)
        if line_end < 0 or body.startswith(b"--", at + 2 + len(boundary)):
            break
        following = _delimiter(body, boundary, line_end)
        pieces.append(body[line_end + 1 : following if following >= 0 else len(body)])
        at = following
    return pieces


def _delimiter(body: bytes, boundary: bytes, start: int) -> int:
    """The offset of the next line that begins with -- and the boundary."""
    wanted = b"--" + boundary
    at = body.find(wanted, start)
    while at > 0 and body[at - 1 : at] != b"\n":
        at = body.find(wanted, at + 1)
    return at


def decode(body: bytes, encoding: str) -> bytes:
    """A body without its transfer encoding, cut at MAX_DECODED_OCTETS; what does not decode stays as it is."""
    encoding = encoding.strip().lower()
    if encoding == "base64":
        return _base64(body[: MAX_DECODED_OCTETS * 3 // 2])[:MAX_DECODED_OCTETS]
    body = body[:MAX_DECODED_OCTETS]
    if encoding == "quoted-printable":
        return _QP.sub(lambda match: bytes((int(match[1], 16),)) if match[1] else b"", body)
    return body


def _base64(body: bytes) -> bytes:
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        return binascii.a2b_base64(letters[: len(letters) // 4 * 4])
