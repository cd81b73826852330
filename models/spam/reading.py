"""From ``model_input`` to the words a model sees.

The input has five fields on lines of their own: subject, sender, marks, hosts, body. Here they become one list of words: lower case,
every digit a zero (years, prices and references only mislead), hints first. Two hints are comparisons that two small layers do not
learn from the words: whether the links stay with the sender's own organisation, and whether the name of the sender is in its domain.
"""

from typing import NamedTuple

from fastemailnet.message.links import organisation

MAX_WORD_CHARS = 64  # longer ones are random or hidden data; their first characters tell as much
HEAD_CHARS, TAIL_CHARS = 2_600, 400  # of a body; 500 words, as many as the wide part reads
MIN_NAME_CHARS = 3
MIN_CASELESS_LETTERS = 40  # with fewer small letters and no capital one a text need not have lost its case
SEPARATOR = "|"
_DIGITS = str.maketrans("123456789", "000000000")
_MARK = str.maketrans(
    {"0": "j", **{str(d): "abcdefghi"[d - 1] for d in range(1, 10)}, "_": ""}
)  # "at_links2" is one word of letters


class Reading(NamedTuple):
    """The words of an input: hints of the header and links, then what a person reads."""

    hints: list[str]
    text: list[str]
    body: int = 0  # place in ``text`` of the first word of the body; sender, hosts and subject stand before it
    caseless: bool = False  # subject and body had letters, and not one capital


def read(model_input: str) -> Reading:
    """The words of one input. Any text is an input; one without the five lines is read as far as it goes."""
    subject, sender, marks, hosts, body = (model_input.split("\n", 4) + [""] * 4)[:5]
    caseless = _is_caseless(f"{subject} {body}")
    if len(body) > HEAD_CHARS + TAIL_CHARS:
        body = f"{body[:HEAD_CHARS]} {body[-TAIL_CHARS:]}"
    name, _, domain = sender.lower().rpartition(" ")
    hints = marks.translate(_MARK).split() + _links(domain, hosts.split()) + _name(name, domain)
    if len(subject) > MIN_NAME_CHARS * 2 and subject.isupper():
        hints.append("hintshouting")
    header = _words(f"{sender} {SEPARATOR} {hosts} {SEPARATOR} {subject} {SEPARATOR}")
    return Reading(hints, header + _words(body), len(header), caseless)


def _is_caseless(text: str) -> bool:
    # The first test stops at the first capital, so that nearly every mail costs nothing.
    return text.islower() and sum(map(str.islower, text)) >= MIN_CASELESS_LETTERS


def _words(text: str) -> list[str]:
    return [word[:MAX_WORD_CHARS] for word in text.lower().translate(_DIGITS).split()]


def _links(domain: str, hosts: list[str]) -> list[str]:
    """Whether links lead to the sender's own organisation."""
    if not hosts:
        return ["hintnolinks"]
    own = organisation(domain)
    at_home = sum(organisation(host) == own for host in hosts)
    return ["hintownlinks" if at_home == len(hosts) else "hintmixedlinks" if at_home else "hintforeignlinks"]


def _name(name: str, domain: str) -> list[str]:
    """Whether the display name and the domain share a word."""
    parts = [part for part in "".join(c if c.isalnum() else " " for c in name).split() if len(part) >= MIN_NAME_CHARS]
    if not parts:
        return ["hintnoname"]
    home = organisation(domain).replace("-", "")
    return ["hintnamehome" if any(part in home for part in parts) else "hintnameaway"]
