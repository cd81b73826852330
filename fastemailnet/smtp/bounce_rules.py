"""What the replies of the world mean, as data: words first, then enhanced status codes, then codes.

Words come first because codes lie: 550 5.7.1 is "user unknown" with one provider, "blocked" with the next and "relaying denied" with
a third. Within a table the first rule that matches wins, so what is narrow stands above what is wide. Words are matched in lower
case, with white space made single and with addresses taken out (whose names must not decide anything).

Sources: the registry of RFC 5248 with RFC 3463, 6531, 6710, 7372, 7505, 8689; what Gmail (support answer 3726730), Yahoo
(senders.yahooinc.com/smtp-error-codes), Outlook.com and Exchange Online publish; the refusals of Postfix, Exim and Sendmail as
their documentation has them. The rules are our own wording.
"""

import re
from typing import Final, NamedTuple

from fastemailnet.outcome import BounceClass

C = BounceClass


class Words(NamedTuple):
    """A rule over the text of a reply whose code is of one of the classes ("4", "5" or both)."""

    bounce_class: BounceClass
    classes: str
    pattern: re.Pattern[str]


def _words(bounce_class: BounceClass, *patterns: str, classes: str = "45") -> Words:
    return Words(bounce_class, classes, re.compile("|".join(patterns)))


_WHO = r"(?:user|recipient|mailbox|mail box|address|account|alias|inbox|customer|addressee|person|local part)"
_EXIST = (
    r"(?:does(?:n.?t| not)|do not|not|cannot|could not be|couldn.t be) (?:seem to |appear to )?"
    r"(?:exist|be found|found|known|listed)"
)

