"""How a connection must be protected: the whole table."""

from dataclasses import replace

import pytest

from fastemailnet.delivery.answer import Tlsa
from fastemailnet.delivery.broken_tls import MAX_TARGETS, BrokenTls
from fastemailnet.delivery.demand import UNKNOWN, Dane, Demand, Level, Promise, Refusal, Result, demand
from fastemailnet.delivery.route import Route, RouteKind, Target, TlsPolicy
from fastemailnet.delivery.sts import Mode, Policy
from fastemailnet.envelope import TlsWish
from fastemailnet.smtp.classify import Fault

NONE, OFFERED, ENCRYPT, VERIFY, DANE = Level
RECORD = Tlsa(3, 1, 1, bytes(32))
USABLE = Promise(dane=Dane.USABLE, tlsa=(RECORD,))
UNUSABLE = Promise(dane=Dane.UNUSABLE)
FAILED = Promise(dane=Dane.FAILED)


def sts(mode: Mode, *, is_match: bool = True, dane: Dane = Dane.NONE) -> Promise:
    return Promise(Policy(mode, ("mx.example",), 1, ()), is_match, dane)


ENFORCE, TESTING = sts(Mode.ENFORCE), sts(Mode.TESTING)
ELSEWHERE = sts(Mode.ENFORCE, is_match=False)


def asked(tls: TlsPolicy, promise: Promise, wish: TlsWish = TlsWish.DEFAULT, **route: str) -> Demand | Refusal:
    return demand(Route(RouteKind.MX, tls=tls, **route), "d.example", "mx.example", promise, wish)


@pytest.mark.parametrize(
    ("tls", "promise", "ladder"),
    [
        (TlsPolicy.NONE, UNKNOWN, (NONE,)),
        (TlsPolicy.OPPORTUNISTIC, UNKNOWN, (OFFERED, NONE)),
        (TlsPolicy.ENCRYPT, UNKNOWN, (ENCRYPT,)),
        (TlsPolicy.REQUIRED, UNKNOWN, (VERIFY,)),
        (TlsPolicy.NONE, ENFORCE, (NONE,)),
        (TlsPolicy.OPPORTUNISTIC, ENFORCE, (VERIFY,)),
        (TlsPolicy.ENCRYPT, ENFORCE, (VERIFY,)),
        (TlsPolicy.OPPORTUNISTIC, TESTING, (VERIFY, OFFERED, NONE)),
        (TlsPolicy.ENCRYPT, TESTING, (VERIFY, ENCRYPT)),
        (TlsPolicy.REQUIRED, TESTING, (VERIFY,)),
        (TlsPolicy.OPPORTUNISTIC, sts(Mode.NONE), (OFFERED, NONE)),
        (TlsPolicy.OPPORTUNISTIC, USABLE, (DANE,)),
        (TlsPolicy.REQUIRED, USABLE, (DANE,)),
        (TlsPolicy.OPPORTUNISTIC, UNUSABLE, (ENCRYPT,)),
        (TlsPolicy.REQUIRED, UNUSABLE, (VERIFY,)),
        (TlsPolicy.NONE, USABLE, (NONE,)),
        (TlsPolicy.OPPORTUNISTIC, sts(Mode.ENFORCE, is_match=False, dane=Dane.USABLE), (DANE,)),
    ],
)
def test_the_route_and_the_promises(tls: TlsPolicy, promise: Promise, ladder: tuple[Level, ...]) -> None:
    found = asked(tls, promise)
    assert isinstance(found, Demand)
    assert found.ladder == ladder


@pytest.mark.parametrize(
    ("promise", "fault", "result"),
    [(ELSEWHERE, Fault.NOT_ALLOWED, Result.FAILURE), (FAILED, Fault.LOOK_UP, Result.DNSSEC_INVALID)],
)
def test_hosts_that_are_not_used(promise: Promise, fault: Fault, result: Result) -> None:
    found = asked(TlsPolicy.OPPORTUNISTIC, promise)
    assert isinstance(found, Refusal)
    assert found.fault is fault
    assert found.trouble is not None
    assert found.trouble.result is result
    lowered = asked(TlsPolicy.OPPORTUNISTIC, promise, TlsWish.OPTIONAL)
    assert isinstance(lowered, Demand)
    assert lowered.ladder == (OFFERED, NONE)


