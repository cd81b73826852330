"""One run of a plan: starts the processes, makes the faults happen, heals everything, and waits until all has drained."""

from random import Random

from fastemailnet import ids
from fastemailnet.envelope import LANES, SEVERAL, Lane, Position, Recipient, Unit
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Policy
from fastemailnet.flashsync.lease import Lease
from tests.simulation.clock import MS, SECOND, Clock, Process
from tests.simulation.door import Customer, Door
from tests.simulation.job import Job
from tests.simulation.judge import Judge
from tests.simulation.leader import Leader
from tests.simulation.peer import Harm, Host
from tests.simulation.plan import Fault, Mail, Plan, Strike
from tests.simulation.store import Link, Store
from tests.simulation.worker import Incarnation, Worker

BY_LANE = {Lane.TRANSACTIONAL: f.Verdict.RETRY, Lane.STANDARD: None, Lane.BULK: f.Verdict.ASSUME_RELAYED}
VERDICTS = {stream: BY_LANE[lane] for stream, lane in LANES.items()}
RESTART = 1_500 * MS
HEALED = 12 * SECOND  # from here on nothing fails any more
HORIZON = 3_000 * SECOND
DOUBT_MS = 12_000  # above node.TTL_MS + INTENT_AGE_MS
MIN_EVENTS = 500


