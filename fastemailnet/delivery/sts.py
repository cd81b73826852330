"""MTA-STS (RFC 8461): what a domain's policy says, and when it is fetched.

A domain announces an id in the TXT record ``_mta-sts.<domain>``; the policy itself comes over HTTPS and is kept for its ``max_age``,
over restarts as well (``revive``).

    kept policy        record             what follows
    none               none, failed       no policy
    none               an id              fetch; if that fails, no policy, and no second try for a while
    live               none, failed       the kept one: whoever can suppress a record must not be able to lift a policy
    live               the same id        the kept one; fetched anew in the background once half its life is over
    live               another id         fetch; if that fails, the kept one
    expired            as with none
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

MAX_POLICY_OCTETS = 64 * 1024  # RFC 8461 section 3.2 proposes this limit
MAX_AGE_S = 31_557_600
RETRY_MS = 300_000  # after a fetch that failed (section 3.3: five minutes or longer)
REFRESH_MS = 86_400_000  # a policy that lives longer is fetched anew once a day at least
_RECORD = re.compile(r"v=STSv1(?:\s*;\s*[A-Za-z0-9][\w.-]{0,31}=[!-:<>-~]+)*\s*;?\s*")
_ID = re.compile(r";\s*id=([A-Za-z0-9]{1,32})\s*(?:;|$)")
_NAME = re.compile(
    r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?", re.IGNORECASE
)
_NUMBER = re.compile(r"[0-9]{1,10}")


class Mode(StrEnum):
    """What a policy asks for."""

    ENFORCE = "enforce"
    TESTING = "testing"  # deliver as if there were none, and report
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that was fetched."""

    mode: Mode
    mx: tuple[str, ...]  # names and patterns as *.example.net, lower case
    max_age_s: int
    lines: tuple[str, ...]  # as fetched, for reports


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered of a domain: its last policy, if any, and the last fetch that failed. Unix milliseconds."""

    id: str = ""
    policy: Policy | None = None
    fetched_ms: int = 0
    failed_ms: int = 0
    failure: str = ""

    @property
    def until_ms(self) -> int:
        """When the policy ends."""
        return self.fetched_ms + self.policy.max_age_s * 1_000 if self.policy is not None else 0

    def live(self, now_ms: int) -> Policy | None:
        """The policy, while it holds."""
        return self.policy if now_ms < self.until_ms else None


def revive(record_id: str, lines: str, fetched_ms: int, now_ms: int) -> Kept | str | None:
    """What was kept of a domain before a restart, read as if it were fetched: None once its time is over, or what is wrong with it.

    A time in the future is that of a clock that was wrong, and makes no policy live longer.
    """
    policy = read_policy(lines.encode())
    if isinstance(policy, str):
        return policy
    kept = Kept(record_id, policy, min(fetched_ms, now_ms))
    return kept if kept.live(now_ms) is not None else None


class Step(Enum):
    """What is to be done before a policy is used."""

    USE = "use what is kept"
    FETCH = "fetch first"
    REFRESH = "use what is kept, and fetch meanwhile"


def next_step(kept: Kept, record_id: str | None, now_ms: int) -> Step:
    """The table above. ``record_id`` is None where there is no record or none could be had."""
    live = kept.live(now_ms)
    may_fetch = not kept.failed_ms or now_ms >= kept.failed_ms + RETRY_MS
    if record_id is None or not may_fetch:
        return Step.USE
    if live is None or record_id != kept.id:
        return Step.FETCH
    is_old = now_ms >= kept.fetched_ms + min(live.max_age_s * 500, REFRESH_MS)
    return Step.REFRESH if is_old else Step.USE


def read_record(texts: Sequence[str]) -> str | None:
    """The id of the one record among the TXT records of ``_mta-sts`` (section 3.1); None where there is not exactly one."""
    ours = [text for text in texts if text.startswith("v=STSv1") and text[7:].lstrip()[:1] in (";", "")]
    if len(ours) != 1 or not _RECORD.fullmatch(ours[0]):
        return None
    found = _ID.search(ours[0])
    return found[1] if found else None


def read_policy(octets: bytes) -> Policy | str:
    """The policy in a file (section 3.2), or what is wrong with it."""
    if len(octets) > MAX_POLICY_OCTETS:
        return f"over {MAX_POLICY_OCTETS} octets"
    try:
        lines = [line.strip() for line in octets.decode("utf-8").splitlines()]
    except UnicodeDecodeError:
        return "not UTF-8"
    fields: dict[str, str] = {}
    patterns: list[str] = []
    for line in lines:
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon and line:
            return f"a line without a colon: {line[:40]!a}"
        if name == "mx":
            patterns.append(value.lower().removesuffix("."))
        elif name:
            fields.setdefault(name, value)  # of a field given twice the first counts
    return _policy(fields, patterns, tuple(filter(None, lines)))


def _policy(fields: dict[str, str], patterns: list[str], lines: tuple[str, ...]) -> Policy | str:
    if fields.get("version") != "STSv1":
        return "no version STSv1"
    if fields.get("mode") not in set(Mode):
        return f"mode {fields.get('mode', '')[:20]!a} is none"
    if not _NUMBER.fullmatch(fields.get("max_age", "")):
        return f"max_age {fields.get('max_age', '')[:20]!a} is no number of seconds"
    mode = Mode(fields["mode"])
    if mode is not Mode.NONE and not patterns:
        return "no mx"
    wrong = next((pattern for pattern in patterns if not _NAME.fullmatch(pattern)), None)
    if wrong is not None:
        return f"mx {wrong[:40]!a} is no name"
    return Policy(mode, tuple(patterns), min(int(fields["max_age"]), MAX_AGE_S), lines)


def matches(policy: Policy, host: str) -> bool:
    """Whether a mail host is one of the policy's: a wildcard stands for exactly one label (section 4.1)."""
    _, _, parent = host.partition(".")
    return host in policy.mx or (bool(parent) and f"*.{parent}" in policy.mx)
