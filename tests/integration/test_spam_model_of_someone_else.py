"""Any sequence classifier that transformers loads scores mail by path, with its own tokenizer and labels."""

from pathlib import Path

import pytest

from models.spam import foreign
from models.spam.foreign import ForeignModel
from models.spam.runtime import WEIGHTS, SpamModel, load

TEXTS = ["Offer\nShop shop.example\nhtml1\nshop.example\nBuy now", "", "a\nb\n\n\n" + "long text " * 400]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small DistilBERT with a word tokenizer, as someone else would have trained it."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import DistilBertConfig, DistilBertForSequenceClassification, PreTrainedTokenizerFast

    path = tmp_path_factory.mktemp("foreign")
    words = ["[PAD]", "[UNK]", "offer", "buy", "now", "long", "text"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(path)
    config = DistilBertConfig(
        vocab_size=len(words), dim=16, n_layers=1, n_heads=2, hidden_dim=32, max_position_embeddings=64,
        id2label={0: "legitimate", 1: "phishing"}, label2id={"legitimate": 0, "phishing": 1},
    )  # fmt: skip
    DistilBertForSequenceClassification(config).save_pretrained(path)
    return path


def test_it_loads_by_path_and_scores_alike_in_every_batch(folder: Path) -> None:
    model = load(folder, device="cpu")
    assert isinstance(model, ForeignModel)
    together = model.score(TEXTS)
    for text, score in zip(TEXTS, together, strict=True):
        assert score.p_spam == 0.0
        assert score.p_ham + score.p_phish == pytest.approx(1.0, abs=1e-5)
        assert model.score([text])[0].p_phish == pytest.approx(score.p_phish, abs=1e-4)
    assert model.score([]) == []


def test_the_own_model_is_loaded_as_such() -> None:
    assert isinstance(load(WEIGHTS, device="cpu"), SpamModel)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["LABEL_0", "LABEL_1"], ["ham", "spam"]),
        (["not_spam", "SPAM"], ["ham", "spam"]),
        (["phishing_url", "benign", "junk"], ["phish", "ham", "spam"]),
    ],
)
def test_labels_are_told_apart_by_name(labels: list[str], expected: list[str]) -> None:
    assert foreign.meanings(dict(enumerate(labels))) == expected


def test_a_label_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="joy"):
        foreign.meanings({0: "joy", 1: "anger", 2: "fear"})
