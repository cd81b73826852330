"""A limit of the whole fleet is kept by leases of parts of it, so that the nodes together never go above.

    node                                            coordinator
    every second: what it wants, uses, holds   ▸    lends what no other node can be using while the grant lasts
    uses the grant until LEASE_S behind the request
    then, until 2 × LEASE_S behind the answer: the lesser of the grant and its own part
    then its own part: limit / nodes

A node's own part needs no grant, so the fleet goes on without a coordinator; to lend one node more, another has to have less first.
Two asymmetries make that safe without a common clock. A grant above the own part ends counted from the *request*, which was sent
before the coordinator read it; one below it ends counted from the *answer*, which came after the coordinator wrote it, and counts for
it only when the node's next request says that it came. Until then either may hold, and the coordinator reckons with the worse.

A process that has just begun may follow one that had lent its part away, and a coordinator one that had lent to others: the first
uses nothing until it was lent to or twice the lease has gone by; the second lends nothing until every node has spoken to it in answer
to its greeting (a request from before may be late, and what it tells untrue) or one lease has gone by. What is open above a part
that shrinks ends with its delivery; nodes tell what they use, and it is reckoned with.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import floor
from typing import NamedTuple

LEASE_S = 3.0
GONE_S = 600.0  # after which nothing is open any more at a node that is silent: no peer waits longer (RFC 5321 section 4.5.3.2)
TURN_S = 10.0  # of a node that has one connection more than others who want as much
KEPT_RATE = 0.01  # of its own part of a rate, for a node that wants none now: nobody uses it; of connections one, if there are enough
MAX_KEYS = 1_000  # that are lent; a look at each takes some 25 µs, four times a second for each node. More keep to their own parts


class What(Enum):
    """What is limited."""

    CONNECTIONS = "connections"  # at once
    CONNECTION_RATE = "connections a second"
    MESSAGE_RATE = "messages a second"


class Key(NamedTuple):
    """One limit."""

    scope: str  # a site or a provider
    what: What


class Wish(NamedTuple):
    """What a node says about one limit."""

    limit: float
    want: float  # what it could use now
    use: float  # what is open; of rates, 0
    held: float  # what it may use until it hears more


class Grant(NamedTuple):
    """A part of one limit for one node."""

    limit: float  # that it is a part of
    amount: float


@dataclass(frozen=True, slots=True)
class Request:
    """What a node asks. ``turn``: ever higher, also over its processes. ``heard``: the number of the last answer that came."""

    node: int
    turn: tuple[int, int]  # the incarnation that asks, and the how many-th time
    wishes: Mapping[Key, Wish]  # of each limit that it holds a grant of, or wants more of than its own part
    heard: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is lent: of every limit that is not named, nobody has or wants more than his own part. None: nothing is known yet."""

    number: tuple[int, int]  # who answers, and the how many-th time
    grants: Mapping[Key, Grant] | None


def part(key: Key, limit: float, node: int, nodes: int) -> float:
    """The own part of one of ``nodes``; connections are whole, and who has one more differs from site to site."""
    if key.what is not What.CONNECTIONS:
        return limit / nodes
    whole, rest = divmod(int(limit), nodes)
    return whole + ((node + zlib.crc32(key.scope.encode())) % nodes < rest)


# ---- the node


class _Held(NamedTuple):
    grant: Grant
    until_s: float  # as an allowance
    bound_s: float  # as a bound


