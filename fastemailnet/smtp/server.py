"""A server's session as a machine: submission, capture inbox and benchmark sink share it (RFC 5321, 1845, 1870, 2920, 3030,
3207, 3461, 4954, 6152, 6531, 8689).

Feed octets, then take effects until there are none. Where a decision is not the protocol's — is this sender allowed, is the message
durable — the machine asks and waits for ``answer``; what the client pipelined meanwhile stays in the buffer, bounded by the shell.

What a message takes until its end is there is bounded by ``Limits.message_octets``, in whatever chunks it comes. Of all sessions
together by the shell, which has one drop what it holds (``shed``): the message is refused at its end, for no reply may come before.

The end of DATA is CRLF.CRLF and nothing else. A message with a bare CR or LF is refused whole, so that no relay behind us can see
another end than we do (SMTP smuggling, CVE-2023-51764).

CHECKPOINT: no part of a message is kept, so a transaction is either unknown (250 to MAIL, everything is sent again) or known as a
whole: 355 with its size, no RCPT, DATA, the end, and the reply that its first end had. What a client sends before that end belongs to
no message of ours and is dropped.
"""

from typing import Literal

from fastemailnet.outcome import Reply
from fastemailnet.smtp.auth import MECHANISMS, TOO_LONG, Credentials, Login, Offer, Refused, Verdict
from fastemailnet.smtp.checkpoint import known_at
from fastemailnet.smtp.command import Command, Path, parse, parse_path
from fastemailnet.smtp.content import unstuff
from fastemailnet.smtp.effects import (
    AskLogin,
    AskMessage,
    AskRecipient,
    AskSender,
    Close,
    Effect,
    Envelope,
    Known,
    StartTls,
    Write,
)
from fastemailnet.smtp.refusals import NUMBER, Limits, over_the_limit, refuse_content, refuse_mail, refuse_rcpt
from fastemailnet.smtp.reply import render
from fastemailnet.smtp.stage import State, Tls
from fastemailnet.smtp.tolerance import Tolerance

MAX_LINE_OCTETS = 4_096
SMALL_CHUNK_OCTETS = 100  # one after another is no way to bring a message
OK = Reply(250, (2, 0, 0), "Ok")
_TOO_LONG = Reply(500, (5, 5, 2), f"command line over {MAX_LINE_OCTETS} octets")
_END = b"\r\n.\r\n"


