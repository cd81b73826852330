"""What an attempt's end keeps of what was said."""

import pytest

from actors.build import OUTCOME_OCTETS
from actors.ends import REPLIES_OCTETS, short
from actors.evidence import evidence
from actors.gateway import admission_limits
from actors.reports import Reporter
from fastemailnet.config import load
from fastemailnet.envelope import Lane, Recipient, Unit
from fastemailnet.flashsync.frames import NO_INTENT, encode
from fastemailnet.flashsync.frames import Outcome as OutcomeFrame
from fastemailnet.ledger.fact import Flag
from fastemailnet.outcome import Outcome
from fastemailnet.smtp.classify import Phase, by_reply
from fastemailnet.smtp.reply import ReplyParser

PEOPLE = 1_000  # the most of one message
VERBOSE = [b"550-" + b"x" * 1_900 + b"\r\n", b"550-" + b"\xff" * 1_900 + b"\r\n"]


def refused(line: bytes, people: int) -> list[Outcome]:
    """Each recipient is refused with as much as a reply may say."""
    (reply,) = ReplyParser().feed(line * 4 + b"550 that is all\r\n")
    return [by_reply(number, Phase.RCPT, reply) for number in range(people)]


@pytest.mark.parametrize("line", VERBOSE)
def test_a_host_with_pages_to_say_of_each_recipient_makes_no_frame_that_the_log_does_not_take(line: bytes) -> None:
    people = tuple(Recipient(f"{number:04}{'r' * 56}@{'d' * 50}.example", number) for number in range(PEOPLE))
    body = b"From: a@y.example\r\n\r\nhello\r\n"
    unit = Unit(b"m" * 16, Lane.BULK, "t", 1, 10**13, "s@y.example", people, "x.example", False, body)
    outcomes = short(refused(line, PEOPLE))
    more = {"at_ms": 5, "content_sha256": bytes(32), "flags": Flag(0), "where": {"host": "h"}}
    proof = evidence(unit, 1, outcomes, **more)
    settings = load(None, {})
    reporter = Reporter(admission_limits(settings), 1, settings.dsn.returned_octets)
    reports = reporter.report(unit, 1, outcomes, "h", passes_dsn=False, now_ms=9).units
    assert reports
    kinds = tuple(outcome.kind for outcome in outcomes)
    frame = OutcomeFrame(1, 0, 1, "a", 1, 5, NO_INTENT, kinds, None, proof, reports=reports)
    assert len(encode(frame)) < OUTCOME_OCTETS


@pytest.mark.parametrize("line", VERBOSE)
def test_of_few_recipients_every_word_is_kept(line: bytes) -> None:
    few = refused(line, 30)
    assert short(few) == few


def test_what_is_kept_is_the_beginning_and_no_broken_text() -> None:
    for before, after in zip(refused(VERBOSE[1], 700), short(refused(VERBOSE[1], 700)), strict=True):
        assert before.reply is not None
        assert after.reply is not None
        assert before.reply.text.startswith(after.reply.text)
        assert 0 < len(after.reply.text.encode()) <= REPLIES_OCTETS // 700
        assert (after.kind, after.reply.code) == (before.kind, before.reply.code)
