"""What is borne of a client until it has brought a message: commands that are none, that lead nowhere, recipients that are refused.

    command                                     borne since the last message that was taken
    bad: syntax, order, unknown                 ``MAX_BAD_COMMANDS``
    idle: NOOP, RSET, VRFY, EHLO, refused MAIL, ``Limits.idle_commands``; each more is a bad one
      chunks of next to nothing
    RCPT that is refused, or one too many       as many as a message may have recipients; each more is a bad one

Over its measure a session is ended by 421. So one read of pipelined junk costs a bounded time, and no session lives on NOOP alone. (As
smtpd_junk_command_limit, smtpd_recipient_overshoot_limit and smtpd_hard_error_limit of Postfix.)
"""

from fastemailnet.outcome import Reply
from fastemailnet.smtp.refusals import Limits

MAX_BAD_COMMANDS = 20
_TOO_MANY = Reply(421, (4, 7, 0), f"more than {MAX_BAD_COMMANDS} bad commands; closing")


class Tolerance:
    """Of one session."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.taken()

    def taken(self) -> None:
        """A message was."""
        self._bad = self._idle = self._refused = 0

    def bad(self, reply: Reply) -> Reply:
        """What is said to a bad command instead of ``reply``: that, as long as it is borne."""
        self._bad += 1
        return reply if self._bad <= MAX_BAD_COMMANDS else _TOO_MANY

    def idle(self, reply: Reply) -> Reply:
        """Likewise to an idle one."""
        self._idle += 1
        return self._within(self._idle, self._limits.idle_commands, reply)

    def refused(self, reply: Reply) -> Reply:
        """Likewise to a recipient who is refused."""
        self._refused += 1
        return self._within(self._refused, self._limits.idle_commands and self._limits.recipients, reply)

    def _within(self, count: int, most: int, reply: Reply) -> Reply:
        return reply if not most or count <= most else self.bad(reply)
