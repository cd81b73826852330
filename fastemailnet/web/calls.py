"""The client's half of the API: which request a wish is, and what an answer means. Both clients use it."""

import base64
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Any, Final, NamedTuple

import msgspec

from fastemailnet import errors
from fastemailnet.admission.headers import envelope
from fastemailnet.admission.submission import Accepted
from fastemailnet.errors import FastEmailNetError, FleetError
from fastemailnet.web.answers import to_json
from fastemailnet.web.mails import crlf

TRIES: Final = 6
FIRST_PAUSE_S: Final = 0.1
BATCH_MESSAGES: Final = 100
BATCH_OCTETS: Final = 8_000_000
FIRST_POLL_S: Final = 0.02
SLOWEST_POLL_S: Final = 0.5
UNSETTLED: Final = frozenset({"accepted", "open", "deferred"})

Content = bytes | EmailMessage
Result = Accepted | FastEmailNetError


class Call(NamedTuple):
    """One HTTP request."""

    method: str
    path: str
    headers: Sequence[tuple[bytes, bytes]] = ()
    content: bytes = b""


def octets(message: Content) -> bytes:
    """A message as it is transmitted."""
    if isinstance(message, bytes):
        return crlf(message)
    try:
        return message.as_bytes(policy=SMTP)
    except UnicodeEncodeError:  # an address that is not ASCII
        return message.as_bytes(policy=SMTPUTF8)


def complete(
    message: Content, sender: str | None, recipients: Sequence[str] | None
) -> tuple[str, Sequence[str], bytes]:
    """Reverse-path, recipients and octets; what is not given comes from the message, which then loses its Bcc.

    Raises:
        MessageError: it names no sender or recipient.
    """
    raw = octets(message)
    if sender is not None and recipients is not None:
        return sender, recipients, raw
    named = envelope(raw)
    return (
        named.sender if sender is None else sender,
        named.recipients if recipients is None else recipients,
        named.message,
    )


def submission(
    message: Content, sender: str | None, recipients: Sequence[str] | None, lane: str | None, key: str | None
) -> Call:
    """POST of one message as it is, with its envelope in header fields (UTF-8, one field a recipient)."""
    reverse_path, to, raw = complete(message, sender, recipients)
    headers = [
        (b"content-type", b"message/rfc822"),
        (b"idempotency-key", (key or new_key()).encode()),
        (b"x-envelope-from", reverse_path.encode()),
        *((b"x-envelope-to", recipient.encode()) for recipient in to),
    ]
    if lane:
        headers.append((b"x-fen-lane", lane.encode()))
    return Call("POST", "/v1/messages", headers, raw)


def mails(
    messages: Iterable[Content], sender: str | None, recipients: Sequence[str] | None, lane: str | None
) -> Iterator[Mapping[str, Any]]:
    """Each message as a JSON mail with a key of its own."""
    for message in messages:
        reverse_path, to, raw = complete(message, sender, recipients)
        yield {
            "raw": base64.b64encode(raw).decode(),
            "from": reverse_path,
            "to": list(to),
            "lane": lane or "",
            "idempotency_key": new_key(),
        }


def batches(items: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Batches within the limits on messages and octets of one request; at least one in each."""
    batch: list[Mapping[str, Any]] = []
    size = 0
    for item in items:
        if batch and (len(batch) == BATCH_MESSAGES or size + len(item["raw"]) > BATCH_OCTETS):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item["raw"])
    if batch:
        yield batch


def batch_call(waiting: Mapping[int, Mapping[str, Any]]) -> Call:
    """POST of a batch."""
    return Call(
        "POST", "/v1/messages", [(b"content-type", b"application/json")], to_json({"messages": list(waiting.values())})
    )


def settle(
    waiting: Mapping[int, Mapping[str, Any]], answer: bytes, results: list[Result]
) -> dict[int, Mapping[str, Any]]:
    """Put the results of a batch in their places; what is left may be tried again."""
    again: dict[int, Mapping[str, Any]] = {}
    for (place, mail), result in zip(waiting.items(), msgspec.json.decode(answer)["messages"], strict=True):
        if "error" in result:
            error = results[place] = made_again(result["error"])
            if error.retriable:
                again[place] = mail
        else:
            results[place] = msgspec.convert(result, Accepted)
    return again


def accepted(answer: bytes) -> Accepted:
    """The answer to a submission."""
    return msgspec.json.decode(answer, type=Accepted)


def check(status: int, body: bytes) -> bytes:
    """The body of a good answer.

    Raises:
        FastEmailNetError: the gateway refused or failed; the class is the one it names.
    """
    if status < 300:
        return body
    try:
        error = msgspec.json.decode(body)["error"]
    except (msgspec.MsgspecError, KeyError, TypeError):
        raise FleetError(f"HTTP {status}: {body[:200].decode('utf-8', 'replace')}") from None
    raise made_again(error)


def made_again(error: Mapping[str, Any]) -> FastEmailNetError:
    """The error that an answer describes."""
    kind = getattr(errors, str(error.get("type")), None)
    if isinstance(kind, type) and issubclass(kind, FastEmailNetError):
        try:
            return kind(*error["arguments"])
        except (TypeError, KeyError):  # a gateway of another version
            pass
    return FleetError(str(error.get("what")))


def pause_s(attempt: int) -> float:
    """How long to wait after the attempt of this number (from 0) before the next one."""
    return FIRST_PAUSE_S * float(2**attempt)


def new_key() -> str:
    """A key that nobody else uses."""
    return uuid.uuid4().hex


class Watch:
    """Which of some messages have outcomes for all their deliveries."""

    def __init__(self, message_ids: Iterable[str], timeout_s: float, now_s: float) -> None:
        self._seen: dict[str, dict[str, Any] | None] = dict.fromkeys(message_ids)
        self._waiting = list(self._seen)
        self._timeout_s = timeout_s
        self._deadline_s = now_s + timeout_s
        self._pause_s = FIRST_POLL_S

    def waiting(self) -> list[str]:
        """The messages to ask for."""
        return list(self._waiting)

    def see(self, message_id: str, timeline: dict[str, Any]) -> None:
        """A message's timeline as it is now."""
        self._seen[message_id] = timeline
        if all(delivery["state"] not in UNSETTLED for delivery in timeline["deliveries"]):
            self._waiting.remove(message_id)

    def pause_s(self, now_s: float) -> float:
        """How long to wait before asking again; 0 when nothing waits.

        Raises:
            FleetError: the time is up.
        """
        if not self._waiting:
            return 0.0
        if now_s >= self._deadline_s:
            of = f"{len(self._waiting)} of {len(self._seen)} messages"
            raise FleetError(f"{of} have no outcome after {self._timeout_s} s, the first is {self._waiting[0]}")
        self._pause_s = min(self._pause_s * 1.5, SLOWEST_POLL_S)
        return self._pause_s

    def timelines(self) -> list[dict[str, Any]]:
        """What was seen last, in the order of the ids."""
        return [timeline for timeline in self._seen.values() if timeline is not None]
