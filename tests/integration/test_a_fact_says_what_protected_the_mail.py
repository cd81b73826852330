"""A node that routes by MX, from settings alone: name server, mail host with TLS and journal are real."""

from pathlib import Path

from actors.tls_report_cli import DAY_MS, sessions_of
from fastemailnet.config import load
from fastemailnet.flashsync.frames import Outcome
from fastemailnet.ledger.fact import Flag, LeafType, decode_facts
from tests.integration.dns_world import naming
from tests.integration.smtp_world import Inbox
from tests.integration.test_a_fleet_in_one_process import house
from tests.integration.tls_world import Authority, mail_host

ZONE = {"x.example. MX": ["10 mx.test."], "mx.test. A": ["127.0.0.1"]}


async def test_the_connection_stands_in_the_fact_and_its_session_in_the_report_once(tmp_path: Path) -> None:
    authority, inbox = Authority(), Inbox()
    issued = authority.issue("mx.test")
    async with (
        mail_host(inbox, issued.server(tmp_path)) as port,
        naming(ZONE) as (dns, _),
        house(tmp_path / "data") as fleet,
    ):
        fleet.settings = load(
            None,
            {
                "FASTEMAILNET_FLEET__DATA": str(tmp_path / "data"),
                "FASTEMAILNET_ROUTE__KIND": "mx",
                "FASTEMAILNET_ROUTE__PORT": str(port),
                "FASTEMAILNET_ROUTE__TLS": "required",
                "FASTEMAILNET_ROUTE__ALLOW_LOOPBACK": "true",
                "FASTEMAILNET_DNS__SERVERS": '["127.0.0.1"]',
                "FASTEMAILNET_DNS__PORT": str(dns.servers.port),
                "FASTEMAILNET_TLS__CA_FILE": str(authority.trust(tmp_path)),
            },
        )
        fleet.accept("one@x.example", "two@x.example")
        fleet.start_node("a")
        await fleet.until(lambda b: b["relayed"] == 2)
        fleet.accept("three@x.example")
        await fleet.until(lambda b: b["relayed"] == 3)
        frames = [frame for frame in fleet.frames() if isinstance(frame, Outcome)]
        facts = [fact for frame in frames for fact in decode_facts(frame.evidence) if fact.type is LeafType.RELAYED]
        begin_ms = frames[0].at_ms - DAY_MS // 2
        [session] = sessions_of(fleet.log, begin_ms)
        assert list(sessions_of(fleet.log, begin_ms - DAY_MS)) == []
    assert len(facts) == 3
    for fact in facts:
        assert fact.flags & Flag.TLS
        assert (fact.detail["host"], fact.detail["ip"]) == ("mx.test", "127.0.0.1")
        assert str(fact.detail["tls"]).startswith("TLSv1.3 ")
        assert fact.detail["policy"] == "route required"
        assert (
            fact.detail["certificate"]
            == issued.certificate.fingerprint(issued.certificate.signature_hash_algorithm).hex()
        )
    assert (session.type, session.domain, session.host, session.result) == (
        "no-policy-found",
        "x.example",
        "mx.test",
        "",
    )
