import asyncio
import base64
import contextlib
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.server import SmtpServer
from fastemailnet.net.tls import Trust
from fastemailnet.outcome import BounceClass, Kind
from tests.integration.smtp_world import Inbox, certificate, grant, route, scripted, transaction

OPPORTUNISTIC, REQUIRED, NONE = TlsPolicy.OPPORTUNISTIC, TlsPolicy.REQUIRED, TlsPolicy.NONE


@pytest.fixture
def pool() -> Pool:
    return Pool("client.example.net", Limits())


@contextlib.asynccontextmanager
async def encrypting(inbox: Inbox, context: ssl.SSLContext | None) -> AsyncIterator[int]:
    server = SmtpServer("127.0.0.1", 0, inbox, hostname="localhost", tls=None if context is None else lambda: context)
    try:
        yield await server.start()
    finally:
        await server.close()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_opportunistic_tls_tells_what_protected_the_mail(
    new_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path, pool: Pool
) -> None:
    async def scene() -> None:
        inbox = Inbox()
        async with encrypting(inbox, certificate(tmp_path)[0]) as port:
            for _ in range(3):
                delivery = await pool.deliver(route(port, OPPORTUNISTIC), "b.org", transaction(), grant)
                assert delivery.outcomes[0].kind is Kind.RELAYED
                assert str(delivery.tls).startswith("TLSv1.3 TLS_")
                assert delivery.where()["tls"] == delivery.tls
            await pool.close()
        assert len(inbox.taken) == 3

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scene())


async def test_required_tls_refuses_a_certificate_that_nobody_vouches_for(tmp_path: Path, pool: Pool) -> None:
    inbox = Inbox()
    async with encrypting(inbox, certificate(tmp_path)[0]) as port:
        delivery = await pool.deliver(route(port, REQUIRED, "localhost"), "b.org", transaction(), grant)
    assert delivery.outcomes[0].kind is Kind.DEFERRED
    assert "certificate" in delivery.outcomes[0].reason.lower()
    assert not inbox.taken


async def test_required_tls_takes_a_certificate_that_is_valid(tmp_path: Path) -> None:
    context, trust = certificate(tmp_path)
    pool = Pool("client.example.net", Limits(), trust=Trust(trust))
    inbox = Inbox()
    async with encrypting(inbox, context) as port:
        delivery = await pool.deliver(route(port, REQUIRED, "localhost"), "b.org", transaction(), grant)
        await pool.close()
    assert delivery.outcomes[0].kind is Kind.RELAYED


async def test_required_tls_sends_nothing_where_none_is_offered(pool: Pool) -> None:
    inbox = Inbox()
    async with encrypting(inbox, None) as port:
        delivery = await pool.deliver(route(port, REQUIRED), "b.org", transaction(), grant)
    assert delivery.outcomes[0].kind is Kind.DEFERRED
    assert "STARTTLS is not offered" in delivery.outcomes[0].reason


@pytest.mark.parametrize("starttls", ["454 not now", "220 nothing follows", ""])
async def test_broken_tls_is_followed_by_a_connection_without(starttls: str, pool: Pool) -> None:
    heard: list[str] = []
    answers = {"EHLO": "250-scripted\r\n250 STARTTLS", "STARTTLS": starttls, "MAIL": "250 ok", "RCPT": "550 no"}
    async with scripted(answers, heard) as port:
        delivery = await pool.deliver(route(port, OPPORTUNISTIC), "b.org", transaction(), grant)
    assert delivery.outcomes[0].kind is Kind.BOUNCED
    assert delivery.tls is None
    assert heard.count("STARTTLS") == 1


async def test_auth_plain_comes_before_the_mail(pool: Pool) -> None:
    heard: list[str] = []
    answers = {"EHLO": "250-scripted\r\n250 AUTH PLAIN", "AUTH": "235 welcome", "MAIL": "250 ok", "RCPT": "550 no"}
    async with scripted(answers, heard) as port:
        to = route(port, NONE, username="user", password="secret")
        delivery = await pool.deliver(to, "b.org", transaction(), grant)
    assert delivery.outcomes[0].kind is Kind.BOUNCED
    assert heard[1] == "AUTH PLAIN " + base64.b64encode(b"\0user\0secret").decode()
    assert heard[2].startswith("MAIL FROM:<from@example.net>")


