"""Reading what comes back: reports (RFC 3464, 6533), complaints (ARF, RFC 5965), and the bounces of hosts that know neither.

Nothing here raises, whatever comes in: a message that says nothing comes to None. Of a bounce without structure only what can be
relied on is taken: it must come from a mail system, and an SMTP reply must stand in it. An answer of a person, or of a holiday,
is none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr

MAX_OCTETS = 1_000_000  # of a report that are read
MAX_PARTS = 100
MAX_REPORTED = 1_000
MAX_TEXT_CHARACTERS = 1_000
MAX_SUBJECT = 255  # of an enhanced status code
COMPLAINTS = frozenset({"abuse", "fraud", "virus", "opt-out", "opt-out-list", "other"})  # not auth-failure, not-spam
_NAME = re.compile(r"^[> \t]*X-FEN-Message:\s*([0-9A-HJKMNP-TV-Z]{26})\b", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>\"'(),:;\[\]]{1,64}@[A-Za-z0-9.-]{1,255}")
_SYSTEM = re.compile(
    r"(?:mailer-?daemon|postmaster|mail-?daemon|mail\.?delivery|mailsystem|bounce)[^@]*(?:@|$)", re.IGNORECASE
)
_REPLY = re.compile(r"(?<![\d.])(4[2-5]\d|5[0-5]\d)[\s-]\s*(?:#?([45])\.(\d{1,3})\.(\d{1,3})\b)?[^\n]*")
_STATUS = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})")


@dataclass(frozen=True, slots=True)
class Reported:
    """What is said about one recipient."""

    recipient: str  # "" where it is not named
    action: str
    status: tuple[int, int, int] | None
    reply: str  # an SMTP reply, or what stands for it


@dataclass(frozen=True, slots=True)
class Feedback:
    """A report or a complaint."""

    is_complaint: bool
    reported: tuple[Reported, ...]
    source: str
    names: tuple[str, ...]  # our message ids that it returns
    addresses: tuple[str, ...]  # that stand in it anywhere: one may be a reverse-path of ours


def read_feedback(raw: bytes) -> Feedback | None:
    """What a message reports; None where it is no report."""
    raw = raw[:MAX_OCTETS].removeprefix(b"\xef\xbb\xbf").lstrip()  # what files are saved with
    try:
        message = message_from_bytes(raw)
        parts = [part for part, _ in zip(message.walk(), range(MAX_PARTS), strict=False)]
    except RecursionError:  # no mail system nests so deep
        return None
    text = "\n".join([raw.decode("utf-8", "replace"), *(_text(part) for part in parts)]).replace("\r\n", "\n")
    found = _standard(parts) or _complaint(parts) or _plain(message, parts)
    if found is None:
        return None
    is_complaint, reported, source = found
    names = tuple(dict.fromkeys(name.upper() for name in _NAME.findall(text)))
    return Feedback(is_complaint, reported, source, names, tuple(dict.fromkeys(_ADDRESS.findall(text))))


Found = tuple[bool, tuple[Reported, ...], str]


def _standard(parts: list[Message]) -> Found | None:
    for part in parts:
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            blocks = list(_blocks(part))
            reported = tuple(_reported(block) for block in blocks if "action" in block or "status" in block)
            source = next((_typed(block["reporting-mta"]) for block in blocks if "reporting-mta" in block), "")
            if reported:
                return False, reported[:MAX_REPORTED], source
    return None


def _complaint(parts: list[Message]) -> Found | None:
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            for block in _blocks(part):
                kind = block.get("feedback-type", "").lower()
                if kind in COMPLAINTS:
                    recipient = _typed(block.get("original-rcpt-to", "")).strip("<>")
                    source = _typed(block.get("reporting-mta", "")) or block.get("user-agent", "")
                    return True, (Reported(recipient, kind, None, ""),), source[:MAX_TEXT_CHARACTERS]
    return None


def _plain(message: Message, parts: list[Message]) -> Found | None:
    sender = parseaddr(_header(message, "from"))[1] or parseaddr(_header(message, "return-path"))[1]
    failed = _ADDRESS.findall(_header(message, "x-failed-recipients"))
    if not failed and not _SYSTEM.match(sender):
        return None
    for part in parts:
        found = _REPLY.search(_text(part)) if part.get_content_maintype() == "text" else None
        if found is not None:
            status = _status(found.groups()[1:])
            action = "failed" if found[1][0] == "5" else "delayed"
            reply = " ".join(found[0].split())[:MAX_TEXT_CHARACTERS]
            reported = tuple(Reported(one, action, status, reply) for one in failed[:MAX_REPORTED] or [""])
            return False, reported, sender
    return None


def _status(digits: tuple[str | None, ...]) -> tuple[int, int, int] | None:
    """An enhanced status code, if it is one."""
    numbers = tuple(int(one) for one in digits if one)
    return (numbers[0], numbers[1], numbers[2]) if len(numbers) == 3 and numbers[1] <= MAX_SUBJECT else None


def _reported(block: dict[str, str]) -> Reported:
    given = _STATUS.match(block.get("status", ""))
    status = _status(given.groups()) if given else None
    recipient = _typed(block.get("final-recipient", "") or block.get("original-recipient", "")).strip("<>")
    action = block.get("action", "").split(" ")[0].lower() or ("failed" if status and status[0] == 5 else "delayed")
    return Reported(recipient, action[:20], status, _typed(block.get("diagnostic-code", ""))[:MAX_TEXT_CHARACTERS])


def _blocks(part: Message) -> Iterator[dict[str, str]]:
    """The groups of fields in a part that the parser took for messages, or for text."""
    payload = part.get_payload()
    if isinstance(payload, list):
        for inner in payload[:MAX_REPORTED]:
            if isinstance(inner, Message):
                yield {name.lower(): " ".join(str(value).split()) for name, value in reversed(inner.items())}
                yield from _groups(_text(inner))  # where blank lines stand between a report's own fields
    else:
        yield from _groups(_text(part))


def _groups(text: str) -> Iterator[dict[str, str]]:
    for group in re.split(r"\n[ \t]*\n", text)[:MAX_REPORTED]:
        lines = re.sub(r"\n[ \t]+", " ", group).split("\n")
        fields = [line.partition(":") for line in lines if ":" in line]
        if fields:
            yield {name.strip().lower(): value.strip() for name, _, value in fields}


def _typed(value: str) -> str:
    """The value behind its type: ``rfc822; eva@b.example``."""
    return value.rpartition(";")[2].strip() if re.match(r"[\w-]+\s*;", value) else value.strip()


def _header(message: Message, name: str) -> str:
    return str(message.get(name, ""))


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace").replace("\r\n", "\n") if isinstance(payload, bytes) else ""
