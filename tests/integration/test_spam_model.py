"""The shipped model: it separates plain cases, does not depend on the batch, and is what its files say."""

import json
import subprocess
import sys
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from fastemailnet.message.text import model_input, visible_text
from models.spam import authored
from models.spam.forward import BertClassifier
from models.spam.reading import read
from models.spam.runtime import WEIGHTS, SpamModel
from models.spam.tokens import WordTokens

WHOLE = WordTokens(WEIGHTS / "tokenizer.json", 1_000_000, 24)  # no text is cut
SETTINGS_OF_WEIGHTS = json.loads((WEIGHTS / "config.json").read_text("utf-8"))["fastemailnet"]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def mail(sender: str, subject: str, text: str, markup: str = "") -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = (
        sender,
        "Robin Keller <robin.keller@harbourline.example>",
        subject,
    )
    message.set_content(text)
    if markup:
        message.add_alternative(markup, subtype="html")
    return message.as_bytes()


SPAM = mail(
    "Dr. Miracle Meds <promo@cheap-meds-4u.top>",
    "LOSE 30 POUNDS IN 2 WEEKS - Cheap Viagra 80% OFF!!!",
    "Buy Viagra and Cialis online without prescription! Lowest price guaranteed, discreet worldwide shipping.\n"
    "Doctors hate this weird trick that burns belly fat fast. Click here now: "
    "http://cheap-meds-4u.top/buy?id=8842\nLimited time offer, act now!!!",
)
PHISH = mail(
    "PayPal Security <service@paypa1-verify-center.xyz>",
    "Your account has been limited - verify your identity now",
    "Please view this message as HTML.",
    "<p>Dear customer,</p><p>We noticed unusual activity and your PayPal account has been suspended. Verify "
    "your card and password within "
    "24 hours or your account will be permanently closed.</p>"
    "<p><a href='http://185.22.41.7/paypal/login.php'>https://www.paypal.com/signin</a></p>",
)
HONEST = {
    "order": mail(
        "Bramble & Finch <orders@brambleandfinch.example>",
        "We've received order BF-20417",
        "Hi Robin,\n\nThanks for shopping with us. Your order BF-20417:\n\n1 x Linen apron, olive  EUR 34.00\n2 "
        "x Beeswax candle  EUR 18.00\n"
        "Shipping  EUR 4.90\nTotal  EUR 56.90\n\nWe'll send a message with the tracking number once it has left "
        "our workshop.\n\n"
        "See your order: https://www.brambleandfinch.example/orders/BF-20417\n\nBramble & Finch, 3 Mill Lane, Galway\n",
    ),
    "parcel": mail(
        "Postrunner <noreply@postrunner.example>",
        "Your parcel arrives tomorrow between 10 and 12",
        "Hello Robin,\n\nthe parcel from Bramble & Finch will be with you tomorrow between 10:00 and 12:00. Not "
        "at home? Choose a neighbour "
        "or a pick-up point until midnight: https://my.postrunner.example/p/003404\n\nNo payment is "
        "needed.\n\nPostrunner\n",
    ),
    "reset": mail(
        "Plotdesk <accounts@plotdesk.example>",
        "Reset your Plotdesk password",
        "Hi Robin,\n\nwe got a request to reset the password of your Plotdesk account. The link below works for "
        "one hour.\n\n"
        "https://plotdesk.example/password/edit?token=9f2c1b\n\nIf you didn't ask for this, you can ignore this "
        "email; your password won't change.\n",
    ),
    "invoice": mail(
        "Tallyhouse Billing <billing@tallyhouse.example>",
        "Invoice 2026-0117 from Tallyhouse",
        "Dear Robin Keller,\n\nplease find your invoice 2026-0117 for November: Team plan, 6 seats, EUR 72.00 "
        "plus VAT. The amount will be "
        "charged to the card ending 1187 on 1 December.\n\nAll invoices are at "
        "https://app.tallyhouse.example/invoices\n\nThe Tallyhouse team\n",
    ),
    "sign-in": mail(
        "Plotdesk Security <security@plotdesk.example>",
        "New sign-in to your Plotdesk account",
        "Hi Robin,\n\nyour account was used to sign in on a new device.\n\nWhen: today, 08:14\nWhere: "
        "Rotterdam, Netherlands\nDevice: Firefox on Linux\n\n"
        "If this was you, there's nothing to do. If not, change your password at "
        "https://plotdesk.example/settings and tell us.\n",
    ),
    "appointment": mail(
        "Zahnarztpraxis Lindner <praxis@zahnarzt-lindner.example>",
        "Ihr Termin am Donnerstag",
        "Guten Tag Robin Keller,\n\nwir erinnern an Ihren Termin zur Kontrolle am Donnerstag um 9:30 Uhr. Wenn "
        "Sie verhindert sind, "
        "rufen Sie uns bitte bis Mittwochmittag an.\n\nFreundliche Grüße\nIhr Praxisteam Lindner\nGartenstraße "
        "12, Freiburg\n",
    ),
}


