"""TLS-RPT (RFC 8460): what sessions have shown about TLS, and the daily report made of them.

A session is recorded once, with the first delivery over it, for the domain of that delivery.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from fastemailnet.delivery.demand import Dane, Demand, Level, Promise, Result, Tried
from fastemailnet.delivery.sts import Mode

OF_POLICY = frozenset({Result.STS_FETCH, Result.STS_INVALID, Result.STS_WEBPKI})
MAX_TEXT = 200


class Session(msgspec.Struct, frozen=True, array_like=True):
    """One connection on which TLS was due. ``result`` is empty where all was well, else one of RFC 8460 section 4.3."""

    type: str  # tlsa, sts or no-policy-found
    domain: str
    policy: tuple[str, ...] = ()  # its lines, or its TLSA records
    mx: tuple[str, ...] = ()
    host: str = ""
    ip: str = ""
    result: str = ""
    text: str = ""


_codec = msgspec.json.Encoder()
_sessions = msgspec.json.Decoder(list[Session])


def encode_sessions(sessions: Iterable[Session]) -> str:
    """Sessions as text for a fact; "" for none."""
    found = list(sessions)
    return _codec.encode(found).decode() if found else ""


def decode_sessions(text: str) -> list[Session]:
    """Sessions of a fact. Raises msgspec.MsgspecError where they do not decode."""
    return _sessions.decode(text) if text else []


def sessions(domain: str, promise: Promise, demand: Demand | None, tried: Iterable[Tried]) -> Iterator[Session]:
    """What is recorded of the connections that were tried for one delivery. No demand: the host was refused unseen."""
    is_dane = promise.dane is not Dane.NONE
    policy = promise.policy if promise.policy is not None and promise.policy.mode is not Mode.NONE else None
    for one in tried:
        result, text = (one.trouble.result.value, one.trouble.text[:MAX_TEXT]) if one.trouble else ("", "")
        if promise.trouble is not None:
            yield Session("sts", domain, result=promise.trouble.result.value, text=promise.trouble.text[:MAX_TEXT])
        if is_dane:
            records = tuple(f"{r.usage} {r.selector} {r.matching} {r.data.hex()}" for r in promise.tlsa)
            yield Session("tlsa", domain, records, (), one.host, one.ip, result, text)
        elif policy is not None:
            yield Session("sts", domain, policy.lines, policy.mx, one.host, one.ip, result, text)
        elif promise.trouble is None and (demand is None or demand.ladder[0] > Level.NONE):
            yield Session("no-policy-found", domain, (), (), one.host, one.ip, result, text)


def report(domain: str, found: Iterable[Session], *, day: str, organization: str, contact: str) -> dict[str, Any]:
    """The report about one policy domain and one day (``YYYY-MM-DD``, UTC), as RFC 8460 section 4.4 has it."""
    ours = Counter(session for session in found if session.domain == domain)
    policies: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Counter[Session]] = {}
    for session, count in ours.items():
        policies.setdefault((session.type, session.policy, session.mx), Counter())[session] += count
    return {
        "organization-name": organization,
        "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
        "contact-info": contact,
        "report-id": f"{day}T00:00:00Z_{domain}@{organization}",
        "policies": [_policy(domain, *key, counts) for key, counts in sorted(policies.items())],
    }


def _policy(
    domain: str, kind: str, lines: tuple[str, ...], mx: tuple[str, ...], counts: Counter[Session]
) -> dict[str, Any]:
    good = sum(count for session, count in counts.items() if not session.result)
    policy: dict[str, Any] = {"policy-type": kind, "policy-domain": domain}
    if lines:
        policy["policy-string"] = list(lines)
    if mx:
        policy["mx-host"] = list(mx)
    failures = [(session, count) for session, count in sorted(counts.items(), key=_order) if session.result]
    answer: dict[str, Any] = {
        "policy": policy,
        "summary": {"total-successful-session-count": good, "total-failure-session-count": counts.total() - good},
    }
    if failures:
        answer["failure-details"] = [_failure(session, count) for session, count in failures]
    return answer


def _order(entry: tuple[Session, int]) -> tuple[str, str, str, str]:
    session, _ = entry
    return session.result, session.host, session.ip, session.text


def _failure(session: Session, count: int) -> dict[str, Any]:
    details = {
        "result-type": session.result,
        "receiving-mx-hostname": session.host,
        "receiving-ip": session.ip,
        "failed-session-count": count,
        "failure-reason-code": session.text,
    }
    return {name: value for name, value in details.items() if value}
