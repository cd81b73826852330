"""The spam model at work: texts in, probabilities out.

Texts are cut into tokens, sorted by length and run in groups of nearly equal length, so that little time goes into padding. A
score does not depend on what else is in the batch (to 1e-4; tested), hence not on load.

The score is a weighted mean of two opinions: that of the transformer and that of the wide part (``wide``), where the folder has
one. On the CPU a stock BERT runs through ``forward``, which needs no transformers; on a GPU it runs through transformers' own
class in bf16. A folder without this project's settings is some other sequence classifier: ``foreign`` reads it.
"""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from models.spam.forward import BertClassifier, supports
from models.spam.reading import Reading, read
from models.spam.tokens import WordTokens
from models.spam.wide import FILE as WIDE_FILE
from models.spam.wide import Opinions, Wide

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


class Scorer(Protocol):
    """What scores mail: the project's own model or a foreign one."""

    version: str
    threshold_hold: float
    threshold_reject: float

    def score(self, inputs: Sequence[str]) -> list[Score]:
        """Scores of texts made by ``fastemailnet.message.text.model_input``, in the same order."""


def load(path: Path | None = None, *, device: str = "auto", threads: int = 1) -> Scorer:
    """Load a model's folder, the project's own or any sequence classifier; arguments as of ``SpamModel.load``."""
    folder = path or WEIGHTS
    if SETTINGS in json.loads((folder / "config.json").read_text("utf-8")):
        return SpamModel.load(folder, device=device, threads=threads)
    from models.spam.foreign import ForeignModel

    return ForeignModel.load(folder, device=device, threads=threads)


class SpamModel:
    """A loaded model. Not for use from several threads at once.

    Attributes:
        version: 12 hex digits of the hash of weights, tokenizer and configuration.
        threshold_hold: ``Score.bad`` from which on mail should be held; how it was chosen stands in the model card.
        threshold_reject: the same for rejecting.
    """

    def __init__(
        self,
        forward: Forward,
        tokens: WordTokens,
        settings: Mapping[str, Any],
        version: str,
        device: str,
        wide: Wide | None = None,
    ) -> None:
        self._forward, self._tokens, self._device, self._wide = forward, tokens, device, wide
        self._wide_share = float(settings.get("wide_share", 0.5)) if wide else 0.0
        self._coldness = 1.0 / float(settings["temperature"])
        self._shift = float(settings.get("shift", 0.0))
        self.threshold_hold = float(settings["threshold_hold"])
        self.threshold_reject = float(settings["threshold_reject"])
        self.version = version

    @classmethod
    def load(
        cls, path: Path | None = None, *, device: str = "auto", threads: int = 1, wide_share: float | None = None
    ) -> "SpamModel":
        """Load a directory with ``config.json``, ``model.safetensors``, ``tokenizer.json`` and perhaps ``wide.safetensors``.

        Args:
            path: the directory; None is the shipped model.
            device: ``cpu``, ``cuda`` or another torch device; ``auto`` takes a GPU where there is one.
            threads: CPU threads of torch in this process.
            wide_share: of the wide part in the score, other than the model's own; for judging the parts.

        Raises:
            FileNotFoundError: a file is missing.
            KeyError: ``config.json`` lacks the settings of this project; the name is given.
        """
        folder = path or WEIGHTS
        device = prepare(device, threads)
        config = json.loads((folder / "config.json").read_text("utf-8"))
        settings = config[SETTINGS] | ({} if wide_share is None else {"wide_share": wide_share})
        tokens = WordTokens(folder / "tokenizer.json", settings["token_budget"], settings["tail_tokens"])
        return cls(_forward(folder, config, device), tokens, settings, version_of(folder), device, Wide.load(folder))

    def score(self, inputs: Sequence[str]) -> list[Score]:
        """Scores of texts made by ``fastemailnet.message.text.model_input``, in the same order."""
        return [Score(*row) for row in self.odds_to_rows(self.odds(inputs))]

    def odds(self, inputs: Sequence[str]) -> NDArray[np.float64]:
        """(inputs, 2): log odds of bad over ham and of phish over spam, before calibration."""
        if not inputs:
            return np.empty((0, 2))
        readings = [read(text) for text in inputs]
        wide = None if self._wide is None else self._wide.opinions(readings)
        ids = self._tokens.ids(*lessons(readings, wide))
        logits = np.empty((len(ids), len(LABELS)))
        with torch.inference_mode():
            for group in groups_of(ids):
                logits[group] = self._logits([ids[i] for i in group])
        ham, spam, phish = logits.T
        odds = np.stack([np.logaddexp(spam, phish) - ham, phish - spam], 1)
        return odds if wide is None else (1 - self._wide_share) * odds + self._wide_share * wide.logits

    def odds_to_rows(self, odds: NDArray[np.float64]) -> list[list[float]]:
        """Calibrated probabilities (ham, spam, phish) of what ``odds`` gave."""
        bad, phish = _sigmoid(odds[:, 0] * self._coldness + self._shift), _sigmoid(odds[:, 1])
        rows: list[list[float]] = np.stack([1 - bad, bad * (1 - phish), bad * phish], 1).tolist()
        return rows

    def telling(self, model_input: str, most: int = 6) -> list[str]:
        """The words of one input that speak most for bad, as far as the wide part knows; none where it is missing."""
        return [] if self._wide is None else self._wide.telling(read(model_input), most)

    def _logits(self, rows: list[list[int]]) -> NDArray[np.float64]:
        longest = max(map(len, rows))
        # Through numpy: torch reads a list of lists five times slower.
        array = np.array([row + [self._tokens.pad] * (longest - len(row)) for row in rows])
        padded = torch.from_numpy(array).to(self._device)
        mask = None if min(map(len, rows)) == longest else padded != self._tokens.pad
        answer: NDArray[np.float64] = self._forward(padded, mask).double().cpu().numpy()
        return answer


def lessons(readings: Sequence[Reading], wide: Opinions | None) -> tuple[list[list[str]], list[int | None]]:
    """What the transformer reads: the words of each reading, and the place of the stretch to read beside its head."""
    turns = wide.turns if wide is not None else [None] * len(readings)
    places = [None if turn is None else turn + len(one.hints) for turn, one in zip(turns, readings, strict=True)]
    return [[*one.hints, *one.text] for one in readings], places


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    answer: NDArray[np.float64] = 0.5 * (1 + np.tanh(0.5 * values))  # does not overflow
    return answer


def prepare(device: str, threads: int) -> str:
    """Set the CPU threads of this process and name the device that ``auto`` stands for."""
    torch.set_num_threads(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"  # read by tokenizers at every call
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def precision(device: str) -> torch.dtype:
    """bf16 on a GPU that has it, else single precision."""
    return torch.bfloat16 if device.startswith("cuda") and torch.cuda.is_bf16_supported() else torch.float32


def groups_of(ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
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

    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=precision(device)).to(device).eval()

    def run(ids: Tensor, mask: Tensor | None) -> Tensor:
        logits: Tensor = model(ids, attention_mask=mask if mask is not None else torch.ones_like(ids)).logits
        return logits

    return run


def version_of(folder: Path) -> str:
    """12 hex digits of the hash of a model's files."""
    digest = hashlib.sha256()
    for name in ("model.safetensors", WIDE_FILE, "tokenizer.json", "config.json"):
        if (folder / name).exists():
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:12]
