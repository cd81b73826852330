"""What is counted of a site, or of a provider over its sites: ceilings, this node's part of them, and what is in use."""

from typing import TYPE_CHECKING

from fastemailnet.delivery.caution import Caution
from fastemailnet.delivery.lately import Lately
from fastemailnet.delivery.shares import Key, Shares, What
from fastemailnet.delivery.terms import Ceilings
from fastemailnet.delivery.throttle import FOREVER_S, Pace, Throttle
from fastemailnet.delivery.waiting import SOON_S, Later
from fastemailnet.envelope import Lane
from fastemailnet.net.clock import since_boot_s

if TYPE_CHECKING:
    from fastemailnet.net.door import Door

RESERVED_OF = 10  # one place in so many is for transactional mail alone, and one of a few
FEW = 5

Wants = dict[Key, tuple[float, float, float]]  # limit, want and use


class Scope:
    """A site or a provider: its ceilings, and what of them is in use here."""

    def __init__(self, name: str, ceilings: Ceilings, shares: Shares) -> None:
        self.name, self.ceilings, self.shares = name, ceilings, shares
        self.caution: Caution | None = None
        self.busy = 0
        self.urgent = Lately()  # of these, those that transactional mail has
        self.moved_s = 0.0  # when a place was last given or given back
        self.messages, self.connects = Throttle(), Throttle()
        self.entered = self.connected = 0  # since the last wishes
        self.resting: dict[Door, None] = {}  # doors behind which connections are idle
        self.crowd: dict[Door, None] = {}  # and at which somebody waits
        self.later, self.to_connect = Later(), Later()  # who were put off, by either pace, and are to come again

    def places(self) -> float:
        """Connections that may be open here now."""
        share = self._share(What.CONNECTIONS, self.ceilings.connections)
        return share if self.caution is None else self.caution.within(share)

    def _share(self, what: What, limit: float) -> float:
        return self.shares.of(Key(self.name, what), limit, since_boot_s())

    def pace(self, what: What) -> Pace | None:
        """This node's part of a rate."""
        pace = self.ceilings.messages if what is What.MESSAGE_RATE else self.ceilings.new_connections
        if pace is None:
            return None
        part = self._share(what, pace.per_s)
        return Pace(part, pace.burst * part / pace.per_s if pace.per_s else 0.0)

    def wait_s(self, lane: Lane, now_s: float) -> float:
        """How long until a place may be given, if nobody else comes; FOREVER_S while somebody must give one back."""
        places = self.places()
        if self.busy >= places - (0 if lane is Lane.TRANSACTIONAL else reserved(places)):
            return FOREVER_S
        return self.messages.wait_s(self.pace(What.MESSAGE_RATE), now_s)

    def turn_s(self, lane: Lane, now_s: float) -> float:
        """The same as it is to be expected: of a pace this node has an even part soon, if somebody waits for it."""
        wait_s, pace = self.wait_s(lane, now_s), self.pace(What.MESSAGE_RATE)
        return wait_s if pace is None or wait_s == FOREVER_S else wait_s * pace.per_s / self.pace_per_s()

    def places_per_s(self, held_s: float) -> float:
        """Mails a second that each hold a place for so long: by what this node has, or by an even part where it has less just now."""
        return max(self.places(), self.ceilings.connections / self.shares.nodes) / held_s

    def pace_per_s(self) -> float:
        """Mails a second that its pace allows, likewise."""
        messages = self.ceilings.messages
        if messages is None:
            return FOREVER_S
        return max(self._share(What.MESSAGE_RATE, messages.per_s), messages.per_s / self.shares.nodes)

    def most_per_s(self) -> float:
        """And those that it would allow if this node had all of it."""
        return FOREVER_S if self.ceilings.messages is None else self.ceilings.messages.per_s

    def move(self, places: int, now_s: float) -> None:
        """A place is given, 1, or given back, -1."""
        self.busy += places
        self.moved_s = now_s

    def open_count(self) -> int:
        """Connections that are in use, being made or idle; one that is idle and about to be used counts once."""
        return self.busy + sum(max(0, len(door.idle) - door.coming) for door in self.resting)

    def trim(self) -> None:
        """Close idle connections until there are no more than may be open; those in use end with their mail."""
        for door in self.resting:
            door.idle = [one for one in door.idle if one.is_open]
        above = self.open_count() - self.places()
        for door in list(self.resting):
            while above > 0 and door.idle:
                door.idle.pop(0).close()
                above -= 1
            if not door.idle:
                del self.resting[door]

    def wants(self, elapsed_s: float, now_s: float) -> Wants:
        """What this node wants of each limit, and uses."""
        waiting = sum(len(door.waiting) for door in self.crowd)
        limit = float(self.ceilings.connections)
        # What urgent mail had a moment ago is not lent away: it comes again, and would wait until others have given it back.
        want = float(max(self.busy + waiting, self.urgent.within(now_s)))
        want = want if self.caution is None else self.caution.within(want)
        wants: Wants = {Key(self.name, What.CONNECTIONS): (limit, want, float(self.open_count()))}
        if (pace := self.ceilings.messages) is not None:
            wants[Key(self.name, What.MESSAGE_RATE)] = (
                pace.per_s,
                (self.entered + waiting) / elapsed_s + self._want_later(What.MESSAGE_RATE, now_s),
                0.0,
            )
        if (pace := self.ceilings.new_connections) is not None:
            wants[Key(self.name, What.CONNECTION_RATE)] = (
                pace.per_s,
                (self.connected + waiting) / elapsed_s + self._want_later(What.CONNECTION_RATE, now_s),
                0.0,
            )
        self.entered = self.connected = 0
        return wants

    def _want_later(self, what: What, now_s: float) -> float:
        """What those who come again want of a pace: all of them within a minute, while it is not free anyway.

        Where it is, more of it would be used by nobody: they may have come to another node, which wants it then.
        """
        throttle, later = (self.messages, self.later) if what is What.MESSAGE_RATE else (self.connects, self.to_connect)
        return later.count(now_s) / SOON_S if throttle.wait_s(self.pace(what), now_s) > 0 else 0.0

    def come(self, turn_s: float) -> None:
        """One whose turn was then is here, whichever pace it was put off by."""
        _ = self.later.come(turn_s) or self.to_connect.come(turn_s)

    def is_wanted(self, now_s: float) -> bool:
        """Whether anything of its limits is in use, or to be used soon."""
        if not self.is_idle or self.urgent.within(now_s):
            return True
        return any(later.total and later.count(now_s) for later in (self.later, self.to_connect))

    def is_as_new(self, now_s: float) -> bool:
        """Whether one that was made now would do the same: nothing is in use, expected or owed to a pace."""
        return not self.is_wanted(now_s) and max(self.messages.tat_s, self.connects.tat_s) <= now_s

    def pass_on(self, now_s: float) -> None:
        """Give what is free to those who wait, the doors by turns."""
        is_given = True
        while is_given:
            is_given = False
            for door in list(self.crowd):
                is_given |= door.give_one(now_s)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in use, open or waited for."""
        return not self.open_count() and not self.crowd


def reserved(places: float) -> float:
    """The places that are for transactional mail alone."""
    return max(1, places // RESERVED_OF) if places >= FEW else 0
