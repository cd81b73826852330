"""Records of a build that knew neither settled recipients nor the first of an asked end nor a suspicion are read."""

from base64 import b64decode

from fastemailnet.envelope import UNNAMED, Asked, decode_unit
from fastemailnet.flashsync.doubt import settled
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.frames import Assign, Fence, decode_control, decode_journal
from fastemailnet.flashsync.progress import Again
from fastemailnet.flashsync.snapshot import decode_snapshot
from fastemailnet.outcome import Kind

CONTROL = (
    "lKFFAQAH",
    "lqFKAaFhAQBA",
    "nKFBAc8AAAABAAAAAa1tYWlsLnN0YW5kYXJkAAAGoWEBAMAA",
)
JOURNAL = (
    "m6FJzwAAAAEAAAABAAGhYQEFxBBtbW1tbW1tbW1tbW1tbW1tkgABkgGSAAEA",
    "m6FJzwAAAAEAAAABAQGhYQEFxBBubm5ubm5ubm5ubm5ubm5ukgABwAE=",
    "nqFPzwAAAAEAAAABAAGhYQEGAJKnYm91bmNlZKhpbl9kb3VidMDEAACQkA==",
    "nqFPzwAAAAEAAAABAQGhYQEGAZKnYm91bmNlZKhpbl9kb3VidMDEAAGQkA==",
    "maFSAQCjYXNrCaF4wMQAkA==",
    "nqFPzwAAAAEAAAABAgGhYQEG/5GoZGVmZXJyZWSVk6hkZWZlci4xbQAAk61tYWlsLnN0YW5kYXJkAAICzepgAcQAApCQ",
    "nqFPzwAAAAEAAAABAwGhYQEG/5KkaGVsZKRoZWxkwMQAA5CQ",
    "maFSAQGlcmV0cnkJoXjAxACQ",
    "m6FJzwAAAAEAAAABBAGhYQEFxBBxcXFxcXFxcXFxcXFxcXFxkgABkgGSAAEE",
)
SNAPSHOT = (
    "3AAQAwEHkZahSgGhYQEAQJCRkomlbGVhc2XPAAAAAQAAAAGmc3RyZWFtrW1haWwuc3RhbmRhcmSpcGFydGl0aW9uAKJsbwCiaGkG"
    "pXRva2VukqFhAadhdHRlbXB0AKVhc2tlZMCnc3RyaWtlcwCSBAWSlq1tYWlsLnN0YW5kYXJkAAaUAAEEBZKSAJICkgGSAAGSAZIC"
    "wJCWqGRlZmVyLjFtAACQkJCSkpOtbWFpbC5zdGFuZGFyZAAEzwAAAAEAAAABkpOtbWFpbC5zdGFuZGFyZAAFzwAAAAEAAAABkYql"
    "cGxhY2WTrW1haWwuc3RhbmRhcmQABKdhdHRlbXB0AaVsZWFzZc8AAAABAAAAAaV0b2tlbpKhYQGkc3BvdJIACKdtZXNzYWdlxBBx"
    "cXFxcXFxcXFxcXFxcXFxpWtpbmRzkqhpbl9kb3VidKhpbl9kb3VidKhkb3VidF9tc8CmcmVhc29uoKVhc2tlZJIBkgABkZWTqGRl"
    "ZmVyLjFtAACTrW1haWwuc3RhbmRhcmQAAgLN6mABkJCRkgAJkpOSoWEBwgWTkqFhAcMCkJGFpXBsYWNlk61tYWlsLnN0YW5kYXJk"
    "AAOnYXR0ZW1wdAGkc3BvdJIABqVraW5kc5KkaGVsZKRoZWxkpWF0X21zBg=="
)
UNIT = (
    "3AAWxBBtbW1tbW1tbW1tbW1tbW1tqHN0YW5kYXJkoXQBCaNzQHmSlKNyQHgAoKCUo3NAeAGgoKF4wsQBYgLAoJIBkgABoMCnZGVmYXVsdMCgAADC"
)
MAIL = ("mail.standard", 0)
SETTLED = (Kind.BOUNCED, Kind.IN_DOUBT)


def whole() -> Fold:
    """Folded from the streams."""
    fold = Fold()
    for record in CONTROL:
        assert fold.apply_control(decode_control(b64decode(record)))
    for position, record in enumerate(JOURNAL):
        assert fold.apply_journal(0, position, decode_journal(b64decode(record)))
    return fold


def test_a_copy_goes_on_with_what_it_asks_about_and_without_a_suspicion() -> None:
    unit = decode_unit(b64decode(UNIT))
    assert (unit.attempt, unit.asked, unit.suspicion) == (2, Asked(1, (0, 1), UNNAMED), None)


def test_a_doubt_of_the_build_before_says_whom_it_ended() -> None:
    asked = Asked(1, (0, 1), UNNAMED)
    assert whole().progress[MAIL].free == {0: Again(2, asked, SETTLED), 1: Again(2, None, SETTLED)}
    assert not whole().alarms


def test_its_snapshot_is_the_same_state_but_for_what_it_could_not_say_and_goes_on() -> None:
    fold, position = decode_snapshot(b64decode(SNAPSHOT))
    assert position == len(CONTROL)
    assert fold.progress[MAIL].free == {
        n: again._replace(settled=()) for n, again in whole().progress[MAIL].free.items()
    }
    for one in (fold, whole()):  # whoever began from either makes the same of what comes
        assert one.apply_control(Assign(1, 9, *MAIL, 0, 1, "a", 1, 2))
        assert one.apply_journal(0, len(JOURNAL), Fence(1, "a", 1, 99, "silent"))
        assert {entry.place.offset: settled(entry.kinds) for entry in one.in_doubt()} == {4: ()}
        assert one.progress[MAIL].free[0] == Again(2)
