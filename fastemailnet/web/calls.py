"""The client's half of the API: which request a wish is, and what an answer means. Both clients use it."""

import base64
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.message import EmailMessage
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from fastemailnet import errors
from fastemailnet.admission.headers import envelope
from fastemailnet.admission.submission import Accepted
from fastemailnet.errors import FastEmailNetError, FleetError, MessageError, in_words
from fastemailnet.message.prepare import crlf
from fastemailnet.web.answers import to_json
from fastemailnet.web.mails import policy_for

BATCH_MESSAGES: Final = 100
BATCH_OCTETS: Final = 8_000_000
FIRST_POLL_S: Final = 0.02
SLOWEST_POLL_S: Final = 0.5
_ADDRESS_FIELDS: Final = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc")
UNSETTLED: Final = frozenset({"accepted", "open", "deferred", "released"})

Content = bytes | EmailMessage
Result = Accepted | FastEmailNetError
Waiting = dict[int, Mapping[str, Any]]  # mails of a batch by the place of their result


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
    fields = [field for name in _ADDRESS_FIELDS for field in message.get_all(name, [])]
    mailboxes = [mailbox.addr_spec for field in fields for mailbox in getattr(field, "addresses", ())]
    return message.as_bytes(policy=policy_for(mailboxes))


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
    return envelope(raw, sender, recipients)


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


def batches(
    messages: Iterable[Content],
    sender: str | None,
    recipients: Sequence[str] | None,
    lane: str | None,
    results: list[Result],
) -> Iterator[Waiting]:
    """Batches of JSON mails, each with a key of its own, within the limits on messages and octets of one request.

    ``results`` gets a place for each message; that of a message without an envelope holds its error already.
    """
    batch: Waiting = {}
    size = 0
    for message in messages:
        try:
            mail = _mail(message, sender, recipients, lane)
        except MessageError as error:
            results.append(error)
            continue
        if batch and (len(batch) == BATCH_MESSAGES or size + len(mail["raw"]) > BATCH_OCTETS):
            yield batch
            batch, size = {}, 0
        batch[len(results)] = mail
        size += len(mail["raw"])
        results.append(FleetError("not sent"))
    if batch:
        yield batch


def _mail(
    message: Content, sender: str | None, recipients: Sequence[str] | None, lane: str | None
) -> Mapping[str, Any]:
    reverse_path, to, raw = complete(message, sender, recipients)
    return {
        "raw": base64.b64encode(raw).decode(),
        "from": reverse_path,
        "to": list(to),
        "lane": lane or "",
        "idempotency_key": new_key(),
    }


def batch_call(waiting: Waiting) -> Call:
    """POST of a batch."""
    return Call(
        "POST", "/v1/messages", [(b"content-type", b"application/json")], to_json({"messages": list(waiting.values())})
    )


def settle(waiting: Waiting, answer: bytes | FastEmailNetError, results: list[Result]) -> Waiting:
    """Put the results of a batch, or what befell all of it, in their places; what is left may be tried again."""
    if isinstance(answer, FastEmailNetError):
        for place in waiting:
            results[place] = answer
        return {}
    again: Waiting = {}
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


def new_key() -> str:
    """A key that nobody else uses."""
    return uuid.uuid4().hex


def page(path: str, after: str, limit: int, tenant: str | None = None) -> str:
    """Where a page of a list is asked for; of one tenant's, where it is named."""
    whose = "" if tenant is None else f"&tenant={quote(tenant, safe='')}"
    return f"{path}?after={quote(after, safe='')}&limit={limit}{whose}"


def doubt_path(doubt_id: str) -> str:
    """Where an attempt in doubt is."""
    return f"/v1/in-doubt/{quote(doubt_id, safe='')}"


def held_path(held_id: str) -> str:
    """Where held mail is."""
    return f"/v1/held/{quote(held_id, safe='')}"


def wish(path: str, body: dict[str, Any]) -> Call:
    """POST of something that a person decides."""
    return Call("POST", path, [(b"content-type", b"application/json")], to_json(body))


def resolution(doubt_id: str, verdict: str, reason: str) -> Call:
    """The decision about an attempt in doubt."""
    return wish(doubt_path(doubt_id), {"verdict": verdict, "reason": reason})


def review(held_id: str, verdict: str, reason: str, label: str) -> Call:
    """The decision about held mail."""
    return wish(held_path(held_id), {"verdict": verdict, "reason": reason, "label": label})


def taken_back(report: bytes) -> Call:
    """POST of a report or complaint that came back."""
    return Call("POST", "/v1/feedback", [(b"content-type", b"message/rfc822")], report)


def unreachable(url: str, problem: Exception) -> FleetError:
    """What it means that a request had no answer."""
    return FleetError(f"the gateway at {url} does not answer: {in_words(problem) or type(problem).__name__}")


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
