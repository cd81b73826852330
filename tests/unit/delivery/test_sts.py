"""MTA-STS without DNS or HTTPS: records, policies, matches, and when a policy is fetched."""

import pytest

from fastemailnet.delivery.sts import (
    MAX_AGE_S,
    MAX_POLICY_OCTETS,
    RETRY_MS,
    Kept,
    Mode,
    Policy,
    Step,
    matches,
    next_step,
    read_policy,
    read_record,
    revive,
)

GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


def policy(*mx: str, max_age_s: int = 1_000) -> Policy:
    return Policy(Mode.ENFORCE, mx, max_age_s, ())


@pytest.mark.parametrize(
    ("texts", "record"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=1"], "1"),
        (["v=STSv1; other=x; id=2 ;"], "2"),
        (["spf", "v=STSv1; id=3"], "3"),
        ([], None),
        (["v=STSv1; id=1;", "v=STSv1; id=2;"], None),
        (["v=STSv10; id=1"], None),
        (["v=STSv1"], None),
        (["v=STSv1; id=not-alphanumeric;"], None),
        (["v=STSv1; id=" + "1" * 33], None),
        ([" v=STSv1; id=1"], None),
    ],
)
def test_the_one_record_has_an_id(texts: list[str], record: str | None) -> None:
    assert read_record(texts) == record


def test_a_policy_is_read() -> None:
    read = read_policy(GOOD)
    assert isinstance(read, Policy)
    assert (read.mode, read.mx, read.max_age_s) == (Mode.ENFORCE, ("mail.example.com", "*.example.net"), 604_800)
    assert read.lines[0] == "version: STSv1"
    assert read_policy(GOOD.replace(b"\r\n", b"\n")) == read
    assert read_policy(GOOD + b"new_field: whatever\n") != read


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "no version"),
        (GOOD.replace(b"STSv1", b"STSv2"), "no version"),
        (GOOD.replace(b"enforce", b"insist"), "mode 'insist'"),
        (GOOD.replace(b"604800", b"-1"), "max_age '-1'"),
        (GOOD.replace(b"max_age", b"maxage"), "max_age ''"),
        (b"version: STSv1\nmode: enforce\nmax_age: 1", "no mx"),
        (GOOD.replace(b"*.example", b"*.*.example"), "mx '*.*.example.net'"),
        (GOOD + b"<html>", "without a colon"),
        (b"\xff" + GOOD, "not UTF-8"),
        (GOOD + b" " * MAX_POLICY_OCTETS, "octets"),
    ],
)
def test_what_is_no_policy_says_why(octets: bytes, why: str) -> None:
    read = read_policy(octets)
    assert isinstance(read, str)
    assert why in read


def test_an_age_has_a_limit_and_mode_none_needs_no_hosts() -> None:
    read = read_policy(b"version: STSv1\nmode: none\nmax_age: 9999999999")
    assert isinstance(read, Policy)
    assert (read.mode, read.mx, read.max_age_s) == (Mode.NONE, (), MAX_AGE_S)


@pytest.mark.parametrize(
    ("host", "is_match"),
    [
        ("mail.example.com", True),
        ("example.com", False),
        ("a.example.net", True),
        ("a.b.example.net", False),
        ("example.net", False),
        ("xmail.example.com", False),
    ],
)
def test_a_wildcard_is_one_label(host: str, is_match: bool) -> None:
    assert matches(policy("mail.example.com", "*.example.net"), host) is is_match


KEPT = Kept("1", policy(), fetched_ms=0)
FAILED = Kept("1", policy(), fetched_ms=0, failed_ms=10_000)


@pytest.mark.parametrize(
    ("kept", "record", "now_ms", "step"),
    [
        (Kept(), None, 0, Step.USE),
        (Kept(), "1", 0, Step.FETCH),
        (KEPT, None, 1, Step.USE),
        (KEPT, "1", 499_999, Step.USE),
        (KEPT, "1", 500_000, Step.REFRESH),
        (KEPT, "2", 1, Step.FETCH),
        (KEPT, "1", 1_000_000, Step.FETCH),
        (FAILED, "2", 10_000 + RETRY_MS - 1, Step.USE),
        (FAILED, "2", 10_000 + RETRY_MS, Step.FETCH),
        (Kept(failed_ms=10_000), "1", 10_001, Step.USE),
        (Kept("1", policy(max_age_s=MAX_AGE_S)), "1", 86_400_000, Step.REFRESH),
    ],
)
def test_when_a_policy_is_fetched(kept: Kept, record: str | None, now_ms: int, step: Step) -> None:
    assert next_step(kept, record, now_ms) is step


def test_a_policy_ends_with_its_age() -> None:
    assert KEPT.live(999_999) is KEPT.policy
    assert KEPT.live(1_000_000) is None
    assert Kept().live(0) is None


def test_what_was_kept_before_a_restart_holds_as_long_as_it_would_have() -> None:
    read, lines = read_policy(GOOD), GOOD.decode()
    assert isinstance(read, Policy)
    end_ms = 5_000 + 604_800_000
    assert revive("1", lines, 5_000, end_ms - 1) == Kept("1", read, 5_000)
    assert revive("1", lines, 5_000, end_ms) is None
    assert revive("1", lines, 9_000, 5_000) == Kept("1", read, 5_000)  # written under a clock that was ahead
    assert revive("1", "version: STSv1", 5_000, 5_000) == "mode '' is none"
