"""Who fails too often is not listened to, over all its connections."""

import pytest

from fastemailnet.admission import clients, failures
from fastemailnet.admission.clients import client_of
from fastemailnet.admission.failures import SPAN_S, Failures

STRANGER = "203.0.113.7"


def test_so_many_failures_at_once_and_then_one_in_their_part_of_the_time() -> None:
    failed = Failures(20)
    for _ in range(20):
        assert failed.wait_s(STRANGER, 5.0) == 0
        failed.add(STRANGER, 5.0)
    assert failed.wait_s(STRANGER, 5.0) == SPAN_S / 20
    assert failed.wait_s("203.0.113.8", 5.0) == 0
    assert failed.wait_s(STRANGER, 5.0 + SPAN_S / 20) == 0
    failed.add(STRANGER, 5.0 + SPAN_S / 20)
    assert failed.wait_s(STRANGER, 5.0 + SPAN_S / 20) == SPAN_S / 20
    assert failed.wait_s(STRANGER, 5.0 + 2 * SPAN_S) == 0


def test_one_failure_may_be_too_many_and_none_may_be() -> None:
    once, never = Failures(1), Failures(0)
    for failed in (once, never):
        failed.add(STRANGER, 0.0)
    assert once.wait_s(STRANGER, 0.0) == SPAN_S
    assert never.wait_s(STRANGER, 0.0) == 0


@pytest.mark.parametrize(
    ("address", "client"),
    [
        (STRANGER, STRANGER),
        ("::ffff:203.0.113.7", STRANGER),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_a_client_is_what_a_network_hands_out(address: str, client: str) -> None:
    assert client_of(address) == client


def test_those_that_failed_longest_ago_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MAX_CLIENTS", 2)
    failed = Failures(1)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"):
        failed.add(address, 0.0)
    assert [failed.wait_s(f"192.0.2.{number}", 0.0) > 0 for number in (1, 2, 3)] == [True, False, True]


def test_of_what_was_right_the_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "MAX_RIGHT", 2)
    failed = Failures(1)
    for secret in (b"1", b"2", b"1", b"3"):
        failed.know("2001:db8::1", secret)
    assert [failed.knows("2001:db8::2", secret) for secret in (b"1", b"2", b"3")] == [True, False, True]
    assert not failed.knows(STRANGER, b"1")
