"""The shipped model against cheap tricks, on mail that no training saw, and against honest mail that looks like spam."""

from random import Random

import pytest

from fastemailnet.message.text import model_input, visible_text
from models.spam import authored
from models.spam.runtime import SpamModel
from models.spam.tricks import TRICKS, wrapped
from tests.integration.test_spam_model import HONEST, PHISH, SPAM, mail

SEED = 4_711  # not that of the training corpus
FRIENDLY = (
    "Thank you for the minutes of the meeting, the budget looks fine and the new desks arrive on Thursday. "
    "Anna will send the slides before lunch, and the team in Porto asks for the updated plan of the project. "
)


def text(raw: bytes) -> str:
    return model_input(visible_text(raw))


@pytest.fixture(scope="module")
def model() -> SpamModel:
    return SpamModel.load(device="cpu")


@pytest.fixture(scope="module")
def bad(model: SpamModel) -> list[bytes]:
    """Bad mail that is caught as it is."""
    raws = [m.raw for m in authored.generate(SEED, 90) if m.label != "ham"]
    return [
        raw for raw in raws if model.score([text(wrapped(raw, [FRIENDLY], Random(1)))])[0].bad >= model.threshold_hold
    ]


def test_most_bad_mail_of_another_seed_is_caught_and_little_honest_mail_is_held(
    model: SpamModel, bad: list[bytes]
) -> None:
    mails = list(authored.generate(SEED, 90))
    assert len(bad) > 0.9 * sum(m.label != "ham" for m in mails)
    honest = model.score([text(m.raw) for m in mails if m.label == "ham"])
    assert sum(s.bad >= model.threshold_hold for s in honest) < 0.03 * len(honest)


# Text that a reader does see is part of the mail: the model loses some bad mail to it (its card says how much). A model whose
# linear part reads a mail as one bag of words catches 0.59 with such text below the message and 0.42 with it above.
CAUGHT = {"innocent padding": 0.75, "innocent heading": 0.7}


@pytest.mark.parametrize("trick", [name for name in TRICKS if name != "image only"])
def test_a_trick_frees_hardly_any_bad_mail(model: SpamModel, bad: list[bytes], trick: str) -> None:
    rng = Random(7)
    scores = model.score([text(TRICKS[trick](raw, [FRIENDLY], rng)) for raw in bad])
    caught = sum(score.bad >= model.threshold_hold for score in scores)
    assert caught >= CAUGHT.get(trick, 0.9) * len(bad), f"{caught} of {len(bad)}"


@pytest.mark.parametrize("trick", ["innocent padding", "innocent heading"])
def test_honest_mail_with_more_honest_text_around_it_is_sent(model: SpamModel, trick: str) -> None:
    rng = Random(7)
    honest = [m.raw for m in authored.generate(SEED, 90) if m.label == "ham"]
    scores = model.score([text(TRICKS[trick](raw, [FRIENDLY], rng)) for raw in honest])
    assert sum(score.bad >= model.threshold_hold for score in scores) < 0.03 * len(honest)


HONEST_NOW = HONEST | {
    "sale": mail(
        "Fjordwool <news@e.fjordwool.example>",
        "Last chance: up to 50% off ends tonight!",
        "Hi Robin,\n\nour summer sale ends at midnight: up to 50% off jumpers and blankets while stocks last. "
        "Use code SUN20 at checkout.\n\n"
        "Shop now: https://www.fjordwool.example/sale\n\nYou get this mail because you signed up at fjordwool.example. "
        "Unsubscribe: https://www.fjordwool.example/unsubscribe/8f\nFjordwool AS, Bergen\n",
    ),
    "rechnung": mail(
        "Stadtwerke Lindental <rechnung@stadtwerke-lindental.example>",
        "Ihre Rechnung für Oktober",
        "Guten Tag Robin Keller,\n\nIhre Rechnung über 84,20 Euro liegt im Kundenportal bereit. Der Betrag wird am 3. November "
        "abgebucht, Sie müssen nichts tun.\n\nhttps://portal.stadtwerke-lindental.example\n\nIhre Stadtwerke\n",
    ),
    "pedido": mail(
        "Casa Olivar <pedidos@casaolivar.example>",
        "Hemos enviado tu pedido 20417",
        "Hola Robin:\n\ntu pedido ha salido de nuestro almacén y llegará el jueves. Puedes seguirlo aquí: "
        "https://www.casaolivar.example/pedidos/20417\n\nNo hay nada que pagar.\n\nCasa Olivar\n",
    ),
}


@pytest.mark.parametrize("name", HONEST_NOW)
def test_honest_mail_that_looks_like_spam_is_sent(model: SpamModel, name: str) -> None:
    score = model.score([text(HONEST_NOW[name])])[0]
    assert score.bad < model.threshold_hold, score


@pytest.mark.parametrize("raw", [SPAM, PHISH], ids=["spam", "phish"])
def test_recipient_date_and_message_id_do_not_move_the_score(model: SpamModel, raw: bytes) -> None:
    other = raw.replace(b"robin.keller@harbourline.example", b"li.wei@else.example") + b""
    dated = b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <x@y.example>\r\nX-Mailer: Old Mailer 1.0\r\n" + other
    scores = model.score([text(raw), text(dated)])
    assert abs(scores[0].bad - scores[1].bad) < 0.1
