"""What a verified receipt is told to prove."""

from actors.receipt_cli import proves
from fastemailnet.ledger.receipt import disclose, verify_receipt
from tests.unit.ledger.test_ledger_receipt import LOG, TEXT


def test_a_receipt_is_told_as_who_sent_what_to_whom_when_and_what_was_replied() -> None:
    event, *rest = proves(verify_receipt(TEXT, str(LOG)))
    assert "  relayed  attempt " in event
    assert event.endswith("250 2.0.0 Ok: queued as 2")
    assert "to: User2@example.com" in rest
    assert [line.partition(":")[0] for line in rest] == ["from", "to", "tenant", "content (SHA-256)"]


def test_what_is_not_opened_is_not_told() -> None:
    event, *rest = proves(verify_receipt(disclose(TEXT, ["rcpt"]), str(LOG)))
    assert "queued" not in event
    assert rest == ["to: User2@example.com"]
