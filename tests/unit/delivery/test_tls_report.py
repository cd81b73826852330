"""TLS-RPT: what is recorded of a connection, and the report of a day."""

import pytest

from fastemailnet.delivery.answer import Tlsa
from fastemailnet.delivery.demand import UNKNOWN, Dane, Demand, Level, Promise, Result, Tried, Trouble
from fastemailnet.delivery.sts import Mode, Policy
from fastemailnet.delivery.tls_report import Session, decode_sessions, encode_sessions, report, sessions

POLICY = Policy(Mode.ENFORCE, ("*.d.test",), 60, ("version: STSv1", "mode: enforce"))
WEAK = Demand((Level.OFFERED, Level.NONE), "route opportunistic")
GOOD = Tried("mx.d.test", "192.0.2.1")
BAD = Tried("mx.d.test", "192.0.2.2", Trouble(Result.EXPIRED, "certificate refused: certificate has expired"))


def recorded(promise: Promise, *tried: Tried, demand: Demand | None = WEAK) -> list[Session]:
    return list(sessions("d.test", promise, demand, tried))


def test_the_policy_that_held_is_named() -> None:
    assert recorded(UNKNOWN, GOOD) == [Session("no-policy-found", "d.test", (), (), "mx.d.test", "192.0.2.1")]
    [sts] = recorded(Promise(POLICY), BAD)
    assert (sts.type, sts.policy, sts.mx, sts.result) == ("sts", POLICY.lines, POLICY.mx, "certificate-expired")
    dane = Promise(POLICY, dane=Dane.USABLE, tlsa=(Tlsa(3, 1, 1, b"\x01\xff"),))
    [tlsa] = recorded(dane, GOOD)
    assert (tlsa.type, tlsa.policy, tlsa.result) == ("tlsa", ("3 1 1 01ff",), "")


def test_a_policy_that_could_not_be_had_is_a_failure_of_its_own() -> None:
    trouble = Trouble(Result.STS_WEBPKI, "mta-sts.d.test: self-signed")
    assert [one.result for one in recorded(Promise(trouble=trouble), GOOD)] == ["sts-webpki-invalid"]
    assert [one.result for one in recorded(Promise(POLICY, trouble=trouble), GOOD)] == ["sts-webpki-invalid", ""]


def test_plain_text_by_the_operators_will_is_no_session() -> None:
    assert recorded(UNKNOWN, GOOD, demand=Demand((Level.NONE,), "")) == []
    assert recorded(UNKNOWN) == []


def test_sessions_come_back_as_they_were() -> None:
    found = recorded(Promise(POLICY), GOOD, BAD)
    assert decode_sessions(encode_sessions(found)) == found
    assert (encode_sessions([]), decode_sessions("")) == ("", [])


def test_a_report_counts_by_policy_and_kind_of_failure() -> None:
    found = recorded(Promise(POLICY), GOOD, GOOD, BAD, BAD, BAD) + recorded(UNKNOWN, GOOD)
    found.append(Session("sts", "other.test"))
    told = report("d.test", found, day="2026-01-31", organization="mail.example", contact="postmaster@mail.example")
    assert told["date-range"] == {"start-datetime": "2026-01-31T00:00:00Z", "end-datetime": "2026-01-31T23:59:59Z"}
    assert told["policies"] == [
        {
            "policy": {"policy-type": "no-policy-found", "policy-domain": "d.test"},
            "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0},
        },
        {
            "policy": {
                "policy-type": "sts",
                "policy-domain": "d.test",
                "policy-string": list(POLICY.lines),
                "mx-host": ["*.d.test"],
            },
            "summary": {"total-successful-session-count": 2, "total-failure-session-count": 3},
            "failure-details": [
                {
                    "result-type": "certificate-expired",
                    "receiving-mx-hostname": "mx.d.test",
                    "receiving-ip": "192.0.2.2",
                    "failed-session-count": 3,
                    "failure-reason-code": "certificate refused: certificate has expired",
                }
            ],
        },
    ]


@pytest.mark.parametrize("result", list(Result))
def test_every_result_is_one_of_the_rfc(result: Result) -> None:
    # RFC 8460 section 4.3
    assert result.value in {
        "starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted",
        "validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error",
        "sts-policy-invalid", "sts-webpki-invalid",
    }  # fmt: skip
