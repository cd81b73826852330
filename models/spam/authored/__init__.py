"""Mail written for this project, because the public corpora lack it: modern tricks, and modern honest mail that looks like them."""

from models.spam.authored.compose import SOURCE, Mail, generate, languages
from models.spam.authored.kinds import DROWNED

__all__ = ["DROWNED", "SOURCE", "Mail", "generate", "languages"]
