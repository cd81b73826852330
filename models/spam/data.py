"""Labelled texts for training and judging: public corpora in parquet, the authored corpus, and tricked copies of them."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fastemailnet.message.text import model_input, visible_text
from models.spam import authored
from models.spam.tricks import TRICKS

UNSEEN_SOURCE = "phishing_pot"  # CC BY-NC: judges what ships, never trains it
GOOD_TEXTS = 400  # honest texts that lend their words
GOOD_TEXT_CHARS = 1_500  # of an honest text that serves as good words
PADDED = "padded"  # the trick of copies made here, by text alone, and of authored mail of whose words most are honest
LOWERED = "lower case"
PADDINGS = ("innocent padding", "innocent heading")  # tricks that put honest text around a message
PADDING = (60, 320)  # words of honest text put above or below a body, at least and at most


@dataclass(frozen=True, slots=True)
class Example:
    """One text and what is known of it."""

    text: str
    label: str  # ham, spam or phish
    source: str
    split: str  # train or dev
    lang: str
    trick: str = ""  # "" for mail as it is


def text_of(raw: bytes) -> str:
    """What a model reads of a message."""
    return model_input(visible_text(raw))


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Messages of a file with columns raw, label, source, split and lang."""
    rows: list[dict[str, Any]] = pq.read_table(path, columns=["raw", "label", "source", "split", "lang"]).to_pylist()
    return rows


def from_parquet(path: Path) -> list[Example]:
    """The texts of a file of messages."""
    return [Example(text_of(r["raw"]), r["label"], r["source"], r["split"], r["lang"] or "und") for r in rows_of(path)]


def from_generator(seed: int, pairs: int) -> list[Example]:
    """The authored corpus."""
    made = authored.generate(seed, pairs)
    return [
        Example(
            text_of(mail.raw),
            mail.label,
            authored.SOURCE,
            mail.split,
            mail.lang,
            PADDED if mail.kind in authored.DROWNED else "",
        )
        for mail in made
    ]


def tricked(
    path: Path,
    *,
    share: float,
    seed: int,
    exclude: Collection[str],
    labels: Collection[str] = ("spam", "phish"),
    names: Sequence[str] = tuple(TRICKS),
) -> list[Example]:
    """Copies of a share of the mail of a parquet file with these labels, each under one trick, with good words from its honest mail."""
    rng = Random(seed)
    rows = [row for row in rows_of(path) if row["source"] not in exclude]
    honest = [row for row in rows if row["label"] == "ham" and row["split"] == "train"]
    good = [text_of(row["raw"])[:GOOD_TEXT_CHARS] for row in rng.sample(honest, min(GOOD_TEXTS, len(honest)))]
    chosen = [(row, rng.choice(names)) for row in rows if row["label"] in labels and rng.random() < share]
    return [
        Example(
            text_of(TRICKS[name](row["raw"], good, rng)),
            row["label"],
            row["source"],
            row["split"],
            row["lang"] or "und",
            name,
        )
        for row, name in chosen
    ]


def padded(examples: Sequence[Example], *, share: float, seed: int) -> list[Example]:
    """Copies of a share of the examples with honest text above or below their body; what was bad stays bad, what was honest, honest.

    Both kinds are padded alike, or else length and a change of topic would tell them apart.
    """
    rng = Random(seed)
    bodies = [
        body for e in examples if e.label == "ham" and len(body := e.text.split("\n", 4)[-1].split()) >= PADDING[0]
    ]
    chosen = [example for example in examples if bodies and rng.random() < share]
    return [replace(example, text=_padded(example.text, rng.choice(bodies), rng), trick=PADDED) for example in chosen]


def lowered(examples: Sequence[Example], *, share: float, seed: int) -> list[Example]:
    """Copies of a share of the examples without capitals in subject and body, honest and bad ones alike; of none that has none."""
    rng = Random(seed)
    chosen = [(example, _lowered(example.text)) for example in examples if rng.random() < share]
    return [replace(example, text=text, trick=LOWERED) for example, text in chosen if text != example.text]


def _lowered(text: str) -> str:
    subject, *rest = text.split("\n", 4)
    return "\n".join([subject.lower(), *rest[:-1], *(body.lower() for body in rest[-1:])])


def _padded(text: str, words: list[str], rng: Random) -> str:
    *fields, body = text.split("\n", 4)
    count = rng.randint(*PADDING)
    at = rng.randrange(max(1, len(words) - count))
    padding = " ".join(words[at : at + count])
    return "\n".join([*fields, f"{body}\n{padding}" if rng.random() < 0.5 else f"{padding}\n{body}"])


def save(examples: Iterable[Example], path: Path) -> None:
    """Keep extracted texts, so that the next run need not extract them."""
    pq.write_table(
        pa.Table.from_pylist([{name: getattr(e, name) for name in Example.__slots__} for e in examples]), path
    )


def load(path: Path) -> list[Example]:
    """Texts kept by ``save``."""
    return [Example(**row) for row in pq.read_table(path).to_pylist()]


def wanted(examples: Iterable[Example], exclude: Collection[str]) -> list[Example]:
    """Without the excluded sources."""
    return [e for e in examples if e.source not in exclude]


def fingerprint(examples: Sequence[Example]) -> str:
    """8 hex digits that name a set of texts."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(f"{example.label}\0{example.text}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:8]
