"""Faults that the streams of a fleet must never show, and the name of the check that must find each."""

from collections.abc import Callable

import msgspec

from fastemailnet.admission.replay import WINDOW_MS
from fastemailnet.envelope import Position, Recipient
from fastemailnet.flashsync import frames as f
from fastemailnet.outcome import Kind
from tests.unit.actors.journal_story import (
    DEFERRED,
    EXPIRES_MS,
    IN_DOUBT,
    MAIL,
    RELAYED,
    TIER,
    A,
    B,
    Story,
    copy_of,
    fact,
    hold,
    split,
    unit,
)

Fault = Callable[[Story], None]


def second_intent_of_an_attempt(story: Story) -> None:
    story.control.append(f.Assign(2, 9, MAIL, 0, 0, 1, *B))
    story.intent(1, 0, 9, B)


def second_intent_under_one_lease(story: Story) -> None:
    story.intent(1, 7, 6, B)


def next_attempt_while_the_first_is_open(story: Story) -> None:
    story.control.append(f.Assign(2, 9, MAIL, 0, 5, 6, *B, 2))
    story.intent(1, 5, 9, B, 2)


def next_attempt_before_the_end_of_the_first(story: Story) -> None:
    story.control.append(f.Assign(2, 9, MAIL, 0, 7, 8, *B, 2))
    story.intent(1, 7, 9, B, 2)
    story.says(1, fact(7, 6, B, 10, IN_DOUBT), f.Resolve(2, 10, f.Verdict.RETRY, 50, "late"))


def act_on_an_ended_place(story: Story) -> None:
    story.intent(1, 4, 2, B)


def two_ends_of_a_unit(story: Story) -> None:
    story.control.append(f.Assign(2, 9, MAIL, 0, 0, 1, *B))
    story.says(1, fact(0, 9, B, f.NO_INTENT, (Kind.BOUNCED,)))


def a_release_without_a_copy(story: Story) -> None:
    hold(story)
    story.says(1, f.Resolve(2, len(story.journals[1]) - 1, f.Verdict.RELEASE, 70, "a person"))


def the_copy_of_a_second_release_is_sent(story: Story) -> None:
    hold(story, f.Verdict.RELEASE, f.Verdict.RELEASE)
    story.intent(1, len(story.tier) - 1, 9, B, 2)


def rejected_mail_is_sent(story: Story) -> None:
    hold(story, f.Verdict.REJECT, f.Verdict.RELEASE)
    story.intent(1, len(story.tier) - 1, 9, B, 2)


def a_release_for_more_people(story: Story) -> None:
    hold(story, f.Verdict.RELEASE)
    resolve = story.journals[1][-1]
    story.journals[1][-1] = msgspec.structs.replace(
        resolve, deferral=msgspec.structs.replace(resolve.deferral, recipients=2)
    )


def an_end_for_too_many_recipients(story: Story) -> None:
    story.says(1, fact(8, 6, B, f.NO_INTENT, (Kind.BOUNCED, Kind.BOUNCED)))


def a_deferral_without_a_copy(story: Story) -> None:
    story.says(1, fact(8, 6, B, f.NO_INTENT, DEFERRED))


def an_end_of_no_record(story: Story) -> None:
    story.control.append(f.Assign(2, 9, MAIL, 0, 20, 21, *B))
    story.says(1, fact(20, 9, B, f.NO_INTENT, (Kind.BOUNCED,)))


def ended_and_still_open(story: Story) -> None:
    story.control.append(f.Assign(2, 9, MAIL, 0, 7, 8, *B))
    story.says(1, fact(7, 9, B, f.NO_INTENT, (Kind.BOUNCED,)))


def fact_without_an_intent(story: Story) -> None:
    story.says(1, fact(8, 6, B, 4, RELAYED))


def fact_told_twice(story: Story) -> None:
    story.says(1, fact(4, 2, B, 2, (Kind.BOUNCED,)))


def fact_of_another_attempt(story: Story) -> None:
    story.says(1, fact(7, 6, B, len(story.journals[1]) - 1, RELAYED, 3))


def fact_after_a_void(story: Story) -> None:
    story.says(1, fact(4, 2, B, 0, RELAYED))


def fact_behind_a_fenced_intent(story: Story) -> None:
    late = story.intent(0, 2, 1, A)
    story.says(0, fact(2, 1, A, late, RELAYED))


def frame_in_a_strange_partition(story: Story) -> None:
    story.says(0, f.Beat(*B, 12))


def fence_in_a_strange_partition(story: Story) -> None:
    story.says(0, f.Fence(2, *B, 60, "misplaced"))


def frame_of_nobody(story: Story) -> None:
    story.says(1, f.Beat("c", 1, 12))


def overlapping_leases(story: Story) -> None:
    story.control.append(f.Assign(2, 9, MAIL, 0, 8, 9, *A))


def lease_of_what_ended(story: Story) -> None:
    story.control.append(f.Assign(2, 9, MAIL, 0, 0, 1, *B))


def lease_number_given_twice(story: Story) -> None:
    story.control.append(f.Assign(2, 6, MAIL, 0, 9, 10, *B))


def act_under_a_superseded_lease(story: Story) -> None:
    story.intent(1, 6, 5, B)


def act_under_no_lease(story: Story) -> None:
    story.intent(1, 9, 99, B)


