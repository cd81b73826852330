"""What one kind of longer mail is: what it is called, how often it is drawn, how it is said, who sends it, and how it is dressed.

The writer of mail (``modern``) asks a kind, and never its name: what is particular to a kind stands in its entry of ``kinds``, or in
the functions that its family hands in there. All shares are chances between 0 and 1; one of 0 or 1 costs no draw where it says so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from models.spam.authored.replies import Replies
from models.spam.authored.rich import Block
from models.spam.authored.senders import Sender
from models.spam.authored.subjects import dressed
from models.spam.authored.writer import Setting, Words, Writer

Label = Literal["ham", "spam", "phish"]
Said = Callable[
    [Writer, str], tuple[str, list[Block]]
]  # subject and body of a kind of that name: a family says several


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of mail."""

    name: str
    label: Label
    said: Said
    sender: Sender
    setting: Callable[[str, Random], Setting]  # whose mail it is in a language, when it says so
    weight: int = 0  # how often it is drawn, beside the others that are as honest; 0: only as mail of a country
    needs: tuple[str, ...] = ()  # keys without which a language cannot write it; none: its subjects and texts
    personal: float = 0.0  # looks as a person writes it, and has nothing below that firms put there; 0 and 1 undrawn
    by_hand: float = 0.0  # is written by a person's program, whatever it says
    small: float = 0.0  # has the common small print, where it brings none of its own; 0 undrawn
    padded: float = 0.0  # has honest talk below, for all to see; 0 undrawn
    forwarded: float = 0.0
    files: float = 0.0  # has files with it
    odd_files: float = 0.0  # of those, pages and packed ones; 0 undrawn
    subject: Callable[[Writer, str], str] = dressed
    replies: Replies = ()
    preheader: str = "cta"  # key of the lines that a mailbox shows beside the subject
    beside: Mapping[str, int] = field(default_factory=dict)  # honest kinds of the same dress, for a bad one; none: all
    beside_share: float = 0.7  # how often the honest mail beside is one of these; 1 undrawn
    leads: bool = (
        False  # a bad kind whose setting the honest mail beside it takes; the others take that of the honest mail
    )
    drowned: bool = False  # a bad kind of whose words most are honest

    @property
    def bad(self) -> bool:
        """Whether it deceives, or nobody asked for it."""
        return self.label != "ham"

    def writable(self, words: Words) -> bool:
        """Whether a language has the words for it."""
        return all(key in words for key in self.needs or (f"{self.name}_subject", f"{self.name}_text"))
