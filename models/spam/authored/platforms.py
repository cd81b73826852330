"""Where mail that asks for help comes from and its links go: the organisation, what sends and counts for it, what collects for it.

Much of it never names its organisation in a host: a consultancy sends it, a counter takes the clicks, a platform the gifts. Half of
the honest mail comes from such hosts, and most of its links go there, so that a strange host alone says nothing of honesty.
"""

from random import Random

from models.spam.authored import links, names
from models.spam.authored.names import Brand
from models.spam.authored.writer import Writer

_PLATFORMS = {
    "election": [
        "https://secure.actblue.com/donate/{w}?refcode={t}", "https://secure.winred.com/{s}/{w}/?utm_source=email",
        "https://secure.ngpvan.com/{t}", "https://secure.anedot.com/{s}/{w}", "https://www.mobilize.us/{s}/event/{n}/",
        "https://act.myngp.com/el/{n}/{t}", "https://click.actionnetwork.org/ss/c/{t}", "https://secure.actblue.com/contribute/page/{w}",
        "https://secure.winred.com/{w}/donate?sc={w}", "https://www.efundraisingconnections.com/c/{w}", "https://{w}.revv.co/donate",
        "https://secure.piryx.com/donate/{t}/{w}", "https://donate.{w}.win/{t}", "https://numero.ai/d/{t}",
    ],
    "gift": [
        "https://www.justgiving.com/campaign/{w}", "https://donorbox.org/{s}", "https://www.gofundme.com/f/{s}-{w}",
        "https://www.paypal.com/donate?campaign_id={t}", "https://secure.everyaction.com/{t}", "https://opencollective.com/{s}",
        "https://www.betterplace.org/de/projects/{n}", "https://www.helloasso.com/associations/{s}", "https://ko-fi.com/{s}",
        "https://www.patreon.com/{s}", "https://www.kickstarter.com/projects/{s}/{w}/posts/{n}", "https://www.givelively.org/{s}",
        "https://www.zeffy.com/donation-form/{w}", "https://{s}.enthuse.com/donate", "https://secure.fundraiseup.com/{t}",
        "https://www.paypal.me/{w}", "https://buy.stripe.com/{t}", "https://www.crowdfunder.co.uk/p/{w}", "https://chuffed.org/project/{w}",
        "https://www.every.org/{s}?donateTo={w}", "https://secure.givelively.org/donate/{w}", "https://cafdonate.cafonline.org/{n}",
        "https://host.nxt.blackbaud.com/donor-form/?svcid=renxt&formId={t}", "https://secure2.convio.net/{w}/site/Donation2?df_id={n}",
        "https://www.canadahelps.org/en/dn/{n}", "https://interland3.donorperfect.net/weblink/weblink.aspx?name={w}&id={n}",
        "https://app.mobilecause.com/f/{w}/n", "https://secure.qgiv.com/for/{w}/event/{n}", "https://www.twingle.de/embed/{w}",
        "https://secure.spendenbank.de/form/{n}", "https://milaap.org/fundraisers/{w}", "https://pages.donately.com/{w}/campaign/{t}",
        "https://checkout.square.site/merchant/{t}/checkout/{w}", "https://www.teaming.net/{w}", "https://zrzutka.pl/{w}",
    ],
    "sign": [
        "https://www.change.org/p/{w}?utm_medium=email", "https://actionnetwork.org/petitions/{s}?source=email",
        "https://you.38degrees.org.uk/petitions/{w}", "https://secure.avaaz.org/campaign/en/{w}/", "https://petition.parliament.uk/petitions/{n}",
        "https://www.openpetition.de/!{w}", "https://e-activist.com/page/{n}/action/1", "https://engaging.networks.{b}/page/{n}",
        "https://p2a.co/{w}", "https://www.votervoice.net/mobile/{w}/Campaigns/{n}/Respond", "https://oneclickpolitics.global.ssl.fastly.net/{w}",
        "https://www.surveymonkey.com/r/{w}", "https://action.{w}.io/sign?akid={n}.{t}", "https://{w}.typeform.com/to/{w}",
        "https://e-petitions.{w}.org/p/{n}", "https://forms.gle/{t}", "https://new.mode.{w}.net/action/{t}", "https://act.newmode.net/action/{w}",
    ],
    "come": [
        "https://www.eventbrite.com/e/{w}-{n}", "https://zoom.us/webinar/register/WN_{t}", "https://www.meetup.com/{s}/events/{n}",
        "https://lu.ma/{w}", "https://us02web.zoom.us/j/{n}?pwd={t}", "https://www.ticketsource.co.uk/whats-on/{w}", "https://pretix.eu/{w}/{n}/",
        "https://www.mobilize.us/{w}/event/{n}/", "https://events.humanitix.com/{w}", "https://www.ticketweb.com/event/{w}/{n}",
    ],
    "vote": [
        "https://www.iwillvote.{w}.us/?source={t}", "https://vote.gov/register/{w}", "https://www.vote.org/polling-place-locator/?s={w}",
        "https://whocanivotefor.co.uk/elections/{w}", "https://www.electoralcommission.org.uk/i-am-a/voter/{w}", "https://my.voter.{w}.org/{t}",
    ],
    "help": [
        "https://www.mobilize.us/{w}/event/{n}/", "https://signup.com/go/{w}", "https://www.signupgenius.com/go/{t}", "https://forms.gle/{t}",
        "https://doodle.com/poll/{w}", "https://openfield.{w}.ai/shift/{n}", "https://chat.whatsapp.com/{t}", "https://www.callhub.io/{w}",
        "https://app.getthru.io/join/{t}", "https://{w}.scaletowin.com/texting/{n}", "https://events.democrats.{w}.org/event/{n}/",
        "https://volunteer.{w}hub.us/s/{n}",
    ],
    "poll": [
        "https://www.surveymonkey.com/r/{w}", "https://forms.gle/{t}", "https://{w}.typeform.com/to/{w}", "https://survey.alchemer.com/s3/{n}/{w}",
        "https://polls.{w}-insights.com/q/{n}?a={w}", "https://secure.{w}survey.us/{t}", "https://e.{w}research.net/vote/{n}/{t}",
        "https://docs.google.com/forms/d/e/{t}/viewform", "https://www.jotform.com/form/{n}", "https://action.{w}.io/poll/{w}?akid={n}.{t}",
    ],
    "shop": [
        "https://store.{b}/products/{w}", "https://shop.{b}/collections/{w}", "https://{s}.bigcartel.com/product/{w}", "https://www.bonfire.com/{w}/",
        "https://{s}.threadless.com/designs/{w}", "https://{s}.myshopify.com/products/{w}", "https://www.{w}printworks.com/store/{s}/{n}",
        "https://www.redbubble.com/people/{w}/shop", "https://unionmade{w}.com/{s}/{w}",
    ],
    "news": [
        "https://{b}/news/{w}", "https://www.{b}/{w}/{n}", "https://{s}.substack.com/p/{w}", "https://{s}.medium.com/{w}-{t}",
        "https://www.youtube.com/watch?v={t}", "https://issuu.com/{s}/docs/{w}", "https://www.{w}gazette.com/article/{n}",
        "https://content.govdelivery.com/accounts/{w}/bulletins/{t}", "https://conta.cc/{t}", "https://mailchi.mp/{w}/{w}-{n}",
        "https://docs.{b}/{w}.pdf", "https://www.facebook.com/{s}/posts/{n}",
    ],
}  # fmt: skip
_COUNTERS = [
    "https://click.ngpvan.com/k/{n}/{n2}/{t}", "https://click.everyaction.com/k/{n}/{n2}/{t}",
    "https://click.actionnetwork.org/ss/c/{t}",
    "https://u{n}.ct.sendgrid.net/ls/click?upn={t}", "https://{w}.list-manage.com/track/click?u={t}&id={w2}&e={w}",
    "https://r20.rs6.net/tn.jsp?f={t}", "https://{w}.cmail20.com/t/t-l-{w}-{w2}-r/", "https://t.e2ma.net/click/{w}/{w2}/{w}",
    "https://click.icptrack.com/icp/relay.php?r={n}&msgid={n2}&act={w}", "https://links.{w}digital.com/s/c/{t}",
    "https://www.e-activist.com/ea-action/broadcast.record.message.click.do?ea.url.id={n}", "https://{w}.acemlna.com/lt.php?s={t}",
    "https://link.{w}strategies.com/click/{n}.{n2}/{t}", "https://action.{w}.net/go/{n}?t={d}&akid={n2}.{n}.{w}",
    "https://nb-{w}.nationbuilder.com/r?u={t}&e={w}", "https://substack.com/redirect/{w}?j={t}", "https://e1.{w}mail.com/c/eJ{t}",
    "https://t.{w}.us/r/?id=h{w},{w2},1", "https://lnks.gd/l/{t}", "https://go.{w}news.com/u/click?_t={t}",
    "https://trk.klclick.com/ls/click?upn={t}",
    "https://click.emails.{w}.org/?qs={t}", "https://secure2.convio.net/site/R?i={t}", "https://{w}.r.sp1-brevo.net/mk/cl/f/{t}",
    "https://eu{d}.snd.click/{w}/{t}", "https://www.{w}pac.com/l/{t}", "https://rally.{w}.vote/c/{n}?s={w2}",
    "https://default.salsalabs.org/T{t}",
    "https://sable.madmimi.com/c/{n}?id={n2}.{d}.1.{w}", "https://email.mg.{w}.com/c/{t}", "https://click.{w}.email/?qs={t}",
    "https://app.getresponse.com/click.html?x=a62b&lc={w}&mc={w2}", "https://{w}.clicks.mlsend.com/tl/cl/{t}",
    "https://cts.vresp.com/c/?{w}/{w2}/{t}",
    "https://public-eur.mkt.dynamics.com/api/orgs/{t}/r/{w}", "https://trailer.web-view.net/Links/0X{t}.htm",
    "https://x.{w}.de/c/{n}/{n2}/{w}.html",
    "https://{w}.convertkit-mail.com/c/{t}", "https://click.quorum.{w}.us/f/a/{t}", "https://links.{w}.vote/e/{n}/{t}",
    "https://nl.{w}blast.com/go/{w2}/{n}", "https://r.{w}-outreach.com/mk/cl/{t}", "https://s.{w}sms.io/{n}/{w2}",
    "https://lnk.{w}-media.net/?m={n}&k={w2}", "https://url.{w}mailer.us/ss/c/u001.{t}", "https://{w}.ispgateway.email/r/{t}",
    "https://read.{w}letters.com/t/{n}/{w2}", "https://e.{w}politics.com/click/{n}.{n2}/{t}", "https://tracking.{w}crm.org/tracking/click?d={t}",
]  # fmt: skip
_MAILERS = [
    "mail.actionnetwork.org", "email.actblue.com", "emails.winred.com", "e.anedot.com", "mail.mobilize.us", "e.ngpvan.com",
    "mg.everyaction.com",
    "nationbuilder.com", "mail.change.org", "bounce.e-activist.com", "email.engagingnetworks.app", "em.luminateonline.com",
    "ccsend.com",
    "mail.salsalabs.org", "mcsv.net", "rsgsv.net", "mailchimpapp.com", "createsend.com", "e2ma.net", "shared1.ccsend.com",
    "substack.com",
    "sendgrid.net", "mailjet.com", "brevosend.com", "mailerlite.com", "bnc3.mailjet.com", "icontactmail4.com",
    "public.govdelivery.com",
    "mail.justgiving.com", "emails.gofundme.com", "patreon.com", "email.donorbox.org", "mail.raisely.com", "e.blackbaud.com",
    "getresponse-mail.com",
    "bounce.civicrm.org", "quorum.us", "lb.benchmarkemail.com", "beehiiv.com", "cleverreach.com", "rapidmail.com", "sarbacane.com",
    "mdirector.com",
    "freshmail.com", "lists.riseup.net", "voxmail.it", "acumbamail.com", "laposta.nl", "rdstation.com.br", "e-goi.com",
    "get-a-newsletter.com", "mail.numero.ai", "mail.anedot.com", "send.mailchimpapp.net", "govdelivery.com", "service.govdelivery.com",
    "em.everyaction.com", "news.civicplus.com", "em.iconstituent.com", "fireside21.com", "messages.quorum.us", "mail.callhub.io",
    "em.targetedvictory.net", "e.campaignmonitor.email", "emails.causeview.net", "ebulletin.uk.com",
]  # fmt: skip
_AGENCIES = [
    "{w}strategies.com", "{w}digital.com", "{w}-consulting.com", "{w}group.us", "{w}campaigns.co.uk", "{w}direct.com",
    "{w}data.net",
    "{w}mail.com", "{w}-news.com", "the{w}report.com", "{w}alerts.org", "{w}action.net", "{w}insider.com", "{w}voices.org",
    "{w}today.net",
    "{w}patriots.com", "{w}progress.org", "{w}majority.com", "{w}countdown.com", "{w}update.info", "{w}democracy.org",
    "{w}freedom.com", "{w}-polling.com", "{w}ballot.org", "{w}frontpage.com", "{w}communications.ca", "{w}outreach.us",
    "{w}victory.vote",
    "{w}records.info", "{w}surveys.net", "{w}-alliance.us", "{w}fundraising.co", "{w}.win", "{w}pressoffice.uk", "{w}connect.org",
]  # fmt: skip
_SECOND = [
    "team{l}.com", "{l}victoryfund.com", "{l}2026.com", "{l}forus.com", "meet{l}.com", "vote{l}.org", "{l}action.com", "win{r}.com",
    "{r}first.org",
    "{r}rising.com", "stand-with-{l}.com", "{r}-alerts.com", "{s}-mail.com", "e-{s}.com", "{s}news.com", "my{s}.email",
    "{s}-action.net",
    "{s}giving.com", "get{s}.org", "{r}values.com", "news-{r}.info", "{l}campaign.net", "{r}majority.org", "for{r}.com",
]  # fmt: skip
_WORDS = [
    "red", "blue", "north", "summit", "granite", "liberty", "harbor", "bridge", "signal", "beacon", "cardinal", "anthem",
    "frontline", "main-street",
    "grassroots", "pioneer", "compass", "rally", "torch", "civic", "common", "prairie", "eagle", "ridge", "lantern", "river",
    "bright", "union",
    "advocate", "momentum", "catalyst", "daybreak", "forward", "heartland", "keystone", "trail", "elm", "maple", "velvet", "copper",
    "anchor",
]  # fmt: skip
_ROOMS = ["act.", "action.", "donate.", "give.", "secure.", "support.", "go.", "www.", "", "my.", "join."]
_MAIL_ROOMS = ["", "", "", "e.", "mail.", "email.", "news.", "info.", "em.", "act.", "mg.", "team.", "m."]
_PAGES = [
    "donate", "give", "petition/{w}", "c/{w}", "page/{n}/donate/1", "p/{w}", "join", "{w}?utm_source=email&utm_campaign={w}",
    "?sourceid={n}",
]  # fmt: skip
_COUNTED, _COLLECTED = 0.38, 0.58  # of honest mails: links through a counter; those, or at a platform; the rest at home
_AWAY = 0.46  # of honest mails: those that come from a host of others