class Shares:
    """What one node may use of each limit. Times are seconds of its own clock, which never goes back."""

    def __init__(self, node: int, nodes: int, now_s: float) -> None:
        self.node, self.nodes = node, nodes
        self.turn = (0, 0)
        self.held: dict[Key, _Held] = {}
        self.heard = (0, 0)
        self.silent_until_s = now_s + 2 * LEASE_S if nodes > 1 else now_s

    def own(self, key: Key, limit: float) -> float:
        """The own part."""
        return part(key, limit, self.node, self.nodes)

    def of(self, key: Key, limit: float, now_s: float) -> float:
        """What may be used now."""
        own = self.own(key, limit)
        held = self.held.get(key)
        if held is not None and now_s < held.until_s:
            return held.grant.amount if limit >= held.grant.limit else min(held.grant.amount, own)
        if held is not None and now_s < held.bound_s:
            return min(held.grant.amount, own)
        return 0.0 if now_s < self.silent_until_s else own

    def request(self, incarnation: int, wants: Mapping[Key, tuple[float, float, float]], now_s: float) -> Request:
        """What to ask, from limit, want and use of each limit that is in use. ``incarnation``: of the node, as it joined (R8)."""
        self.held = {key: held for key, held in self.held.items() if now_s < held.bound_s}
        wishes = {
            key: Wish(limit, want, use, self.of(key, limit, now_s))
            for key, (limit, want, use) in wants.items()
            if key in self.held or max(want, use) > self.own(key, limit)
        }
        idle = {
            key: Wish(held.grant.limit, 0, 0, self.of(key, held.grant.limit, now_s))
            for key, held in self.held.items()
            if key not in wishes
        }
        self.turn = (incarnation, self.turn[1] + 1)
        return Request(self.node, self.turn, wishes | idle, self.heard)

    def answered(self, answer: Answer, sent_s: float, now_s: float) -> None:
        """An answer came to the last request, which was sent at ``sent_s``. One to an earlier request is not to be heeded any more."""
        self.heard = answer.number
        if answer.grants is None:
            return
        self.silent_until_s = now_s
        for key, grant in answer.grants.items():
            self.held[key] = _Held(grant, sent_s + LEASE_S, now_s + 2 * LEASE_S)


# ---- the coordinator


class _Lent(NamedTuple):
    number: int
    amount: float
    at_s: float


@dataclass(slots=True)
class _Limit:
    """What is known of one limit, by node."""

    wishes: dict[int, Wish] = field(default_factory=dict)
    come: dict[int, _Lent] = field(default_factory=dict)  # what the node said that it holds
    sent: dict[int, _Lent] = field(default_factory=dict)  # the answer to its last request, which may have come


