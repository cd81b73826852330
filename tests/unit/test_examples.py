"""The sample mails are what the demo needs them to be: valid, whole, harmless, and each of them explained."""

import importlib.util
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from fastemailnet.admission.headers import envelope
from fastemailnet.admission.native import NAMES, unit_of_native
from fastemailnet.envelope import Position, Unit
from fastemailnet.message.validate import check, needs_smtputf8
from fastemailnet.native import Native

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


def test_what_the_kafka_example_sends_is_understood() -> None:
    spec = importlib.util.spec_from_file_location("kafka_producer", FOLDER.parent / "kafka_producer.py")
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    envelope_headers = tuple(example.headers("bounces@shop.example", ["a@x.example", "b@y.example"]))
    for path in SAMPLES:
        for given in (envelope_headers, tuple(example.headers(None, []))):
            unit = unit_of_native(Native(given, 1_700_000_000_000, path.read_bytes()), Position("mail.bulk", 0, 0))
            assert isinstance(unit, Unit)
            assert [one.address for one in unit.recipients] == ["a@x.example", "b@y.example"] or not given


def test_the_guide_names_every_header() -> None:
    guide = (FOLDER.parents[1] / "docs" / "kafka.md").read_text()
    assert [name for name in NAMES if f"| `{name}` |" not in guide] == []