def settle(w: Writer) -> None:
    """Where the links of one mail go, for all of them: through a counter of clicks, to a platform, or home."""
    rng, chance = w.rng, w.rng.random()
    w.site = site(w.setting.brand, rng)
    if w.bad:
        w.service = _counter(rng) if chance < 0.15 else ""  # a stolen or bought account of a service that sends
    elif chance < _COUNTED:
        w.service = _counter(rng)
    elif chance < _COLLECTED:
        w.service = ""
        w.site = _filled(w, rng.choice(_patterns(w, "gift"))).split("/")[2]


def _counter(rng: Random) -> str:
    """A pattern of addresses at a counter that does not say whose links it counts; its own name is one for all of a mail."""
    house, other = rng.choice(_WORDS), names.random_word(rng, 4, 8)
    pattern = rng.choice(_COUNTERS)
    host, _, page = pattern.removeprefix("https://").partition("/")
    word = house if rng.random() < 0.7 else other
    said = page.replace("{n2}", "{n}").replace("{d}", str(rng.randrange(2, 9)))
    return f"https://{host.replace('{w}', word).replace('{d}', '2').replace('{n}', str(rng.randrange(10**4, 10**7)))}/{said}"


def site(brand: Brand, rng: Random) -> str:
    """A host of an organisation where it collects."""
    return f"{rng.choice(_ROOMS)}{brand.host}"


