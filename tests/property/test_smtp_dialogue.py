"""The client's machine against the server's, in memory: every form of the dialogue, any split of the stream, faults at any octet."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from fastemailnet.envelope import Recipient
from fastemailnet.outcome import Kind, Outcome, Reply
from fastemailnet.smtp import effects
from fastemailnet.smtp import server as srv
from fastemailnet.smtp.extension import Capabilities
from fastemailnet.smtp.reply import ReplyParser
from fastemailnet.smtp.session import (
    SINGLE_FLIGHT_MAX_OCTETS,
    Ahead,
    AskRelease,
    Await,
    Effect,
    Event,
    Lost,
    Released,
    Replied,
    Reuse,
    Session,
    Settled,
    Start,
    Transaction,
    Withheld,
    Write,
)

REFUSALS = {code: Reply(code, None, "because") for code in (421, 450, 451, 550, 552, 554)}
TAKEN = Reply(250, (2, 0, 0), "taken")


@dataclass
class World:
    """What the server decides, and what goes wrong."""

    capabilities: Capabilities
    ahead: Ahead
    content: bytes
    sender: int  # reply code; 250: fine
    recipients: list[int]
    message: int
    is_granted: bool
    cut_after: int | None  # octets of replies that reach the client before the connection ends
    is_lost_while_asking: bool
    piece: int  # octets that arrive at a time


TRANSID = "7-0@node.example.net"


@dataclass
class Run:
    """One dialogue. ``memory`` is what the server knows of the transaction from before, ``reached`` what the client does."""

    world: World
    reached: tuple[int, ...] = ()
    memory: effects.Known | None = None
    reaches: tuple[int, ...] = ()
    written: bytes = b""
    replies: bytes = b""
    heard: int = 0
    is_released: bool = False
    ended_at: int | None = None  # how much was written when the end was allowed
    taken: list[list[str]] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    settled: Settled | None = None

    def go(self) -> Settled:
        world = self.world
        addresses = tuple(Recipient(f"{code}.r{i}@example.org", 7 + i) for i, code in enumerate(world.recipients))
        transaction = Transaction("a@example.net", addresses, world.content, transid=TRANSID, reached=self.reached)
        self.session = Session(transaction, world.capabilities, world.ahead)
        self.server = srv.Server("mx.example.org", checkpoint=True)
        self.server.feed(b"EHLO c\r\n")
        while (effect := self.server.next()) is not None:
            assert isinstance(effect, effects.Write)
        self.parser = ReplyParser()
        self.perform(self.session.step(Start()))
        while self.settled is None:
            self.turn()
        return self.settled

    def turn(self) -> None:
        """Let the client hear what the server has said; where it has said nothing more, the connection must be cut."""
        cut = self.world.cut_after
        end = min(len(self.replies), self.heard + self.world.piece)
        if cut is not None and (end > cut or self.heard == len(self.replies)):
            self.perform(self.session.step(Lost("cut")))
            return
        assert self.heard < len(self.replies), "client and server wait for each other"
        octets, self.heard = self.replies[self.heard : end], end
        for reply in self.parser.feed(octets):
            self.perform(self.session.step(Replied(reply)))

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Write(octets):
                    self.written += octets
                    self.serve(octets)
                case AskRelease(reaches):
                    self.reaches = reaches
                    self.ask()
                case Settled():
                    assert self.settled is None
                    self.settled = effect
                case Await(seconds):
                    assert seconds > 0

    def ask(self) -> None:
        assert not self.is_released
        if self.world.is_lost_while_asking:
            self.perform(self.session.step(Lost("cut")))
            return
        event: Event = Released() if self.world.is_granted else Withheld()
        self.is_released = self.world.is_granted
        self.ended_at = len(self.written)
        self.perform(self.session.step(event))

    def serve(self, octets: bytes) -> None:
        for at in range(0, len(octets), max(self.world.piece, len(octets) // 50)):
            self.server.feed(octets[at : at + max(self.world.piece, len(octets) // 50)])
            while (effect := self.server.next()) is not None:
                self.replies += self.decide(effect)

    def decide(self, effect: effects.Effect) -> bytes:
        match effect:
            case effects.Write(octets):
                return octets
            case effects.AskSender():
                answer = self.server.answer(REFUSALS.get(self.world.sender) or self.memory)
            case effects.AskRecipient(address):
                answer = self.server.answer(REFUSALS.get(int(address.partition(".")[0])))
            case effects.AskMessage(envelope, content):
                if self.world.message == 250:
                    self.taken.append(envelope.recipients)
                    self.contents.append(content)
                    self.memory = effects.Known(len(content), TAKEN) if envelope.transid else None
                answer = self.server.answer(REFUSALS.get(self.world.message, TAKEN))
            case _:
                raise AssertionError(effect)
        assert isinstance(answer, effects.Write)
        return answer.octets


lines = st.lists(st.sampled_from([b"", b".", b"..", b".x", b"text", "gruß".encode(), b"From x"]), max_size=6)
contents = lines.map(lambda parts: b"".join(part + b"\r\n" for part in parts))
large = st.just(b"." * 900 + b"\r\n").map(lambda line: line * (SINGLE_FLIGHT_MAX_OCTETS // 900 + 1))
worlds = st.builds(
    World,
    capabilities=st.builds(
        Capabilities,
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.sampled_from([None, 0, 10**7]),
        st.booleans(),
    ),
    ahead=st.sampled_from(Ahead),
    content=st.one_of(contents, contents, contents, large),
    sender=st.sampled_from([250, 250, 250, 250, 421, 450, 550]),
    recipients=st.lists(st.sampled_from([250, 250, 250, 421, 450, 550, 552]), min_size=1, max_size=4),
    message=st.sampled_from([250, 250, 250, 421, 451, 554]),
    is_granted=st.sampled_from([True, True, True, False]),
    cut_after=st.one_of(st.none(), st.none(), st.integers(0, 400)),
    is_lost_while_asking=st.sampled_from([False, False, False, True]),
    piece=st.sampled_from([1, 2, 7, 50, 10**6]),
)


def observed_end(written: bytes) -> bool:
    """Whether a server that accepts everybody would see the end of a message in these octets."""
    observer = srv.Server("observer", checkpoint=True)
    observer.feed(b"EHLO c\r\n" + written)
    while (effect := observer.next()) is not None:
        if isinstance(effect, effects.AskMessage):
            return True
        if isinstance(effect, effects.AskSender | effects.AskRecipient):
            observer.answer(None)
    return False


@settings(max_examples=500, deadline=None)
@given(worlds)
def test_the_end_is_never_written_before_the_release(world: World) -> None:
    run = Run(world)
    run.go()
    if run.is_released:
        assert run.ended_at is not None
        assert not observed_end(run.written[: run.ended_at])
        assert observed_end(run.written) or len(run.written) == run.ended_at
    else:
        assert not observed_end(run.written)
        assert not run.taken


@settings(max_examples=500, deadline=None)
@given(worlds)
def test_every_recipient_gets_exactly_one_outcome_and_it_is_true(world: World) -> None:
    run = Run(world)
    settled = run.go()
    if not settled.outcomes:
        assert not run.is_released
        assert not world.is_granted
        assert settled.reuse is Reuse.CLOSE
        return
    assert [outcome.recipient for outcome in settled.outcomes] == [7 + i for i in range(len(world.recipients))]
    taken = {address for addresses in run.taken for address in addresses}
    for place, outcome in enumerate(settled.outcomes):
        is_taken = f"{world.recipients[place]}.r{place}@example.org" in taken
        check(world, run, outcome, is_taken)
    assert all(content == world.content for content in run.contents)
    assert len(run.contents) <= 1


def check(world: World, run: Run, outcome: Outcome, is_taken: bool) -> None:
    assert outcome.kind in (Kind.RELAYED, Kind.BOUNCED, Kind.DEFERRED, Kind.IN_DOUBT)
    if outcome.kind is Kind.RELAYED:
        assert is_taken
    if is_taken:
        assert outcome.kind in (Kind.RELAYED, Kind.IN_DOUBT)
    if outcome.kind is Kind.IN_DOUBT:
        assert run.is_released
        assert world.cut_after is not None, "only a fault leaves a doubt"
    if outcome.kind is Kind.BOUNCED and outcome.reply is None:
        assert outcome.status == (5, 6, 3)
        assert not run.written, "what the peer cannot carry is not begun"
    elif outcome.kind is Kind.BOUNCED:
        assert outcome.enhanced is None or outcome.enhanced[0] == 5
        assert outcome.reply is not None
        assert outcome.reply.code // 100 == 5


@settings(max_examples=200, deadline=None)
@given(worlds, st.sampled_from([1, 3, 1000]))
def test_how_the_stream_is_split_changes_nothing(world: World, piece: int) -> None:
    world.cut_after = None
    first = Run(world).go()
    world.piece = piece
    second = Run(world).go()
    assert first == second


@settings(max_examples=500, deadline=None)
@given(worlds, st.integers(0, 400), st.sampled_from([250, 250, 421, 550]))
def test_an_end_in_doubt_is_asked_about_and_nobody_gets_a_second_copy(
    world: World, cut_after: int, sender: int
) -> None:
    """Two attempts at the same recipients under one id, both perhaps cut; what the second says is true of both."""
    world.capabilities = replace(world.capabilities, checkpoint=True)
    world.is_granted, world.is_lost_while_asking = True, False
    world.cut_after = cut_after
    first = Run(world)
    settled = first.go()
    doubted = tuple(outcome.recipient for outcome in settled.outcomes if outcome.kind is Kind.IN_DOUBT)
    if not doubted:
        return
    assert doubted == first.reaches
    world.cut_after, world.sender = None, sender
    second = Run(world, reached=doubted, memory=first.memory)
    again = second.go()
    taken = {address for addresses in first.taken + second.taken for address in addresses}
    for place, outcome in enumerate(again.outcomes):
        is_taken = f"{world.recipients[place]}.r{place}@example.org" in taken
        assert (outcome.kind is Kind.RELAYED) <= is_taken
        assert (outcome.kind is Kind.BOUNCED) <= (not is_taken)
        if outcome.recipient in doubted and sender == 250:
            assert (outcome.kind is Kind.RELAYED) == is_taken
    assert len(first.contents + second.contents) <= 1
