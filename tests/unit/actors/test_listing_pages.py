"""Pages of the suppression list: together they have every entry once."""

import asyncio

from actors.listing import SuppressionListing
from fastemailnet.delivery.suppression import FOR_GOOD, STREAM, Origin, Suppress, encode_change
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.memory import MemoryLog


def test_a_page_ends_behind_an_address_not_among_its_entries() -> None:
    log = MemoryLog()
    who = [("a@x.example", ""), ("b@x.example", "one"), ("b@x.example", "two"), ("c@x.example", "")]
    entries = [Suppress(address, tenant, "", 1, FOR_GOOD, Origin.PERSON, "asked") for address, tenant in who]
    log.append(STREAM, 0, [encode_change(entry) for entry in entries])

    async def pages() -> list[list[tuple[str, str]]]:
        listing = SuppressionListing(log, GroupCommit(log, max_pending_octets=10_000))
        found, after = [], ""
        while page := await listing.suppressed(after, 2):
            found.append([(entry.address, entry.tenant) for entry in page])
            after = page[-1].address
        return found

    assert asyncio.run(pages()) == [who[:3], who[3:]]