def _patterns(w: Writer, kind: str) -> list[str]:
    american = (
        w.slots.get("topic") == "election"
        and kind not in ("sign", "vote", "poll", "shop", "news")
        and w.setting.lang == "en"
    )
    return _PLATFORMS["election"] if american else _PLATFORMS.get(kind, _PLATFORMS["gift"])


def _filled(w: Writer, pattern: str) -> str:
    rng, brand = w.rng, w.setting.brand
    return pattern.format(
        w=names.random_word(rng),
        t=names.token(rng, rng.choice([8, 24, 60])),
        n=rng.randrange(10**6),
        s=links.slug(brand)[:24],
        b=brand.host,
    )


def address(w: Writer, topic: str, kind: str) -> str:
    """Where a button goes: a page of the organisation or a platform that collects for it; where mail deceives, a trick."""
    rng, brand = w.rng, w.setting.brand
    if w.bad or w.service:
        return w.url()
    if not w.site.endswith(brand.host):
        return _filled(w, rng.choice(_patterns(w, kind)))
    rooms = [f"https://{room}{brand.host}/{page}" for room in rng.sample(_ROOMS, 2) for page in rng.sample(_PAGES, 2)]
    return _filled(w, rng.choice(_patterns(w, kind)) if rng.random() < 0.25 else rng.choice(rooms))


