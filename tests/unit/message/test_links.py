"""Where a link goes, and what it pretends."""

import pytest

from fastemailnet.message.links import borrowed_brand, examine, host_of, host_shown, organisation, places_in, urls_in


@pytest.mark.parametrize(
    ("href", "host"),
    [
        ("https://Bank.example/x", "bank.example"),
        ("http:\\\\evil.example\\x", "evil.example"),
        ("https:evil.example", "evil.example"),
        ("https:////evil.example/", "evil.example"),
        ("//evil.example/x", "evil.example"),
        ("www.evil.example", "www.evil.example"),
        ("http://bank.example@evil.example:8080/", "evil.example"),
        ("http://%65vil.example/", "evil.example"),
        ("http://ev\nil.example/", "evil.example"),
        ("mailto:a@b.example", ""),
        ("#top", ""),
        ("javascript:alert(1)", ""),
        ("http://[bad", ""),
        ("", ""),
    ],
)
def test_the_host_is_read_as_a_browser_reads_it(href: str, host: str) -> None:
    assert host_of(href).host == host


@pytest.mark.parametrize(
    ("name", "href", "shown"),
    [
        ("mismatched", "https://evil.example/", "https://www.bank.example/login"),
        ("ip", "http://192.0.2.7/", "here"),
        ("ip", "http://3232235777/", "here"),
        ("ip", "http://0xc0.0.2.7/", "here"),
        ("ip", "http://[2001:db8::1]/", "here"),
        ("punycode", "https://xn--pypal-4ve.example/", "here"),
        ("punycode", "https://pаypal.example/", "here"),
        ("free_hosting", "https://login.pages.dev/", "here"),
        ("free_hosting", "https://bit.ly/x", "here"),
        ("at_sign", "https://bank.example@evil.example/", "here"),
        ("redirect", "https://shop.example/out?url=https%3A%2F%2Fevil.example", "here"),
        ("data", "data:text/html;base64,PGI+", "here"),
        ("brand", "https://paypal.evil.example/", "here"),
        ("brand", "https://dhl-parcel.example/", "here"),
        ("brand", "https://secure-paypal.com/", "here"),
    ],
)
def test_tricks_are_counted_and_said(name: str, href: str, shown: str) -> None:
    count = examine([(href, shown)], "shop.example")
    assert getattr(count, name) == 1
    assert count.signals


@pytest.mark.parametrize(
    ("href", "shown"),
    [
        ("https://click.bank.example/x", "www.bank.example"),
        ("https://shop.example/invoice", "invoice.pdf"),
        ("https://shop.example/", "ann@bank.example"),
        ("https://shop.example/", "Read on. Then buy."),
        ("https://www.paypal.com/", "PayPal"),
        ("https://www.amazon.co.uk/", "Amazon"),
        ("https://pineapple.example/", "fruit"),
        ("https://10things.example/", "ten"),
    ],
)
def test_honest_links_raise_nothing(href: str, shown: str) -> None:
    assert examine([(href, shown)], "shop.example").signals == []


def test_hosts_are_listed_once_in_order_and_foreign_ones_counted() -> None:
    count = examine(
        [("https://a.shop.example", ""), ("https://x.example", ""), ("https://x.example/2", "")], "shop.example"
    )
    assert (count.hosts, count.links, count.foreign) == (["a.shop.example", "x.example"], 3, 2)


def test_organisations() -> None:
    assert organisation("a.b.example.org") == "example.org"
    assert organisation("shop.example.co.uk") == "example.co.uk"
    assert organisation("one.pages.dev") != organisation("two.pages.dev")


def test_links_of_plain_text() -> None:
    text = "See https://a.example/x, HTTP://b.example. or (www.c.example) not ftp://d.example or mywww.e.example"
    assert urls_in(text, 10) == ["https://a.example/x", "HTTP://b.example", "www.c.example"]
    assert len(places_in("http://a " * 100, 7)) == 7


def test_hosts_that_a_text_shows() -> None:
    assert host_shown("https://Bank.example/a") == "bank.example"
    assert host_shown("bank.example") == "bank.example"
    assert host_shown("report.docx") == host_shown("a b.example") == host_shown("word") == ""


def test_brands_belong_to_their_own_domains() -> None:
    assert borrowed_brand("paypal.com.evil.example", "evil.example") == "paypal"
    assert borrowed_brand("paypal service", "evil.example") == "paypal"
    assert borrowed_brand("paypal", "mail.paypal.co.uk") == ""
    assert borrowed_brand("an upset customer", "evil.example") == ""
