"""What the gateway's SMTP listener decides: who may relay, which addresses can be carried, what is answered.

A transaction id (CHECKPOINT, RFC 1845) is an idempotency key, unless the message brings one of its own: who got no reply sends the
message again under the same id and hears what it was queued as. The gateway keeps no content, so it never answers 355.
"""

import re
from collections.abc import Mapping
from typing import Final

from actors.feedback import FeedbackDesk
from actors.log_ins import LogIns
from actors.submissions import Submissions
from fastemailnet.admission.lane import wishes
from fastemailnet.admission.networks import Networks
from fastemailnet.admission.submission import DEFAULT_TENANT, Submission
from fastemailnet.admission.tenants import Tenant, digest_of
from fastemailnet.envelope import Reporting, TlsWish
from fastemailnet.errors import (
    AddressError,
    DailyExceeded,
    FastEmailNetError,
    IdempotencyConflict,
    LimitExceeded,
    LogInsBarred,
    MessageError,
    RateExceeded,
    SenderDenied,
)
from fastemailnet.message.address import parse_recipient, parse_reverse_path
from fastemailnet.outcome import Reply
from fastemailnet.smtp.auth import Refused, Verdict
from fastemailnet.smtp.effects import Envelope

MAX_TEXT_CHARACTERS: Final = 400
TRANSACTION_KEY: Final = "transid:"  # apart from the keys that senders choose
_UNFIT = re.compile(r"[^ -~]")
_WITHDRAWN = Reply(535, (5, 7, 8), "the key is not valid any more")
_AGAIN = Reply(451, (4, 3, 0), "the queue cannot be written now; try again later")


class SubmissionPolicy:
    """A policy of ``net.server.SmtpServer``: of whoever connects, or, made by ``log_in``, of a tenant."""

    def __init__(
        self,
        submissions: Submissions,
        networks: Networks,
        desk: FeedbackDesk,
        log_ins: LogIns,
        *,
        can_log_in: bool = False,
        digest: bytes = b"",
    ) -> None:
        """``can_log_in``: whether a stranger may find AUTH offered; ``digest``: of the key by which the session was logged in."""
        self.submissions = submissions
        self.networks = networks
        self.desk = desk
        self.log_ins = log_ins
        self.can_log_in = can_log_in
        self.digest = digest

    def log_in(self, user: str, key: str, peer: str) -> "SubmissionPolicy | Refused":
        """The policy of a tenant who gives the tenant's name and a key of it; what is said where they do not belong together."""
        try:
            tenant = self.log_ins.tenant(key, peer, user)
        except LogInsBarred as error:
            return Reply(421, (4, 7, 0), text(error))
        if tenant is None:
            return Verdict.WRONG
        return SubmissionPolicy(self.submissions, self.networks, self.desk, self.log_ins, digest=digest_of(key))

    def _tenant(self, peer: str) -> Tenant | Reply:
        """Whose mail it is, or why nobody's is taken. Asked anew at every command: a key may be withdrawn meanwhile."""
        tenants = self.submissions.tenants()
        if self.digest:
            return tenants.of_digest(self.digest) or _WITHDRAWN
        if self.networks.allow(peer):
            return tenants.named(DEFAULT_TENANT) or Tenant(DEFAULT_TENANT)
        return authentication_required(peer) if self.can_log_in else relaying_denied(peer)

    async def sender(self, address: str, params: Mapping[str, str], peer: str) -> Reply | None:
        """Refuse strangers, unless they may bring something back, and reverse-paths that are none, or not the tenant's."""
        tenant = self._tenant(peer)
        if isinstance(tenant, Reply) and (self.digest or not self.desk.domain):
            return tenant
        try:
            parse_reverse_path(address)
            if isinstance(tenant, Tenant) and not self._may_bring_back():
                tenant.refuse_sender(address)
                if "TRANSID" not in params:  # what has an id may have been taken before, and is to hear so
                    self._refuse_now(tenant)
        except AddressError as error:
            return Reply(553, (5, 1, 7), text(error))
        except (SenderDenied, RateExceeded) as error:
            return refusal(error)
        return None

    def _may_bring_back(self) -> bool:
        """Whether it may be a report: that is known by the recipient alone, and is nobody's mail. What is mail hears at its end."""
        return bool(self.desk.domain) and not self.digest

    def _refuse_now(self, tenant: Tenant) -> None:
        """Refuse by the rate before the message is transmitted. The day's number only once it is known what is repeated in it."""
        if self.submissions.quotas is not None:
            self.submissions.quotas.refuse_now(tenant)

    async def recipient(self, address: str, params: Mapping[str, str], peer: str) -> Reply | None:
        """Refuse what is no address, and to strangers every address but those that we send by."""
        try:
            parse_recipient(address)
        except AddressError as error:
            return Reply(553, (5, 1, 3), text(error))
        if self.desk.is_ours(address):
            return None if self.desk.is_known(address) else Reply(550, (5, 1, 1), "no mail was sent by this address")
        tenant = self._tenant(peer)
        return tenant if isinstance(tenant, Reply) else None

    async def message(self, envelope: Envelope, content: bytes, peer: str) -> Reply:
        """Take the message; the reply is given after it is durable. What came back is read, the rest is sent on."""
        back = [address for address in envelope.recipients if self.desk.is_ours(address)]
        if back:
            return await self._back(envelope, content, back)
        tenant = self._tenant(peer)
        if isinstance(tenant, Reply):
            return tenant
        submission = Submission(
            content,
            envelope.reverse_path,
            tuple(envelope.recipients),
            tenant=tenant.name,
            idempotency_key=transaction_key(envelope, content),
            reporting=reporting(envelope.parameters),
            wishes=tuple((wish.get("NOTIFY", "").upper(), wish.get("ORCPT", "")) for wish in envelope.wishes),
            tls=TlsWish.REQUIRED if "REQUIRETLS" in envelope.parameters else TlsWish.DEFAULT,
        )
        try:
            accepted = await self.submissions.submit(submission)
        except FastEmailNetError as error:
            return refusal(error)
        return Reply(250, (2, 0, 0), f"Ok: queued as {accepted.id}")

    async def _back(self, envelope: Envelope, content: bytes, back: list[str]) -> Reply:
        if len(back) < len(envelope.recipients):
            return Reply(451, (4, 5, 3), "send what comes back apart from other mail")
        try:
            taken = await self.desk.take(content, back)
        except FastEmailNetError as error:
            return refusal(error)
        return Reply(250, (2, 0, 0), f"Ok: {taken.kind}")


