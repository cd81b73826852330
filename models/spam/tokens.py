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
        tail: how many of them are for the end of a text that does not fit.
    """

    def __init__(self, path: Path, budget: int, tail: int) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))
        self._start, self._end, self.pad, self.unknown = map(self._id, (CLS, SEP, PAD, UNKNOWN))
        self._room, self._tail = budget - 2, tail
        self._words: dict[str, tuple[int, ...]] = {}

    def ids(self, texts: Sequence[Sequence[str]]) -> list[list[int]]:
        """The ids of each list of words, with marks, at most ``budget``: head and tail where it is longer."""
        windows = [self._window(text) for text in texts]
        self._learn({word for window in windows for word in window})
        return [[self._start, *self._cut(window), self._end] for window in windows]

    def _id(self, mark: str) -> int:
        number: int | None = self._tokenizer.token_to_id(mark)
        if number is None:
            raise ValueError(f"the tokenizer has no token {mark}")
        return number

    def _window(self, words: Sequence[str]) -> Sequence[str]:
        """The words that can reach the ids: a word has one token at least."""
        if len(words) <= self._room + self._tail:
            return words
        return [*words[: self._room], *words[-self._tail :]]

    def _cut(self, words: Sequence[str]) -> list[int]:
        table = self._words
        ids = [number for word in words for number in table[word]]
        return ids if len(ids) <= self._room else ids[: self._room - self._tail] + ids[-self._tail :]

    def _learn(self, needed: set[str]) -> None:
        if len(self._words) + len(needed) > MAX_WORDS_KEPT:
            self._words.clear()
        fresh = sorted(word for word in needed if word not in self._words)  # "needed - keys" would walk the table
        if fresh:
            encoded = self._tokenizer.encode_batch_fast(fresh, add_special_tokens=False)
            self._words.update((word, tuple(coded.ids)) for word, coded in zip(fresh, encoded, strict=True))
