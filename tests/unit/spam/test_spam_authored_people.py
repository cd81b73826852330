"""The people of the authored corpus live where its languages are read, but for some who moved."""

import re
from collections.abc import Callable
from random import Random

import pytest

from models.spam.authored import compose, names, people, writer

LANGUAGES = writer.languages()
DRAWS = 800
ADDRESS = re.compile(r"[a-z0-9][a-z0-9._-]*@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


def _strange(said: Callable[[Random], str], own: set[str]) -> float:
    """The share of draws that the language's own pool does not have."""
    rng = Random(11)
    return sum(said(rng) not in own for _ in range(DRAWS)) / DRAWS


def _said(words: tuple[people.Word, ...]) -> set[str]:
    return {word.said for word in words}


def test_every_language_of_the_corpus_has_people() -> None:
    assert set(people.languages()) == {*LANGUAGES, *compose.languages()}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_pool_is_wide_and_has_a_latin_form_for_everything_that_comes_into_an_address(lang: str) -> None:
    pool = people.of(lang)
    assert len(pool.men) + len(pool.women) >= 20
    assert min(map(len, (pool.last, pool.streets, pool.cities))) >= 15
    for word in (*pool.men, *pool.women, *pool.last, *pool.last_of_women, *pool.cities):
        assert "/" not in word.said + word.latin
        assert people.ascii_letters(word.latin, lang)
    assert all(form.count("{}") == 1 for _, form in pool.firms)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_names_and_towns_of_elsewhere_keep_to_their_share(lang: str) -> None:
    pool, most = people.of(lang), people.ELSEWHERE + 0.05
    last = _said(pool.last) | _said(pool.last_of_women)
    assert _strange(lambda rng: names.person(lang, rng).first, _said(pool.men + pool.women)) < most
    assert _strange(lambda rng: names.person(lang, rng).last, last) < most
    assert _strange(lambda rng: names.last_name(lang, rng), last) < most
    assert 0.02 < _strange(lambda rng: names.city(lang, rng), _said(pool.cities)) < most


@pytest.mark.parametrize("lang", LANGUAGES)
def test_addresses_and_hosts_are_ascii_and_valid(lang: str) -> None:
    rng = Random(12)
    for _ in range(DRAWS):
        assert ADDRESS.fullmatch(names.person(lang, rng).address)
        assert ADDRESS.fullmatch(f"info@{names.invented_brand(lang, rng).host}")
        assert ADDRESS.fullmatch(f"info@{names.stranger_host(lang, rng)}")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_firms_bear_the_legal_forms_and_hosts_of_their_country(lang: str) -> None:
    rng, pool = Random(13), people.of(lang)
    countries = tuple(f".{tld}" for tld, _ in pool.firms)
    brands = [names.invented_brand(lang, rng) for _ in range(DRAWS)]
    assert 0.25 < sum(brand.host.endswith(countries) for brand in brands) / DRAWS < 0.65
    marks = [form.split("{}") for _, form in pool.firms]
    formed = [b for b in brands if any(b.name.startswith(a) and b.name.endswith(z) for a, z in marks)]
    assert formed


def test_a_womans_name_has_its_own_ending_and_a_name_the_order_of_its_language() -> None:
    rng = Random(14)
    drawn = [names.person("pl", rng) for _ in range(DRAWS)]
    women = [p for p in drawn if p.first in _said(people.of("pl").women)]
    assert any(p.last == "Kowalska" for p in women)
    assert not any(p.last == "Kowalski" for p in women)
    home = {word.said for word in people.of("ja").last}
    assert all(p.name.startswith(p.last) for p in (names.person("ja", rng) for _ in range(99)) if p.last in home)


def test_who_moved_is_written_in_latin_letters() -> None:
    rng = Random(15)
    own = _said(people.of("ru").last) | _said(people.of("ru").last_of_women)
    moved = [p.last for p in (names.person("ru", rng) for _ in range(DRAWS)) if p.last not in own]
    assert moved
    assert not any(re.search("[а-я]", last) for last in moved)


def test_umlauts_are_spelt_out_where_german_is_spoken_only() -> None:
    assert people.ascii_letters("Müller", "de") == "mueller"
    assert people.ascii_letters("Mäkinen", "fi") == "makinen"
    assert people.ascii_letters("Nguyễn Đỗ", "vi") == "nguyen do"
