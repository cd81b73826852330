"""Replies as the world gives them, written anew after what providers and servers publish: each with the class that it comes to."""

import pytest

from fastemailnet.outcome import BounceClass, Kind
from fastemailnet.smtp.bounce_rules import STATUS, TEXT
from fastemailnet.smtp.classify import Phase, bounce_class, by_reply
from fastemailnet.smtp.reply import ReplyParser

C = BounceClass
REPLIES = {
    C.INVALID_RECIPIENT: [
        # Gmail
        "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n"
        "550-5.1.1 double-checking the recipient's email address for typos or\r\n550 5.1.1 unnecessary spaces. x1 - gsmtp",
        # Outlook.com, Exchange Online: both misuse a code that means something else
        "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient eva@b.example not found by SMTP address lookup",
        "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [AM1.eop.example]",
        # Yahoo
        "554 delivery error: dd This user doesn't have a yahoo.example account (eva@yahoo.example) [0] - mta4.example",
        # Postfix, Exim, Sendmail, qmail, Courier, Zimbra
        "550 5.1.1 <eva@b.example>: Recipient address rejected: User unknown in local recipient table",
        "450 4.1.1 <eva@b.example>: Recipient address rejected: unverified address: Address lookup failed",
        "550 Unrouteable address",
        "550 5.1.1 <eva@b.example>... User unknown",
        "550 sorry, no mailbox here by that name. (#5.7.17)",
        "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)",
        "550 No such user here",
        "554 5.7.1 <eva@b.example>: Recipient address rejected: user eva@b.example does not exist",
        "550 #5.1.0 Address rejected.",
        "553 5.3.0 <eva@b.example>... No such user here",
        "550 Invalid recipient eva@b.example (#5.1.1)",
        "551 not our customer",
        "550 5.1.1",
        # a name within an address decides nothing
        "550 5.1.1 <spamhaus.quota@b.example> unknown",
    ],
    C.INACTIVE_MAILBOX: [
        "550 5.2.1 The email account that you tried to reach is disabled. x1 - gsmtp",
        "554 30 Sorry, your message to eva@b.example cannot be delivered. This mailbox is disabled (554.30).",
        "550 5.2.1 Mailbox eva@b.example is inactive",
        "525 5.7.13 eva",
        "550 5.1.6 recipient no longer on server: eva@b.example",
    ],
    C.QUOTA_ISSUES: [
        "452-4.2.2 The recipient's inbox is out of storage space. Please direct the\r\n452 4.2.2 recipient to the help. - gsmtp",
        "552 5.2.2 The email account that you tried to reach is over quota. - gsmtp",
        "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
        "452 4.2.2 <eva@b.example> User mailbox exceeds allowed size: over quota",
        "552 Requested mail action aborted: exceeded storage allocation",
        "422 4.2.2 The mailbox is full",
    ],
    C.RATE_LIMITED: [
        "450-4.2.1 The user you are trying to contact is receiving mail too quickly.\r\n450 4.2.1 Please resend later. - gsmtp",
        "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages. - gsmtp",
        "421 4.7.0 mta.example Error: too many connections from 192.0.2.1",
        "421 Max message per connection reached, closing transmission channel",
        "421 4.3.2 The maximum number of concurrent server connections has exceeded a limit, closing transmission channel",
        "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded",
        "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (AS77712345)",
        "450 4.7.1 Error: too much mail from 192.0.2.1; rate limit exceeded",
        "421 4.7.0 Too many messages sent to this host; slow down",
        "452 Too many emails sent in this session",
    ],
    C.GREYLISTING: [
        "450 4.2.0 <eva@b.example>: Recipient address rejected: Greylisted, see http://postgrey.example/help/b.example.html",
        "451 4.7.1 Greylisting in action, please come back later",
        "451 4.7.1 Gray-listed - please retry in 300 seconds",
        "451 Internal resources are temporarily unavailable - https://community.example/docs/DOC-1369#451",
        "451 DT:SPM greylisted, try again",
    ],
    C.SPAM_BLOCK: [
        "421-4.7.0 Our system has detected an unusual rate of\r\n421-4.7.0 unsolicited mail originating from your IP address.\r\n"
        "421 4.7.0 To protect our users, mail has been temporarily rate limited. - gsmtp",
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1",
        "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
        "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your provider since part of their "
        "network is on our block list (S3150).",
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.example",
        "550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal visit https://sender.example",
        "554 5.7.1 This message was blocked because its sender has a poor reputation",
        "421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.",
        "550 5.7.1 Mail from 192.0.2.1 has been blacklisted",
    ],
    C.SPAM_CONTENT: [
        "550-5.7.1 Our system has detected that this message is likely unsolicited mail.\r\n550 5.7.1 It has been blocked. - gsmtp",
        "554 5.7.1 Message rejected as spam by content filtering",
        "554 5.7.1 Spam message rejected",
        "550 High probability of spam",
        "554 Transaction failed: message looks like phishing",
    ],
    C.AUTHENTICATION_FAILED: [
        "550-5.7.26 Your email has been blocked because the sender is unauthenticated.\r\n"
        "550 5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM. - gsmtp",
        "550 5.7.1 Email rejected per DMARC policy for a.example",
        "550 5.7.23 The message was rejected because of Sender Policy Framework violation -> 550 5.7.23",
        "550 5.7.20 no passing signature",
    ],
    C.BAD_CONFIGURATION: [
        "530 5.7.0 Must issue a STARTTLS command first",
        "530-5.5.1 Authentication Required.\r\n530 5.5.1 Learn more. - gsmtp",
        "535 5.7.8 Error: authentication failed: generic failure",
        "530 5.7.57 Client not authenticated to send mail. [AM1.prod.example]",
        "421 4.7.0 TLS required for RCPT domain, closing connection.",
        "538 5.7.11 Encryption required for requested authentication mechanism",
    ],
    C.RELAY_DENIED: [
        "554 5.7.1 <eva@b.example>: Relay access denied",
        "550 5.7.1 Unable to relay",
        "550 relay not permitted",
        "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
    ],
    C.INVALID_SENDER: [
        "550 5.1.8 <a@nowhere.example>: Sender address rejected: Domain not found",
        "550-Verification failed for <a@a.example>\r\n550 Sender verify failed",
        "553 5.1.8 Domain of sender address does not resolve",
        "550 5.7.27 sender has null MX",
    ],
    C.BAD_DOMAIN: [
        "550 5.1.2 <eva@b.example>: Recipient address rejected: Domain not found",
        "556 5.1.10 Recipient address has null MX",
        "550 5.1.10",
        "550 no such domain here",
        "521 b.example does not accept mail",
    ],
    C.CONTENT_RELATED: [
        "552 5.3.4 Message size exceeds fixed maximum message size",
        "552-5.7.0 This message was blocked because its content presents a potential\r\n552 5.7.0 security issue: attachment. - gsmtp",
        "550-5.7.1 This message is not RFC 5322 compliant: 'From' header is missing.\r\n550 5.7.1 - gsmtp",
        "554 5.6.0 bare LF",
        "550 5.6.1",
    ],
    C.VIRUS_RELATED: ["554 5.7.1 Virus (Eicar-Test-Signature) found in message", "550 Message contains malware"],
    C.TOO_MANY_RECIPIENTS: [
        "452-4.5.3 Your message has too many recipients.\r\n452 4.5.3 - gsmtp",
        "451 4.3.0 Multiple destination domains per transaction is unsupported. Please try again.",
        "452 4.5.3",
    ],
    C.POLICY_RELATED: [
        "550 5.7.1 Rejected by recipient's administrative policy",
        "550 5.7.25 client has no PTR",
        "450 4.7.1 Client host rejected: cannot find your reverse DNS",
        "550 5.7.1 Access denied",
        "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname",
        "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; restricted group",
    ],
    C.ROUTING_ERRORS: [
        "554 5.4.6 Too many hops",
        "554 5.4.14 Hop count exceeded - possible mail loop ATTR34",
        "550 5.4.4",
    ],
    C.PROTOCOL_ERRORS: [
        "503 5.5.1 Bad sequence of commands",
        "500 Syntax error, command unrecognized",
        "555 5.5.4 what",
    ],
    C.DNS_FAILURE: ["451 4.4.3 Temporary DNS lookup failure", "450 4.4.3"],
    C.TRANSIENT_FAILURE: [
        "421 4.3.0 Temporary System Problem. Try again later - gsmtp",
        "451 4.3.0 Mail server temporarily rejected message.",
        "452 4.3.1 Insufficient system storage",
        "451 4.3.2 Please try again later",
        "450",
        "499 hm",
    ],
    C.UNCATEGORIZED: ["554 no", "599", "554 5.0.0 Transaction failed"],
}