class Lender:
    """Lends out of the memory of one process; ``who`` is a number that no other has. Times are of its own clock."""

    def __init__(self, nodes: int, who: int, now_s: float) -> None:
        self.nodes, self.who, self.born_s = nodes, who, now_s
        self.number = 0
        self.turns: dict[int, tuple[int, int]] = {}
        self.known: set[int] = set()  # nodes that have heard of this coordinator
        self.heard_s: dict[int, float] = {}
        self.limits: dict[Key, _Limit] = {}

    def lend(self, request: Request, now_s: float) -> Answer | None:
        """Answer a node; None to a request that was overtaken."""
        if request.turn <= self.turns.get(request.node, (0, 0)):
            return None
        self.turns[request.node] = request.turn
        self.heard_s[request.node] = now_s
        self._learn(request)
        if request.heard[0] == self.who:
            self.known.add(request.node)
        self.number += 1
        if len(self.known) < self.nodes and now_s < self.born_s + LEASE_S:
            return Answer((self.who, self.number), None)
        grants = {}
        for key, limit in list(self.limits.items()):
            if self._is_wanted(key, limit, now_s):
                grants[key] = self._grant(key, limit, request.node, now_s)
            else:
                del self.limits[key]
        return Answer((self.who, self.number), grants)

    def _learn(self, request: Request) -> None:
        """What the node holds and wants now: of the answers to its earlier requests it has heard one or will heed none."""
        for limit in self.limits.values():
            limit.wishes.pop(request.node, None)
            sent = limit.sent.pop(request.node, None)
            if sent is not None and request.heard == (self.who, sent.number):
                limit.come[request.node] = sent
        for key, wish in request.wishes.items():
            if key in self.limits or len(self.limits) < MAX_KEYS:
                self.limits.setdefault(key, _Limit()).wishes[request.node] = wish

    def _is_wanted(self, key: Key, limit: _Limit, now_s: float) -> bool:
        """Whether somebody wants more than his own part, or may still have it."""
        bound = _bound(limit)
        return any(
            max(self._want(limit, node, now_s), self._most(key, limit, node, bound, now_s))
            > part(key, bound, node, self.nodes)
            for node in limit.wishes
        )

    def _want(self, limit: _Limit, node: int, now_s: float) -> float:
        """What a node wants; one that is silent wants nothing."""
        wish = limit.wishes.get(node)
        is_silent = now_s > self.heard_s.get(node, now_s) + LEASE_S
        return 0.0 if wish is None or is_silent else wish.want

    def _most(self, key: Key, limit: _Limit, node: int, bound: float, now_s: float) -> float:
        """The most that a node may be using at any time from now until a grant of now would end."""
        own = part(key, bound, node, self.nodes)
        wish, come, sent = limit.wishes.get(node), limit.come.get(node), limit.sent.get(node)
        used, held = (wish.use, wish.held) if wish is not None else (0.0, 0.0)
        if now_s > self.heard_s.get(node, now_s) + GONE_S:
            used = 0.0
        most = max(own, held) if come is None else _reach(come, own, now_s)
        return max(used, most, _reach(sent, own, now_s) if sent is not None else 0.0)

    def _grant(self, key: Key, limit: _Limit, node: int, now_s: float) -> Grant:
        bound = _bound(limit)
        others = sum(self._most(key, limit, other, bound, now_s) for other in range(self.nodes) if other != node)
        amount = max(0.0, min(self._aims(key, limit, bound, now_s)[node], bound - others))
        limit.sent[node] = _Lent(self.number, amount, now_s)
        return Grant(bound, amount)

    def _aims(self, key: Key, limit: _Limit, bound: float, now_s: float) -> list[float]:
        """Max-min fair parts of what the nodes want; what nobody wants is spread over all."""
        is_whole = key.what is What.CONNECTIONS
        owns = [part(key, bound, node, self.nodes) for node in range(self.nodes)]
        is_scarce = is_whole and bound < self.nodes  # then one that is kept for nobody's mail is missed by another's
        kept = [(0.0 if is_scarce else min(own, 1.0)) if is_whole else own * KEPT_RATE for own in owns]
        wants = [self._want(limit, node, now_s) for node in range(self.nodes)]
        aims = _max_min([max(pair) for pair in zip(wants, kept, strict=True)], bound)
        rest = bound - sum(aims)
        aims = [aim + rest / self.nodes for aim in aims]
        return _whole(aims, bound, int(now_s // TURN_S)) if is_whole else aims


def _bound(limit: _Limit) -> float:
    """The limit itself, as the nodes know it; while they differ, the lowest."""
    return min((wish.limit for wish in limit.wishes.values()), default=0.0)


def _reach(lent: _Lent, own: float, now_s: float) -> float:
    """What a node with this grant may use at most from now until a grant of now would end."""
    as_lent = lent.amount if now_s < lent.at_s + LEASE_S else min(lent.amount, own)
    is_bound = now_s + LEASE_S <= lent.at_s + 2 * LEASE_S
    return as_lent if is_bound else max(as_lent, own)


def _max_min(wants: list[float], bound: float) -> list[float]:
    """Everybody gets what he wants, but nobody more than another who does not."""
    aims = [0.0] * len(wants)
    left = bound
    order = sorted(range(len(wants)), key=wants.__getitem__)
    for done, node in enumerate(order):
        aims[node] = min(wants[node], left / (len(wants) - done))
        left -= aims[node]
    return aims


def _whole(aims: list[float], bound: float, turn: int) -> list[float]:
    """The same in whole numbers, none lost: the largest rests are rounded up, of equal ones those whose ``turn`` it is."""
    floors = [floor(aim) for aim in aims]
    rest = int(bound) - sum(floors)
    by_rest = {node: (round(floors[node] - aims[node], 9), (node - turn) % len(aims)) for node in range(len(aims))}
    for node in sorted(by_rest, key=by_rest.__getitem__)[:rest]:
        floors[node] += 1
    return [float(one) for one in floors]
