"""Mail that kills the process which looks into it: found, looked into apart, and given up.

A message is looked into (parsed, decoded, signed) in one go of the event loop, so a process that dies or hangs there dies over
exactly one unit; and so does one that ends for an error which is not the log's. *Blame* keeps the place of that unit in a small file,
which outlives the process; the next process of the node tells it when it joins, and the coordinator counts it in control. Twice
blamed, a unit is looked into by a throw-away process; at the third time it is dead, and its record goes to the stream ``dead``. Where
the process ends over that as well, over the report to the sender, say, the fourth one ends it without looking at it (``burial``).
"""

import asyncio
import mmap
import resource
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from actors.examine import Look, look
from fastemailnet.envelope import Position

APART_STRIKES = 2
DEAD_STRIKES = 3
UNTOLD_STRIKES = 4  # its death cannot be told either
APART_S = 30.0
APART_OCTETS = 2_000_000_000
T = TypeVar("T")
_FIELDS = struct.Struct("<?iq40s")  # whether it is set, partition, offset, stream


class Blame:
    """The place that one node is looking into, in a file mapped into memory: a mark costs a microsecond."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            file.truncate(_FIELDS.size)
            self.map = mmap.mmap(file.fileno(), _FIELDS.size)
        self.is_over = False  # this process ends, and it is known over what

    def left(self) -> Position | None:
        """What a former process was looking into when it ended."""
        is_set, partition, offset, stream = _FIELDS.unpack_from(self.map)
        return Position(stream.rstrip(b"\0").decode(), partition, offset) if is_set else None

    def clear(self) -> None:
        """Nobody looks into anything."""
        if not self.is_over:
            self.map[0] = 0

    def ends_over(self, place: Position) -> None:
        """This process is about to end over ``place``. Of several the first counts, whatever it still looks into."""
        if not self.is_over:
            self._mark(place)
            self.is_over = True

    @contextmanager
    def looking(self, place: Position) -> Iterator[None]:
        """Until this ends, whoever dies dies over ``place``. There must be no wait inside."""
        if not self.is_over:
            self._mark(place)
        yield
        self.clear()

    def over(self, place: Position, call: Callable[[], T]) -> T:
        """What a call gives that may end or hang this process, as looking into the mail at ``place`` may."""
        with self.looking(place):
            return call()

    def _mark(self, place: Position) -> None:
        _FIELDS.pack_into(self.map, 0, True, place.partition, place.offset, place.stream.encode())


async def look_into(place: Position, strikes: int, body: bytes, blame: Blame, *, with_text: bool) -> Look | None:
    """Look into the message at a place, apart where processes died over it; None if none survives that."""
    if strikes >= APART_STRIKES:
        return await look_apart(body, with_text)
    with blame.looking(place):
        return look(body, with_text=with_text)


async def look_apart(body: bytes, with_text: bool) -> Look | None:
    """Look into a message in a process of its own; None if it does not come back."""
    command = (sys.executable, "-m", "actors.poison", "text" if with_text else "bare")
    pipe = asyncio.subprocess.PIPE
    apart = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
    try:
        answer, _ = await asyncio.wait_for(apart.communicate(body), APART_S)
        return msgspec.msgpack.decode(answer, type=Look) if apart.returncode == 0 else None
    except (TimeoutError, msgspec.MsgspecError):
        return None
    finally:
        if apart.returncode is None:
            apart.kill()
            await apart.wait()


def main() -> None:
    """The throw-away process: a message on standard input, what it looks like on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (APART_OCTETS, APART_OCTETS))
    seen = look(sys.stdin.buffer.read(), with_text=sys.argv[1] == "text")
    sys.stdout.buffer.write(msgspec.msgpack.encode(seen))


if __name__ == "__main__":
    main()
