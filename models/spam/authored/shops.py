"""Orders, parcels, offers and newsletters, with what shops put between the paragraphs; and what dresses like them.

A text may hold paragraphs that are one mark each: ``@goods`` (things with prices), ``@list`` and ``@one`` (things alone), ``@bill``
(lines and sums), ``@address``, ``@stories`` (items of a newsletter), ``@parts`` (sections of one), ``@offers``, ``@terms``. One that
begins with "## " is a heading.
Honest mail of these kinds often comes from a sending service: its From and its links then name the service and not the firm.
"""

from collections.abc import Callable

from models.spam.authored import links, loud, names, senders, texts
from models.spam.authored.rich import Block, Button, Heading, Picture, Rows, Story, Text
from models.spam.authored.writer import Writer

_SENT_FOR, _KNOWN_SENT_FOR = 0.3, 0.06  # of honest mail: that of small and of great firms whose sending service shows
_BY_HAND = 0.06  # of honest mail: that of makers, farms and clubs with a mailbox of a free mail host
_AFFILIATE = 0.6  # of offers of strangers: those that lead to an affiliate's host
_MARKED = "## "
_SUBJECTS = {
    "parcel": ("order_subject", "ship_subject"), "market": ("promo_subject",), "journal": ("news_subject",),
    "false_parcel": ("phish_subject",), "false_market": ("spam_subject",),
}  # fmt: skip
# By a part of the links that says which service it is: the shape of its links, and the hosts that it sends from.
_SERVICES = {
    "list-manage.com": ("https://{w}.us{d}.list-manage.com/track/click?u={{t}}&id={{w}}", "mail{d}.mailchimpapp.net"),
    "klclick": ("https://ctrk.klclick{d}.com/l/{{t}}", "send.klaviyomail.com"),
    "sendgrid.net": ("https://u{n}.ct.sendgrid.net/ls/click?upn={{t}}", "em{n}.{w}.sendgrid.net"),
    "awstrack.me": ("https://{w}.r.eu-west-{d}.awstrack.me/L0/{{t}}", "eu-west-{d}.amazonses.com"),
    "sendibt": ("https://{w}.r.bh.d.sendibt{d}.com/mk/cl/f/{{t}}", "{n}.brevosend.com"),
    "myshopify.com": ("https://{w}.myshopify.com/_t/c/{{t}}?o={{n}}", "t.shopifyemail.com"),
    "mlsend.com": ("https://click.mlsend.com/link/c/{{t}}", "ml.mailersend.com"),
    "rs6.net": ("https://r20.rs6.net/tn.jsp?f={{t}}", "shared{d}.ccsend.com"),
    "convertkit-mail": ("https://click.convertkit-mail{d}.com/{{t}}", "convertkit-mail{d}.com"),
    "substack.com": ("https://substack.com/redirect/2/{{t}}", "substack.com"),
    "beehiiv.com": ("https://link.mail.beehiiv.com/ss/c/{{t}}", "mail.beehiiv.com"),
    ".cmail": ("https://{w}.cmail{d}.com/t/{{t}}", "createsend{d}.com"),
    "slgnt.eu": ("https://{w}.slgnt.eu/optiext/optiextension.dll?ID={{t}}", "{w}.emsecure.net"),
    "exct.net": ("https://cl.s{d}.exct.net/?qs={{t}}", "s{d}.exct.net"),
    "getresponse.com": ("https://app.getresponse.com/click.html?x={{t}}", "getresponse-mail.com"),
    "cleverreach.com": ("https://{n}.seu{d}.cleverreach.com/c/{{n}}/{{t}}", "mailer.cleverreach.com"),
    "activehosted.com": ("https://{w}.activehosted.com/lt.php?s={{t}}", "{w}.activehosted.com"),
    "customeriomail.com": ("https://e.customeriomail.com/e/c/{{t}}", "{w}.customeriomail.com"),
    "hubspotlinks.com": ("https://{w}.eu{d}.hubspotlinks.com/Ctc/{{t}}", "{n}.hs-send.com"),
    "emailsp.com": ("https://{w}.emailsp.com/f/rnl.aspx/?{{t}}", "{w}.musvc{d}.net"),
}


