"""What a followed stream holds and no reader can read: passed over where it is no frame, the end of its reader where it may be one.

A record that does not begin as a frame was never written by a fleet, of whichever version. Every reader passes over it, so all fold the
same state (R10), and people are told where it stands.

One that begins as a frame and does not read is of a later version, or damaged. It may be an EPOCH, a FENCE or a fact (R1, R3, R5), or
name somebody who is not to be written to: who goes on without it acts without a right. Its reader ends and says so.
"""

import sys
from collections.abc import Callable
from typing import TypeVar

import msgspec

from fastemailnet.errors import LogCorrupt
from fastemailnet.wire import begins_as_frame

MAX_NAMED = 100
T = TypeVar("T")


class Unread:
    """What one process could not read."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}  # the first of them → why
        self.count = 0

    def read(self, decode: Callable[[bytes], T], record: bytes, stream: str, partition: int, offset: int) -> T | None:
        """The frame in a record; None where it holds none.

        Raises:
            LogCorrupt: it may hold one that does not read.
        """
        try:
            return decode(record)
        except msgspec.MsgspecError as error:
            self._pass_over(f"{stream}/{partition}@{offset}", record, error)
            return None

    def _pass_over(self, place: str, record: bytes, error: msgspec.MsgspecError) -> None:
        if begins_as_frame(record):
            why = "nothing may be done without it, so run the version that wrote it"
            raise LogCorrupt(f"{place} holds a frame that this version cannot read ({error}): {why}") from error
        if place in self.places:
            return  # it was met again
        self.count += 1
        if len(self.places) < MAX_NAMED:
            self.places[place] = f"it holds no frame: {error}"
            print(f"{place} is passed over: {self.places[place]}", file=sys.stderr, flush=True)

    def figures(self) -> dict[str, object]:
        """For people; nothing where everything was read."""
        if not self.count:
            return {}
        more = {"and others": f"{self.count - len(self.places)} records"} if self.count > len(self.places) else {}
        return {"passed over": {**self.places, **more}}
