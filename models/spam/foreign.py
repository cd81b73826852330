"""Any sequence classifier that transformers can load, as a scorer: its own tokenizer, its own labels by name.

Labels are told apart by what they are called (``id2label``): phish before spam before the honest ones. Two labels without names
(LABEL_0, LABEL_1) are taken as ham and spam.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from models.spam.runtime import LABELS, Score, groups_of, precision, prepare, version_of

MAX_TOKENS = 256
HOLD, REJECT = 5 / 6, 50 / 51  # a lost honest mail costs 5 times a passed spam when held, 50 times when refused
_HONEST = ("ham", "not", "legit", "safe", "benign", "normal", "clean", "honest")


def meaning(label: str) -> str:
    """Which of the three labels a foreign label is.

    Raises:
        ValueError: its name says none of them.
    """
    name = label.lower()
    if any(word in name for word in _HONEST):
        return "ham"
    if "phish" in name:
        return "phish"
    if any(word in name for word in ("spam", "junk", "scam", "malicious", "bad")):
        return "spam"
    raise ValueError(f"the model's label {label!r} says neither ham nor spam nor phish; name its labels in id2label")


def meanings(id2label: Mapping[Any, str]) -> list[str]:
    """The meaning of each label in the order of the model's outputs."""
    ordered = [id2label[key] for key in sorted(id2label, key=int)]
    if [label.upper() for label in ordered] == ["LABEL_0", "LABEL_1"]:
        return ["ham", "spam"]
    return [meaning(label) for label in ordered]


class ForeignModel:
    """A sequence classifier of someone else. Not for use from several threads at once."""

    def __init__(self, model: Any, tokenizer: Any, device: str, version: str) -> None:
        self._model, self._tokenizer, self._device = model, tokenizer, device
        self._columns = [LABELS.index(name) for name in meanings(model.config.id2label)]
        self._room = min(MAX_TOKENS, int(getattr(model.config, "max_position_embeddings", MAX_TOKENS)))
        self.version = version
        self.threshold_hold, self.threshold_reject = HOLD, REJECT

    @classmethod
    def load(cls, folder: Path, *, device: str = "auto", threads: int = 1) -> "ForeignModel":
        """Load a folder that ``AutoModelForSequenceClassification`` and ``AutoTokenizer`` understand."""
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        device = prepare(device, threads)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=precision(device), local_files_only=True
        )
        return cls(model.to(device).eval(), tokenizer, device, version_of(folder))

    def score(self, inputs: Sequence[str]) -> list[Score]:
        """Scores of texts made by ``model_input``: a foreign model reads subject, sender, hosts and body as they stand."""
        texts = [_plain(text) or "-" for text in inputs]  # some tokenizers make nothing of nothing
        ids = self._tokenizer(texts, truncation=True, max_length=self._room)["input_ids"] if texts else []
        rows: list[list[float]] = [[] for _ in ids]
        with torch.inference_mode():
            for group in groups_of(ids):
                padded = self._tokenizer.pad({"input_ids": [ids[i] for i in group]}, return_tensors="pt").to(
                    self._device
                )
                answers = torch.softmax(self._model(**padded).logits.float(), -1).tolist()
                for index, answer in zip(group, answers, strict=True):
                    rows[index] = answer
        return [self._score(row) for row in rows]

    def _score(self, row: list[float]) -> Score:
        sums = [0.0] * len(LABELS)
        for column, share in zip(self._columns, row, strict=True):
            sums[column] += share
        return Score(*sums)


def _plain(text: str) -> str:
    """An input without its line of marks, which only the project's own model understands."""
    subject, sender, _, hosts, body = (text.split("\n", 4) + [""] * 4)[:5]
    return "\n".join(part for part in (subject, sender, hosts, body) if part)
