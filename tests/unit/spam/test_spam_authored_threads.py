"""Threads, letters of firms and long pages: in every language, bad only on top or within, beside honest ones of the same form."""

from collections import Counter
from email import message_from_bytes
from email.header import decode_header, make_header
from itertools import pairwise
from random import Random

import pytest

from models.spam import authored
from models.spam.authored import modern, names, pages, threads, writer
from models.spam.authored.facts import facts
from models.spam.authored.kinds import KINDS as ALL
from models.spam.authored.rich import Block, Quote, Text, as_letter, as_plain

FAMILIES = (threads.thread, threads.letter, pages.page, pages.buried)
KINDS = [name for name, kind in ALL.items() if kind.said in FAMILIES]


def a_writer(rng: Random, *, bad: bool, lang: str = "en") -> writer.Writer:
    brand, to = names.Brand("Kestrel", "kestrel.example", False), names.person(lang, rng, "reader.example")
    setting = writer.Setting(lang, writer.words_of(lang), facts(lang, brand, to, rng), brand, to)
    return writer.Writer(setting, rng, bad=bad)


def text_of(raw: bytes) -> str:
    """What is read of a mail: no files, and of a page what stands behind its style sheet."""
    parts = [p for p in message_from_bytes(raw).walk() if p.get_content_maintype() == "text" and not p.get_filename()]
    texts = [octets.decode("utf-8") for part in parts if isinstance(octets := part.get_payload(decode=True), bytes)]
    return "\n".join(text.split("<body", 1)[-1] for text in texts)


@pytest.mark.parametrize("lang", writer.languages())
def test_every_kind_can_be_written_in_every_language_with_all_slots_filled(lang: str) -> None:
    rng, words = Random(1), writer.words_of(lang)
    assert modern.kinds_of(words) >= set(KINDS)
    for kind in KINDS:
        for _ in range(12):
            raw = modern.write(ALL[kind], ALL[kind].setting(lang, rng), rng)
            message, text = message_from_bytes(raw), text_of(raw)
            assert "@" in message["From"]
            assert str(make_header(decode_header(message["Subject"]))).strip()
            assert "{" not in text
            assert len(text.encode()) > 40


@pytest.mark.parametrize("lang", ["en", "de", "fr", "es", "pt", "it", "nl", "pl"])
def test_the_common_languages_have_many_subjects_of_their_own(lang: str) -> None:
    words = writer.words_of(lang)
    assert len(threads.topics(words)) >= 9
    assert len(pages.topics(words)) >= 6
    assert all(f"thread_{topic}_subject" in words for topic in threads.topics(words))
    assert all(f"thread_{topic}_b" in words for topic in threads.topics(words))


def test_a_thread_is_bad_by_its_newest_mail_or_the_one_that_it_chases() -> None:
    """What lies below these never holds a line of the thief's."""
    for seed in range(60):
        w = a_writer(Random(seed), bad=True)
        _, blocks = threads.thread(w, "hijack")
        inner = [block.inner for block in blocks if isinstance(block, Quote)]
        below = as_plain([quote for quote in inner if quote], Random(seed))
        for line in w.setting.words["hijack_text"]:
            opening = line.split("{")[0].split("[")[0].split("\n")[0][:40]
            assert len(opening) < 25 or opening not in below


def test_a_thread_has_one_to_six_mails_below_the_newest() -> None:
    for seed in range(60):
        w = a_writer(Random(seed), bad=False)
        subject, blocks = threads.thread(w, "thread")
        assert subject
        depth = 0
        quote = next((block for block in blocks if isinstance(block, Quote)), None)
        while quote:
            depth, quote = depth + 1, quote.inner
        mark = w.dress["marks"][0]
        depth = depth or sum(isinstance(block, Text) and f"{mark}: " in block.text for block in blocks)
        assert 1 <= depth <= 6


def test_what_was_answered_before_is_quoted_within_the_quote() -> None:
    blocks: list[Block] = [Text("Yes."), Quote("Ann wrote:", "Shall we?", Quote("Ben wrote:", "Well?"))]
    assert as_plain(blocks, Random(1)) == "Yes.\n\nAnn wrote:\n> Shall we?\n> \n> Ben wrote:\n> > Well?"
    assert as_letter(blocks, Random(1)).count("<blockquote>") == 2


def test_buried_mail_stands_in_a_page_and_near_enough_to_be_read() -> None:
    longer = 0
    for seed in range(80):
        w = a_writer(Random(seed), bad=True)
        page = pages.page(w, "page")[1]
        _, blocks = pages._buried(w, "buried_phish", "subject", page)
        added = [index for index, block in enumerate(blocks) if block not in page]
        assert added
        above = sum(len(b.text) for b in blocks[: added[0]] if isinstance(b, Text))
        at_the_end = added[-1] == len(blocks) - 1
        assert at_the_end or above <= pages._NEAR + 700
        longer += len(page) > len(added)
    assert longer > 60


def test_a_stolen_thread_comes_from_the_known_name() -> None:
    same = 0
    for seed in range(100):
        w = a_writer(Random(seed), bad=True)
        name, address = ALL["hijack"].sender(w)
        assert name == w.author.name
        same += address == w.author.address
    assert 30 < same < 70


def test_beside_every_bad_one_of_these_kinds_stands_an_honest_one_and_there_are_twice_as_many() -> None:
    mails = list(authored.generate(9, 1500))
    twins = {"hijack": {"thread"}, "taken": {"sharing", "thread"}, "buried_phish": {"page"}, "buried_spam": {"page"}}
    for bad, good in pairwise(mails):
        if bad.kind in twins:
            assert good.kind in twins[bad.kind]
            assert good.label == "ham"
    count = Counter(mail.kind for mail in mails)
    bad_ones = sum(count[kind] for kind in twins)
    assert bad_ones > 100
    assert sum(count[kind] for kind in ("thread", "sharing", "page")) >= 1.8 * bad_ones


def test_a_page_of_terms_keeps_its_order() -> None:
    words = writer.words_of("en")
    for seed in range(30):
        subject, texts = pages._drawn(a_writer(Random(seed), bad=False), ["terms"])
        assert subject
        assert texts == [text for text in words["page_terms"] if text in texts]
