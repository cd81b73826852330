"""Where answers go, if not to the sender: addresses with the share of mail that has them, tried one after the other."""

from collections.abc import Callable

from models.spam.authored import names
from models.spam.authored.writer import Writer

Replies = tuple[tuple[float, Callable[[Writer], str]], ...]


def _mailbox(w: Writer) -> str:
    return names.free_mail(w.setting.lang, w.rng)


def _counted(w: Writer) -> str:
    """An address that tells who answers to what."""
    rng = w.rng
    return (
        f"reply-{names.random_word(rng)}@{names.stranger_host(w.setting.lang, rng) if w.bad else w.setting.brand.host}"
    )


def _author(w: Writer) -> str:
    return w.author.address


def _desk_or_author(w: Writer) -> str:
    return w.rng.choice([f"info@{w.setting.brand.host}", w.author.address])


PERSON: Replies = ((0.03, _mailbox),)  # people have more than one mailbox
THIEF: Replies = ((0.2, _mailbox),)
SWINDLER: Replies = ((0.3, _mailbox),)
SERVICE: Replies = ((0.08, _counted),)
ON_BEHALF: Replies = ((0.08, _author), *SERVICE)  # a service writes for a person whom one answers
CAUSE: Replies = ((0.15, _desk_or_author), *SERVICE)
FALSE_CAUSE: Replies = (*SWINDLER, *SERVICE)


def reply_to(w: Writer, replies: Replies) -> str:
    """The address that answers to one mail go to; "" for its sender's."""
    for share, address in replies:
        if w.rng.random() < share:
            return address(w)
    return ""
