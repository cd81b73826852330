"""The parameters by which reports are asked for: taken strictly, passed on unchanged where they are offered."""

import pytest

from fastemailnet.envelope import Recipient, Reporting
from fastemailnet.outcome import Reply
from fastemailnet.smtp.dsn import decode_xtext
from fastemailnet.smtp.effects import AskMessage, AskRecipient, AskSender, Envelope, Write
from fastemailnet.smtp.extension import Capabilities
from fastemailnet.smtp.server import Server
from fastemailnet.smtp.session import Session, Start, Transaction
from fastemailnet.smtp.session import Write as ClientWrite


def talk(octets: bytes, dsn: bool = True) -> tuple[list[int], list[Envelope]]:
    """The final codes of the answers, and the envelopes that were taken."""
    server, said, taken = Server("mx", dsn=dsn), b"", []
    server.feed(b"EHLO c\r\n" + octets)
    while (effect := server.next()) is not None:
        match effect:
            case AskMessage(envelope, _):
                taken.append(envelope)
                effect = server.answer(Reply(250, None, "taken"))
            case AskSender() | AskRecipient():
                effect = server.answer(None)
        assert isinstance(effect, Write)
        said += effect.octets
    return [int(line[:3]) for line in said.splitlines() if line[3:4] == b" "][1:], taken


def test_what_is_asked_for_is_kept_as_it_came() -> None:
    said = (
        b"MAIL FROM:<a@b.org> RET=HDRS ENVID=QQ+2B314\r\n"
        b"RCPT TO:<c@d.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;C+2Bx@d.org\r\nRCPT TO:<e@d.org> NOTIFY=NEVER\r\n"
        b"RCPT TO:<f@d.org>\r\nDATA\r\nx\r\n.\r\n"
    )
    codes, [envelope] = talk(said)
    assert codes == [250, 250, 250, 250, 354, 250]
    assert envelope.parameters == {"RET": "HDRS", "ENVID": "QQ+2B314"}
    assert envelope.wishes == [{"NOTIFY": "SUCCESS,DELAY", "ORCPT": "rfc822;C+2Bx@d.org"}, {"NOTIFY": "NEVER"}, {}]


@pytest.mark.parametrize(
    "parameter",
    [
        *("NOTIFY=", "NOTIFY=NEVER,FAILURE", "NOTIFY=FAILURE,FAILURE", "NOTIFY=SOON", "NOTIFY=SUCCESS,"),
        *(
            "ORCPT=",
            "ORCPT=rfc822;",
            "ORCPT=c@d.org",
            "ORCPT=rfc822;a+2b",
            "ORCPT=rfc822;" + "x" * 500,
            "X=1",
            "RET=FULL",
        ),
    ],
)
def test_what_is_no_wish_is_refused(parameter: str) -> None:
    codes, _ = talk(f"MAIL FROM:<a@b.org>\r\nRCPT TO:<c@d.org> {parameter}\r\n".encode())
    assert codes[-1] in (501, 555)


@pytest.mark.parametrize("parameter", ["RET=ALL", "RET", "ENVID=", "ENVID=a+0", "ENVID=" + "x" * 101, "NOTIFY=NEVER"])
def test_mail_is_refused_with_parameters_that_are_none(parameter: str) -> None:
    codes, _ = talk(f"MAIL FROM:<a@b.org> {parameter}\r\n".encode())
    assert codes[-1] in (501, 555)


def test_who_does_not_offer_it_takes_none_of_it() -> None:
    assert talk(b"MAIL FROM:<a@b.org> RET=FULL\r\n", dsn=False)[0] == [555]
    assert talk(b"MAIL FROM:<a@b.org>\r\nRCPT TO:<c@d.org> NOTIFY=NEVER\r\n", dsn=False)[0] == [250, 555]


TWO = (Recipient("c@d.org", 0, "NEVER", "rfc822;x@d.org"), Recipient("e@d.org", 1))


@pytest.mark.parametrize(
    ("dsn", "written"),
    [
        (
            True,
            b"MAIL FROM:<a@b.org> RET=FULL ENVID=id\r\nRCPT TO:<c@d.org> NOTIFY=NEVER ORCPT=rfc822;x@d.org\r\n"
            b"RCPT TO:<e@d.org>\r\nDATA\r\n",
        ),
        (False, b"MAIL FROM:<a@b.org>\r\nRCPT TO:<c@d.org>\r\nRCPT TO:<e@d.org>\r\nDATA\r\n"),
    ],
)
def test_the_client_passes_it_on_where_it_is_offered(dsn: bool, written: bytes) -> None:
    transaction = Transaction("a@b.org", TWO, b"x\r\n", reporting=Reporting("FULL", "id"))
    effects = Session(transaction, Capabilities(pipelining=True, dsn=dsn)).step(Start())
    assert effects[0] == ClientWrite(written)


def test_the_offer_is_read() -> None:
    assert Capabilities.of(Reply(250, None, "mx\nDSN\nSIZE 1")).dsn
    assert not Capabilities.of(Reply(250, None, "mx\nSIZE 1")).dsn


def test_xtext_shows_what_can_be_shown() -> None:
    assert decode_xtext("a+2Bb+3D+0D+0A+C3") == "a+b=+0D+0A+C3"
