"""A reader that takes control to its end first must fold as one that read frame by frame (I16).

Seen by the simulator (seed 10): an ASSIGN read ahead of the RESOLVE that frees its place took that place from the older lease
at once. With its other places ended the older lease was forgotten, and the INTENT that the RESOLVE decides about was void.
"""

from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.fold import Fold
from fastemailnet.outcome import Kind

MAIL = "mail.transactional"
FIRST = f.Assign(1, 7, MAIL, 0, 0, 2, "a", 1)
AGAIN = f.Assign(1, 8, MAIL, 0, 1, 2, "a", 1, 2)
JOURNAL = (
    f.Outcome(7, 0, 1, "a", 1, 0, f.NO_INTENT, (Kind.REJECTED,)),
    f.Intent(7, 1, 1, "a", 1, 0, b"m", (0,)),
    f.Outcome(7, 1, 1, "a", 1, 0, 1, (Kind.IN_DOUBT,)),
    f.Resolve(1, 1, f.Verdict.RETRY, 0, "policy"),
)


def test_the_older_lease_keeps_its_place_until_the_journal_frees_it() -> None:
    ahead, live = Fold(), Fold()
    for fold in (ahead, live):
        for frame in (f.Epoch(1, 0), f.Join(1, "a", 1, 0, 9), FIRST):
            fold.apply_control(frame)
    ahead.apply_control(AGAIN)
    for position, frame in enumerate(JOURNAL):
        assert ahead.apply_journal(0, position, frame)
        assert live.apply_journal(0, position, frame)
    live.apply_control(AGAIN)
    assert ahead.key() == live.key()
