"""Mail of many languages: what deceives has honest mail of the same dress beside it, in about as many words."""

import tomllib

import pytest

from models.spam.authored import local, places, writer
from models.spam.authored.kinds import BAD

FOLDER = writer.BLOCKS / "tongues"
FILES = {path.stem: path for path in FOLDER.glob("*.toml")}
_BAD_KEYS = frozenset(f"{name}_text" for name in BAD)


@pytest.mark.parametrize("lang", sorted(FILES))
def test_honest_lines_are_about_as_many_words_as_bad_ones(lang: str) -> None:
    said = {True: 0, False: 0}
    for key, lines in tomllib.loads(FILES[lang].read_text("utf-8")).items():
        if key.endswith("_text") or key == "talk":
            said[key in _BAD_KEYS] += len("".join(lines))
    assert said[False] > 0.95 * said[True] > 0


@pytest.mark.parametrize("lang", sorted(FILES))
def test_every_kind_that_has_lines_here_can_be_written(lang: str) -> None:
    words, own = writer.words_of(lang), tomllib.loads(FILES[lang].read_text("utf-8"))
    for key, lines in own.items():
        assert set(lines) <= set(words[key])
        if key.endswith("_text"):
            assert key.replace("_text", "_subject") in words, key


@pytest.mark.parametrize("lang", sorted(path.stem for path in (FOLDER / "local").glob("*.toml")))
def test_topics_of_a_second_file_stand_beside_those_of_the_first(lang: str) -> None:
    names = [(topic.country, topic.name) for topic in local.topics(lang)]
    second = tomllib.loads((FOLDER / "local" / f"{lang}.toml").read_text("utf-8"))
    assert len(names) == len(set(names))
    for country, table in second.items():
        assert country in places.countries()
        for name, topic in table.items():
            if isinstance(topic, dict):
                read = next(t for t in local.topics(lang) if (t.country, t.name) == (country, name))
                assert read.bad == tuple(topic["bad"])
                assert read.cta
                assert read.shown
    first = writer.BLOCKS / "local" / f"{lang}.toml"
    if first.exists():
        for country, table in tomllib.loads(first.read_text("utf-8")).items():
            both = {*table} & {*second.get(country, {})} - {"cta", "names", "said"}
            assert not both, f"{country}: a topic of the second file hides {both}"