class World:
    """A fleet under a plan."""

    def __init__(self, plan: Plan, trace: list[str] | None = None) -> None:
        self.plan = plan
        self.trace = trace
        self.random = Random(plan.seed * 2 + 1)
        self.clock = Clock()
        self.store = Store(self.clock, self.random, plan.is_kafka)
        self.host = Host(self.clock, self.random, plan.remembers, plan.offers)
        self.judge = Judge(self)
        self.policy = Policy(lease_units=4, window_units=8, steal_units=2, verdicts=VERDICTS, doubt_ms=DOUBT_MS)
        self.mail = [(stream, 0) for stream in LANES]
        self.pids = 0
        self.leaders: list[Leader] = []
        self.workers: list[Worker] = []
        self.doors: list[Door] = []
        self.customers: list[Customer] = []
        self.connections: dict[bytes, int] = {}
        self.harms = {mail.number: mail for mail in plan.mails}
        self.active: dict[Fault, int] = {}  # fault → until when
        self.poison: set[int] = set()
        self.store.watchers.append(self.landed)

    # ---- running

    def run(self) -> list[str]:
        """Run the plan; everything that broke."""
        self.start_leader()
        self.start_door()
        for number in range(self.plan.nodes):
            self.start_worker(f"n{number}")
        for mail in self.plan.mails:
            self.customers.append(Customer(self, mail))
            self.clock.after(mail.at, self.customers[-1].submit)
        for strike in self.plan.strikes:
            self.clock.after(strike.at, self.strike, strike)
        self.clock.after(HEALED, self.heal)
        try:
            while self.clock.now < HORIZON and not self.is_drained():
                for _ in range(50):
                    self.clock.step()
        except Exception as error:  # a machine that refuses an event is a finding, with its seed
            return [f"{type(error).__name__}: {error} at {self.clock.now / SECOND:.3f} s"]
        return self.judge.verdict()

    def is_drained(self) -> bool:
        """Whether all has ended that will, as the newest leader sees it."""
        if self.clock.now < HEALED or self.store.in_flight or self.clock.events < MIN_EVENTS:
            return False
        if not all(customer.is_answered for customer in self.customers):
            return False
        processes: list[Process] = [*self.leaders, *self.workers, *self.doors]
        if any(process.is_alive and process.frozen_until > self.clock.now for process in processes):
            return False
        leader = self.leaders[-1]
        fold = leader.machine.fold
        if not leader.is_leading or any(entry.doubt_ms is None for entry in fold.open.values()):
            return False
        held = {entry.place for entry in fold.in_doubt()}
        for entry in fold.in_doubt():
            if entry.asked is not None or leader.machine.waits.policy_of(entry) is not None:
                return False
        open_mail = any(
            not fold.progress[where].is_done(offset) and Position(*where, offset) not in held
            for where in self.mail
            for offset in range(self.store.end(where))
        )
        return not open_mail and all(copy in held for copy in fold.named)

    def say(self, text: str) -> None:
        """A line of the trace."""
        if self.trace is not None:
            self.trace.append(f"{self.clock.now / SECOND:10.4f}  {text}")

    def next_pid(self) -> int:
        """A process number."""
        self.pids += 1
        return self.pids

    # ---- processes

    def start_leader(self) -> None:
        """Another coordinator process."""
        self.leaders.append(Leader(self, f"coordinator#{self.next_pid()}"))

    def leader_ended(self, leader: Leader) -> None:
        """A leader saw another; the newest process is the one that calls go to, so it is started again, as Ray does."""
        if leader is self.leaders[-1]:
            self.clock.after(RESTART, self.start_leader)

    def start_worker(self, node: str) -> None:
        """A process of a node."""
        self.workers.append(Worker(self, node))

    def worker_ended(self, worker: Worker, blamed: Position | None = None) -> None:
        """A process ended by itself: it is started again unless its name lives on."""
        self.clock.after(RESTART, self._restart, worker.node, blamed)

    def _restart(self, node: str, blamed: Position | None) -> None:
        if not any(worker.is_alive and worker.node == node for worker in self.workers):
            self.start_worker(node)
            if blamed is not None:
                self._blame(blamed)

    def _blame(self, place: Position) -> None:
        """The new process tells over whom the former one died, until it is written."""
        strikes = sum(isinstance(x, f.Strike) for x in self.store.read((f.CONTROL, 0), 0))
        self.leaders[-1].blame(place)
        self.clock.after(3 * SECOND, self._blame_again, place, strikes)

    def _blame_again(self, place: Position, strikes: int) -> None:
        if sum(isinstance(x, f.Strike) for x in self.store.read((f.CONTROL, 0), 0)) == strikes:
            self._blame(place)

    def crash(self, worker: Worker, blamed: Position | None = None) -> None:
        """A node's process dies; the watch tells the coordinator, and starts it again."""
        if not worker.is_alive:
            return
        self.say(f"{worker.name} dies")
        worker.kill()
        self.store.tear(worker)
        self.clock.after(10 * MS, self._suspect, worker.node, worker)
        self.worker_ended(worker, blamed)

    def _suspect(self, node: str, worker: Worker) -> None:
        if Fault.CALLS_LOST not in self.active:
            self.leaders[-1].suspect(node)

    def _lose_sight(self, worker: Worker, duration: int) -> None:
        """Who cannot be reached is thought dead now and then, and nothing of that is true."""
        if self.random.random() < 0.5:
            self.clock.after(self.random.randrange(duration), self._alarm, worker.node)

    def _alarm(self, node: str) -> None:
        self.leaders[-1].suspect(node)

    def crash_leader(self, leader: Leader) -> None:
        """The coordinator dies, and another starts."""
        if leader.is_alive:
            self.say(f"{leader.name} dies")
            leader.kill()
            self.store.tear(leader)
            self.clock.after(RESTART, self.start_leader)

    def start_door(self) -> None:
        """Another gateway process; it reads the log before it listens."""
        self.doors.append(Door(self, f"gateway#{self.next_pid()}"))

    def crash_door(self, door: Door) -> None:
        """The gateway dies, and another starts."""
        if door.is_alive:
            self.say(f"{door.name} dies")
            door.kill()
            self.store.settle(door)
            self.clock.after(RESTART, self.start_door)

    # ---- calls

    def loses_replies(self) -> bool:
        """Whether the reply to a call is lost."""
        return Fault.REPLIES_LOST in self.active and self.random.random() >= 0.3

    def call_submit(self, customer: Customer) -> None:
        """A submission by a call, which may be lost, repeated or late."""
        if Fault.CALLS_LOST not in self.active or self.random.random() < 0.3:
            self.clock.after(1 * MS, customer.ask)
        if Fault.CALLS_TWICE in self.active:
            self.clock.after(self.random.randrange(4 * SECOND), customer.ask)

    def call_join(self, worker: Worker, asked: int) -> None:
        """A join by a call, which may be lost, repeated, late or answered to nobody."""
        late = self.random.randrange(4 * SECOND) if Fault.CALLS_TWICE in self.active else 0
        if Fault.CALLS_LOST not in self.active or self.random.random() < 0.3:
            self.clock.after(1 * MS + late, self._deliver_join, worker, asked)
        if Fault.CALLS_TWICE in self.active:
            self.clock.after(self.random.randrange(4 * SECOND), self._deliver_join, worker, asked)

    def _deliver_join(self, worker: Worker, asked: int) -> None:
        def joined(frame: f.Join, control: int) -> None:
            if not self.loses_replies():
                late = self.random.randrange(6 * SECOND) if Fault.CALLS_TWICE in self.active else 0
                worker.later(1 * MS + late, worker.joined, asked, frame, control)

        leader = self.leaders[-1]
        if leader.is_alive:
            leader.later(0, leader.join, worker.node, joined)

    # ---- mail

    def unit(self, mail: Mail) -> Unit:
        """What the gateway appends for a mail that it admits now."""
        message = ids.message_id(self.clock.now_ms, mail.number.to_bytes(10, "big"))
        body = f"X-Id: {ids.to_text(message)}\r\n\r\nhello\r\n".encode()
        hosts = [f"x{index}.example" if mail.is_split else "x.example" for index in range(mail.recipients)]
        people = tuple(Recipient(f"r{index}@{host}", index) for index, host in enumerate(hosts))
        expires_ms = self.clock.now_ms + mail.lives_ms
        domain = SEVERAL if mail.is_split else hosts[0]
        envelope = ("", self.clock.now_ms, expires_ms, "a@fen.example", people, domain, False, body)
        return Unit(message, LANES[mail.stream], *envelope, idempotency_key=f"k{mail.number}")

    def landed(self, where: tuple[str, int]) -> None:
        """Whoever follows a stream looks at it soon."""
        for leader in self.leaders:
            if leader.is_alive:
                leader.wake()
        if where[0] != f.JOURNAL:
            for worker in self.workers:
                if worker.is_alive and worker.now is not None:
                    worker.now.wake()

    def job(self, owner: Incarnation, lease: Lease, place: Position, unit: Unit) -> None:
        """A unit is taken."""
        Job(owner, lease, place, unit)

    def mail_of(self, unit: Unit) -> Mail:
        """The mail that a unit came from."""
        return self.harms[int.from_bytes(unit.message[6:], "big")]

    def is_poison(self, unit: Unit) -> bool:
        """Whether looking into it kills the process."""
        return self.mail_of(unit).number in self.poison

    def is_spam(self, unit: Unit) -> bool:
        """Whether the gate refuses it."""
        return self.mail_of(unit).is_spam

    def harm(self, unit: Unit) -> Harm:
        """What happens to the next connection for a unit."""
        if Fault.STORM_421 in self.active:
            return Harm.CLOSING
        count = self.connections.get(unit.message, 0)
        self.connections[unit.message] = count + 1
        harms = self.mail_of(unit).harms
        return harms[count] if count < len(harms) else Harm.NOTHING

    def network_delay(self) -> int:
        """One way to the host."""
        return self.random.choice((1, 5, 20, 80)) * MS

    # ---- faults

    def strike(self, strike: Strike) -> None:
        """Make a fault happen."""
        self.say(f"FAULT {strike.fault} for {strike.duration / SECOND} s")
        living = [worker for worker in self.workers if worker.is_alive]
        worker = living[strike.target % len(living)] if living else None
        leader = self.leaders[-1]
        everybody: list[Process] = [*living, leader, self.doors[-1]]
        match strike.fault:
            case Fault.KILL_NODE if worker:
                self.crash(worker)
            case Fault.FREEZE_NODE if worker:
                worker.freeze(strike.duration)
            case Fault.KILL_LEADER:
                self.crash_leader(leader)
            case Fault.FREEZE_LEADER:
                leader.freeze(strike.duration)
                self.clock.after(strike.duration // 2, self.start_leader)
            case Fault.SECOND_PROCESS if worker:
                self.start_worker(worker.node)
            case Fault.FALSE_ALARM if worker:
                for again in range(0, strike.duration, 500 * MS):
                    self.clock.after(again, self._alarm, worker.node)
            case Fault.SECOND_LEADER:
                self.start_leader()
            case Fault.JOIN_STORM if worker:
                self._storm(worker.node, 3)
            case Fault.SLOW_LANDING:
                self._slow(everybody, Link(strike.duration, 300), strike.duration)
            case Fault.SLOW_ACK:
                self._slow(everybody, Link(300, strike.duration), strike.duration)
            case Fault.CUT_NODE if worker:
                self._cut(worker, Link(strike.duration, strike.duration), strike.duration)
                self._lose_sight(worker, strike.duration)
            case Fault.MUTE_NODE if worker:
                self._slow([worker], Link(strike.duration, 300), strike.duration)
                self._lose_sight(worker, strike.duration)
            case Fault.DEAF_NODE if worker:
                self._cut(worker, Link(300, strike.duration), strike.duration)
                self._lose_sight(worker, strike.duration)
            case Fault.CUT_LEADER:
                self._cut(leader, Link(strike.duration, strike.duration), strike.duration)
            case Fault.DEAF_LEADER:
                self._cut(leader, Link(300, strike.duration), strike.duration)
            case Fault.KILL_GATEWAY:
                self.crash_door(self.doors[-1])
            case Fault.FREEZE_GATEWAY:
                self.doors[-1].freeze(strike.duration)
            case Fault.POISON if self.plan.mails:
                self.poison.add(self.plan.mails[strike.target % len(self.plan.mails)].number)
            case _:
                until = self.clock.now + strike.duration
                self.active[strike.fault] = max(self.active.get(strike.fault, 0), until)
                self.clock.after(strike.duration, self._over, strike.fault)

    def _over(self, fault: Fault) -> None:
        if self.active.get(fault, 0) <= self.clock.now:
            self.active.pop(fault, None)

    def _storm(self, node: str, count: int) -> None:
        for worker in self.workers:
            if worker.is_alive and worker.node == node:
                worker.kill()
                self.store.tear(worker)
        self.start_worker(node)
        if count:
            self.clock.after(self.random.randrange(20, 800) * MS, self._storm, node, count - 1)

    def _cut(self, process: Process, link: Link, duration: int) -> None:
        """What it appends or hears is late, and it reads nothing meanwhile."""
        self._slow([process], link, duration)
        self.store.links[process].blind_until = self.clock.now + duration

    def _slow(self, processes: list[Process], link: Link, duration: int) -> None:
        for process in processes:
            mine = self.store.links.setdefault(process, Link())
            mine.land_us, mine.ack_us = link.land_us, link.ack_us
            self.clock.after(duration, self._fast, process)

    def _fast(self, process: Process) -> None:
        link = self.store.links[process]
        link.land_us, link.ack_us, link.blind_until = 300, 300, 0

    def heal(self) -> None:
        """From now on nothing fails: what is dead is started, what is slow is fast again."""
        self.active.clear()
        for process in list(self.store.links):
            self._fast(process)
        if not any(leader.is_alive for leader in self.leaders):
            self.start_leader()
        for number in range(self.plan.nodes):
            if not any(worker.is_alive and worker.node == f"n{number}" for worker in self.workers):
                self.start_worker(f"n{number}")
