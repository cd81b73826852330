"""Two coordinators that read the same epoch ask for the same next one: only the first in the log may lead (R1).

Seen by the simulator (seed 9605, two coordinators started within 0.3 ms while appends were slow): both led, since the loser found no
*higher* epoch, and their leases had the same numbers.
"""

from fastemailnet.flashsync.coordinator import Coordinator, Policy


def test_the_second_epoch_frame_of_one_number_deposes_its_writer() -> None:
    first, second = Coordinator(Policy(), who=1), Coordinator(Policy(), who=2)
    candidacies = [leader.candidacy(0).frame for leader in (first, second)]
    for leader in (first, second):
        assert [leader.control_read(frame, 0) for frame in candidacies] == [True, False]
    assert not first.is_deposed()
    assert second.is_deposed()
    assert second.plan(0, {("mail.bulk", 0): 4}) == []
