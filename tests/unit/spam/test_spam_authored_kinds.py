"""Kinds of longer mail: drawn only where a language has words for them, with the subject, button and dress that they need."""

from email import message_from_bytes
from email.header import decode_header, make_header
from random import Random

import pytest

from models.spam.authored import bodies, letters, modern, names, texts, writer
from models.spam.authored.facts import facts
from models.spam.authored.kinds import BAD, HONEST, KINDS
from models.spam.authored.rich import Button, Picture, Quote, Text, Theme, as_html, as_letter, as_plain

WHOLE = {name for name, kind in KINDS.items() if kind.said in (bodies.said, letters.said)}  # one text is all of them


def setting(words: dict[str, list[str]], rng: Random, lang: str = "en") -> writer.Setting:
    brand, to = names.Brand("Kestrel", "kestrel.example", False), names.person(lang, rng)
    return writer.Setting(lang, {**writer.words_of(lang), **words}, facts(lang, brand, to, rng), brand, to)


@pytest.mark.parametrize("lang", ["en", "de", "fr", "es", "pt", "it", "nl", "pl"])
def test_the_common_languages_can_write_every_kind(lang: str) -> None:
    words = writer.words_of(lang)
    assert modern.kinds_of(words) >= WHOLE
    least = 25 if lang == "en" else 8
    assert all(len(words[f"{kind}_text"]) >= least for kind in WHOLE)


def test_a_kind_without_words_is_never_drawn() -> None:
    words = {key: lines for key, lines in writer.words_of("en").items() if not key.startswith(("lure_", "account_"))}
    assert {"lure", "account"} & modern.kinds_of(words) == set()
    drawn = {modern._drawn({"lure": 9, "account": 9, "spam": 1}, words, Random(seed)).name for seed in range(30)}
    assert drawn == {"spam"}


def test_a_text_may_bring_its_own_subject_which_is_no_part_of_the_body() -> None:
    rng = Random(4)
    one = setting({"account_text": ["# Gate nine\n\nYour code is {code}."], "account_subject": ["Some notice"]}, rng)
    mails = [message_from_bytes(modern.write(KINDS["account"], one, rng)) for _ in range(60)]
    subjects = [str(make_header(decode_header(mail["Subject"]))) for mail in mails]
    assert set(subjects) == {"Gate nine", "Some notice"}
    assert subjects.count("Gate nine") > 40
    bodies_of = [part.get_payload(decode=True) for mail in mails for part in mail.walk() if not part.is_multipart()]
    assert not any(b"# Gate nine" in body for body in bodies_of if isinstance(body, bytes))


def test_a_code_to_photograph_is_a_picture_that_leads_nowhere() -> None:
    rng = Random(5)
    w = writer.Writer(setting({}, rng), rng, bad=True)
    assert all(
        block.url == ""
        for block in bodies.notice(w, "lure", "Scan the QR code.")
        if isinstance(block, Picture) and block.alt == "QR"
    )
    assert any(
        isinstance(block, Picture) and block.alt == "QR" for block in bodies.notice(w, "lure", "Scan the QR code.")
    )


def test_a_text_may_bring_its_own_button_and_then_gets_no_other() -> None:
    rng = Random(7)
    w = writer.Writer(setting({}, rng), rng, bad=False)
    for _ in range(20):
        pressed = [b for b in bodies.notice(w, "account", "One.\n\n> Confirm\n\nTwo.") if isinstance(b, Button)]
        assert [button.text for button in pressed] == ["Confirm"]
        assert pressed[0].url.startswith("https://")


def test_people_of_made_up_letters_are_grown_up() -> None:
    rng, brand = Random(6), names.Brand("Kestrel", "kestrel.example", False)
    assert all(int(facts("en", brand, names.person("en", rng), rng)["age"]) > 20 for _ in range(200))


def test_a_letter_without_greeting_begins_with_a_capital_letter() -> None:
    assert texts.begun("anbei der Vertrag.\n\nGruß", []) == ["Anbei der Vertrag.", "Gruß"]
    assert texts.begun("anbei der Vertrag.", [Text("Hallo,")]) == ["anbei der Vertrag."]


def test_what_is_answered_is_quoted_in_plain_text_and_in_html() -> None:
    blocks = [Text("Yes."), Quote("On Monday Ann wrote:", "Shall we?\nAnn")]
    assert as_plain(blocks, Random(1)) == "Yes.\n\nOn Monday Ann wrote:\n> Shall we?\n> Ann"
    for seed in range(8):
        assert "<blockquote>Shall we?<br>Ann</blockquote>" in as_letter(blocks, Random(seed))


def test_a_sending_service_puts_its_dress_around_the_text() -> None:
    theme = Theme(
        "#000",
        "Arial",
        600,
        True,
        "Preview",
        "&zwnj;",
        True,
        True,
        ("Read online", "https://a.example/v"),
        "https://a.example/o.gif",
    )
    page = as_html([Text("Hello")], theme, Random(2))
    for part in (
        "<!--[if mso]>",
        "@media only screen",
        "Preview&zwnj;",
        "Read online",
        'src="https://a.example/o.gif" width="1"',
    ):
        assert part in page


def test_every_kind_has_a_name_of_its_own_and_bad_ones_only_honest_ones_beside_them() -> None:
    assert set(KINDS) > {*HONEST, *BAD}
    assert not set(HONEST) & set(BAD)
    assert all(KINDS[name].bad is (name in BAD) for name in (*HONEST, *BAD))
    for kind in KINDS.values():
        assert set(kind.beside) <= set(HONEST)
        assert kind.bad or not (kind.beside or kind.leads or kind.drowned)