async def test_a_connection_of_one_account_carries_no_mail_of_another(pool: Pool) -> None:
    heard: list[str] = []
    ehlo = "250-scripted\r\n250-PIPELINING\r\n250 AUTH PLAIN"
    answers = {
        "EHLO": ehlo,
        "AUTH": "235 welcome",
        "MAIL": "250 ok",
        "RCPT": "550 no",
        "DATA": "503 no",
        "RSET": "250 ok",
    }
    async with scripted(answers, heard) as port:
        for user in ("one", "two", "one", ""):
            to = route(port, NONE, username=user, password="secret" if user else "")
            await pool.deliver(to, "b.org", transaction(), grant)
        await pool.close()
    told = [base64.b64decode(line.split()[-1]).split(b"\0")[1] for line in heard if line.startswith("AUTH")]
    assert told == [b"one", b"two"]  # the third mail goes over the first connection
    assert sum(line.startswith("EHLO") for line in heard) == 3


async def test_a_password_is_not_told_to_who_offers_no_tls(pool: Pool) -> None:
    heard: list[str] = []
    async with scripted({"EHLO": "250-scripted\r\n250 AUTH PLAIN", "AUTH": "235 welcome"}, heard) as port:
        to = route(port, OPPORTUNISTIC, username="user", password="secret")
        delivery = await pool.deliver(to, "b.org", transaction(), grant)
    assert delivery.outcomes[0].kind is Kind.DEFERRED
    assert not [line for line in heard if line.startswith("AUTH")]


async def test_a_wrong_password_defers_with_the_reply(pool: Pool) -> None:
    answers = {"EHLO": "250-scripted\r\n250 AUTH PLAIN", "AUTH": "535 5.7.8 wrong"}
    async with scripted(answers, []) as port:
        to = route(port, NONE, username="user", password="secret")
        delivery = await pool.deliver(to, "b.org", transaction(), grant)
    assert delivery.outcomes[0].kind is Kind.DEFERRED
    assert delivery.outcomes[0].reply is not None
    assert delivery.outcomes[0].reply.code == 535
    assert "check the route's username and password_file (4.7.8)" in delivery.outcomes[0].reason


@pytest.mark.parametrize(
    ("offer", "auth", "told"),
    [
        ("250 SIZE", "", "offers no AUTH that we know, and the route has a username"),
        ("250 AUTH GSSAPI", "", "offers no AUTH that we know, and the route has a username"),
        ("250 AUTH PLAIN LOGIN", "535 5.7.8 wrong", "does not let 'user' in: 535"),
        ("250 AUTH PLAIN", "454 4.7.0 later", "does not let 'user' in: 454"),
    ],
)
async def test_an_account_that_is_not_let_in_waits_and_nobody_else_does(
    offer: str, auth: str, told: str, pool: Pool
) -> None:
    heard: list[str] = []
    answers = {"EHLO": f"250-scripted\r\n{offer}", "AUTH": auth, "MAIL": "250 ok", "RCPT": "550 no", "DATA": "503 no"}
    async with scripted(answers, heard) as port:
        locked_out = route(port, NONE, username="user", password="secret")
        for _ in range(3):
            outcome = (await pool.deliver(locked_out, "b.org", transaction(), grant)).outcomes[0]
            assert (outcome.kind, outcome.bounce_class) == (Kind.DEFERRED, BounceClass.BAD_CONFIGURATION)
            assert told in outcome.reason
        tried = len(heard)
        assert outcome.reason.startswith("paused until ")
        assert heard.count(heard[0]) == 1  # one EHLO: a wrong password is not told over and over
        other = await pool.deliver(route(port, NONE), "b.org", transaction(), grant)
        assert other.outcomes[0].kind is Kind.BOUNCED
        assert len(heard) > tried
        await pool.close()


async def test_what_was_sent_behind_starttls_is_dropped(tmp_path: Path) -> None:
    """CVE-2011-0411: commands injected in clear text must not be answered inside the encrypted session."""
    context, trust = certificate(tmp_path)

    def attack(port: int) -> tuple[int, bytes]:
        with smtplib.SMTP("localhost", port) as client:
            client.ehlo()
            client.send("STARTTLS\r\nNOOP\r\nNOOP\r\n")
            assert client.getreply()[0] == 220
            assert client.sock is not None
            client.sock = ssl.create_default_context(cafile=str(trust)).wrap_socket(
                client.sock, server_hostname="localhost"
            )
            client.file = None
            code, offers = client.docmd("EHLO", "client")
            assert client.docmd("MAIL", "FROM:<a@b.org>")[0] == 250
            return code, offers

    async with encrypting(Inbox(), context) as port:
        code, offers = await asyncio.to_thread(attack, port)
    assert code == 250
    assert b"STARTTLS" not in offers
    assert b"PIPELINING" in offers
