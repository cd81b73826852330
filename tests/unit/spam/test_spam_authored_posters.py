"""Mail that is one picture: it leads where its sender's mail leads, in every language that can write it."""

from email import message_from_bytes
from random import Random

import pytest

from models.spam.authored import modern, posters, writer
from models.spam.authored.kinds import KINDS
from models.spam.authored.rich import Picture, Text

LANGUAGES = [lang for lang in writer.languages() if "poster" in modern.kinds_of(writer.words_of(lang))]


def test_most_languages_have_posters_of_both_sides() -> None:
    assert len(LANGUAGES) > 25
    assert all({"poster", "flyer"} <= modern.kinds_of(writer.words_of(lang)) for lang in LANGUAGES)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", ["poster", "flyer"])
def test_a_poster_is_a_picture_that_leads_somewhere_and_little_else(lang: str, kind: str) -> None:
    rng = Random(8)
    for _ in range(6):
        setting = KINDS[kind].setting(lang, rng)
        w = writer.Writer(setting, rng, bad=KINDS[kind].bad)
        subject, blocks = posters.poster(w, kind)
        assert subject
        assert "{" not in subject
        (picture,) = [block for block in blocks if isinstance(block, Picture)]
        assert picture.url.startswith("http")
        assert sum(isinstance(block, Text) for block in blocks) <= 1
        assert message_from_bytes(modern.write(KINDS[kind], setting, rng))["From"]


def test_false_posters_stand_beside_true_ones_of_the_same_brand() -> None:
    rng = Random(9)
    setting = KINDS["poster"].setting("pt", rng)
    hosts = {}
    for kind in ("poster", "flyer"):
        writers = [
            writer.Writer(setting, rng, bad=KINDS[kind].bad) for _ in range(40)
        ]  # one a mail: it has one service
        urls = [b.url for w in writers for b in posters.poster(w, kind)[1] if isinstance(b, Picture)]
        hosts[kind] = {url.split("/")[2] for url in urls}
    assert any(host.endswith(setting.brand.host) for host in hosts["flyer"])
    assert not any(host.endswith(setting.brand.host) and "@" not in host for host in hosts["poster"])
    assert KINDS["poster"].beside == {"flyer": 1}
