"""The sample mails are what the demo needs them to be: valid, whole, harmless, and each of them explained."""

from email import message_from_bytes, policy
from pathlib import Path

import pytest

from fastemailnet.admission.headers import envelope
from fastemailnet.message.validate import check, needs_smtputf8

FOLDER = Path(__file__).parents[2] / "examples" / "mail"
SAMPLES = sorted(FOLDER.glob("*.eml"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_valid_and_goes_to_nobody_real(path: Path) -> None:
    raw = path.read_bytes()
    assert check(raw) == ()
    parsed = message_from_bytes(raw, policy=policy.SMTPUTF8)
    assert [defect for part in parsed.walk() for defect in part.defects] == []
    sender, recipients, _ = envelope(raw)
    assert all(address.endswith(".example") for address in [sender, *recipients])
    assert f"| `{path.stem}` | {len(recipients)}" in (FOLDER / "README.md").read_text()


def test_the_samples_cover_what_real_applications_send() -> None:
    assert len(SAMPLES) == 16
    raws = {path.stem[:2]: path.read_bytes() for path in SAMPLES}
    parts = {
        part.get_content_type() for raw in raws.values() for part in message_from_bytes(raw, policy=policy.SMTP).walk()
    }
    assert {"text/plain", "text/html", "text/calendar", "application/pdf", "image/png"} <= parts
    assert [stem for stem, raw in raws.items() if needs_smtputf8(raw)] == ["09"]
    assert not raws["06"].isascii()
    assert b"\r\n.\r\n" in raws["14"]
    assert {address.rpartition("@")[2] for address in envelope(raws["10"]).recipients} == {
        "cantera-sur.example",
        "stonework.example",
        "openquarry-partners.example",
    }
    assert b"Bcc" not in envelope(raws["10"]).message
