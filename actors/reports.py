"""Reports to senders, made by the node that knows what happened: whole units, which travel in the OUTCOME frame that they speak of.

So a report is as durable and as valid as its outcome: an outcome that is refused, or fenced, takes its report with it, and a
crash before the OUTCOME leaves none. ``postmaster`` hands them in.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from actors.bodies import Bodies
from fastemailnet.admission.admit import admit
from fastemailnet.admission.submission import Limits, Submission
from fastemailnet.delivery.feedback import verp
from fastemailnet.delivery.report import Action, Told, told
from fastemailnet.envelope import Lane, Reporting, Unit, encode_unit
from fastemailnet.errors import BlobError
from fastemailnet.ids import message_id, to_text
from fastemailnet.message.dsn import Entry, Report, compose
from fastemailnet.outcome import Outcome, Reply
from fastemailnet.smtp.dsn import decode_xtext


@dataclass(frozen=True, slots=True)
class Written:
    """What a report is made of, and the unit as it goes on: it remembers that a delay was told."""

    units: tuple[bytes, ...]
    told: tuple[Told, ...]

    def noted(self, unit: Unit, at_ms: int) -> Unit:
        """The copy of a unit for a later try, which tells no delay twice."""
        if not any(one.action is Action.DELAYED for one in self.told):
            return unit
        reporting = msgspec.structs.replace(unit.reporting or Reporting(), delay_told_ms=at_ms)
        return msgspec.structs.replace(unit, reporting=reporting)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes the reports of one node."""

    limits: Limits  # of admission: a report is a message like any other
    delay_after_ms: int
    returned_octets: int
    bounce_domain: str = ""

    def reverse_path(self, unit: Unit) -> str:
        """The reverse-path by which a unit goes out: its own, or one that names it (VERP)."""
        return verp(unit, self.bounce_domain)

    def report(
        self,
        unit: Unit,
        attempt: int,
        outcomes: Sequence[Outcome],
        host: str,
        *,
        passes_dsn: bool,
        now_ms: int,
        apart: str = "",
    ) -> Written:
        """The reports that the outcomes of an attempt cause: one for each action. ``apart``: tells them from earlier ones."""
        everything = told(unit, outcomes, passes_dsn=passes_dsn, now_ms=now_ms, delay_after_ms=self.delay_after_ms)
        groups = [tuple(one for one in everything if one.action is action) for action in Action]
        name = f"{unit.recipients[0].index}.{attempt}{apart}"
        units = [self._unit(unit, name, group, host, now_ms) for group in groups if group]
        return Written(tuple(encode_unit(made) for made in units if made is not None), everything)

    def _unit(self, unit: Unit, name: str, group: Sequence[Told], host: str, now_ms: int) -> Unit | None:
        name = f"{name}.{group[0].action.value}"
        drawn = hashlib.sha256(b"fen1/dsn" + unit.message + name.encode()).digest()[:10]
        lane = Lane.TRANSACTIONAL if unit.lane is Lane.TRANSACTIONAL else Lane.STANDARD
        for original in (unit.body, b""):  # what is returned may be what a message must not be
            raw = compose(self._content(unit, group, host, now_ms, to_text(message_id(now_ms, drawn)), original))
            wish = Submission(raw, "", (unit.reverse_path,), lane, tenant=unit.tenant)
            admission = admit(wish, at_ms=now_ms, random80=drawn, limits=self.limits)
            if admission.units:
                return admission.units[0]
        return None

    def _content(self, unit: Unit, group: Sequence[Told], host: str, now_ms: int, name: str, original: bytes) -> Report:
        asked = unit.reporting or Reporting()
        returned = self.returned_octets if asked.ret == "FULL" else 0
        envid, entries = decode_xtext(asked.envid), [entry(one, host) for one in group]
        hostname = self.limits.hostname
        times = (now_ms, unit.accepted_ms, unit.expires_ms)
        return Report(hostname, unit.reverse_path, name, *times, envid, entries, original, returned)


async def with_header(bodies: Bodies, unit: Unit, write: Callable[[Unit], Written]) -> Written:
    """What ``write`` makes of a unit; of a large one with its body here, so that its header is returned, if that can be had now."""
    written = write(unit)
    if written.units and unit.blob is not None:
        with suppress(BlobError):
            return write(await bodies.bring_in(unit))
    return written


def entry(one: Told, host: str) -> Entry:
    """A recipient as the report has it."""
    reply = one.outcome.reply
    said = spoken(reply) if reply is not None else ""
    original = decode_xtext(one.recipient.orcpt)
    peer = host if reply is not None else ""
    return Entry(one.recipient.address, original, one.action.value, one.status, one.outcome.reason, said, peer)


def spoken(reply: Reply) -> str:
    """A reply as it was said, on one line."""
    enhanced = ".".join(map(str, reply.enhanced)) + " " if reply.enhanced else ""
    return f"{reply.code} {enhanced}{' '.join(reply.text.split())}"
