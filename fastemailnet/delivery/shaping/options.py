"""Every option that a block of a shaping file may have: how its value is read, and what is made of it here.

All of KumoMTA's egress path options are here, so that its files are read as they are. What our engine does in its own way, or for
the whole fleet, is read, checked and told (``Option.instead``), never silently heeded or refused.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.delivery.shaping.limits import parse_duration, parse_limit, parse_rate

TLS = {  # KumoMTA's names. Its Opportunistic refuses a certificate that is not valid; ours prefers encryption to none
    "Opportunistic": TlsPolicy.OPPORTUNISTIC,
    "OpportunisticInsecure": TlsPolicy.OPPORTUNISTIC,
    "Required": TlsPolicy.REQUIRED,
    "RequiredInsecure": TlsPolicy.ENCRYPT,
    "Disabled": TlsPolicy.NONE,
}
MAX_PORT = 65_535
Read = Callable[[Any], Any]


def _rate(given: Any) -> Any:
    if not isinstance(given, str):
        raise ValueError('must be a rate such as "100/min"')
    return parse_rate(given)


def _limit(given: Any) -> int:
    if not isinstance(given, str | int) or isinstance(given, bool):
        raise ValueError("must be a number of at least 1")
    return parse_limit(given)


def _duration(given: Any) -> float:
    if not isinstance(given, str | int | float) or isinstance(given, bool):
        raise ValueError('must be a duration such as "90m"')
    return parse_duration(given)


def _truth(given: Any) -> bool:
    if not isinstance(given, bool):
        raise ValueError("must be true or false")
    return given


def _count(given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < 0:
        raise ValueError("must be a number")
    return given


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("must be a text")
    return given


def _texts(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise ValueError("must be a list of texts")
    return tuple(given)


def _port(given: Any) -> int:
    if not 0 < _count(given) <= MAX_PORT:
        raise ValueError(f"must be 1 to {MAX_PORT}")
    return int(given)


def _key_source(given: Any) -> Any:
    if not isinstance(given, str | dict):
        raise ValueError("must be the name of a file, or a table that says where the key is")
    return given if isinstance(given, str) else tuple(sorted(given))


def _one_of(*names: str) -> Read:
    def read(given: Any) -> str:
        if given not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return str(given)

    return read


def _tls(given: Any) -> TlsPolicy:
    return TLS[_one_of(*TLS)(given)]


def _named(read: Read) -> Read:
    def each(given: Any) -> tuple[tuple[str, Any], ...]:
        if not isinstance(given, dict):
            raise ValueError('must be a table of names, as in {"a" = 10}')
        return tuple((name, read(value)) for name, value in given.items())

    return each


@dataclass(frozen=True, slots=True)
class Option:
    """One option. ``instead``: why it is not heeded and what does its work here; "" where it is heeded."""

    read: Read
    instead: str = ""


_TIMES_OUT = "time-outs are RFC 5321's (section 4.5.3.2)"
_ONE_ENGINE = "this engine has no such choice"
_NO_SOURCES = "the fleet has one source; shaping.source names it"
_memory = _one_of("ShrinkDataAndMeta", "ShrinkData", "NoShrink")
_wake_up = _one_of("Aggressive", "Relaxed")

HEEDED = {
    "connection_limit": Option(_limit),
    "max_deliveries_per_connection": Option(_limit),
    "max_connection_rate": Option(_rate),
    "max_message_rate": Option(_rate),
    "idle_timeout": Option(_duration),
    "enable_tls": Option(_tls),
}
NOT_HEEDED = {
    "additional_connection_limits": Option(_named(_limit), "limits that sites share are the provider's here"),
    "additional_message_rate_throttles": Option(_named(_rate), "limits that sites share are the provider's here"),
    "source_selection_rate": Option(_rate, _NO_SOURCES),
    "additional_source_selection_rates": Option(_named(_rate), _NO_SOURCES),
    "provider_source_selection_rate": Option(_rate, _NO_SOURCES),
    "provider_name": Option(_text, "a provider's name is its block's"),
    "enable_mta_sts": Option(_truth, "tls.mta_sts says so for all mail"),
    "enable_dane": Option(_truth, "tls.dane says so for all mail"),
    "opportunistic_tls_reconnect_on_failed_handshake": Option(_truth, "done in any case, where plain text is allowed"),
    "remember_broken_tls": Option(_duration, "tls.broken_s says so for all mail"),
    "enable_pipelining": Option(_truth, "used where it is offered"),
    "enable_rset": Option(_truth, "sent where a transaction was given up"),
    "tls_prefer_openssl": Option(_truth, _ONE_ENGINE),
    "tls_certificate": Option(_key_source, "no certificate of ours is shown"),
    "tls_private_key": Option(_key_source, "no certificate of ours is shown"),
    "openssl_cipher_list": Option(_text, "ciphers are the TLS library's"),
    "openssl_cipher_suites": Option(_text, "ciphers are the TLS library's"),
    "openssl_options": Option(_text, "ciphers are the TLS library's"),
    "rustls_cipher_suites": Option(_texts, "ciphers are the TLS library's"),
    "connect_timeout": Option(_duration, _TIMES_OUT),
    "banner_timeout": Option(_duration, _TIMES_OUT),
    "ehlo_timeout": Option(_duration, _TIMES_OUT),
    "mail_from_timeout": Option(_duration, _TIMES_OUT),
    "rcpt_to_timeout": Option(_duration, _TIMES_OUT),
    "data_timeout": Option(_duration, _TIMES_OUT),
    "data_dot_timeout": Option(_duration, _TIMES_OUT),
    "rset_timeout": Option(_duration, _TIMES_OUT),
    "starttls_timeout": Option(_duration, _TIMES_OUT),
    "auth_timeout": Option(_duration, _TIMES_OUT),
    "system_shutdown_timeout": Option(_duration, "a node that stops ends its transactions first"),
    "dispatcher_progress_watchdog_timeout": Option(_duration, "a node without progress loses its leases"),
    "max_ready": Option(_count, "mail waits in the log; nothing is loaded before its turn"),
    "consecutive_connection_failures_before_delay": Option(
        _count, "a host that answers nobody is paused after one cohort of tries (delivery.pause_first_s)"
    ),
    "smtp_port": Option(_port, "route.port, or a route of the domain's own in route.table"),
    "smtp_auth_plain_username": Option(_text, "route.username"),
    "smtp_auth_plain_password": Option(_key_source, "route.password_file"),
    "allow_smtp_auth_plain_without_tls": Option(_truth, "a password is never sent in plain text"),
    "allow_smtp_auth_plain_without_valid_certificate": Option(_truth, "route.tls says so"),
    "max_recipients_per_batch": Option(_count, "the recipients of a message at a domain go together"),
    "prohibited_hosts": Option(_texts, "loopback is never a mail host (route.allow_loopback)"),
    "skip_hosts": Option(_texts, "route.families"),
    "ip_lookup_strategy": Option(
        _one_of("Ipv4Only", "Ipv6Only", "Ipv4AndIpv6", "Ipv6ThenIpv4", "Ipv4ThenIpv6"), "route.families"
    ),
    "ehlo_domain": Option(_text, "gateway.hostname"),
    "aggressive_connection_opening": Option(_truth, _ONE_ENGINE),
    "refresh_interval": Option(_duration, "files are read at the start"),
    "refresh_strategy": Option(_one_of("Ttl", "Epoch"), "files are read at the start"),
    "dispatcher_wakeup_strategy": Option(_wake_up, _ONE_ENGINE),
    "maintainer_wakeup_strategy": Option(_wake_up, _ONE_ENGINE),
    "use_lmtp": Option(_truth, "LMTP is not spoken"),
    "reconnect_strategy": Option(
        _one_of("TerminateSession", "ReconnectSameHost", "ConnectNextHost"), "the next host is tried"
    ),
    "try_next_host_on_transport_error": Option(_truth, "never behind MAIL: the next attempt may be another host's"),
    "readyq_pool_name": Option(_text, _ONE_ENGINE),
    "low_memory_reduction_policy": Option(_memory, _ONE_ENGINE),
    "no_memory_reduction_policy": Option(_memory, _ONE_ENGINE),
    "ignore_8bit_checks": Option(_truth, "8-bit content is never sent to a host that does not take it"),
}
PATH: Mapping[str, Option] = {**HEEDED, **NOT_HEEDED}
PROVIDER: Mapping[str, Option] = {
    **PATH,
    "provider_connection_limit": Option(_limit),
    "provider_max_message_rate": Option(_rate),
    "provider_max_connection_rate": Option(_rate),  # ours; KumoMTA has no such option
}
FIELDS = {"idle_timeout": "idle_timeout_s", "enable_tls": "tls"}  # of ``Shape``, where the name is not the option's


def nearest(name: str, known: Mapping[str, object]) -> str:
    """The name that was probably meant; "" if none is alike."""
    return next(iter(difflib.get_close_matches(name, list(known), 1)), "")
