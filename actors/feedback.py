"""Taking in what comes back: read, noted in the log, answered. The ledger process makes facts of the notes (``delivery.feedback``)."""

import asyncio
import os
import re
from collections.abc import Iterable, Sequence

from actors.clock import wall_ms
from fastemailnet import ids
from fastemailnet.delivery.feedback import ANY, STREAM, About, Note, encode_note, named_by
from fastemailnet.ledger.fact import SALT_OCTETS
from fastemailnet.log.group import GroupCommit
from fastemailnet.message.feedback import Feedback, Reported, read_feedback
from fastemailnet.outcome import Reply
from fastemailnet.smtp.classify import bounce_class
from fastemailnet.smtp.reply import make
from fastemailnet.web.feedback import Taken

_SAID = re.compile(r"([45]\d\d)[ -]?(.*)", re.DOTALL)
READ_AT_ONCE_OCTETS = 10_000  # 20 ms for the worst of these
NOTHING = Taken("nothing", 0)


class FeedbackDesk:
    """Takes reports and complaints for one log. ``domain``: of our reverse-paths; "" where they are the senders' own."""

    def __init__(self, group: GroupCommit, domain: str) -> None:
        self.group = group
        self.domain = domain
        self.reading = asyncio.Lock()

    def is_ours(self, address: str) -> bool:
        """Whether mail to an address is something that came back."""
        return bool(self.domain) and address.rpartition("@")[2].lower() == self.domain.lower()

    def is_known(self, address: str) -> bool:
        """Whether an address of ours names a message."""
        return named_by(address, self.domain) is not None

    async def take(self, raw: bytes, recipients: Iterable[str] = ()) -> Taken:
        """Note what a message reports; durable on return. ``recipients``: to whom it was sent, where that is known."""
        found = await self._read(raw)
        if found is None:
            return NOTHING
        notes = list(self._notes(found, recipients))
        if notes:
            await self.group.append(STREAM, 0, [encode_note(note) for note in notes])
        return Taken("complaint" if found.is_complaint else "dsn", len(notes))

    async def _read(self, raw: bytes) -> Feedback | None:
        """What it reports. A large one may take the parser seconds, and strangers bring them: one at a time, beside the loop."""
        if len(raw) <= READ_AT_ONCE_OCTETS:
            return read_feedback(raw)
        async with self.reading:
            return await asyncio.to_thread(read_feedback, raw)

    def _notes(self, found: Feedback, recipients: Iterable[str]) -> Iterable[Note]:
        place = self._place(found, recipients)
        if place is None:
            return
        message, index = place
        about = About.COMPLAINT if found.is_complaint else About.DSN
        now_ms = wall_ms()
        for one in found.reported:
            reply = spoken(one)
            why = bounce_class(reply) if reply is not None else None
            said = (
                (reply.code, reply.enhanced, why, reply.text) if reply is not None else (0, one.status, None, one.reply)
            )
            yield Note(
                about, now_ms, message, index, one.recipient, one.action, *said, found.source, os.urandom(SALT_OCTETS)
            )

    def _place(self, found: Feedback, recipients: Iterable[str]) -> tuple[bytes, int] | None:
        """The message that it is about, and the recipient's index if that is known: by the reverse-path, else by its own field."""
        addresses: Sequence[str] = [*recipients, *found.addresses]
        by_path = next((place for address in addresses if (place := named_by(address, self.domain))), None)
        return by_path or next(((message, ANY) for name in found.names if (message := _id(name))), None)


def _id(name: str) -> bytes | None:
    try:
        return ids.from_text(name)
    except ValueError:
        return None


def spoken(one: Reported) -> Reply | None:
    """What is said about a recipient, as a reply; its status where no reply stands there."""
    found = _SAID.match(one.reply)
    if found is not None:
        reply = make(int(found[1]), [found[2]])
        return reply if reply.enhanced else Reply(reply.code, one.status, reply.text)
    if one.status is None or one.status[0] == 2:
        return None
    code = 550 if one.status[0] == 5 else 450
    return Reply(code, one.status, one.reply)
