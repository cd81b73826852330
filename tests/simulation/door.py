"""A gateway process around ``admission.replay``, as ``actors.submissions`` is one, and customers that submit until they are answered.

    submit ▸ key known? ▸ append ▸ remember the key ▸ answer

A gateway that dies takes what it had not appended with it, and what it had appended stands: its successor reads the log before it
listens. (A log whose appends may land behind the death of their writer has to fence it first.)
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastemailnet.admission.replay import Keys
from fastemailnet.envelope import Unit
from tests.simulation.clock import MS, SECOND, Process
from tests.simulation.plan import Mail

if TYPE_CHECKING:
    from tests.simulation.world import World

ASK_AGAIN = 2 * SECOND
TENANT = ""


class Door(Process):
    """One gateway process."""

    def __init__(self, world: "World", name: str) -> None:
        super().__init__(world.clock, name)
        self.world = world
        self.keys = Keys()
        self.on_their_way: dict[str, list[Callable[[], None]]] = {}  # key → who waits for its append
        for where in world.mail:
            for unit in world.store.read(where, 0):
                self.keys.remember([unit])

    def submit(self, mail: Mail, answered: Callable[[], None]) -> None:
        """Take a mail, once for its key."""
        unit = self.world.unit(mail)
        key = unit.idempotency_key
        if key in self.on_their_way:
            self.on_their_way[key].append(answered)
        elif self.keys.find(TENANT, key, self.clock.now_ms) is not None:
            answered()
        else:
            self.on_their_way[key] = [answered]
            self.world.store.append(self, (mail.stream, 0), [unit], None, lambda _: self.landed(unit))

    def landed(self, unit: Unit) -> None:
        """The unit is durable: its key is known, and everybody who waits is answered."""
        self.keys.remember([unit])
        for answered in self.on_their_way.pop(unit.idempotency_key):
            answered()


class Customer:
    """Submits one mail until somebody answers."""

    def __init__(self, world: "World", mail: Mail) -> None:
        self.world, self.mail = world, mail
        self.is_answered = False

    def submit(self) -> None:
        """Ask the gateway, and again if no answer comes."""
        if not self.is_answered:
            self.world.call_submit(self)
            self.world.clock.after(ASK_AGAIN, self.submit)

    def ask(self) -> None:
        """The call reaches whoever is the gateway now."""
        door = self.world.doors[-1]
        if door.is_alive:
            door.later(1 * MS, door.submit, self.mail, self.answered)

    def answered(self) -> None:
        """The gateway says that the mail is accepted; the reply may be lost on its way."""
        if not self.world.loses_replies():
            self.is_answered = True