def said(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of a mail; a text brings its own subject, or has a line that suits its kind."""
    if w.bad and kind == "false_market" and w.rng.random() < _AFFILIATE:
        w.service, w.place = "", loud.affiliate_url(w.setting.lang, w.rng)
    elif not w.bad and w.rng.random() < (_KNOWN_SENT_FOR if w.setting.brand.known else _SENT_FOR):
        w.service = _served(w)
    otherwise = w.say(w.rng.choice(_SUBJECTS[kind]))
    own, text = texts.parted(w.say(f"{kind}_text"))
    return own or otherwise, told(w, text)


def told(w: Writer, text: str) -> list[Block]:
    """The body of which ``text`` is the whole."""
    rng, greeting = w.rng, texts.greet(w, text, cold=0.4 if w.bad else 0.2)
    blocks = [block for paragraph in texts.begun(text, greeting) for block in _blocks(w, paragraph)]
    chance = rng.random()
    top: list[Block] = [Heading(w.setting.brand.name)] if chance < 0.12 else []
    if 0.12 <= chance < 0.4:
        top = [Picture(w.url(), w.picture(), rng.choice([w.setting.brand.name, ""]))]
    pressed = [Button(w.say("cta"), w.url())] if not texts.presses(text) and rng.random() < 0.6 else []
    return [*top, *greeting, *blocks, *pressed]


def _served(w: Writer) -> str:
    """The links of a sending service: those of one mail share what names the sender in them."""
    shape, _ = _SERVICES[w.rng.choice(list(_SERVICES))]
    return _named(shape, w)


def _named(shape: str, w: Writer) -> str:
    return shape.format(w=names.random_word(w.rng), d=w.rng.randrange(1, 22), n=w.rng.randrange(10**4, 10**7))


def _blocks(w: Writer, paragraph: str) -> list[Block]:
    if drawn := _DRAWN.get(paragraph):
        return drawn(w)
    if paragraph.startswith(_MARKED):
        head, _, rest = paragraph.removeprefix(_MARKED).partition("\n")
        return [Heading(head), *([Text(rest)] if rest else [])]
    return texts.told([paragraph], w.url)


def _goods(w: Writer) -> list[Block]:
    """Things with prices: as pictures with a title, as rows, or as lines."""
    rng, shown, press = w.rng, w.rng.random(), w.known("sale_cta", "cta")
    things = [(item, _near(w, w.slots[rng.choice(["small", "fee", "fee", "price"])])) for item in w.some("items", 2, 6)]
    if shown < 0.45:
        return [Story(item, price, w.say(press), w.url(), w.picture()) for item, price in things]
    if shown < 0.7:
        return [Rows(tuple(things))]
    sign = rng.choice(
        ["• {}: {}", "{} - {}", "* {} ({})", "{}\n{}\n", "✔ {} nur {}" if w.setting.lang == "de" else "→ {}  {}"]
    )
    return [Text("\n".join(sign.format(item, price) for item, price in things))]


def _near(w: Writer, price: str) -> str:
    """A price of as many figures as this one, and of the same last two."""
    figures = [at for at, sign in enumerate(price) if sign.isdigit()]
    changed = list(price)
    for at in figures[:-2]:
        changed[at] = str(w.rng.randrange(1, 10))
    return "".join(changed)


def _list(w: Writer) -> list[Block]:
    sign = w.rng.choice(["- {}", "1 x {}", "{} (1)", "• {}", "{}"])
    return [Text("\n".join(map(sign.format, w.some("items", 1, 4))))]


def _address(w: Writer) -> list[Block]:
    return [Text("\n".join(w.slots[key] for key in ("name", "street", "city")))]


def _stories(w: Writer) -> list[Block]:
    return [w.story() for _ in range(w.rng.randint(2, 5))]


def _parts(w: Writer) -> list[Block]:
    """Sections of a newsletter: of a language that has few, at most half of them, and items beside."""
    told = _sections(w, w.known("journal_part", "teasers"))
    return [*told, *(w.story() for _ in range(w.rng.choice([0, 0, 1, 2, 3])))]


def _offers(w: Writer) -> list[Block]:
    """Further offers of a firm."""
    return _sections(w, w.known("market_part", "promo_text"))


def _sections(w: Writer, key: str) -> list[Block]:
    sections = w.some(key, 1, min(6, len(w.setting.words[key]) // 2 + 1))
    return [block for section in sections for part in section.split("\n\n") for block in _blocks(w, part)]


def _terms(w: Writer) -> list[Block]:
    """What the law or the lawyers want said."""
    key = w.rng.choice([key for key in ("walls", "long_legal", "legal", "legal") if w.has(key)])
    return [Text(text) for text in w.some(key, 1, 3)]


_DRAWN: dict[str, Callable[[Writer], list[Block]]] = {
    "@goods": _goods, "@list": _list, "@bill": lambda w: [w.bill()], "@address": _address, "@stories": _stories, "@parts": _parts,
    "@one": lambda w: [Text(w.say("items"))], "@offers": _offers, "@terms": _terms,
}  # fmt: skip


def shop(w: Writer) -> tuple[str, str]:
    """Who sends honest mail of these kinds: the service whose links it has, under the firm's name, or the firm."""
    if w.rng.random() < _BY_HAND and not w.setting.brand.known:
        return senders.firm(w)[0], names.free_mail(w.setting.lang, w.rng)
    host = next((host for mark, (_, host) in _SERVICES.items() if mark in w.service), "")
    if not host or w.rng.random() < 0.35:  # a firm that sends from its own host by the same service
        return senders.firm(w)
    name, _ = senders.firm(w)
    local = w.rng.choice(
        [links.slug(w.setting.brand)[:30], names.random_word(w.rng), "store+{n}", "info", "news", "bounce-{n}"]
    )
    return name, f"{local.format(n=w.rng.randrange(10**4, 10**9))}@{_named(host, w)}"


def thief(w: Writer) -> tuple[str, str]:
    """Who pretends to be a firm of these: under a name that the firm's own mail has."""
    name, _ = senders.firm(w)
    return name, senders.phisher(w)[1]


def stranger(w: Writer) -> tuple[str, str]:
    """Who sends offers that nobody asked for."""
    return loud.affiliate(w) if w.has("blast_names") else senders.stranger(w)