def home(brand: Brand, rng: Random) -> str:
    """A host of the organisation that sends."""
    return f"{rng.choice(_MAIL_ROOMS)}{brand.host}"


def away(w: Writer) -> str:
    """A host of others that sends for an organisation: a service, an agency, a fund of several, a second domain."""
    rng, chance = w.rng, w.rng.random()
    if chance < 0.4:
        room = rng.choice(["", "", f"{names.random_word(rng, 3, 6)}.", f"{links.slug(w.setting.brand)[:20]}."])
        return f"{room}{rng.choice(_MAILERS)}"
    if chance < 0.65:
        word = rng.choice(_WORDS) + rng.choice(["", "", rng.choice(_WORDS)])
        return rng.choice(["", "", "e.", "mail.", "em."]) + rng.choice(_AGENCIES).format(w=word)
    if chance < 0.75:
        return names.invented_brand(w.setting.lang, rng).host
    slots = {key: _slug(w.slots[name]) or rng.choice(_WORDS) for key, name in (("l", "leader"), ("r", "region"))}
    return rng.choice(["", "", "e.", "mail."]) + rng.choice(_SECOND).format(s=links.slug(w.setting.brand)[:24], **slots)


def _slug(name: str) -> str:
    return links.slug(Brand(name, "x.", False)).replace("brand", "")[:18]


def host(w: Writer) -> str:
    """The host that an organisation's mail comes from."""
    return away(w) if w.rng.random() < _AWAY else home(w.setting.brand, w.rng)
