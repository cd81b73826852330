"""What holds now beside the files: the fold of the stream ``shaping``. The same frames give the same answers in every process.

    HIT       counted for its rule and site; with enough of them in the rule's time each action of the rule stands, for its duration
              from the last of them
    SUSPEND   stands until its time, instead of an older one of the same scope
    RESUME    takes away what stands on its scope and began before; hits from before it never count there again

A hit is known by its node and time, so that reading it twice counts it once. What is over counts for nothing and is forgotten.

``hits`` says what a reply is worth writing down. While all that a rule does stands for more than half of its duration there is
nothing to say, and what was given out is waited for: a thousand equal replies make one frame, or as many as the rule counts.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, assert_never

from fastemailnet.delivery.shaping.frames import MAX_TEXT_CHARACTERS, Frame, Hit, Of, Resume, Scope, Suspend
from fastemailnet.delivery.shaping.limits import Rate, Shape, render
from fastemailnet.delivery.shaping.options import HEEDED
from fastemailnet.delivery.shaping.policy import Policy, Setting, Site, applied
from fastemailnet.delivery.shaping.rules import BOUNCES, OF_TENANT, SETS, Act, Action, Heard, Rule

PERSON: Final = ""  # as a source, beside the keys of rules
MAX_EFFECTS: Final = 100_000
MAX_COUNTED: Final = 100_000  # pairs of rule and site
MAX_LIFTED: Final = 100_000
TIDY_EVERY: Final = 1_000  # frames
OUTSTANDING_MS: Final = 5_000  # a hit that was given out and not read by then is lost
MAX_REASON_CHARACTERS: Final = 400
Seen = tuple[int, str]  # time and node of a hit


@dataclass(frozen=True, slots=True)
class Suspension:
    """Why mail does not go, and until when."""

    until_ms: int
    reason: str
    is_bounce: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that stands: of a person or of a rule's action."""

    scope: Scope
    source: str  # the rule's key, or PERSON
    action: Action
    at_ms: int
    until_ms: int
    reason: str

    @property
    def what(self) -> str:
        """In words."""
        action = self.action
        if action.option:
            return f"{action.option} = {render(action.value)}"
        return "bounce" if action.act in BOUNCES else "suspend"

    @property
    def weight(self) -> tuple[bool, bool, int]:
        """Of what stands on the same mail, the heaviest is told: a person's word, then a bounce, then what lasts longest."""
        return self.source == PERSON, self.action.act in BOUNCES, self.until_ms


class _Given(NamedTuple):
    """What hits are waited for by."""

    rule: str
    site: str
    domain: str
    tenant: str


SUSPENDED: Final = Action(Act.SUSPEND)