def text(raw: bytes) -> str:
    return model_input(visible_text(raw))


@pytest.fixture(scope="module")
def model() -> SpamModel:
    return SpamModel.load(device="cpu")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return (
        [text(m.raw) for m in authored.generate(99, 60)]
        + [text(raw) for raw in (SPAM, PHISH, *HONEST.values())]
        + ["", "\n\n\n\n", "日本語 " * 900]
    )


def test_plain_spam_and_plain_phish_are_over_the_threshold_and_honest_mail_is_not(model: SpamModel) -> None:
    spam, phish, *honest = model.score([text(raw) for raw in (SPAM, PHISH, *HONEST.values())])
    assert spam.bad >= model.threshold_hold
    assert phish.bad >= model.threshold_hold
    assert phish.p_phish > phish.p_ham
    for name, score in zip(HONEST, honest, strict=True):
        assert score.bad < model.threshold_hold, (name, score)


def test_a_score_does_not_depend_on_the_batch(model: SpamModel, texts: list[str]) -> None:
    alone = [model.score([one])[0] for one in texts]
    order = list(range(len(texts)))
    Random(4).shuffle(order)
    together = dict(zip(order, model.score([texts[i] for i in order]), strict=True))
    for index, score in enumerate(alone):
        assert together[index].p_ham == pytest.approx(score.p_ham, abs=1e-4)
        assert together[index].p_phish == pytest.approx(score.p_phish, abs=1e-4)


def test_probabilities_add_up_and_an_empty_batch_is_empty(model: SpamModel, texts: list[str]) -> None:
    assert model.score([]) == []
    for score in model.score(texts):
        assert score.p_ham + score.p_spam + score.p_phish == pytest.approx(1.0, abs=1e-5)
        assert score.bad == pytest.approx(score.p_spam + score.p_phish, abs=1e-5)


