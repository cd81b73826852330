"""Scoring in batches, and mail that does not wait for a scorer that is late or broken."""

import asyncio
import threading

import msgspec
import pytest

from actors.classifier import FULL_PASS, MAX_WAITING, ClassifierActor
from actors.examine import MAX_BATCH, SCORES_IN_FLIGHT, Examiner, look
from fastemailnet.admission.admit import admit
from fastemailnet.admission.submission import Limits, Submission
from fastemailnet.delivery.gate import Action, Bar, Gate, Ruling
from fastemailnet.delivery.shaping.limits import Rate
from fastemailnet.delivery.throttle import Pace
from fastemailnet.delivery.unsubscription import KEY_OCTETS, OneClick, Seal
from fastemailnet.envelope import Lane, Suspicion, Unit
from fastemailnet.message.dkim import DkimKey, Signer, generate


def gate(action: Action = Action.HOLD) -> Gate:
    """The same for every lane."""
    return Gate(dict.fromkeys(Lane, Bar(0.5, 0.9, action)), Rate(60, 3_600.0))


GATE = gate()

BODY = b"From: a@example.org\r\n\r\nhello\r\n"


def scorer(bad: float, batches: list[int] | None = None):  # type: ignore[no-untyped-def]
    async def score(texts: list[str], lane: Lane) -> list[tuple[float, float, float]]:
        if batches is not None:
            batches.append(len(texts))
        await asyncio.sleep(0.01)
        return [(1 - bad, bad, 0.0)] * len(texts)

    return score


@pytest.mark.parametrize(("bad", "ruling"), [(0.1, Ruling.SEND), (0.6, Ruling.HOLD), (0.95, Ruling.REJECT)])
async def test_the_thresholds_rule(bad: float, ruling: Ruling) -> None:
    examined = await Examiner(scorer(bad), GATE, None).examine(look(BODY, with_text=True))
    assert (examined.ruling, examined.bad) == (ruling, bad)


async def test_what_is_accepted_over_the_threshold_says_so() -> None:
    examined = await Examiner(scorer(0.7), gate(Action.ACCEPT), None).examine(look(BODY, with_text=True), Lane.BULK)
    assert examined.ruling is Ruling.SEND
    assert "spam score 0.700" in examined.reason


async def test_what_a_person_released_is_not_scored_and_still_has_to_be_a_message() -> None:
    batches: list[int] = []
    examiner = Examiner(scorer(0.99, batches), GATE, None)
    examined = await examiner.examine(look(BODY, with_text=True), released="a customer")
    assert (examined.ruling, examined.reason, batches) == (Ruling.SEND, "released: a customer", [])
    invalid = await examiner.examine(look(b"no message", with_text=True), released="a customer")
    assert invalid.ruling is Ruling.INVALID


async def test_what_waits_while_a_batch_is_scored_shares_the_next() -> None:
    batches: list[int] = []
    examiner = Examiner(scorer(0.0, batches), GATE, None)
    await asyncio.gather(*(examiner.examine(look(BODY, with_text=True)) for _ in range(50)))
    assert sum(batches) == 50
    assert len(batches) <= 6