class Overrides:
    """The stream as read so far. About 600 octets for what stands."""

    def __init__(self, policy: Policy, node: str = "") -> None:
        self.policy = policy
        self.node = node
        self.effects: dict[Scope, dict[tuple[str, Action], Effect]] = {}
        self.counted: dict[tuple[str, str], list[Seen]] = {}
        self.lifted: dict[Scope, int] = {}
        self.outstanding: dict[_Given, list[int]] = {}
        self.read_ms = 0  # the latest time in a frame
        self.given_ms = 0  # of the last hit given out
        self.frames = 0

    # ---- the fold

    def apply(self, frame: Frame) -> None:
        """One frame more."""
        self.read_ms = max(self.read_ms, frame.at_ms)
        match frame:
            case Hit():
                self._arrived(frame)
                self._hit(frame)
            case Suspend():
                held = self.effects.get(frame.scope, {}).get((PERSON, SUSPENDED))
                if frame.at_ms > self._lifted(frame.scope) and (held is None or held.at_ms < frame.at_ms):
                    self._stand(Effect(frame.scope, PERSON, SUSPENDED, frame.at_ms, frame.until_ms, frame.reason))
            case Resume():
                self.lifted[frame.scope] = max(frame.at_ms, self._lifted(frame.scope))
                standing = self.effects.pop(frame.scope, {})
                if later := {key: one for key, one in standing.items() if one.at_ms > frame.at_ms}:
                    self.effects[frame.scope] = later
            case _:
                assert_never(frame)
        self.frames += 1
        if self.frames % TIDY_EVERY == 0:
            self._tidy()

    def _hit(self, hit: Hit) -> None:
        rule = self.policy.by_key.get(hit.rule)
        if rule is None:
            return
        times = self._count(rule.threshold, hit) if rule.threshold is not None else [hit.at_ms]
        if not times:
            return
        until_ms = times[-1] + round(rule.duration_s * 1_000)
        for action, scope in effects_of(rule, hit.site, hit.domain, hit.tenant):
            if times[0] > self._lifted(scope):
                self._stand(Effect(scope, rule.key, action, times[-1], until_ms, _reason(rule, hit)))

    def _count(self, threshold: Rate, hit: Hit) -> list[int]:
        """Count a hit; the times of those that make the threshold full, or none."""
        seen, one = self.counted.setdefault((hit.rule, hit.site), []), (hit.at_ms, hit.node)
        at = bisect_left(seen, one)
        if at < len(seen) and seen[at] == one:
            return []
        seen.insert(at, one)
        too_many = len(seen) > threshold.count
        if too_many:
            del seen[0]
        is_full = len(seen) == threshold.count and seen[-1][0] - seen[0][0] <= threshold.period_s * 1_000
        return [at_ms for at_ms, _ in seen] if is_full and not (too_many and at == 0) else []

    def _stand(self, effect: Effect) -> None:
        standing = self.effects.setdefault(effect.scope, {})
        held = standing.get((effect.source, effect.action))
        if held is None or effect.source == PERSON or held.until_ms < effect.until_ms:
            standing[effect.source, effect.action] = effect

    def _lifted(self, scope: Scope) -> int:
        return self.lifted.get(scope, -1)

    def _tidy(self) -> None:
        """Forget what was over at the latest time read, then what ends or happened first, as far as there is no room."""
        every = sorted(self._all(), key=lambda one: one.until_ms)
        over = [one for one in every if one.until_ms <= self.read_ms]
        for one in over or every[: max(0, len(every) - MAX_EFFECTS)]:
            del self.effects[one.scope][one.source, one.action]
        self.effects = {scope: standing for scope, standing in self.effects.items() if standing}
        since_ms = self.read_ms - OUTSTANDING_MS
        self.outstanding = {given: times for given, times in self.outstanding.items() if times[-1] > since_ms}
        self.counted = {at: seen for at, seen in self.counted.items() if self._may_count(at[0], seen)}
        _keep(self.counted, MAX_COUNTED)
        _keep(self.lifted, MAX_LIFTED)

    def _may_count(self, key: str, seen: list[Seen]) -> bool:
        """Whether a hit that is read now could complete these."""
        rule = self.policy.by_key[key]
        return rule.threshold is not None and seen[-1][0] + rule.threshold.period_s * 1_000 > self.read_ms

    # ---- what holds

    def site(self, site: Site, domain: str, now_ms: int) -> Site:
        """The site, or that of the domain alone while a rule keeps other limits for it."""
        standing = self.effects.get(Scope(Of.DOMAIN, domain), {}) if self.effects else {}
        is_apart = any(one.action.act in SETS and one.until_ms > now_ms for one in standing.values())
        return Site(domain, site.hosts, domain, site.providers) if is_apart else site

    def shape(self, site: Site, now_ms: int) -> Shape:
        """The limits of a site now."""
        settings = self.settings(site, now_ms)
        return applied(self.policy.shape(site), settings) if settings else self.policy.shape(site)

    def settings(self, site: Site, now_ms: int) -> dict[str, Setting]:
        """What rules set for a site now; of several values the one that holds longest, as KumoMTA has it."""
        if not self.effects:
            return {}
        scopes = [Scope(Of.SITE, site.hosts), Scope(Of.SITE, site.name)]
        scopes += [Scope(Of.DOMAIN, site.domain)] if site.domain else []
        found = [one for scope in scopes for one in self._standing(scope, now_ms) if one.action.act in SETS]
        found.sort(key=lambda one: (one.until_ms, one.source))
        return {one.action.option: Setting(one.action.value, one.reason) for one in found}

    def suspended(self, domain: str, site: Site, tenant: str, lane: str, now_ms: int) -> Suspension | None:
        """What keeps mail of this tenant and lane from going to a domain of this site now."""
        if not self.effects:
            return None
        found = [
            one
            for scope in _scopes(domain, site, tenant, lane)
            for one in self._standing(scope, now_ms)
            if one.action.act not in SETS
        ]
        if not found:
            return None
        told = max(found, key=lambda one: one.weight)
        return Suspension(told.until_ms, told.reason, told.action.act in BOUNCES)

    def standing(self, now_ms: int) -> list[Effect]:
        """All that stands now, what ends first before the others."""
        return sorted(
            (one for one in self._all() if one.until_ms > now_ms), key=lambda one: (one.until_ms, str(one.scope))
        )

    def next_word_ms(self, scope: Scope, now_ms: int) -> int:
        """When a person's word about a scope is said, so that it counts after all before it, whoever's clock those were told by."""
        words = [one.at_ms for one in self.effects.get(scope, {}).values()]
        return max(now_ms, self._lifted(scope) + 1, *(at_ms + 1 for at_ms in words))

    def _standing(self, scope: Scope, now_ms: int) -> Iterator[Effect]:
        return (one for one in self.effects.get(scope, {}).values() if one.until_ms > now_ms)

    def _all(self) -> Iterator[Effect]:
        return (one for standing in self.effects.values() for one in standing.values())

    # ---- what is worth saying

    def hits(self, site: Site, domain: str, tenant: str, heard: Heard, now_ms: int) -> list[Hit]:
        """The frames that a reply is worth; who is told them appends them. Their times are one process's alone, and rise."""
        found = []
        for rule in self.policy.rules(site):
            given = _Given(rule.key, site.name, domain, tenant)
            if rule.matches(heard) and self._is_news(rule, given, now_ms):
                self.given_ms = max(now_ms, self.given_ms + 1)
                self.outstanding.setdefault(given, []).append(self.given_ms)
                text = heard.text[:MAX_TEXT_CHARACTERS]
                found.append(Hit(rule.key, site.name, domain, tenant, self.given_ms, text, self.node))
        return found

    def _is_news(self, rule: Rule, given: _Given, now_ms: int) -> bool:
        enough_ms = now_ms + rule.duration_s * 500
        held = [
            self.effects.get(scope, {}).get((rule.key, action))
            for action, scope in effects_of(rule, given.site, given.domain, given.tenant)
        ]
        if all(one is not None and one.until_ms > enough_ms for one in held):
            return False
        waiting = [at_ms for at_ms in self.outstanding.pop(given, ()) if at_ms > now_ms - OUTSTANDING_MS]
        if waiting:
            self.outstanding[given] = waiting
        return len(waiting) < self._missing(rule, given.site, now_ms)

    def _missing(self, rule: Rule, site: str, now_ms: int) -> int:
        """How many hits more there must be."""
        if rule.threshold is None:
            return 1
        since_ms = now_ms - rule.threshold.period_s * 1_000
        counted = sum(at_ms >= since_ms for at_ms, _ in self.counted.get((rule.key, site), ()))
        return max(1, rule.threshold.count - counted)

    def _arrived(self, hit: Hit) -> None:
        given = _Given(hit.rule, hit.site, hit.domain, hit.tenant)
        waiting = [at_ms for at_ms in self.outstanding.get(given, ()) if hit.node != self.node or at_ms > hit.at_ms]
        if waiting:
            self.outstanding[given] = waiting
        else:
            self.outstanding.pop(given, None)


