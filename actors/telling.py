"""What the RESOLVE of a lane's policy tells the ledger and the sender: the same as that of a person, made by the coordinator's process.

The machine decides from the fold and has no message. So its RESOLVE is held back until the INTENT and the unit were read and the facts
and the report are in it; until then nothing is decided, and whoever leads next plans the same again. A mail that no report can be
made of is resolved without one.

It reads in threads of its own: a partition whose broker is away keeps no fence from the log. Large mail that is to be reported waits
for its turn at the store of bodies beside the others, so that a store that hangs holds up the verdicts about such mail alone.
"""

import asyncio
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from actors.records import frame_at, unit_at
from actors.verdicts import Verdicts
from fastemailnet.envelope import Unit
from fastemailnet.errors import LogError
from fastemailnet.flashsync.coordinator import Write
from fastemailnet.flashsync.doubt import ENDS
from fastemailnet.flashsync.frames import Intent, JournalFrame, Resolve
from fastemailnet.flashsync.lease import Open, Spot
from fastemailnet.log.interface import Log

AT_ONCE = 16  # verdicts that are being written; the others are planned again
LARGE_AT_ONCE = 4  # bodies that are here for their header


class Telling:
    """The verdicts of one coordinator that are on their way."""

    def __init__(self, log: Log, verdicts: Verdicts) -> None:
        self.log = log
        self.verdicts = verdicts
        self.tasks: dict[Spot, tuple[Open, asyncio.Task[Write | None]]] = {}  # with the doubt as it was
        self.large: set[Spot] = set()  # those of them that need the store of bodies
        self.store = asyncio.Semaphore(LARGE_AT_ONCE)
        self.threads = ThreadPoolExecutor(AT_ONCE, "telling")

    @property
    def has_news(self) -> bool:
        """Whether a verdict waits to be appended."""
        return any(task.done() for _, task in self.tasks.values())

    def ready(self, writes: Sequence[Write], doubts: Mapping[Spot, Open]) -> list[Write]:
        """What of a plan may be appended now. What is held back comes with a later plan, unless its doubt has ended by then."""
        # A doubt of which its node has spoken since is another: it may have ended somebody, and have told it.
        for spot in [spot for spot, told in self.tasks.items() if doubts.get(spot) != told[0]]:
            self.tasks.pop(spot)[1].cancel()
        self.large &= self.tasks.keys()
        found = [self._ready(write, write.frame, doubts) for write in writes]
        return [write for write in found if write is not None]

    def _ready(self, write: Write, frame: object, doubts: Mapping[Spot, Open]) -> Write | None:
        if not isinstance(frame, Resolve) or write.partition is None:
            return write
        spot = (write.partition, frame.intent)
        told = self.tasks.get(spot)
        if told is not None and told[1].done():
            self.large.discard(spot)
            return self.tasks.pop(spot)[1].result()
        if told is None and len(self.tasks) - len(self.large) < AT_ONCE:
            self.tasks[spot] = doubts[spot], asyncio.create_task(self._told(write, frame, doubts[spot]))
        return None

    async def _told(self, write: Write, frame: Resolve, entry: Open) -> Write | None:
        """The write with what it tells; None where the log cannot be read now."""
        try:
            intent, unit = await asyncio.get_running_loop().run_in_executor(self.threads, self._read, entry)
            if unit is None:
                return write
            assert isinstance(intent, Intent)
            about = (entry, intent, unit, frame.verdict, frame.reason, frame.at_ms)
            if unit.blob is None or frame.verdict not in ENDS:
                told = await self.verdicts.told(*about)
            else:
                self.large.add(entry.spot)
                async with self.store:
                    told = await self.verdicts.told(*about)
        except LogError:
            return None
        except Exception:  # one stranger's mail must not end every coordinator that comes
            traceback.print_exc()
            return write
        evidence, reports = told
        return Write(msgspec.structs.replace(frame, evidence=evidence, reports=reports), write.partition)

    def _read(self, entry: Open) -> tuple[JournalFrame, Unit | None]:
        return frame_at(self.log, entry.spot), unit_at(self.log, entry.place)
