"""Settings of what happens to mail that fails, waits or comes back; and what every section of the settings is."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Tier = Literal["1m", "5m", "20m", "1h", "3h", "8h"]
Reach = Literal["global", "tenant", "lane"]


class Section(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RetrySection(Section):
    """When mail that waits is tried again, and when it is given up."""

    max_age_s: int = Field(432_000, ge=60, description="standard and bulk mail is given up this long after acceptance")
    transactional_max_age_s: int = Field(21_600, ge=60, description="the same for transactional mail")
    tiers: tuple[Tier, ...] = Field(
        ("1m", "5m", "20m", "1h", "3h", "8h"), min_length=1, description="delays, each once, then the last one again"
    )
    greylisting_start: Tier = Field("1m", description="first delay after greylisting")
    rate_start: Tier = Field("5m", description="first delay after too many messages or connections")
    block_start: Tier = Field("1h", description="first delay after a block or a refusal by policy that is temporary")
    quota_start: Tier = Field("1h", description="first delay after a full mailbox")


class DsnSection(Section):
    """Reports to senders (RFC 3461, RFC 3464)."""

    delay_after_s: int = Field(14_400, ge=60, description="a delay is reported after this, to senders that ask for it")
    returned_octets: int = Field(
        50_000, ge=0, le=500_000, description="RET=FULL returns a message of at most this; else its header"
    )


class BounceSection(Section):
    """Where reports and complaints about our mail come in."""

    domain: str = Field(
        "", description="our reverse-paths are b-…@ this domain, whose MX is gateway.smtp_port; empty: the senders' own"
    )


class SuppressionSection(Section):
    """Whom no mail is sent to any more. Complaints count for good; see `fastemailnet suppression`."""

    hard_bounce_days: int = Field(
        30, ge=0, description="how long a mailbox that does not exist is not tried; 0: always tried"
    )
    hard_bounce_reach: Reach = Field(
        "global", description="for which mail that counts: global, tenant, or the tenant's lane"
    )
    complaint_reach: Reach = Field(
        "tenant", description="for which mail a complaint counts: global, tenant, or the tenant's lane"
    )


class UnsubscribeSection(Section):
    """One-click unsubscription of bulk mail (RFC 8058)."""

    url: str = Field(
        "",
        max_length=300,
        pattern=r"^$|^https://[A-Za-z0-9._~:/%@\[\]-]+$",
        description="https URL at which the world reaches /v1/unsubscribe/ of the gateway, without that path; empty: nothing is added",
    )
