"""Expansion of the word files: ``[a|b]`` is a choice (they nest), ``{slot}`` is filled in."""

from collections.abc import Mapping
from random import Random


def spin(template: str, rng: Random, slots: Mapping[str, str]) -> str:
    """One expansion of ``template``. Brackets in the text of a slot mean nothing.

    Raises:
        KeyError: a slot is not among ``slots``.
        ValueError: a bracket is not closed.
    """
    return _fill(_text(template, rng), slots)


def _text(template: str, rng: Random) -> str:
    """Top level: everything outside brackets stands as it is."""
    done: list[str] = []
    at = 0
    while (start := template.find("[", at)) >= 0:
        chosen, end = _choice(template, start + 1, rng)
        done += template[at:start], chosen
        at = end
    return "".join(done) + template[at:]


def _choice(template: str, at: int, rng: Random) -> tuple[str, int]:
    """One alternative of the bracket whose inside starts at ``at``, and the place behind it."""
    options, current = [], ""
    while at < len(template):
        letter, at = template[at], at + 1
        if letter == "[":
            inner, at = _choice(template, at, rng)
            current += inner
        elif letter in "|]":
            options.append(current)
            current = ""
            if letter == "]":
                return rng.choice(options), at
        else:
            current += letter
    raise ValueError(f"a '[' is not closed in {template!r}")


def _fill(text: str, slots: Mapping[str, str]) -> str:
    head, *parts = text.split("{")
    for part in parts:
        name, _, rest = part.partition("}")
        head += slots[name] + rest
    return head.replace("  ", " ").strip(" ")
