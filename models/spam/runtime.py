"""The spam model at work: texts in, probabilities out.

Texts are cut into tokens, sorted by length and run in groups of nearly equal length, so that little time goes into padding. A
score does not depend on what else is in the batch (to 1e-4; tested), hence not on load.

On the CPU a stock BERT runs through ``forward``, which needs no transformers; any other sequence classifier of the same three
labels, and any model on a GPU, runs through transformers' own class.
"""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from models.spam.forward import BertClassifier, supports
from models.spam.reading import read
from models.spam.tokens import WordTokens

WEIGHTS = Path(__file__).parent / "weights"
LABELS = ("ham", "spam", "phish")
GROUP_TOKENS = 4_096  # in one forward pass; larger groups fall out of the second-level cache
GROUP_TEXTS = 256
SETTINGS = "fastemailnet"  # the key of config.json with what is ours

Forward = Callable[[Tensor, Tensor | None], Tensor]


class Score(msgspec.Struct, frozen=True, array_like=True):
    """Probabilities of one message; they add up to 1."""

    p_ham: float
    p_spam: float
    p_phish: float

    @property
    def bad(self) -> float:
        """Probability that the message is spam or phish: what the thresholds are compared with."""
        return 1.0 - self.p_ham


class SpamModel:
    """A loaded model. Not for use from several threads at once.

    Attributes:
        version: 12 hex digits of the hash of weights, tokenizer and configuration.
        threshold_hold: ``Score.bad`` from which on 1 % of the honest mail of the development set would be held.
        threshold_reject: the same for 0.1 %.
    """

    def __init__(
        self, forward: Forward, tokens: WordTokens, settings: Mapping[str, Any], version: str, device: str
    ) -> None:
        self._forward, self._tokens, self._device = forward, tokens, device
        self._coldness = 1.0 / float(settings["temperature"])
        self.threshold_hold = float(settings["threshold_hold"])
        self.threshold_reject = float(settings["threshold_reject"])
        self.version = version

    @classmethod
    def load(cls, path: Path | None = None, *, device: str = "auto", threads: int = 1) -> "SpamModel":
        """Load a directory with ``config.json``, ``model.safetensors`` and ``tokenizer.json``.

        Args:
            path: the directory; None is the shipped model.
            device: ``cpu``, ``cuda`` or another torch device; ``auto`` takes a GPU where there is one.
            threads: CPU threads of torch in this process.

        Raises:
            FileNotFoundError: a file is missing.
            KeyError: ``config.json`` lacks the settings of this project; the name is given.
        """
        folder = path or WEIGHTS
        torch.set_num_threads(threads)
        os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"  # read by tokenizers at every call
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        config = json.loads((folder / "config.json").read_text("utf-8"))
        settings = config[SETTINGS]
        tokens = WordTokens(folder / "tokenizer.json", settings["token_budget"], settings["tail_tokens"])
        return cls(_forward(folder, config, device), tokens, settings, _version(folder), device)

    def score(self, inputs: Sequence[str]) -> list[Score]:
        """Scores of texts made by ``fastemailnet.message.text.model_input``, in the same order."""
        readings = (read(text) for text in inputs)
        ids = self._tokens.ids([[*reading.hints, *reading.text] for reading in readings])
        scores: list[Score | None] = [None] * len(ids)
        with torch.inference_mode():
            for group in _groups(ids):
                for index, row in zip(group, self._probabilities([ids[i] for i in group]), strict=True):
                    scores[index] = Score(*row)
        return [score for score in scores if score is not None]

    def _probabilities(self, rows: list[list[int]]) -> list[list[float]]:
        longest = max(map(len, rows))
        # Through numpy: torch reads a list of lists five times slower.
        array = np.array([row + [self._tokens.pad] * (longest - len(row)) for row in rows])
        padded = torch.from_numpy(array).to(self._device)
        mask = None if min(map(len, rows)) == longest else padded != self._tokens.pad
        logits = self._forward(padded, mask).float() * self._coldness
        answer: list[list[float]] = torch.softmax(logits, -1).tolist()
        return answer


def _groups(ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Indexes of ``ids`` by falling length, in groups that fit one forward pass."""
    order = sorted(range(len(ids)), key=lambda index: (-len(ids[index]), index))
    start = 0
    while start < len(order):
        size = min(GROUP_TEXTS, max(1, math.floor(GROUP_TOKENS / len(ids[order[start]]))))
        yield order[start : start + size]
        start += size


def _forward(folder: Path, config: Mapping[str, Any], device: str) -> Forward:
    if device == "cpu" and supports(config):
        stored = load_file(folder / "model.safetensors")
        return BertClassifier(config, {name: weight.float() for name, weight in stored.items()})
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).to(device).eval()

    def run(ids: Tensor, mask: Tensor | None) -> Tensor:
        logits: Tensor = model(ids, attention_mask=mask if mask is not None else torch.ones_like(ids)).logits
        return logits

    return run


def _version(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:12]
