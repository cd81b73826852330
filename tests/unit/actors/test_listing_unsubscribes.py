"""One click on the suppression list: the tenant's lane alone, once, until a person takes it off."""

from actors.listing import SuppressionListing
from fastemailnet.delivery.suppression import FOR_GOOD, STREAM, Origin
from fastemailnet.delivery.unsubscription import Leaving
from fastemailnet.envelope import Lane
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.memory import MemoryLog
from fastemailnet.web.suppression import Removal

LEAVING = Leaving(bytes(16), "shop", Lane.BULK, "ann@mail.example")


async def test_a_second_click_writes_nothing_and_one_after_a_removal_counts_again() -> None:
    log = MemoryLog()
    listing = SuppressionListing(log, GroupCommit(log, max_pending_octets=10_000))
    for _ in range(3):
        await listing.unsubscribe(LEAVING)
    (entry,) = await listing.suppressed("", 10)
    assert log.end(STREAM, 0) == 1
    assert entry.key == ("ann@mail.example", "shop", "bulk")
    assert (entry.origin, entry.until_ms) == (Origin.UNSUBSCRIBE, FOR_GOOD)
    assert entry.reason == f"one click in message {'0' * 26}"

    await listing.lift(Removal("ann@mail.example", "asked for it again", "shop", "bulk"))
    assert not await listing.suppressed("", 10)
    while not await listing.suppressed("", 10):  # a click in the millisecond of the removal is before it
        await listing.unsubscribe(LEAVING)