@pytest.mark.parametrize(("said", "expected"), [(said, c) for c, replies in REPLIES.items() for said in replies])
def test_a_reply_of_the_world_has_the_class_that_its_words_mean(said: str, expected: BounceClass) -> None:
    (reply,) = ReplyParser().feed(said.encode() + b"\r\n")
    assert bounce_class(reply) is expected


def test_every_rule_decides_something() -> None:
    """A class without an example above would be a rule that nobody tried."""
    used = {rule.bounce_class for rule in TEXT} | set(STATUS.values())
    assert used - set(REPLIES) == {C.NO_ANSWER_FROM_HOST, C.BAD_CONNECTION, C.MESSAGE_EXPIRED}


@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA])
@pytest.mark.parametrize("said", REPLIES[C.BAD_CONFIGURATION])
def test_what_we_have_configured_wrong_waits_for_us(phase: Phase, said: str) -> None:
    (reply,) = ReplyParser().feed(said.encode() + b"\r\n")
    assert by_reply(0, phase, reply).kind is Kind.DEFERRED


def test_words_about_credentials_excuse_nothing_but_a_refused_mail() -> None:
    (reply,) = ReplyParser().feed(b"550 5.7.1 authentication required to write to this list\r\n")
    assert by_reply(0, Phase.MAIL, reply).kind is Kind.DEFERRED
    assert by_reply(0, Phase.RCPT, reply).kind is Kind.BOUNCED
    assert by_reply(0, Phase.END, reply).kind is Kind.BOUNCED


def test_a_full_mailbox_at_rcpt_is_no_crowd() -> None:
    full, crowd = (next(ReplyParser().feed(said)) for said in (b"552 5.2.2 full\r\n", b"552 5.5.3 too many\r\n"))
    assert by_reply(0, Phase.RCPT, full).kind is Kind.BOUNCED
    assert by_reply(0, Phase.RCPT, crowd).kind is Kind.DEFERRED
