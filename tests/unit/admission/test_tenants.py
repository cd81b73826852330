"""Keys, whose they are, and as whom a tenant may send."""

import hashlib

import pytest

from fastemailnet.admission.tenants import Tenant, Tenants, digest_of, kept, new_key, read_domain, read_kept
from fastemailnet.errors import AddressError, MessageError, SenderDenied

ONE, TWO, OTHER = (new_key(bytes([number]) * 32) for number in range(3))
TENANTS = Tenants([Tenant("acme", (digest_of(ONE), digest_of(TWO))), Tenant("globex", (digest_of(OTHER),))])


def test_a_key_has_all_of_its_chance_and_only_its_hash_is_kept() -> None:
    assert new_key(b"\xff" * 32) == "fen_" + "_" * 42 + "8"
    assert kept(ONE) == "sha256:" + hashlib.sha256(ONE.encode()).hexdigest()
    assert read_kept(kept(ONE)) == digest_of(ONE)


@pytest.mark.parametrize(
    "text", ["", ONE, "sha256:", kept(ONE)[:-1], kept(ONE) + "0", kept(ONE).upper(), " " + kept(ONE), kept(ONE) + "\n"]
)
def test_what_is_no_hash_of_a_key_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(ValueError, match="sha256:") as refused:
        read_kept(text)
    assert ONE not in str(refused.value)


def test_each_key_of_a_tenant_names_it() -> None:
    assert [found.name if (found := TENANTS.of_key(key)) else None for key in (ONE, TWO, OTHER)] == [
        "acme", "acme", "globex",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "key", ["", "key", ONE[:-1], ONE + "A", ONE.lower(), f" {ONE}", f"{ONE}\n", kept(ONE), "fen_é"]
)
def test_nothing_else_names_anybody(key: str) -> None:
    assert TENANTS.of_key(key) is None


def test_a_word_that_is_no_key_opens_nothing_though_its_hash_stands_in_the_file() -> None:
    assert Tenants([Tenant("acme", (digest_of("password"),))]).of_key("password") is None


def test_two_digests_that_begin_alike_are_told_apart() -> None:
    first, second = b"\0" * 8 + b"a" * 24, b"\0" * 8 + b"b" * 24
    both = Tenants([Tenant("a", (first,)), Tenant("b", (second,))])
    assert [both.of_digest(first), both.of_digest(second)] == [both.named("a"), both.named("b")]
    assert both.of_digest(b"\0" * 8 + b"c" * 24) is None


def test_a_key_belongs_to_one_tenant() -> None:
    with pytest.raises(ValueError, match="'acme'"):
        Tenants([Tenant("acme", (digest_of(ONE),)), Tenant("globex", (digest_of(ONE),))])
    assert Tenants([Tenant("acme", (digest_of(ONE),) * 2)]).of_key(ONE)


def test_domains_are_compared_as_they_are_sent() -> None:
    assert [read_domain(text) for text in ("ACME.example", "*.Grüße.example")] == [
        "acme.example", "*.xn--gre-6ka8l.example",
    ]  # fmt: skip
    for wrong in ("", "*.", "*", "a@b.example", "*.*.example", ".acme.example", "acme..example"):
        with pytest.raises(ValueError, match=r"empty|labels"):
            read_domain(wrong)


ACME = Tenant("acme", (), ("acme.example", "*.mail.acme.example", "xn--gre-6ka8l.example"))


@pytest.mark.parametrize(
    "address",
    ["", "a@acme.example", "a@ACME.example", "a@x.mail.acme.example", "a@y.x.mail.acme.example", "a@grüße.example"],
)
def test_a_tenant_sends_from_its_own_domains(address: str) -> None:
    ACME.refuse_sender(address)
    if address:
        ACME.refuse_authors(f"From: {address}\r\n\r\n".encode())


@pytest.mark.parametrize(
    "address",
    [
        "a@bank.example",
        "a@mail.acme.example",
        "a@xacme.example",
        "a@x.acme.example",
        "a@acme.example.bank.example",
        "a@[127.0.0.1]",
    ],
)
def test_it_sends_from_no_other(address: str) -> None:
    with pytest.raises(SenderDenied, match=r"MAIL FROM.*'acme': acme\.example"):
        ACME.refuse_sender(address)
    with pytest.raises(SenderDenied, match=r"^From"):
        ACME.refuse_authors(f"From: {address}\r\n\r\n".encode())
    Tenant("any").refuse_sender(address)
    Tenant("any").refuse_authors(f"From: {address}\r\n\r\n".encode())


@pytest.mark.parametrize(
    "value",
    [
        "a@acme.example, ceo@bank.example",
        '"a@acme.example" <ceo@bank.example>',
        "a@acme.example <ceo@bank.example>",
        "=?utf-8?q?a=40acme.example?= <ceo@bank.example>",
        "a@acme.example\r\n\t, ceo@bank.example",
        "Us: a@acme.example, ceo@bank.example;",
        "(a@acme.example) ceo@bank.example",
    ],
)
def test_every_address_in_from_counts_and_names_beside_it_do_not(value: str) -> None:
    with pytest.raises(SenderDenied, match=r"ceo@bank\.example"):
        ACME.refuse_authors(f"To: x@y.example\r\nfrom : {value}\r\nSubject: s\r\n\r\nFrom: a@acme.example\r\n".encode())


@pytest.mark.parametrize(
    "value", ["", "nobody", "<a@acme.example> <ceo@bank.example>", "a@acme.example@bank.example", "Us:;"]
)
def test_a_from_that_names_nobody_clearly_is_refused(value: str) -> None:
    with pytest.raises(MessageError):
        ACME.refuse_authors(f"From: {value}\r\n\r\n".encode())


def test_an_address_that_is_none_is_told_as_such() -> None:
    with pytest.raises(AddressError):
        ACME.refuse_sender("a@@")


@pytest.mark.parametrize(
    "value", ["ceo@bank.example", '"a@acme.example" <ceo@bank.example>', "a@acme.example, b@c.example"]
)
def test_sender_counts_as_from_does(value: str) -> None:
    with pytest.raises(SenderDenied, match=r"^Sender <"):
        ACME.refuse_authors(f"From: a@acme.example\r\nSender: {value}\r\n\r\n".encode())
    with pytest.raises(MessageError):
        ACME.refuse_authors(b"From: a@acme.example\r\nSender: nobody\r\n\r\n")
    ACME.refuse_authors(b"From: a@acme.example\r\nSender: b@acme.example\r\nReply-To: desk@help.example\r\n\r\n")