def act_under_the_lease_of_another(story: Story) -> None:
    story.control += [f.Join(2, "a", 2, 0, 32), f.Assign(2, 9, MAIL, 0, 9, 10, *B)]
    story.intent(0, 9, 9, ("a", 2))


def act_beyond_a_shrink(story: Story) -> None:
    story.intent(1, 6, 2, B)


def shrink_of_a_strange_lease(story: Story) -> None:
    story.control.append(f.Join(2, "a", 2, 0, 32))
    story.says(0, f.Shrink(6, 8, "a", 2))


def copy_that_does_not_exist(story: Story) -> None:
    story.says(1, fact(8, 6, B, f.NO_INTENT, DEFERRED, deferral=copy_of(8, 7)))


def copy_of_another_unit(story: Story) -> None:
    story.says(1, fact(8, 6, B, f.NO_INTENT, DEFERRED, deferral=copy_of(8, 1)))


def copy_with_another_body(story: Story) -> None:
    story.tier[0] = unit(1, attempt=2, source=Position(MAIL, 0, 1), body=b"changed")


def copy_for_other_people(story: Story) -> None:
    people = (Recipient("somebody@else.example", 3),)
    story.tier[0] = unit(1, attempt=2, source=Position(MAIL, 0, 1), recipients=people)


def copy_named_twice(story: Story) -> None:
    story.says(1, fact(8, 6, B, f.NO_INTENT, DEFERRED, deferral=copy_of(1)))


def two_live_copies(story: Story) -> None:
    story.tier += [unit(8, attempt=2, source=Position(MAIL, 0, 8))] * 2
    story.says(1, fact(8, 6, B, f.NO_INTENT, DEFERRED, deferral=copy_of(8, 2)))
    story.says(1, fact(6, 6, B, f.NO_INTENT, DEFERRED, deferral=copy_of(8, 3)))


def split_that_loses_somebody(story: Story) -> None:
    split(story, [0, 0])


def split_that_gives_somebody_twice(story: Story) -> None:
    split(story, [0, 1, 1])


def next_attempt_of_a_part_before_its_first(story: Story) -> None:
    split(story, [0, 1])
    story.control.append(f.Assign(2, 9, TIER, 0, 2, 3, *B, 2))
    story.intent(1, 2, 9, B, 2)


def orphan_sent(story: Story) -> None:
    story.control.append(f.Assign(2, 9, TIER, 0, 1, 2, *B))
    story.intent(1, 1, 9, B, 2)


def orphan_ended(story: Story) -> None:
    story.control.append(f.Assign(2, 9, TIER, 0, 1, 2, *B))
    story.says(1, fact(1, 9, B, f.NO_INTENT, (Kind.EXPIRED,), 2))


def key_taken_twice(story: Story) -> None:
    story.mail[8] = unit(8, recipients=story.mail[7].recipients, idempotency_key="k", accepted_ms=WINDOW_MS - 1)


def end_after_expiry(story: Story) -> None:
    story.intent(1, 8, 6, B, at_ms=EXPIRES_MS)


def number_missing(story: Story) -> None:
    story.says(1, f.Beat(*B, 12, seq=99))


def number_of_two_frames(story: Story) -> None:
    story.says(1, f.Beat(*B, 12, seq=0))


FAULTS: list[tuple[str, Fault]] = [
    ("I1", second_intent_of_an_attempt),
    ("I1", second_intent_under_one_lease),
    ("I1", next_attempt_while_the_first_is_open),
    ("I1", next_attempt_before_the_end_of_the_first),
    ("I1", act_on_an_ended_place),
    ("I2", two_ends_of_a_unit),
    ("I2", a_release_without_a_copy),
    ("I9", a_release_for_more_people),
    ("I10", the_copy_of_a_second_release_is_sent),
    ("I10", rejected_mail_is_sent),
    ("I2", an_end_for_too_many_recipients),
    ("I2", a_deferral_without_a_copy),
    ("I2", an_end_of_no_record),
    ("I2", ended_and_still_open),
    ("I3", fact_without_an_intent),
    ("I3", fact_told_twice),
    ("I3", fact_of_another_attempt),
    ("I3", fact_after_a_void),
    ("I4", fact_behind_a_fenced_intent),
    ("I4", frame_in_a_strange_partition),
    ("I4", fence_in_a_strange_partition),
    ("I4", frame_of_nobody),
    ("I5", overlapping_leases),
    ("I5", lease_of_what_ended),
    ("I5", lease_number_given_twice),
    ("I7", act_under_a_superseded_lease),
    ("I7", act_under_no_lease),
    ("I7", act_under_the_lease_of_another),
    ("I7", act_beyond_a_shrink),
    ("I7", shrink_of_a_strange_lease),
    ("I9", copy_that_does_not_exist),
    ("I9", copy_of_another_unit),
    ("I9", copy_with_another_body),
    ("I9", copy_for_other_people),
    ("I9", copy_named_twice),
    ("I9", two_live_copies),
    ("I9", split_that_loses_somebody),
    ("I9", split_that_gives_somebody_twice),
    ("I1", next_attempt_of_a_part_before_its_first),
    ("I10", orphan_sent),
    ("I10", orphan_ended),
    ("I12", key_taken_twice),
    ("I17", end_after_expiry),
    ("R9", number_missing),
    ("R9", number_of_two_frames),
    ("alarms", number_missing),
]