def test_the_written_out_forward_pass_equals_the_stock_class(texts: list[str]) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    config = json.loads((WEIGHTS / "config.json").read_text("utf-8"))
    stock = AutoModelForSequenceClassification.from_pretrained(WEIGHTS, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    forward = BertClassifier(config, load_file(WEIGHTS / "model.safetensors"))
    budget = config["fastemailnet"]["token_budget"]
    encoded = [tokenizer(joined(t), return_tensors="pt")["input_ids"] for t in texts]
    short = [ids for ids in encoded if ids.shape[1] <= budget]
    assert len(short) > 40
    for ids in short:
        with torch.inference_mode():
            expected = stock(ids).logits[0].tolist()
            assert forward(ids, None)[0].tolist() == pytest.approx(expected, abs=1e-4)
    assert [stock.config.id2label[i] for i in range(3)] == ["ham", "spam", "phish"]


def test_both_parts_count(model: SpamModel, texts: list[str]) -> None:
    parts = WEIGHTS / "wide.safetensors"
    assert parts.exists()
    alone = SpamModel(model._forward, model._tokens, SETTINGS_OF_WEIGHTS, "", "cpu", None)
    assert abs(alone.odds(texts) - model.odds(texts)).max() > 0.1


def joined(one: str) -> str:
    reading = read(one)
    return " ".join([*reading.hints, *reading.text])


def test_the_table_of_words_gives_the_ids_of_the_tokenizer(texts: list[str]) -> None:
    for one in texts:
        assert_same_ids(joined(one))


@given(st.lists(st.text(max_size=40), max_size=30))
def test_the_table_of_words_gives_the_ids_of_the_tokenizer_for_any_text(parts: list[str]) -> None:
    assert_same_ids(joined("\n".join(parts)))


def assert_same_ids(text_of_words: str) -> None:
    assert WHOLE.ids([text_of_words.split()])[0] == WHOLE._tokenizer.encode(text_of_words).ids


def test_a_long_text_keeps_its_head_and_its_tail() -> None:
    tokens = WordTokens(WEIGHTS / "tokenizer.json", 128, 24)
    for word in ("parcel", "unbelievable-long-word-of-many-pieces", "я"):
        words = [f"{word}{i % 7}" for i in range(400)]
        ids, all_ids = tokens.ids([words])[0], WHOLE.ids([words])[0]
        assert len(ids) == 128
        assert ids[:103] == all_ids[:103]
        assert ids[-25:] == all_ids[-25:]


def test_a_long_text_keeps_its_head_and_the_stretch_that_is_pointed_at() -> None:
    tokens = WordTokens(WEIGHTS / "tokenizer.json", 128, 24)
    words = [f"parcel{i % 7}" for i in range(400)]
    ids, all_ids, stretch = tokens.ids([words], [200])[0], WHOLE.ids([words])[0], WHOLE.ids([words[200:]])[0]
    assert len(ids) == 128
    assert ids[:103] == all_ids[:103]
    assert ids[103:-1] == stretch[1:25]
    assert tokens.ids([words[:5]], [3]) == WHOLE.ids([words[:5]])  # nothing is cut from what fits


def test_the_table_of_words_starts_again_when_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.spam.tokens.MAX_WORDS_KEPT", 8)
    tokens = WordTokens(WEIGHTS / "tokenizer.json", 128, 24)
    for start in range(0, 30, 3):
        words = [f"word{i}x" for i in range(start, start + 5)]
        assert tokens.ids([words])[0] == tokens._tokenizer.encode(" ".join(words)).ids
        assert len(tokens._words) <= 13


def test_version_names_the_files_and_thresholds_are_in_order(model: SpamModel) -> None:
    assert SpamModel.load(device="cpu").version == model.version
    assert len(model.version) == 12
    assert 0 < model.threshold_hold <= model.threshold_reject <= 1
    settings = json.loads((WEIGHTS / "config.json").read_text("utf-8"))["fastemailnet"]
    assert "phishing_pot" not in settings["trained_on"]
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 16_000_000


def test_scoring_needs_neither_transformers_nor_ray() -> None:
    program = (
        "import sys, models.spam.runtime as r; r.SpamModel.load(device='cpu').score(['hi']); "
        "print([m for m in ('transformers', 'ray') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert out.stdout.strip() == "[]"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        SpamModel.load(tmp_path, device="cpu")


def test_the_command_scores_a_file_in_order(model: SpamModel, tmp_path: Path) -> None:
    raws = [SPAM, *HONEST.values(), b"", PHISH]
    pq.write_table(
        pa.table({"raw": pa.array(raws, pa.binary()), "other": list(range(len(raws)))}), tmp_path / "in.parquet"
    )
    command = [
        sys.executable,
        "-m",
        "models.spam.score",
        str(tmp_path / "in.parquet"),
        str(tmp_path / "out.parquet"),
        "--device",
        "cpu",
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2])
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["p_ham", "p_spam", "p_phish"]
    assert table.column("p_ham").to_pylist() == pytest.approx(
        [s.p_ham for s in model.score([text(raw) for raw in raws])], abs=1e-4
    )