async def test_a_transactional_mail_waits_for_no_bulk_before_the_scorer() -> None:
    asked: list[tuple[Lane, int]] = []
    never = asyncio.Event()

    async def stuck(texts: list[str], lane: Lane) -> list[tuple[float, float, float]]:
        asked.append((lane, len(texts)))
        await never.wait()
        return []

    examiner = Examiner(stuck, GATE, None)
    seen = look(BODY, with_text=True)
    bulk = [asyncio.create_task(examiner.examine(seen, Lane.BULK)) for _ in range(500)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    urgent = asyncio.create_task(examiner.examine(seen, Lane.TRANSACTIONAL))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sum(count for lane, count in asked if lane is Lane.BULK) <= SCORES_IN_FLIGHT * MAX_BATCH
    assert asked[-1] == (Lane.TRANSACTIONAL, 1)
    for task in (*bulk, urgent):
        task.cancel()


async def test_a_late_or_broken_scorer_does_not_stop_mail() -> None:
    async def late(texts: list[str], lane: Lane) -> list[tuple[float, float, float]]:
        await asyncio.sleep(5)
        return []

    async def broken(texts: list[str], lane: Lane) -> list[tuple[float, float, float]]:
        raise RuntimeError("no model")

    for bad in (late, broken):
        examiner = Examiner(bad, GATE, None, timeout_s=0.2)
        examined = await examiner.examine(look(BODY, with_text=True))
        assert (examined.ruling, examined.bad, examiner.unscored) == (Ruling.SEND, None, 1)
        assert "not scored" in examined.reason


async def test_an_invalid_message_is_not_scored() -> None:
    examined = await Examiner(scorer(0.0), GATE, None).examine(look(b"no header\n", with_text=True))
    assert examined.ruling is Ruling.INVALID


async def test_calls_share_a_pass_and_each_gets_its_own_scores() -> None:
    passes: list[list[str]] = []

    def model(texts):  # type: ignore[no-untyped-def]
        passes.append(list(texts))
        return [(float(text), 0.0, 0.0) for text in texts]

    classifier = ClassifierActor(model, "v", 0.5, 0.9)
    answers = await asyncio.gather(*(classifier.score([str(n), str(n + 0.5)]) for n in range(20)))
    assert [answer[0][0] for answer in answers] == list(range(20))
    assert len(passes) < 20
    assert classifier.scored == 40


async def test_the_pass_behind_the_one_in_work_is_that_of_the_transactional_mail_alone() -> None:
    passes: list[list[str]] = []
    go_on = threading.Event()

    def model(texts):  # type: ignore[no-untyped-def]
        passes.append(list(texts))
        go_on.wait(5)
        return [(1.0, 0.0, 0.0)] * len(texts)

    classifier = ClassifierActor(model, "v", 0.5, 0.9)
    calls = [asyncio.create_task(classifier.score(["bulk"] * FULL_PASS, Lane.BULK)) for _ in range(4)]
    while not passes:  # noqa: ASYNC110 - a thread fills it
        await asyncio.sleep(0)
    calls.append(asyncio.create_task(classifier.score(["urgent"], Lane.TRANSACTIONAL)))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*calls)
    assert passes == [["bulk"] * FULL_PASS, ["urgent"], *[["bulk"] * FULL_PASS] * 3]


async def test_a_failing_pass_fails_its_calls_and_no_others() -> None:
    def model(texts):  # type: ignore[no-untyped-def]
        if "bad" in texts:
            raise ValueError("bad text")
        return [(1.0, 0.0, 0.0)] * len(texts)

    classifier = ClassifierActor(model, "v", 0.5, 0.9)
    with pytest.raises(ValueError, match="bad text"):
        await classifier.score(["bad"])
    assert await classifier.score(["good"]) == [(1.0, 0.0, 0.0)]


async def test_too_many_waiting_texts_are_refused() -> None:
    classifier = ClassifierActor(lambda texts: [(1.0, 0.0, 0.0)] * len(texts), "v", 0.5, 0.9)
    with pytest.raises(asyncio.QueueFull):
        await classifier.score(["x"] * (MAX_WAITING + 1))


def test_what_mail_is_unsubscribed_by_is_signed() -> None:
    one_click = OneClick(Seal(bytes(KEY_OCTETS)), "https://mail.shop.example")
    signer = Signer([DkimKey("shop.example", "s", generate("ed25519"))])
    submission = Submission(BODY, "news@shop.example", ("ann@mail.example",), Lane.BULK)
    (unit,) = admit(submission, at_ms=1_700_000_000_000, random80=bytes(10), limits=Limits()).units
    content = Examiner(None, GATE, signer, one_click).sign(unit).content
    signature, fields, body = content.partition(one_click.fields(unit))
    assert (bool(fields), body) == (True, unit.body)
    assert b"list-unsubscribe:list-unsubscribe-post" in signature.replace(b"\r\n ", b"")
    assert Examiner(None, GATE, signer, one_click).sign(unit).content == content
    assert Examiner(None, GATE, None, one_click).sign(unit).content == unit.body
    assert b"List-Unsubscribe" not in Examiner(None, GATE, signer).sign(unit).content