@pytest.mark.parametrize(
    ("promise", "ladder"),
    [
        (USABLE, (DANE,)),
        (ENFORCE, (VERIFY,)),
        (TESTING, (VERIFY,)),
        (Promise(is_secure=True), (VERIFY,)),
        (UNKNOWN, None),
        (ELSEWHERE, None),
        (sts(Mode.NONE), None),
    ],
)
def test_requiretls_wants_the_way_to_the_host_secured_too(promise: Promise, ladder: tuple[Level, ...] | None) -> None:
    for tls in TlsPolicy:
        found = asked(tls, promise, TlsWish.REQUIRED)
        assert (found.ladder if isinstance(found, Demand) else None) == ladder
        assert isinstance(found, Demand) or found.fault is Fault.NO_SAFE_WAY


def test_a_password_is_not_told_over_plain_text_unless_the_operator_says_so() -> None:
    for tls, ladder in [(TlsPolicy.OPPORTUNISTIC, (ENCRYPT,)), (TlsPolicy.NONE, (NONE,))]:
        found = asked(tls, UNKNOWN, username="user", password="secret")
        assert isinstance(found, Demand)
        assert found.ladder == ladder


def test_a_demand_is_its_accounts_own() -> None:
    one = asked(TlsPolicy.REQUIRED, UNKNOWN, username="user", password="secret")
    anybody = asked(TlsPolicy.REQUIRED, UNKNOWN)
    assert isinstance(one, Demand)
    assert isinstance(anybody, Demand)
    assert not anybody.is_served_by(one, VERIFY)
    assert not one.is_served_by(anybody, VERIFY)
    assert one.is_served_by(one, VERIFY)


def test_requiretls_waits_where_a_promise_cannot_be_had_now() -> None:
    found = asked(TlsPolicy.OPPORTUNISTIC, Promise(unsure="SERVFAIL"), TlsWish.REQUIRED)
    assert isinstance(found, Refusal)
    assert found.fault is Fault.LOOK_UP
    assert "SERVFAIL" in found.text
    known = asked(TlsPolicy.OPPORTUNISTIC, replace(ELSEWHERE, unsure="SERVFAIL"), TlsWish.REQUIRED)
    assert isinstance(known, Refusal)
    assert known.fault is Fault.NO_SAFE_WAY


def test_what_serves_what() -> None:
    def of(*ladder: Level, policy: str = "") -> Demand:
        return Demand(ladder, policy)

    assert of(OFFERED, NONE).is_served_by(of(VERIFY, policy="sts enforce"), VERIFY)
    assert not of(VERIFY).is_served_by(of(OFFERED, NONE), ENCRYPT)
    assert not of(VERIFY, OFFERED, NONE).is_served_by(of(OFFERED, NONE), NONE)
    assert of(OFFERED, NONE).is_served_by(of(OFFERED, NONE), NONE)  # fell down the same ladder
    assert not of(OFFERED, NONE).is_served_by(of(NONE), NONE)
    one, other = Demand((DANE,), "dane", (RECORD,)), Demand((DANE,), "dane", (RECORD, RECORD))
    assert one.is_served_by(one, DANE)
    assert not one.is_served_by(other, DANE)
    assert of(VERIFY).is_served_by(one, DANE) is True


def test_broken_tls_lowers_opportunistic_demands_alone_and_for_a_time() -> None:
    broken, target = BrokenTls(100.0), Target("mx", 25)
    weak, testing = Demand((OFFERED, NONE), "route opportunistic"), Demand((VERIFY, OFFERED, NONE), "sts testing")
    broken.remember(target, testing, 0.0)
    assert broken.lowered(target, weak, 1.0) == weak
    broken.remember(target, weak, 0.0)
    assert broken.lowered(target, weak, 99.0).ladder == (NONE,)
    assert broken.lowered(target, weak, 100.0) == weak
    for demand_ in (testing, Demand((ENCRYPT,), ""), Demand((DANE,), "")):
        assert broken.lowered(target, demand_, 1.0) == demand_


def test_the_memory_is_bounded() -> None:
    broken = BrokenTls(1.0)
    for number in range(MAX_TARGETS + 5):
        broken.remember(Target("mx", number), Demand((OFFERED, NONE), ""), 0.0)
    assert len(broken.until_s) == MAX_TARGETS
