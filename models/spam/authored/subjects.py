"""How the subject of a mail is dressed: with a small picture, in capitals, or without any."""

from models.spam.authored.writer import Writer

_EMOJI = ["🎉", "🔥", "📦", "✨", "🎁", "💙", "⏰", "🛒", "👋", "✅", "⚠️", "💸"]


def dressed(w: Writer, said: str, *, emoji: float = 0.0, upper: float = 0.0, lower: float = 0.0) -> str:
    """The subject ``said`` with an emoji, in capitals or in small letters, each by its share."""
    rng = w.rng
    if rng.random() < emoji:
        said = f"{rng.choice(_EMOJI)} {said}" if rng.random() < 0.5 else f"{said} {rng.choice(_EMOJI)}"
    if upper and rng.random() < upper:
        said = said.upper()
    return said.lower() if lower and rng.random() < lower else said
