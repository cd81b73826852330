"""Mail of one country: senders have bad and honest texts that suit them, all can be written, and links go where they should."""

from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from random import Random

import pytest

from models.spam.authored import local, modern, names, places, texts
from models.spam.authored.spin import spin
from models.spam.authored.writer import Writer

TOPICS = [(lang, topic) for lang in local.languages() for topic in local.topics(lang)]
IDS = [f"{lang}-{topic.country}-{topic.name}" for lang, topic in TOPICS]


def said(mail: Message) -> str:
    texts = [part for part in mail.walk() if part.get_content_maintype() == "text" and not part.get_filename()]
    parts = [part.get_payload(decode=True) for part in texts]
    return "".join(part.decode("utf-8", "replace") for part in parts if isinstance(part, bytes))


@pytest.mark.parametrize(("lang", "topic"), TOPICS, ids=IDS)
def test_every_sender_has_both_sides_and_every_text_a_sender(lang: str, topic: local.Topic) -> None:
    assert local.senders(topic, lang) == topic.senders
    for side in (topic.bad, topic.good):
        suited = {text for name in topic.senders for text in local.fitting(side, name, lang)}
        assert suited == {text.partition("\n")[2] if text.startswith("@") else text for text in side}
        assert all(text.startswith("# ") and "\n\n" in text for text in suited)


@pytest.mark.parametrize(("lang", "topic"), TOPICS, ids=IDS)
def test_honest_texts_are_as_many_words_as_bad_ones(lang: str, topic: local.Topic) -> None:
    assert len("".join(topic.good)) > 0.9 * len("".join(topic.bad))


@pytest.mark.parametrize(("lang", "topic"), TOPICS, ids=IDS)
def test_every_text_expands_and_both_kinds_are_written_with_their_label(lang: str, topic: local.Topic) -> None:
    rng = Random(1)
    slots = local.setting(topic, lang, rng).slots
    for text in (*topic.bad, *topic.good, *topic.cta, *topic.shown, *topic.said):
        expanded = spin(text, rng, slots)
        assert "{" not in expanded, text
        assert "[" not in expanded, text
    for _ in range(3):
        pair = list(modern.local_pair(topic, lang, rng))
        assert [label for _, label, _, _ in pair[:2]] == ["phish", "ham"]
        assert {kind for kind, _, _, _ in pair} == set(topic.kinds)
        for _, _, _, raw in pair:
            mail = message_from_bytes(raw)
            subject = str(make_header(decode_header(mail["Subject"])))
            assert subject
            assert not subject.startswith("@")
            assert "\n@" not in said(mail)


def test_a_notice_comes_from_the_host_of_its_institution_and_the_bad_one_never_does() -> None:
    rng = Random(3)
    topic = next(topic for topic in local.topics("pt") if topic.name == "receita")
    hosts: dict[str, set[str]] = {"phish": set(), "ham": set()}
    for _ in range(60):
        for _, label, _, raw in modern.local_pair(topic, "pt", rng):
            hosts[label].add(str(message_from_bytes(raw)["From"]).rpartition("@")[2].rstrip(">"))
    assert {"gov.br", "acesso.gov.br"} <= hosts["ham"]
    assert not any(host == "gov.br" or host.endswith(".gov.br") for host in hosts["phish"])


def test_a_text_for_one_sender_is_never_sent_by_another() -> None:
    topic = local.Topic(
        "nl", "x", ("ING", "KPN"), ("@bank\n# a\n\nb", "@KPN\n# c\n\nd"), ("# e\n\nf",), ("g",), ("h",), ()
    )
    assert local.fitting(topic.bad, "ING", "nl") == ["# a\n\nb"]
    assert local.fitting(topic.bad, "KPN", "nl") == ["# c\n\nd"]
    assert local.senders(topic, "nl") == ("ING", "KPN")


@pytest.mark.parametrize("country", sorted(places.countries()))
def test_a_country_fills_every_slot_and_leaves_no_mark_of_its_shapes(country: str) -> None:
    rng = Random(2)
    first = places.facts(country, rng)
    for _ in range(30):
        drawn = places.facts(country, rng)
        assert set(drawn) == set(first)
        assert not any("#" in value or "@" in value for value in drawn.values()), drawn


@pytest.mark.parametrize(
    ("country", "comma", "decimals"),
    [("br", True, True), ("gb", False, True), ("jp", False, False), ("cl", True, False)],
)
def test_amounts_are_written_as_the_country_does(country: str, comma: bool, decimals: bool) -> None:
    figure = "".join(c for c in places.facts(country, Random(5))["fee"] if c.isdigit() or c in ",.")
    assert (figure[-3] in ",.") is decimals
    if decimals:
        assert (figure[-3] == ",") is comma


def test_a_language_of_many_texts_has_more_of_its_own_and_one_without_has_none() -> None:
    share = {
        lang: sum(local.drawn(lang, Random(seed)) is not None for seed in range(600)) for lang in ("pt", "ko", "fa")
    }
    assert share["pt"] > share["ko"] > share["fa"] == 0


def test_a_brand_is_found_by_name_in_its_language_first() -> None:
    assert names.brand_named("ING", "nl").host == "ing.nl"
    assert names.brand_named("ING", "de").host == "ing.de"
    assert names.brand_named("Netflix", "pt").host == "netflix.com"
    with pytest.raises(KeyError):
        names.brand_named("Nobody", "en")


def test_a_text_with_a_greeting_of_its_own_gets_no_other() -> None:
    rng = Random(4)
    topic = local.topics("pt")[0]
    w = Writer(local.setting(topic, "pt", rng), rng, bad=False)
    assert texts.greets(w, "Caríssimo vizinho,\n\nSegue o boleto.")
    assert texts.greets(w, "Olá, Ana. Segue o boleto.")
    assert texts.greets(w, "山田 様\n\nご利用ありがとうございます。")
    assert not texts.greets(w, "Segue o boleto em anexo.")
    assert not texts.greets(w, f"{'x' * 80},\n\nSegue.")


def test_notices_of_both_sides_end_alike_and_a_mark_for_no_button_stays_last() -> None:
    topic = next(topic for topic in local.topics("nl") if topic.name == "overheid")
    ends = dict.fromkeys((False, True), 0)
    for seed in range(80):
        words = local.setting(topic, "nl", Random(seed)).words
        for bad, kind in enumerate((topic.kinds[1], topic.kinds[0])):
            texts = words[f"{kind}_text"]
            ends[bool(bad)] += any(text.removesuffix("\n\n>").endswith(topic.said) for text in texts)
            assert all("\n\n>\n" not in text for text in texts)
    assert ends[False] == ends[True] > 15
