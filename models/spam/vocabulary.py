"""Building the tokenizer: byte-level BPE over words between white space, so that any script and any octets have tokens."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from models.spam.reading import MAX_WORD_CHARS
from models.spam.tokens import CLS, SEP, SPECIAL, UNKNOWN

SIZE = 16_000


def build(texts: Iterable[Sequence[str]], path: Path) -> None:
    """Learn a vocabulary from texts as words and write ``tokenizer.json``."""
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=True)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=MAX_WORD_CHARS // 2,
        show_progress=False,
        min_frequency=3,
    )
    tokenizer.train_from_iterator((" ".join(words) for words in texts), trainer)
    start, end = tokenizer.token_to_id(CLS), tokenizer.token_to_id(SEP)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{CLS} $A {SEP}", special_tokens=[(CLS, start), (SEP, end)]
    )
    tokenizer.save(str(path))


def size(path: Path) -> int:
    """Number of tokens of a ``tokenizer.json``."""
    return Tokenizer.from_file(str(path)).get_vocab_size()