class Server:
    """One session."""

    def __init__(
        self,
        hostname: str,
        limits: Limits | None = None,
        tls: Tls = Tls.NONE,
        *,
        checkpoint: bool = False,
        dsn: bool = False,
    ) -> None:
        """``checkpoint``, ``dsn``: whether CHECKPOINT and DSN are offered."""
        self.checkpoint, self.dsn = checkpoint, dsn
        self.hostname = hostname
        self.limits = limits or Limits()
        self.tls = tls
        self.login = Login()
        self.state = State.COMMAND
        self.buffer = bytearray()
        self.greeted = False
        self.envelope: Envelope | None = None
        self.known: Known | None = None
        self.pending: Path | None = None
        self.scanned = 0  # octets of DATA in which there is no end
        self.dropping: Reply | None = None  # what DATA is answered by at its end, for what came of it is dropped
        self.chunked: bytearray | None = None  # the chunks before the one that is coming
        self.chunk: tuple[int, bool, Reply | None] = (0, False, None)  # octets, last, refusal
        self.tolerance = Tolerance(self.limits)

    def greeting(self) -> Write:
        """What a server says first."""
        return Write(render(Reply(220, None, f"{self.hostname} ESMTP FastEmailNet")))

    def feed(self, octets: bytes) -> None:
        """Octets from the client."""
        self.buffer += octets

    @property
    def held_octets(self) -> int:
        """What it holds of what the client sent."""
        return len(self.buffer) + (len(self.chunked) if self.chunked is not None else 0)

    def shed(self, reply: Reply) -> bool:
        """Drop the message that is coming, and answer its end so. Whether one is, that was not dropped before."""
        match self.state:
            case State.DATA if self.dropping is None and len(self.buffer) > len(_END):
                self._drop(reply)
                return True
            case State.CHUNK if self.chunk[2] is None:
                size, is_last, _ = self.chunk
                self.chunk = size - len(self.buffer), is_last, reply
                self.buffer.clear()
                self.chunked = None
                return True
        return False

    def next(self) -> Effect | None:
        """The next effect, or None until more is fed or answered."""
        while True:
            match self.state:
                case State.COMMAND | State.LOGIN:
                    effect, is_stuck = self._command()
                case State.DATA:
                    effect, is_stuck = self._data()
                case State.CHUNK:
                    effect, is_stuck = self._chunk()
                case State.HANDSHAKE if self.tls is Tls.BEGUN:
                    return None
                case State.HANDSHAKE:
                    self.tls = Tls.BEGUN
                    return StartTls()
                case State.WAITING | State.CLOSED:
                    return None
            if effect is not None or is_stuck:
                return effect

    def answer(self, reply: Reply | Known | None) -> Effect:
        """The decision that was asked for."""
        assert self.state is State.WAITING
        self.state = State.COMMAND
        path, self.pending = self.pending, None
        if isinstance(reply, Known):
            assert path is not None
            assert self.envelope is None
            self.envelope, self.known = Envelope(path.address, path.parameters), reply
            return _say(known_at(reply.size))
        if path is None:
            self._forget()
            if reply is None:
                self.state = State.CLOSED
                return Close()
            if reply.code < 400:
                self.tolerance.taken()
            return _say(reply)
        if reply is not None:
            borne = self.tolerance.idle if self.envelope is None else self.tolerance.refused
            said = borne(reply)
            # A 421 of the policy is about one command: to end here would leave a peer that sent on in doubt.
            return _say(said) if said is reply else self._give_up(said)
        if self.envelope is None:
            self.envelope = Envelope(path.address, path.parameters)
            return _say(Reply(250, (2, 1, 0), "Ok"))
        self.envelope.recipients.append(path.address)
        self.envelope.wishes.append(path.parameters)
        return _say(Reply(250, (2, 1, 5), "Ok"))

    def logged_in(self, verdict: Literal[Verdict.RIGHT] | Refused) -> Effect:
        """Whether it is who it says."""
        assert self.state is State.WAITING
        self.state = State.COMMAND
        said = self.login.settle(verdict)
        return self._say_or_end(said)

    def secured(self) -> None:
        """The handshake is done; what the client said before it is forgotten (RFC 3207 section 4.2)."""
        self._forget()
        self.login = Login(self.login.offer)
        self.greeted = False
        self.tls, self.state = Tls.DONE, State.COMMAND

    # ---- commands, and the responses of AUTH

    def _command(self) -> tuple[Effect | None, bool]:
        end = self.buffer.find(b"\n")
        if end < 0:
            if len(self.buffer) > MAX_LINE_OCTETS:
                return self._give_up(TOO_LONG if self.state is State.LOGIN else _TOO_LONG), False
            return None, True
        line = bytes(self.buffer[: end + 1])
        del self.buffer[: end + 1]
        asked, self.state = self.state, State.COMMAND
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            return self._bad(Reply(500, (5, 5, 2), "lines end in CRLF; bare CR or LF in the command line")), False
        if len(line) > MAX_LINE_OCTETS:
            return self._bad(TOO_LONG if asked is State.LOGIN else _TOO_LONG), False
        if asked is State.LOGIN:
            return self._step(self.login.respond(line[:-2])), False
        command = parse(line[:-2])
        if isinstance(command, Reply):
            return self._bad(command), False
        return self._dispatch(command), False

    def _dispatch(self, command: Command) -> Effect | None:
        match command.verb:
            case "MAIL":
                return self._mail(command)
            case "RCPT":
                return self._rcpt(command)
            case "DATA":
                return self._start_data(command)
            case "BDAT":
                return self._start_chunk(command)
            case "EHLO" | "HELO":
                return self._hello(command)
            case "STARTTLS" if self.tls is Tls.OFFERED and not command.rest:
                self.buffer.clear()  # what was sent behind the command is no part of the encrypted session
                self.state = State.HANDSHAKE
                return _say(Reply(220, (2, 0, 0), "ready to start TLS"))
            case "AUTH" if self.login.offer is not Offer.NONE:
                return self._auth(command)
            case "RSET":
                self._forget()
                return self._idle(OK)
            case "NOOP":
                return self._idle(OK)
            case "VRFY":
                return self._idle(Reply(252, (2, 1, 5), "cannot verify, but will take the message"))
            case "QUIT":
                self.state = State.CLOSED
                return Write(render(Reply(221, (2, 0, 0), "Bye")))
            case _:
                return self._bad(Reply(502, (5, 5, 1), f"command {command.verb[:20]!a} not recognised"))

    def _hello(self, command: Command) -> Effect:
        if not command.rest:
            return self._bad(Reply(501, (5, 5, 4), f"syntax: {command.verb} hostname"))
        self._forget()
        self.greeted = True
        if command.verb == "HELO":
            return self._idle(Reply(250, None, self.hostname))
        offers = [self.hostname, "PIPELINING", f"SIZE {self.limits.message_octets}", "8BITMIME", "SMTPUTF8", "CHUNKING"]
        offers += {Tls.OFFERED: ["STARTTLS"], Tls.DONE: ["REQUIRETLS"]}.get(self.tls, [])
        if self._has_auth():
            offers.append(f"AUTH {' '.join(MECHANISMS)}")
        offers += ["CHECKPOINT"] * self.checkpoint + ["DSN"] * self.dsn
        return self._idle(Reply(250, None, "\n".join([*offers, "ENHANCEDSTATUSCODES"])))

    def _mail(self, command: Command) -> Effect:
        if not self.greeted:
            return self._bad(Reply(503, (5, 5, 1), "EHLO or HELO first"))
        if self.envelope is not None:
            return self._bad(Reply(503, (5, 5, 1), "a transaction is open; RSET first"))
        path = parse_path(command, "FROM")
        if isinstance(path, Reply):
            return self._bad(path)
        offered = {"checkpoint": self.checkpoint, "dsn": self.dsn, "tls": self.tls is Tls.DONE}
        offered["auth"] = self._has_auth()
        refusal = refuse_mail(path, self.limits.message_octets, **offered)
        if refusal is not None:
            return self._bad(refusal)
        self.state, self.pending = State.WAITING, path
        return AskSender(path.address, path.parameters)

    def _rcpt(self, command: Command) -> Effect:
        if self.envelope is None:
            return self._bad(Reply(503, (5, 5, 1), "MAIL first"))
        if self.known is not None:
            return self._bad(Reply(503, (5, 5, 1), "the transaction and its recipients are known; DATA now"))
        if len(self.envelope.recipients) >= self.limits.recipients:
            over = Reply(452, (4, 5, 3), f"over {self.limits.recipients} recipients; send the rest apart")
            return self._say_or_end(self.tolerance.refused(over))
        path = parse_path(command, "TO")
        if isinstance(path, Reply):
            return self._bad(path)
        refusal = refuse_rcpt(path, smtputf8="SMTPUTF8" in self.envelope.parameters, dsn=self.dsn)
        if refusal is not None:
            return self._bad(refusal)
        self.state, self.pending = State.WAITING, path
        return AskRecipient(path.address, path.parameters)

    def _has_auth(self) -> bool:
        return self.login.is_open(self.tls is Tls.DONE)

    def _auth(self, command: Command) -> Effect:
        if not self._has_auth():
            return self._bad(Reply(538, (5, 7, 11), "AUTH only under TLS; STARTTLS first"))
        if not self.greeted or self.envelope is not None:
            return self._bad(Reply(503, (5, 5, 1), "EHLO before AUTH, and no transaction"))
        return self._step(self.login.begin(command.rest))

    def _step(self, step: Reply | Credentials) -> Effect:
        """What the log-in comes to: a question to the client or to the shell, or its end."""
        if isinstance(step, Credentials):
            self.state = State.WAITING
            return AskLogin(step)
        if step.code == 334:
            self.state = State.LOGIN
            return _say(step)
        return self._give_up(step) if step.code == 421 else self._bad(step)

    # ---- DATA

    def _start_data(self, command: Command) -> Effect:
        if self.known is None and (self.envelope is None or not self.envelope.recipients):
            return self._bad(Reply(503, (5, 5, 1), "MAIL and a valid RCPT first"))
        if self.chunked is not None or command.rest:
            return self._bad(Reply(503, (5, 5, 1), "no DATA after BDAT, and no parameters"))
        self.state = State.DATA
        self.scanned, self.dropping = 0, None
        return _say(Reply(354, None, "end data with <CR><LF>.<CR><LF>"))

    def _data(self) -> tuple[Effect | None, bool]:
        if self.dropping is None and self.buffer.startswith(b".\r\n"):
            del self.buffer[:3]
            return self._message(b""), False
        at = self.buffer.find(_END, max(0, self.scanned - len(_END)))
        if at < 0:
            self.scanned = len(self.buffer)
            if self.dropping is not None or self.scanned > self.limits.message_octets + 1_000:
                self._drop(self.dropping or over_the_limit(self.limits.message_octets))
            return None, True
        content = bytes(self.buffer[: at + 2])
        del self.buffer[: at + len(_END)]
        return self._message(unstuff(content)), False

    def _drop(self, reply: Reply) -> None:
        """Of what has come, keep what may be the beginning of the end."""
        self.dropping = reply
        del self.buffer[: -len(_END)]
        self.scanned = 0

    def _message(self, content: bytes) -> Effect:
        self.state = State.COMMAND
        if self.known is not None:
            reply: Reply | None = self.known.reply
        else:
            reply = self.dropping or refuse_content(content, self.limits.message_octets)
        if reply is not None:
            self._forget()
            return _say(reply)
        assert self.envelope is not None
        self.state = State.WAITING
        return AskMessage(self.envelope, content)

    # ---- BDAT

    def _start_chunk(self, command: Command) -> Effect | None:
        words = command.rest.upper().split()
        if not words or not NUMBER.fullmatch(words[0]) or words[1:] not in ([], ["LAST"]):
            return self._give_up(Reply(501, (5, 5, 4), "syntax: BDAT octets [LAST]"))
        size = int(words[0])
        refusal = None
        if self.envelope is None or not self.envelope.recipients:
            refusal = Reply(503, (5, 5, 1), "MAIL and a valid RCPT first")
        elif len(self.chunked or b"") + size > self.limits.message_octets:
            refusal = over_the_limit(self.limits.message_octets)
        self.chunk = (size, words[1:] == ["LAST"], refusal)
        self.state = State.CHUNK
        return None

    def _chunk(self) -> tuple[Effect | None, bool]:
        """The octets of a chunk; those of a refused one are thrown away as they come."""
        size, is_last, refusal = self.chunk
        if refusal is not None:
            dropped = min(size, len(self.buffer))
            del self.buffer[:dropped]
            if dropped < size:
                self.chunk = (size - dropped, is_last, refusal)
                return None, True
            self.state = State.COMMAND
            self._forget()
            return _say(refusal), False
        if len(self.buffer) < size:
            return None, True
        chunk = bytes(self.buffer[:size])
        del self.buffer[:size]
        self.state = State.COMMAND
        if not is_last:
            self.chunked = self.chunked if self.chunked is not None else bytearray()
            self.chunked += chunk
            reply = Reply(250, (2, 0, 0), f"{size} octets received")
            return _say(reply) if size > SMALL_CHUNK_OCTETS else self._idle(reply), False
        return self._message(chunk if self.chunked is None else bytes(self.chunked) + chunk), False

    # ---- what they share

    def _forget(self) -> None:
        self.envelope = self.known = self.chunked = self.dropping = None

    def _bad(self, reply: Reply) -> Effect:
        return self._say_or_end(self.tolerance.bad(reply))

    def _idle(self, reply: Reply) -> Effect:
        return self._say_or_end(self.tolerance.idle(reply))

    def _say_or_end(self, reply: Reply) -> Effect:
        return self._give_up(reply) if reply.code == 421 else _say(reply)

    def _give_up(self, reply: Reply) -> Effect:
        self.state = State.CLOSED
        return _say(reply)


def _say(reply: Reply) -> Write:
    return Write(render(reply))