TEXT: Final = (
    _words(
        C.GREYLISTING,
        r"gr[ea]y ?-?list",
        r"postgrey|milter-greylist|sqlgrey",
        r"internal resources? (?:is |are )?temporarily unavailable",  # Mimecast's word for it
        r"first (?:contact|attempt|time) .{0,40}(?:retry|again|later)",
        classes="4",
    ),
    _words(C.VIRUS_RELATED, r"\bvirus|malware|infected|\bclamav|trojan"),
    _words(
        C.AUTHENTICATION_FAILED,
        r"\b(?:spf|dkim|dmarc|sender ?id|sender policy framework)\b",
        r"unauthenticated (?:e-?mail|mail|message|sender)",
        r"message .{0,40}(?:not|lacks) .{0,10}authenticat",
    ),
    _words(
        C.BAD_CONFIGURATION,
        r"authentication (?:is )?required",
        r"must (?:first )?(?:authenticate|issue a starttls)|authenticate first|use smtp auth",
        r"client (?:was|is) not authenticated",
        r"(?:starttls|tls|encryption|encrypted connection) (?:is )?(?:required|needed|mandatory)",
        r"(?:authentication|credentials?|password|username).{0,30}(?:invalid|failed|unsuccessful|not accepted|incorrect)",
    ),
    _words(
        C.SPAM_BLOCK,
        r"spamhaus|spamcop|sorbs|barracuda(?:central| reputation)|invaluement|cloudmark|senderbase|senderscore|abusix|uceprotect",
        r"\b(?:dns)?(?:bl|rbl|dbl|zen|sbl|xbl|pbl)\b",
        r"(?:black|block|deny) ?-?list",
        r"(?:ip|network|host|address|domain|server|helo).{0,40}(?:is|has been|was|are) (?:listed|blocked|banned)",
        r"\breputation\b|user complaints|unexpected volume|unusual(?:ly high)? (?:rate|amount|volume|traffic)",
        r"\bts[st]?0[0-9]\b|permanently deferred",
        r"(?:client host|connection|traffic|access|ip|mail) .{0,60}(?:blocked|banned) ?(?:using|by|due|because|for|from)?",
        r"banned sending|access denied, (?:banned|traffic)|known spam(?:mer| source)|part of their network is on our",
    ),
    _words(
        C.SPAM_CONTENT,
        r"(?:looks like|considered|(?:classified|detected|identified|rejected) as|likely|possibl[ey]|suspected|appears to be) "
        r".{0,20}(?:spam|unsolicited|phish|junk|bulk)",
        r"\bspam\b.{0,30}(?:detected|content|score|message|mail|rejected|filter)",
        r"(?:content|message|mail).{0,30}(?:objectionable|undesirable|triggered .{0,20}filter)",
        r"phishing|unsolicited (?:e-?mail|mail|message|bulk)|high probability of spam|\bspam\b",
    ),
    _words(
        C.TOO_MANY_RECIPIENTS,
        r"too many recipients|recipients? (?:limit|count) (?:exceeded|reached)|number of recipients",
        r"multiple destination domains|separate transaction",
    ),
    _words(
        C.RATE_LIMITED,
        r"too many (?:\w+ ){0,2}(?:connections|messages|e-?mails|mails|sessions|connects|errors|attempts|concurrent|simultaneous)",
        r"rate[ -]?limit|throttl|over(?: the)? rate|\brate\b.{0,30}(?:exceed|prevent|too high)|(?:sending|connecting) rate",
        r"(?:send|sent|sending|receiving|received) .{0,30}too (?:quickly|fast|many|much|often|frequently)",
        r"(?:connections?|messages?|session)\b.{0,30}limit.{0,20}(?:reached|exceeded)",
        r"max(?:imum)? (?:number of )?(?:concurrent |simultaneous )?(?:\w+ )?(?:connections|messages?)\b(?! size)",
        r"(?:hourly|daily|sending) (?:limit|quota)",
        r"exceeded .{0,40}(?:per (?:hour|day|minute|connection)|limit of (?:messages|connections))",
        r"server (?:is )?busy|slow down|mail flood|thread limit",
    ),
    _words(
        C.QUOTA_ISSUES,
        r"over ?-?quota|quota (?:is |has been |was )?(?:exceed|full|reached)|exceed\w* .{0,30}quota|out of (?:quota|storage)",
        r"(?:mailbox|mail box|inbox|account|folder|maildir) .{0,20}(?:is |are )?(?:full|over|too large)",
        r"mailbox size limit|exceeded storage allocation|storage (?:limit|quota|allocation)|insufficient .{0,20}mailbox",
    ),
    _words(
        C.CONTENT_RELATED,
        r"message .{0,30}(?:too (?:large|big|long)|size|exceeds)|size .{0,30}(?:exceed|limit|too)|too (?:large|big) (?:message|mail)",
        r"attachment|(?:header|line|mime|message-id|date) .{0,30}(?:missing|invalid|malformed|too long|duplicate|multiple|not valid)",
        r"(?:missing|invalid|malformed|duplicate|multiple|illegal) .{0,30}(?:header|mime|message-id|line)",
        r"rfc ?-?5322|rfc ?-?2822|rfc ?-?822|bare (?:lf|cr|newline|linefeed)|8-?bit|not (?:rfc )?compliant",
    ),
    _words(
        C.RELAY_DENIED,
        r"\brelay(?:ing)?\b.{0,20}(?:denied|not (?:permitted|allowed)|prohibit|disallow|restrict|attempt)",
        r"(?:unable|not (?:permitted|allowed|authorized)|do(?:n.t| not)) (?:to )?relay|rcpthosts|not a (?:mail )?relay",
    ),
    _words(
        C.INVALID_SENDER,
        r"sender (?:address |verify |verification )?(?:rejected|failed|unknown|invalid|denied|is not|not)",
        r"sender .{0,20}domain .{0,40}(?:exist|found|resolve|valid|mx)|domain of sender|(?:invalid|bad|unknown|unverifiable) sender",
        r"mail from .{0,40}(?:not exist|invalid|does not resolve|rejected)|return path|sender .{0,20}null mx",
    ),
    _words(
        C.INACTIVE_MAILBOX,
        rf"{_WHO}.{{0,60}}\b(?:disabled|inactive|suspended|deactivated|de-activated|locked|closed|terminated|discontinued|dormant|blocked)",
        rf"(?:disabled|inactive|suspended|closed|expired) (?:recipient|mailbox|account|user)|{_WHO}.{{0,40}}no longer",
    ),
    _words(
        C.BAD_DOMAIN,
        r"(?:no such|unknown|unrecognized|invalid|bad) (?:recipient |destination )?(?:domain|host)\b",
        r"(?:domain|host) .{0,30}(?:does(?:n.t| not) (?:exist|accept|receive)|not (?:found|exist|hosted|handled|accept)|unknown)",
        r"null mx|does not accept mail|domain .{0,30}not .{0,20}served",
    ),
    _words(
        C.INVALID_RECIPIENT,
        rf"(?:no such|unknown|invalid|non-?existent|unrouteable|undeliverable|bad|illegal|wrong|incorrect) .{{0,20}}{_WHO}",
        rf"{_WHO}.{{0,80}}{_EXIST}",
        rf"{_WHO}.{{0,40}}(?:unknown|invalid|not valid|undeliverable|not recogni[sz]ed|not our customer|not local)",
        r"recipient (?:address )?rejected: (?:access denied|unknown|undeliverable|user|unverified|not)",
        r"recipientnotfound|recipnotfound|not found by smtp address lookup",
        r"no (?:mailbox|mail box|user|account|person|recipient|valid recipients?)\b|not a valid (?:user|recipient|mailbox|address)",
        rf"(?:user|email|account|mailbox).{{0,40}}you tried to reach.{{0,40}}{_EXIST}|does(?:n.t| not) have an? .{{0,30}}account",
        r"delivery error: dd|this user|user unknown|unknown user|address unknown|not known here|mailbox unavailable|mailbox not found",
    ),
    _words(
        C.ROUTING_ERRORS,
        r"\bloop|too many hops|hop ?count|too many received|no route",
    ),
    _words(C.MESSAGE_EXPIRED, r"(?:message|mail|delivery time) .{0,30}expired|too old"),
    _words(
        C.POLICY_RELATED,
        r"reverse dns|\bptr\b|\brdns\b|fcrdns|\bhelo\b|\behlo\b",
        r"polic(?:y|ies)|administrative(?:ly)? |prohibit|(?:not|un)[ -]?(?:allowed|permitted|authori[sz]ed|accepted)",
        r"access denied|rejected by (?:the )?(?:recipient|admin|user|rule)|restricted|not in (?:white|allow)list",
    ),
    _words(
        C.DNS_FAILURE,
        r"\bdns\b|name ?server|(?:could not|cannot|unable to) resolve|\bmx\b.{0,20}(?:lookup|record)",
    ),
    _words(
        C.PROTOCOL_ERRORS,
        r"syntax|bad sequence|out of sequence|command .{0,20}(?:not|un)|unrecogni[sz]ed command|protocol|pipelin|nested mail",
    ),
    _words(
        C.TRANSIENT_FAILURE,
        r"try (?:again|later)|tempor(?:ary|arily)|later|resources|local (?:problem|error)|time-?out",
        r"service (?:is )?(?:not |un)available",
        classes="4",
    ),
)

