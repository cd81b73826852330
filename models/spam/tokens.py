"""Words to token ids, by the tokenizer of ``tokenizer.json`` and several times faster.

Its pre-tokenizer splits at white space first, so the ids of a text are the ids of its words in a row, and mail says the same words
again and again: a table of words seen answers nearly all of them. A property test holds this to the tokenizer itself.
"""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

PAD, CLS, SEP, UNKNOWN = "[PAD]", "[CLS]", "[SEP]", "[UNK]"
SPECIAL = (PAD, CLS, SEP, UNKNOWN, "[MASK]")
MAX_WORDS_KEPT = 200_000  # about 40 MB; the table starts again when it is full


class WordTokens:
    """A tokenizer and its table of words.

    Args:
        path: ``tokenizer.json``.
        budget: the most tokens of a text, with its start and end marks.
        tail: how many of them are for a second stretch of a text that does not fit: its end, or what the caller points at.
    """

    def __init__(self, path: Path, budget: int, tail: int) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))
        self._start, self._end, self.pad, self.unknown = map(self._id, (CLS, SEP, PAD, UNKNOWN))
        self._room, self._tail = budget - 2, tail
        self._words: dict[str, tuple[int, ...]] = {}

    def ids(self, texts: Sequence[Sequence[str]], turns: Sequence[int | None] = ()) -> list[list[int]]:
        """The ids of each list of words, with marks, at most ``budget``: its head and a second stretch where it is longer.

        Args:
            texts: lists of words.
            turns: of each text, the word at which the second stretch begins; None: the stretch is the text's end.
        """
        pieces = [self._pieces(text, turn) for text, turn in zip(texts, turns or [None] * len(texts), strict=True)]
        self._learn({word for piece in pieces for words in piece for word in words})
        return [[self._start, *self._cut(*piece), self._end] for piece in pieces]

    def _id(self, mark: str) -> int:
        number: int | None = self._tokenizer.token_to_id(mark)
        if number is None:
            raise ValueError(f"the tokenizer has no token {mark}")
        return number

    def _pieces(self, words: Sequence[str], turn: int | None) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        """The words that can reach the ids (a word has one token at least): of the head, of a stretch, of the end."""
        if turn is not None and len(words) > self._room - self._tail:
            return words[: self._room + 1], words[turn : turn + self._tail], ()
        return words[: self._room + 1], (), words[self._room + 1 :][-self._tail :]

    def _cut(self, head: Sequence[str], stretch: Sequence[str], end: Sequence[str]) -> list[int]:
        table = self._words
        ids = [number for word in head for number in table[word]]
        if len(ids) <= self._room and not end:
            return ids
        if stretch:
            return ids[: self._room - self._tail] + [number for word in stretch for number in table[word]][: self._tail]
        rest = ids + [number for word in end for number in table[word]]
        return ids[: self._room - self._tail] + rest[-self._tail :]

    def _learn(self, needed: set[str]) -> None:
        if len(self._words) + len(needed) > MAX_WORDS_KEPT:
            self._words.clear()
        fresh = sorted(word for word in needed if word not in self._words)  # "needed - keys" would walk the table
        if fresh:
            encoded = self._tokenizer.encode_batch_fast(fresh, add_special_tokens=False)
            self._words.update((word, tuple(coded.ids)) for word, coded in zip(fresh, encoded, strict=True))