def effects_of(rule: Rule, site: str, domain: str, tenant: str) -> Iterator[tuple[Action, Scope]]:
    """What a rule does when it is triggered, and to which mail. What cannot be done here, or lacks its tenant, is left out."""
    for action in rule.actions:
        if (action.act in OF_TENANT and not tenant) or (action.option and action.option not in HEEDED):
            continue
        match action.act:
            case Act.SUSPEND | Act.SET_CONFIG:
                yield action, Scope(Of.SITE, site)
            case Act.BOUNCE | Act.SET_DOMAIN_CONFIG:
                yield action, Scope(Of.DOMAIN, domain)
            case Act.SUSPEND_TENANT | Act.SUSPEND_CAMPAIGN | Act.BOUNCE_TENANT | Act.BOUNCE_CAMPAIGN:
                yield action, Scope(Of.DOMAIN, domain, tenant)
            case _:
                assert_never(action.act)


def _scopes(domain: str, site: Site, tenant: str, lane: str) -> Iterator[Scope]:
    """Every scope that mail of a tenant and lane to a domain of a site is in."""
    names = dict.fromkeys(((Of.DOMAIN, domain), (Of.SITE, site.name), (Of.SITE, site.hosts)))
    names |= dict.fromkeys((Of.PROVIDER, name) for name in site.providers)
    for of, name in ((Of.ALL, ""), *names):
        for whose in {"", tenant}:
            for which in {"", lane}:
                yield Scope(of, name, whose, which)


def _keep(table: dict[Any, Any], most: int) -> None:
    """Forget the oldest entries above a number."""
    for key in list(table)[: max(0, len(table) - most)]:
        del table[key]


def _reason(rule: Rule, hit: Hit) -> str:
    return f"rule {rule.shown!r} ({rule.where}) heard: {hit.text}"[:MAX_REASON_CHARACTERS]