# By subject and detail of the enhanced status code; (subject, None) is for the details that are not named (RFC 3463 section 3).
STATUS: Final[dict[tuple[int, int | None], BounceClass]] = {
    (1, 1): C.INVALID_RECIPIENT,
    (1, 2): C.BAD_DOMAIN,
    (1, 3): C.INVALID_RECIPIENT,
    (1, 4): C.INVALID_RECIPIENT,
    (1, 6): C.INACTIVE_MAILBOX,
    (1, 7): C.INVALID_SENDER,
    (1, 8): C.INVALID_SENDER,
    (1, 10): C.BAD_DOMAIN,  # RFC 7505
    (1, None): C.INVALID_RECIPIENT,
    (2, 1): C.INACTIVE_MAILBOX,
    (2, 2): C.QUOTA_ISSUES,
    (2, 3): C.CONTENT_RELATED,
    (2, 4): C.INVALID_RECIPIENT,
    (2, None): C.INVALID_RECIPIENT,
    (3, 3): C.PROTOCOL_ERRORS,
    (3, 4): C.CONTENT_RELATED,
    (3, 5): C.BAD_CONFIGURATION,
    (3, None): C.TRANSIENT_FAILURE,
    (4, 1): C.NO_ANSWER_FROM_HOST,
    (4, 2): C.BAD_CONNECTION,
    (4, 3): C.DNS_FAILURE,
    (4, 4): C.ROUTING_ERRORS,
    (4, 5): C.RATE_LIMITED,
    (4, 6): C.ROUTING_ERRORS,
    (4, 7): C.MESSAGE_EXPIRED,
    (4, None): C.TRANSIENT_FAILURE,
    (5, 3): C.TOO_MANY_RECIPIENTS,
    (5, None): C.PROTOCOL_ERRORS,
    (6, None): C.CONTENT_RELATED,
    (7, 8): C.BAD_CONFIGURATION,  # credentials, RFC 4954
    (7, 9): C.BAD_CONFIGURATION,
    (7, 11): C.BAD_CONFIGURATION,
    (7, 12): C.BAD_CONFIGURATION,
    (7, 13): C.INACTIVE_MAILBOX,  # RFC 5248 section 2.4
    (7, 17): C.INVALID_RECIPIENT,  # RFC 7293: the mailbox has another owner
    (7, 18): C.BAD_DOMAIN,
    (7, 20): C.AUTHENTICATION_FAILED,  # RFC 7372
    (7, 21): C.AUTHENTICATION_FAILED,
    (7, 22): C.AUTHENTICATION_FAILED,
    (7, 23): C.AUTHENTICATION_FAILED,
    (7, 24): C.AUTHENTICATION_FAILED,
    (7, 25): C.POLICY_RELATED,  # reverse DNS
    (7, 26): C.AUTHENTICATION_FAILED,
    (7, 27): C.INVALID_SENDER,  # RFC 7505
    (7, 28): C.RATE_LIMITED,  # mail flood
    (7, 57): C.BAD_CONFIGURATION,  # Exchange: client was not authenticated
    (7, None): C.POLICY_RELATED,
}

# By code alone (RFC 5321 section 4.2.2, RFC 4954, RFC 7504), for replies that say nothing else.
CODES: Final = {
    421: C.TRANSIENT_FAILURE,
    450: C.TRANSIENT_FAILURE,
    451: C.TRANSIENT_FAILURE,
    452: C.TRANSIENT_FAILURE,
    454: C.BAD_CONFIGURATION,
    500: C.PROTOCOL_ERRORS,
    501: C.PROTOCOL_ERRORS,
    502: C.PROTOCOL_ERRORS,
    503: C.PROTOCOL_ERRORS,
    504: C.PROTOCOL_ERRORS,
    521: C.BAD_DOMAIN,  # the host takes no mail
    550: C.INVALID_RECIPIENT,
    551: C.INVALID_RECIPIENT,
    552: C.QUOTA_ISSUES,
    553: C.INVALID_RECIPIENT,
    555: C.PROTOCOL_ERRORS,
    556: C.BAD_DOMAIN,  # RFC 7504: the domain takes no mail
}

# Codes that ask us for credentials or TLS, whatever else is said (RFC 4954, RFC 3207): our configuration, not the mail.
ASKS_OF_US: Final = frozenset({530, 534, 535, 538})
