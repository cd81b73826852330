"""All kinds of longer mail: a line each, after the family whose words and senders it has.

The order among the honest and among the bad ones is that in which they are drawn: a kind put between others changes every seed's mail.
"""

from collections.abc import Callable
from functools import partial
from random import Random

from models.spam.authored import (
    accounts,
    appeals,
    bodies,
    bulk,
    desks,
    letters,
    loud,
    mailings,
    pages,
    posters,
    replies,
    senders,
    settings,
    shops,
    threads,
)
from models.spam.authored.kind import Kind
from models.spam.authored.subjects import dressed
from models.spam.authored.writer import Setting

_ACCOUNT = ("account_subject", "account_text")
_BESIDE_LURES = {"access": 4, "account": 2, "note": 1, "statement": 1}
_LURED = "account,bank,pay,telecom,stream,host,mail,tax,parcel,crypto,document"


def _of(branches: str) -> Callable[[str, Random], Setting]:
    """Mail of brands in these branches of business."""
    return partial(settings.of_brand, frozenset(branches.split(",")))


# fmt: off
# What the kinds of a family share. Only those of firms have the common small print: the others bring their own, or none.
_notice = partial(Kind, said=bodies.said, sender=senders.firm, replies=replies.SERVICE, small=0.85)
_composed = partial(_notice, said=bodies.composed)
_trick = partial(_notice, sender=senders.lure, small=0.7, padded=0.12)
_page = partial(_notice, said=pages.page, needs=("news_subject", "teasers"))
_buried = partial(_trick, said=pages.buried, beside={"page": 1}, beside_share=1.0, leads=True, drowned=True)
_letter = partial(Kind, said=letters.said, sender=senders.author, setting=_of("account"), personal=1.0, replies=replies.PERSON)
_fraud = partial(_letter, replies=(), beside={"talk": 4, "office": 6, "support": 1, "note": 1})
_thread = partial(_letter, said=threads.thread, setting=_of("account,document"))
_shared = partial(_letter, said=threads.letter, setting=_of("document,account,saas"))
_poster = partial(Kind, said=posters.poster, needs=("phish_subject", "phish_text", "promo_subject"), small=0.5)
_campaign = partial(Kind, said=appeals.said, setting=settings.of_cause, personal=0.35, preheader="campaign_cta_gift")
_false_cause = partial(_campaign, beside={"campaign": 1}, beside_share=1.0, leads=True)
_canvass = partial(_campaign, said=mailings.note, setting=mailings.canvassing, needs=("canvass_open", "canvass_gift_ask"))
_survey = partial(_campaign, said=mailings.survey, setting=mailings.canvassing, needs=("survey_open", "survey_ask"))
_digest = partial(_campaign, said=mailings.digest, setting=mailings.reporting, needs=("digest_open", "digest_cause_item"),
                  personal=0.25)
_offer = partial(Kind, said=bulk.offer, sender=senders.firm, subject=loud.shouted, replies=replies.SERVICE)
_bill = partial(_offer, said=bulk.bill, subject=loud.numbered)
_shop = partial(Kind, said=shops.said, sender=shops.shop, replies=replies.SERVICE, small=0.85, preheader="teasers")
_false_shop = partial(_shop, small=0.75, padded=0.1, beside_share=0.85)
_marked, _seldom_marked, _in_small = partial(dressed, emoji=0.2), partial(dressed, emoji=0.06), partial(dressed, lower=0.06)
_gaudy = partial(dressed, emoji=0.2, upper=0.12)

