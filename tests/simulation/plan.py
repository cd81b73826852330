"""What a seed makes happen. Everything in a plan can be left out, so that a failing one can be made smaller."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from random import Random

from fastemailnet.envelope import Lane
from tests.simulation.clock import MS, SECOND
from tests.simulation.peer import Harm


class Fault(StrEnum):
    """What may happen to the fleet."""

    KILL_NODE = "kill a node"
    FREEZE_NODE = "freeze a node"
    KILL_LEADER = "kill the coordinator"
    FREEZE_LEADER = "freeze the coordinator until another leads"
    SECOND_PROCESS = "start a second process under a node's name"
    SECOND_LEADER = "start a second coordinator"
    FALSE_ALARM = "say that a node's process has ended, which it has not"
    JOIN_STORM = "kill and start a node again and again"
    CALLS_LOST = "lose the calls"
    REPLIES_LOST = "lose the replies to calls"
    CALLS_TWICE = "deliver calls twice and late"
    SLOW_LANDING = "appends land late"
    SLOW_ACK = "appends are acknowledged late"
    CUT_NODE = "cut a node from the log, both ways"
    MUTE_NODE = "cut a node from the log: it hears, but nothing that it says arrives"
    DEAF_NODE = "cut a node from the log: what it says arrives, but it hears nothing"
    CUT_LEADER = "cut the coordinator from the log, both ways"
    DEAF_LEADER = "cut the coordinator from the log: what it says arrives, but it hears nothing"
    KILL_GATEWAY = "kill the gateway"
    FREEZE_GATEWAY = "freeze the gateway"
    POISON = "a mail that kills the process that looks into it"
    STORM_421 = "the peer answers 421 to everybody"


PAIRS = [(fault, fault) for fault in Fault] + list(combinations(Fault, 2))
HARMS = [Harm.NOTHING] * 6 + [harm for harm in Harm if harm is not Harm.NOTHING]
LONG = (Harm.SLOW, Harm.SILENT)
EXPIRY_MS = 5 * 86_400_000


@dataclass(frozen=True)
class Mail:
    """One accepted unit."""

    at: int
    number: int
    stream: str
    recipients: int
    harms: tuple[Harm, ...]  # of its first connections, in order
    is_spam: bool = False
    is_split: bool = False  # each recipient is of another destination
    lives_ms: int = EXPIRY_MS


@dataclass(frozen=True)
class Strike:
    """One fault at one time."""

    at: int
    fault: Fault
    target: int
    duration: int


@dataclass(frozen=True)
class Plan:
    """One run."""

    seed: int
    nodes: int
    is_kafka: bool
    remembers: bool
    offers: tuple[str, ...]
    mails: tuple[Mail, ...]
    strikes: tuple[Strike, ...]


def plan(seed: int) -> Plan:
    """The plan of a seed. Each pair of faults comes up in turn; where and when is drawn."""
    random = Random(seed)
    remembers = seed % 4 == 0
    offers = random.choice([(), ("PIPELINING",), ("PIPELINING", "CHUNKING"), ("CHUNKING",)])
    long_ones = seed % 16 == 1  # replies that take ten minutes make a run long
    mails = tuple(_mail(random, number, long_ones) for number in range(random.randrange(12, 24)))
    strikes = []
    for fault in PAIRS[seed % len(PAIRS)]:
        at = random.randrange(int(0.1 * SECOND), 3 * SECOND)
        for again in range(random.choice((1, 1, 2, 3))):
            duration = random.choice((50, 300, 1_000, 4_000, 7_000, 12_000)) * MS
            strikes.append(Strike(at + again * random.randrange(1, 4 * SECOND), fault, random.randrange(3), duration))
    nodes = random.choice((1, 2, 2, 3))
    return Plan(seed, nodes, random.random() < 0.5, remembers, offers, mails, tuple(strikes))


def _mail(random: Random, number: int, long_ones: bool) -> Mail:
    at = random.randrange(5 * SECOND)
    lane = random.choice(list(Lane))
    stream = lane.ordered_stream if random.random() < 0.2 else lane.stream
    harms = tuple(random.choice(HARMS) for _ in range(random.choice((0, 1, 1, 2, 3))))
    harms = tuple(Harm.RESET_AFTER if harm in LONG and not long_ones else harm for harm in harms)
    is_split = random.random() < 0.2 and stream == lane.stream
    recipients = 3 if is_split else random.choice((1, 1, 2))
    lives_ms = random.choice((20, 500, 4_000, 12_000)) if random.random() < 0.1 else EXPIRY_MS
    return Mail(at, number, stream, recipients, harms, random.random() < 0.05, is_split, lives_ms)