def test_what_is_asked_about_goes_as_it_went_whatever_keys_and_settings_are_now() -> None:
    one_click = OneClick(Seal(bytes(KEY_OCTETS)), "https://mail.shop.example")
    signer, other = [Signer([DkimKey("shop.example", name, generate("ed25519"))]) for name in ("s", "another")]
    submission = Submission(BODY, "news@shop.example", ("ann@mail.example",), Lane.BULK)
    (unit,) = admit(submission, at_ms=1_700_000_000_000, random80=bytes(10), limits=Limits()).units
    for found in (None, SUSPECTED):
        tagged = msgspec.structs.replace(unit, suspicion=found)
        signed = Examiner(None, GATE, signer, one_click).sign(tagged)
        assert signed.before
        assert (b"X-Spam-Flag" in signed.content[len(signed.before) :]) is (found is not None)
        for later in (Examiner(None, GATE, other), Examiner(None, GATE, None)):
            assert later.sign(tagged) != signed
            assert later.sign(tagged, signed.before) == signed
    plain = Examiner(None, GATE, None).sign(unit)
    assert plain.before == b""
    assert Examiner(None, GATE, signer).sign(unit, plain.before) == plain


SUSPECTED = Suspicion((0.05, 0.2, 0.75), 0.5)


async def test_what_was_found_before_is_judged_by_the_scores_of_then() -> None:
    batches: list[int] = []
    examiner = Examiner(scorer(0.0, batches), gate(Action.TAG), None)
    examined = await examiner.examine(look(BODY, with_text=False), suspicion=SUSPECTED)
    assert (examined.ruling, examined.scores, batches, examiner.scored) == (Ruling.REJECT, SUSPECTED.scores, [], 0)
    assert examined.reason == "phish score 0.950 (found at an earlier attempt)"
    milder = Suspicion((0.3, 0.2, 0.5), 0.5)
    assert (await examiner.examine(look(BODY, with_text=False), suspicion=milder)).ruling is Ruling.TAG
    released = await examiner.examine(look(BODY, with_text=False), released="a customer", suspicion=SUSPECTED)
    assert released.ruling is Ruling.SEND


async def test_rulings_are_counted_by_what_they_say() -> None:
    examiner = Examiner(scorer(0.7), gate(Action.THROTTLE), None)
    for _ in range(3):
        await examiner.examine(look(BODY, with_text=True))
    assert examiner.ruled == {Ruling.THROTTLE: 3}


def suspected(suspicion: Suspicion | None, **more: str) -> Unit:
    submission = Submission(BODY, "a@example.org", ("ann@mail.example",), Lane.STANDARD, tenant="acme")
    (unit,) = admit(submission, at_ms=1_700_000_000_000, random80=bytes(10), limits=Limits()).units
    return msgspec.structs.replace(unit, suspicion=suspicion, **more)


def test_a_throttle_is_known_before_anybody_looks() -> None:
    found = Suspicion((0.3, 0.2, 0.5))
    terms = Examiner(scorer(0.0), gate(Action.THROTTLE), None).throttle(suspected(found))
    assert terms is not None
    assert (terms.site, terms.ceilings.messages) == ("throttle of acme", Pace(1 / 60, 1.0))
    for examiner, unit in (
        (Examiner(scorer(0.0), gate(Action.THROTTLE), None), suspected(None)),
        (Examiner(scorer(0.0), gate(Action.THROTTLE), None), suspected(found, released="a customer")),
        (Examiner(scorer(0.0), gate(Action.TAG), None), suspected(found)),
        (Examiner(None, gate(Action.THROTTLE), None), suspected(found)),
    ):
        assert examiner.throttle(unit) is None
        assert examiner.reads(unit) is (unit.suspicion is None)


def test_a_tagged_mail_is_signed_with_its_fields_and_alike_whatever_the_gate_says() -> None:
    signer = Signer([DkimKey("shop.example", "s", generate("ed25519"))])
    unit = suspected(SUSPECTED)
    content = Examiner(scorer(0.0), gate(Action.TAG), signer).sign(unit).content
    assert b"X-Spam-Status: Yes, score=0.950 required=0.500 tests=PHISH\r\n" in content
    signature = content.partition(b"X-Spam")[0].replace(b"\r\n ", b"")
    assert b"x-spam-flag:x-spam-status:x-spam-score" in signature
    assert Examiner(None, gate(Action.ACCEPT), signer).sign(unit).content == content
    assert Examiner(None, GATE, None).sign(unit).content.endswith(unit.body)
    assert b"X-Spam" not in Examiner(None, GATE, signer).sign(suspected(Suspicion(SUSPECTED.scores))).content
