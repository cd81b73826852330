"""Which hosts take a domain's mail: decided from answers, without asking anybody."""

import pytest

from fastemailnet.delivery.answer import Answer, Found, Mx
from fastemailnet.delivery.exchanger import Families, Hop, Rules, Unroutable, hops, is_ours, literal, rank
from fastemailnet.delivery.route import Route, RouteKind, Routes, Target
from fastemailnet.outcome import Kind
from fastemailnet.smtp.classify import FAULTS, Fault, by_fault

OWN = "mail.example.net"
RULES = Rules(25, OWN)
NONE: Answer[str] = Answer(Found.NO_DATA)


def mx(*records: tuple[int, str]) -> Answer[Mx]:
    return Answer(Found.RECORDS, tuple(Mx(*record) for record in records), "d.example")


def at(*addresses: str) -> Answer[str]:
    return Answer(Found.RECORDS, addresses) if addresses else NONE


def fault(found: object) -> Fault:
    assert isinstance(found, Unroutable)
    return found.fault


def hosts(*records: tuple[int, str], draw: int = 0) -> list[str]:
    ranked = rank("d.example", mx(*records), OWN, draw)
    assert isinstance(ranked, list)
    return [host for _, host in ranked]


def test_preference_decides_before_the_lot() -> None:
    for draw in range(50):
        assert hosts((20, "b"), (10, "a"), (30, "c"), draw=draw) == ["a", "b", "c"]


def test_the_lot_decides_among_equals_and_the_same_lot_the_same() -> None:
    equal = [(10, f"mx{number}") for number in range(4)]
    orders = {tuple(hosts(*equal, draw=draw)) for draw in range(400)}
    assert len(orders) == 24  # every order of four
    assert hosts(*equal, draw=7) == hosts(*reversed(equal), draw=7)


def test_no_more_than_five_hosts_are_tried() -> None:
    assert len(hosts(*((number, f"mx{number}") for number in range(40)))) == 5


def test_we_and_who_is_no_better_than_we_are_no_hosts() -> None:
    assert hosts((10, "a"), (20, "Mail.Example.NET".lower()), (20, "b"), (30, "c")) == ["a"]
    assert fault(rank("d.example", mx((10, OWN), (20, "b")), OWN.upper(), 0)) is Fault.LOOP


def test_null_mx_counts_alone_only() -> None:
    assert fault(rank("d.example", mx((0, "")), OWN, 0)) is Fault.NULL_MX
    assert hosts((0, ""), (10, "a")) == ["a"]


def test_without_mx_the_domain_is_its_own_host_under_the_name_that_cnames_lead_to() -> None:
    assert rank("d.example", Answer(Found.NO_DATA, name="real.example"), OWN, 0) == [Mx(0, "real.example")]


@pytest.mark.parametrize(
    ("four", "six", "expected"),
    [
        (NONE, NONE, Fault.NO_ADDRESS),
        (Answer(Found.FAILED), NONE, Fault.LOOK_UP),
        (at("127.0.0.1"), at("::1"), Fault.LOOP),
        (at("0.0.0.0"), NONE, Fault.LOOP),
        (at("127.0.0.1"), Answer(Found.FAILED), Fault.LOOK_UP),
    ],
)
def test_why_there_is_no_address(four: Answer[str], six: Answer[str], expected: Fault) -> None:
    assert fault(hops("d.example", [Mx(10, "a")], {"a": (four, six)}, RULES, 0)) is expected


def test_a_host_without_addresses_is_passed_over() -> None:
    found = hops(
        "d", [Mx(1, "a"), Mx(2, "b")], {"a": (Answer(Found.FAILED), NONE), "b": (at("192.0.2.1"), NONE)}, RULES, 0
    )
    assert found == [Hop(Target("b", 25), ("192.0.2.1",))]


def test_loopback_addresses_are_left_out_and_the_rest_is_used() -> None:
    found = hops("d", [Mx(1, "a")], {"a": (at("127.0.0.1", "192.0.2.1"), NONE)}, RULES, 0)
    assert found == [Hop(Target("a", 25), ("192.0.2.1",))]


def test_families_take_turns_and_the_lot_says_which_begins() -> None:
    both = at("192.0.2.1", "192.0.2.2", "192.0.2.3"), at("2001:db8::1")
    orders = set()
    for draw in range(40):
        found = hops("d", [Mx(1, "a")], {"a": both}, RULES, draw)
        assert isinstance(found, list)
        orders.add(found[0].addresses)
    assert orders == {
        ("192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.3"),
        ("2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"),
    }


@pytest.mark.parametrize(("families", "expected"), [(Families.IPV4, "192.0.2.1"), (Families.IPV6, "2001:db8::1")])
def test_one_family_alone(families: Families, expected: str) -> None:
    rules = Rules(25, OWN, families)
    assert hops("d", [Mx(1, "a")], {"a": (at("192.0.2.1"), at("2001:db8::1"))}, rules, 0) == [
        Hop(Target("a", 25), (expected,))
    ]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"])
def test_addresses_of_our_own(address: str) -> None:
    assert is_ours(address)
    assert not is_ours("192.0.2.1")


def test_an_address_literal_is_a_host() -> None:
    assert literal("[IPv6:2001:db8::9]", RULES) == [Hop(Target("[IPv6:2001:db8::9]", 25), ("2001:db8::9",))]
    assert fault(literal("[127.0.0.1]", RULES)) is Fault.LOOP
    assert fault(literal("[x]", RULES)) is Fault.NO_DOMAIN


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_has_a_kind_and_a_status_code_of_its_class(fault: Fault) -> None:
    outcome = by_fault(3, fault, "why")
    kind, status = FAULTS[fault]
    assert (outcome.recipient, outcome.kind, outcome.reason) == (3, kind, f"why ({status})")
    assert status[0] == ("5" if kind is Kind.BOUNCED else "4")


def test_the_longest_suffix_has_the_route() -> None:
    table = {name: Route(RouteKind.SMARTHOST, name) for name in ("a.example", ".example", ".b.example")}
    routes = Routes(Route(RouteKind.MX), table)
    found = {name: routes.of(name).host for name in ("a.example", "x.a.example", "x.b.example", "b.example", "c.test")}
    assert found == {
        "a.example": "a.example",
        "x.a.example": ".example",
        "x.b.example": ".b.example",
        "b.example": ".example",
        "c.test": "",
    }