def authentication_required(peer: str) -> Reply:
    """The refusal of a stranger who may log in (RFC 4954 section 6)."""
    return Reply(
        530, (5, 7, 0), f"authentication required: STARTTLS and AUTH; {peer} is in none of gateway.relay_networks"
    )


def relaying_denied(peer: str) -> Reply:
    """The refusal of a stranger."""
    return Reply(550, (5, 7, 1), f"relaying denied: {peer} is in none of gateway.relay_networks")


def reporting(parameters: Mapping[str, str]) -> Reporting | None:
    """What MAIL asks of reports (RFC 3461), if anything."""
    ret, envid = parameters.get("RET", "").upper(), parameters.get("ENVID", "")
    return Reporting(ret, envid) if ret or envid else None


def transaction_key(envelope: Envelope, content: bytes) -> str:
    """The key by which a repeated transaction is known, or "" where there is no transaction id or the message has its own key."""
    transid = envelope.transid
    if not transid or wishes(content.partition(b"\r\n\r\n")[0]).idempotency_key:
        return ""
    return f"{TRANSACTION_KEY}<{transid}>"


def refusal(error: FastEmailNetError) -> Reply:
    """How SMTP says what an error says (RFC 5321 section 4.2, RFC 3463)."""
    match error:
        case AddressError():
            return Reply(553, (5, 1, 3), text(error))
        case MessageError():
            return Reply(554, (5, 6, 0), text(error))
        case IdempotencyConflict():
            return Reply(554, (5, 7, 1), text(error))
        case SenderDenied():
            return Reply(550, (5, 7, 1), text(error))
        case RateExceeded():
            return Reply(451, (4, 7, 1), text(error))
        case DailyExceeded():
            return Reply(452, (4, 5, 3), text(error))
        case LimitExceeded():
            return Reply(451, (4, 3, 2), text(error))
        case _:
            return _AGAIN


def text(error: FastEmailNetError) -> str:
    """The error's text as one line of printable ASCII."""
    return _UNFIT.sub("?", str(error))[:MAX_TEXT_CHARACTERS]
