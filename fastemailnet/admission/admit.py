"""The whole decision about a submission: refuse it with every reason, or split it into units.

What is added to a message is added here and never changed again: Date and Message-ID where they are missing, and a
first field ``X-FEN-Message`` with the message id, by which people and the capture inbox find a mail again, and the
CRLF of a last line without one, which DATA could not carry. Bcc is taken out. The result depends on nothing but the
arguments, so that a repeated submission can be compared with the first one (see ``replay``).
"""

from typing import Final, NamedTuple

from fastemailnet import ids
from fastemailnet.admission.lane import KEY_FIELD, ORDER_FIELD, lane_of, tls_of, wishes
from fastemailnet.admission.submission import MAX_KEY_CHARACTERS, Admission, Limits, Submission
from fastemailnet.admission.whole import named
from fastemailnet.envelope import Recipient, Unit
from fastemailnet.errors import MessageError
from fastemailnet.message.address import parse_recipient, parse_reverse_path
from fastemailnet.message.prepare import prepare
from fastemailnet.message.validate import check, needs_smtputf8

TRACE_FIELD: Final = "X-FEN-Message"
_HEADER_END: Final = b"\r\n\r\n"


def admit(submission: Submission, *, at_ms: int, random80: bytes, limits: Limits) -> Admission:
    """Decide about a submission that came at ``at_ms`` (Unix milliseconds); ``random80``: 10 random octets for its id.

    Returns:
        One unit per destination domain, or the problems. Recipients are numbered in the order of the submission, each
        address once.
    """
    message = ids.message_id(at_ms, random80)
    name = ids.to_text(message)
    problems = check(submission.message, limits=limits.of_message())
    if problems:
        return Admission(message, name, (), problems)
    try:
        return Admission(message, name, named(_units(submission, message, name, at_ms, limits)))
    except MessageError as problem:
        return Admission(message, name, (), (problem,))


def _units(submission: Submission, message: bytes, name: str, at_ms: int, limits: Limits) -> tuple[Unit, ...]:
    envelope = _envelope(submission, limits)
    raw = submission.message
    asked = wishes(_header(raw))
    lane = lane_of(submission.lane, asked, raw)
    key = _key(submission.idempotency_key or asked.idempotency_key, KEY_FIELD)
    order = _key(submission.order_key or asked.order_key, ORDER_FIELD)
    tls = tls_of(submission.tls, asked)
    body = _body(raw, name, at_ms, limits.hostname)
    smtputf8 = not envelope.is_ascii or needs_smtputf8(raw)
    expires_ms = limits.expires_ms(lane, at_ms)
    is_personal = sum(map(len, envelope.by_domain.values())) == 1
    return tuple(
        Unit(
            message,
            lane,
            submission.tenant,
            at_ms,
            expires_ms,
            envelope.reverse_path,
            tuple(recipients),
            domain,
            smtputf8,
            body,
            idempotency_key=key,
            order_key=order,
            reporting=submission.reporting,
            tls=tls,
            is_personal=is_personal,
        )
        for domain, recipients in envelope.by_domain.items()
    )


def _body(raw: bytes, name: str, at_ms: int, hostname: str) -> bytes:
    prepared = prepare(raw, message_id=name, at_ms=at_ms, domain=hostname)
    end = b"" if prepared.endswith(b"\r\n") else b"\r\n"
    return b"".join((TRACE_FIELD.encode(), b": ", name.encode(), b"\r\n", prepared, end))


class _Envelope(NamedTuple):
    """An envelope that SMTP can carry."""

    reverse_path: str
    by_domain: dict[str, list[Recipient]]
    is_ascii: bool


def _envelope(submission: Submission, limits: Limits) -> _Envelope:
    given = submission.recipients
    if not given:
        raise MessageError("no recipient", "envelope")
    if len(given) > limits.recipients:
        raise MessageError(f"{len(given)} recipients", "envelope", f"{limits.recipients} recipients")
    reverse_path = parse_reverse_path(submission.reverse_path)
    by_domain: dict[str, list[Recipient]] = {}
    seen: set[str] = set()
    wishes_of = submission.wishes or (("", ""),) * len(given)
    for number, text in enumerate(given):
        parsed = parse_recipient(text)
        if (address := str(parsed)) not in seen:
            by_domain.setdefault(parsed.domain, []).append(Recipient(address, len(seen), *wishes_of[number]))
            seen.add(address)
    return _Envelope(reverse_path, by_domain, reverse_path.isascii() and all(map(str.isascii, seen)))


def _key(key: str, where: str) -> str:
    """An idempotency key or order key, if it is one."""
    if len(key) > MAX_KEY_CHARACTERS:
        raise MessageError(f"a key of {len(key)} characters", where, f"{MAX_KEY_CHARACTERS} characters")
    if not key.isprintable():
        raise MessageError("a key with a control character", where)
    return key


def _header(message: bytes) -> bytes:
    """The header block, or all of a message that has no body."""
    end = message.find(_HEADER_END)
    return message if end < 0 else message[:end]
