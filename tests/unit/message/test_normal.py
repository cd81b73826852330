"""Text as it looks."""

import pytest

from fastemailnet.message.normal import Normal, normalise


@pytest.mark.parametrize(
    ("text", "seen", "invisible", "lookalikes"),
    [
        ("plain text", "plain text", 0, 0),
        ("  two\t\tspaces \r\n\r\n  lines ", "two spaces\nlines", 0, 0),
        ("Ver\u200bi\u00adfy", "Verify", 2, 0),
        ("a\x00b\x1fc", "abc", 2, 0),
        ("p\u0336a\u0336y", "pay", 2, 0),
        ("no\u00a0break\u2003space", "no break space", 0, 0),
        ("p\u0430yp\u0430l", "paypal", 0, 2),
        ("\u0391pple", "Apple", 0, 1),
        ("𝗣𝗮𝘆", "Pay", 0, 3),
        ("Ｐａｙ", "Pay", 0, 0),
        ("Привет, это письмо", "Привет, это письмо", 0, 0),
        ("Ελλάδα και Crete", "Ελλάδα και Crete", 0, 0),
        ("👩\u200d💻 ✔\ufe0f", "👩💻 ✔", 0, 0),
        ("e\u0301", "é", 0, 0),
        ("z\u0301\u0302\u0303\u0304\u0305a", "ź\u0302\u0303a", 0, 0),
        ("", "", 0, 0),
    ],
)
def test_what_the_eye_sees(text: str, seen: str, invisible: int, lookalikes: int) -> None:
    assert normalise(text) == Normal(seen, invisible, lookalikes)
