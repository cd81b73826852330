import pytest

from fastemailnet.outcome import Kind, Outcome, Reply
from fastemailnet.smtp.classify import Phase, bounce_class, by_reply, by_silence, is_breach, is_success

BEFORE_END = [Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.CHUNK]


@pytest.mark.parametrize("phase", [*BEFORE_END, Phase.END])
@pytest.mark.parametrize(
    ("code", "kind"), [(450, Kind.DEFERRED), (421, Kind.DEFERRED), (550, Kind.BOUNCED), (554, Kind.BOUNCED)]
)
def test_refusals_mean_the_same_in_every_phase(phase: Phase, code: int, kind: Kind) -> None:
    reply = Reply(code, None, "text")
    assert by_reply(3, phase, reply) == Outcome(3, kind, f"reply to {phase.value}", reply, bounce_class(reply))


def test_too_many_recipients_waits_at_rcpt_only() -> None:
    reply = Reply(552, None, "too many")
    assert by_reply(0, Phase.RCPT, reply).kind is Kind.DEFERRED
    assert by_reply(0, Phase.END, reply).kind is Kind.BOUNCED


def test_a_refused_greeting_says_nothing_about_the_mail() -> None:
    assert by_reply(0, Phase.CONNECT, Reply(554, None, "not you")).kind is Kind.DEFERRED


def test_silence_is_in_doubt_after_the_end_only() -> None:
    assert by_silence(0, Phase.END, "time-out").kind is Kind.IN_DOUBT
    assert by_silence(0, Phase.END, "time-out").reason == "time-out while waiting for the reply to the end of data"
    assert by_silence(0, Phase.CONNECT, "cannot connect").reason == "cannot connect"
    assert {by_silence(0, phase, "time-out").kind for phase in [Phase.CONNECT, *BEFORE_END]} == {Kind.DEFERRED}


@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.CHUNK, Phase.END])
def test_replies_that_a_phase_does_not_have_are_breaches(phase: Phase) -> None:
    assert is_success(phase, Reply(250, None, ""))
    assert is_breach(phase, Reply(354, None, ""))
    assert not is_breach(phase, Reply(450, None, ""))


def test_data_goes_on_with_354_only() -> None:
    assert is_success(Phase.DATA, Reply(354, None, ""))
    assert is_breach(Phase.DATA, Reply(250, None, ""))


def test_the_end_is_relayed_by_any_2xx() -> None:
    assert by_reply(0, Phase.END, Reply(251, None, "will forward")).kind is Kind.RELAYED