_HONEST = (
    _composed("order", "ham", weight=3, setting=_of("shop"), files=0.2, subject=_marked),
    _composed("ship", "ham", weight=3, setting=_of("parcel,shop"), subject=_marked),
    _composed("promo", "ham", weight=4, setting=_of("shop,stream,telecom,travel,ticket"), files=0.04,
              subject=_gaudy, preheader="teasers"),
    _composed("news", "ham", weight=3, setting=_of("account,document,shop,bank,news,edu,community,saas"), files=0.05,
              needs=("news_subject", "headlines"), preheader="teasers"),
    _composed("note", "ham", weight=4, setting=_of("account,bank,pay,telecom,stream,host,mail,tax"), forwarded=0.02, files=0.15),
    _letter("talk", "ham", weight=4, said=letters.talk, needs=("talk_subject", "talk"), forwarded=0.1, files=0.2, subject=_in_small),
    _notice("account", "ham", weight=4, setting=_of("account,bank,mail,host,stream,crypto,saas,shop,telecom,public")),
    _notice("statement", "ham", weight=4, setting=_of("bank,pay,telecom,energy,insure,stream,host,saas,tax"), files=0.25),
    _notice("event", "ham", weight=4, setting=_of("travel,health,ticket,edu,saas"), forwarded=0.03, files=0.2,
            subject=_seldom_marked, replies=replies.ON_BEHALF),
    _notice("work", "ham", weight=4, setting=_of("saas,document,host"), forwarded=0.02, replies=replies.ON_BEHALF),
    _notice("support", "ham", weight=3, setting=_of("shop,telecom,bank,travel,energy,insure,host,parcel,saas"), files=0.05,
            replies=replies.ON_BEHALF),
    _notice("community", "ham", weight=4, setting=_of("community,news,edu,public"), files=0.05,
            subject=_seldom_marked, replies=replies.ON_BEHALF),
    _letter("office", "ham", weight=4, forwarded=0.05, files=0.25, subject=_in_small),
    _campaign("campaign", "ham", weight=13, sender=senders.cause, replies=replies.CAUSE),
    _offer("sale", "ham", weight=6, setting=_of("shop,stream,telecom,travel,ticket,energy,insure,health"), files=0.02),
    _bill("receipt", "ham", weight=4, setting=_of("shop,account,pay,stream,saas,telecom,host"), files=0.3, by_hand=0.15),
    _thread("thread", "ham", weight=8, needs=("newest_text", "talk"), files=0.25),
    _shared("sharing", "ham", weight=4, files=0.25),
    _page("page", "ham", weight=9, files=0.05,
          setting=_of("account,bank,news,edu,community,saas,insure,travel,health,shop,telecom,energy,public,crypto")),
    _notice("access", "ham", weight=9, said=accounts.access, sender=accounts.sender, needs=_ACCOUNT, personal=0.4, small=0.75,
            forwarded=0.02, setting=_of(f"{_LURED},energy,insure,saas,health,public,travel,shop,edu,community,news")),
    _poster("flyer", "ham", weight=3, setting=_of("account,bank,shop,stream,telecom,travel,energy,insure,parcel"),
            sender=senders.firm, files=0.03, replies=replies.SERVICE),
    _shop("parcel", "ham", weight=8, needs=("parcel_text",), setting=_of("shop,parcel,ticket,travel"), files=0.12,
          subject=_seldom_marked),
    _shop("market", "ham", weight=9, needs=("market_text",), files=0.02, subject=_gaudy,
          setting=_of("shop,telecom,travel,ticket,health")),
    _shop("journal", "ham", weight=7, needs=("journal_text",), files=0.02, subject=_seldom_marked,
          setting=_of("news,edu,community,saas,crypto")),
    _canvass("canvass", "ham", weight=6, sender=senders.cause, subject=_seldom_marked, replies=replies.CAUSE),
    _survey("survey", "ham", weight=2, sender=senders.cause, subject=_seldom_marked, replies=replies.CAUSE),
    _digest("digest", "ham", weight=5, sender=senders.cause, subject=_seldom_marked, replies=replies.CAUSE),
    _notice("desk", "ham", weight=8, said=desks.said, sender=desks.sender, setting=desks.setting, needs=("desk_text",), small=0.5,
            personal=0.15, forwarded=0.02, files=0.08),
)
_BAD = (
    _trick("phish", "phish", weight=11, said=bodies.composed, sender=senders.phisher, setting=_of(_LURED), leads=True,
           forwarded=0.04, files=0.15, odd_files=0.6, beside=_BESIDE_LURES, beside_share=0.35),
    _trick("spam", "spam", weight=6, said=bodies.composed, sender=senders.stranger, setting=_of("shop,account"),
           forwarded=0.06, files=0.08, subject=_gaudy),
    _trick("lure", "phish", weight=10, setting=_of(f"{_LURED},energy,insure,saas,health,public,travel"), leads=True,
           forwarded=0.03, files=0.12, odd_files=0.6, beside=_BESIDE_LURES, beside_share=0.35, subject=partial(dressed, emoji=0.04)),
    _fraud("bec", "phish", weight=3, sender=senders.boss, files=0.15, subject=_in_small, replies=replies.SWINDLER),
    _fraud("outreach", "spam", weight=4, sender=senders.seller, files=0.06, subject=_in_small),
    _fraud("scam", "spam", weight=4, sender=senders.swindler, files=0.1,
           subject=partial(dressed, upper=0.12), replies=replies.SWINDLER),
    # sham: money for a false cause, false benefactors; relief: log-ins and card data for a false cause
    _false_cause("sham", "spam", weight=2, sender=senders.false_cause, replies=replies.FALSE_CAUSE),
    _false_cause("relief", "phish", weight=2, sender=senders.false_relief, replies=replies.SERVICE),
    _offer("blast", "spam", weight=8, sender=loud.affiliate, setting=_of("shop,parcel,account,stream"), padded=0.12, files=0.02,
           beside={"sale": 7, "promo": 1, "receipt": 1, "news": 1}),
    _bill("callback", "phish", weight=4, sender=loud.biller, setting=_of("pay,account,shop,saas"), padded=0.12, files=0.3, by_hand=0.4,
          beside={"receipt": 7, "statement": 2, "order": 1}),
    _thread("hijack", "phish", weight=4, sender=threads.hijacker, needs=("hijack_text", "talk"), files=0.3, odd_files=0.6,
            replies=replies.THIEF, beside={"thread": 1}, beside_share=1.0, leads=True, drowned=True),
    _shared("taken", "phish", weight=2, files=0.25, odd_files=0.6,
            replies=(), beside={"sharing": 4, "thread": 1}, beside_share=1.0, leads=True),
    _buried("buried_phish", "phish", weight=3, sender=partial(senders.broken_into, senders.lure), setting=_of(_LURED),
            needs=("phish_text", "teasers"), files=0.06),
    _buried("buried_spam", "spam", weight=2, sender=partial(senders.broken_into, senders.stranger), setting=_of("shop,account,news"),
            needs=("spam_text", "teasers")),
    _trick("forged", "phish", weight=4, said=accounts.forged, needs=_ACCOUNT, personal=0.4, padded=0.03, setting=_of(_LURED),
           leads=True, beside={"access": 4, "account": 1}, beside_share=0.9),
    _poster("poster", "phish", weight=3, setting=_of(_LURED), sender=senders.phisher, files=0.08, odd_files=0.5,
            replies=replies.SERVICE, beside={"flyer": 1}, beside_share=1.0, leads=True),
    _false_shop("false_parcel", "phish", weight=4, needs=("false_parcel_text",), sender=shops.thief,
                setting=_of("parcel,shop,telecom"), files=0.06, odd_files=0.6, beside={"parcel": 5, "ship": 1, "order": 1}, leads=True),
    _false_shop("false_market", "spam", weight=4, needs=("false_market_text",), sender=shops.stranger,
                setting=_of("shop,account,stream"), files=0.02, subject=_gaudy, beside={"market": 5, "journal": 2, "sale": 1}),
    # of committees that there are not, and in the name of those that there are
    _canvass("false_canvass", "spam", weight=2, needs=("canvass_open", "false_canvass_ask"),
             sender=senders.false_cause, subject=_seldom_marked, replies=replies.FALSE_CAUSE,
             beside={"canvass": 4, "campaign": 1}, beside_share=1.0, leads=True),
    _survey("false_survey", "phish", weight=1, needs=("survey_open", "false_survey_ask"),
             sender=senders.false_relief, subject=_seldom_marked, replies=replies.SERVICE,
             beside={"survey": 3, "canvass": 1}, beside_share=1.0, leads=True),
    _digest("false_digest", "phish", weight=1, needs=("digest_open", "false_digest_item"),
             sender=senders.false_relief, subject=_seldom_marked, replies=replies.SERVICE,
             beside={"digest": 1}, beside_share=1.0, leads=True),
    _trick("false_desk", "phish", weight=9, said=desks.said, sender=desks.impostor, setting=desks.setting, needs=("false_desk_text",),
           small=0.45, personal=0.15, leads=True, forwarded=0.02, files=0.12, odd_files=0.6,
           beside={"desk": 6, "access": 1, "office": 1}, beside_share=0.85),
)
_OF_COUNTRIES = (  # a topic of ``local`` says whose mail it is
    _notice("local", "ham", said=bodies.own, sender=senders.institution, setting=_of("account"), forwarded=0.03, files=0.15),
    _trick("pose", "phish", said=bodies.own, sender=senders.impostor, setting=_of("account"),
           forwarded=0.03, files=0.15, odd_files=0.6),
    _letter("errand", "ham", said=letters.own, forwarded=0.04, files=0.45),
    _letter("slip", "phish", said=letters.own, sender=senders.clerk, replies=(), forwarded=0.04, files=0.4, odd_files=0.6),
)
# fmt: on

KINDS = {kind.name: kind for kind in (*_HONEST, *_BAD, *_OF_COUNTRIES)}
HONEST = {kind.name: kind.weight for kind in _HONEST}
BAD = {kind.name: kind.weight for kind in _BAD}
DROWNED = frozenset(kind.name for kind in _BAD if kind.drowned)
