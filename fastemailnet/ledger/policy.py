"""Whom a verifier trusts (C2SP tlog-policy): logs, witnesses, and the quorum of witnesses that must have cosigned."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fastemailnet.errors import ProofError
from fastemailnet.ledger.note import COSIGNATURE_V1, ED25519, VerifierKey, parse_verifier_key

MAX_POLICY_LINES = 1_000
NO_QUORUM = "none"


class Group(NamedTuple):
    """So many of these witnesses or groups."""

    threshold: int
    members: tuple[str, ...]


class Policy(NamedTuple):
    """What must have signed a checkpoint."""

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, VerifierKey]
    groups: Mapping[str, Group]
    quorum: str

    def cosigned(self, signers: Iterable[VerifierKey]) -> bool:
        """Whether these signers make the quorum."""
        keys = set(signers)
        names = {name for name, key in self.witnesses.items() if key in keys}
        return self._holds(self.quorum, names)

    def _holds(self, name: str, signed: set[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name == NO_QUORUM or name in signed
        return sum(self._holds(member, signed) for member in group.members) >= group.threshold


def of_log(key: VerifierKey) -> Policy:
    """The policy that trusts one log and asks for no witness: its receipts are self-attested."""
    return Policy((key,), {}, {}, NO_QUORUM)


def render(key: VerifierKey) -> str:
    """The policy file that a log without witnesses publishes."""
    return f"log {key}\nquorum {NO_QUORUM}\n"


def parse(text: str) -> Policy:
    """The policy in a file's text; a lone vkey is the policy ``of_log``.

    Raises:
        ProofError: a line breaks a rule of tlog-policy; the text names it.
    """
    if "\n" not in text and " " not in text:
        return of_log(_log_key(text))
    logs: list[VerifierKey] = []
    witnesses: dict[str, VerifierKey] = {}
    groups: dict[str, Group] = {}
    quorums: list[str] = []
    lines = text.split("\n")
    if len(lines) > MAX_POLICY_LINES:
        raise ProofError(f"policy: more than {MAX_POLICY_LINES} lines")
    for line in lines:
        match re.split(r"[ \t]+", line.strip(" \t")):
            case [""]:
                continue
            case [word, *_] if word.startswith("#"):
                continue
            case ["log", key] | ["log", key, _]:
                logs.append(_log_key(key))
            case ["witness", name, key] | ["witness", name, key, _] if _is_new(name, witnesses, groups):
                witnesses[name] = _witness_key(key)
            case ["group", name, threshold, *members] if members and _is_new(name, witnesses, groups):
                groups[name] = _group(threshold, tuple(members), witnesses, groups)
            case ["quorum", name] if name in witnesses or name in groups or name == NO_QUORUM:
                quorums.append(name)
            case _:
                raise ProofError(f"policy: cannot take the line {line[:80]!r}")
    if len(quorums) != 1 or len({key.public for key in logs}) != len(logs):
        raise ProofError("policy: exactly one quorum line and no log twice")
    if len({key.public for key in witnesses.values()}) != len(witnesses):
        raise ProofError("policy: a witness key is listed twice")
    return Policy(tuple(logs), witnesses, groups, quorums[0])


def _is_new(name: str, witnesses: Mapping[str, VerifierKey], groups: Mapping[str, Group]) -> bool:
    return name not in witnesses and name not in groups and name != NO_QUORUM


def _group(
    threshold: str, members: tuple[str, ...], witnesses: Mapping[str, VerifierKey], groups: Mapping[str, Group]
) -> Group:
    taken = [member for group in groups.values() for member in group.members]
    for member in members:
        if (member not in witnesses and member not in groups) or member in taken or members.count(member) > 1:
            raise ProofError(f"policy: group member {member!r} is unknown or listed before")
    named = {"any": 1, "all": len(members)}
    count = named.get(threshold) or (int(threshold) if threshold.isascii() and threshold.isdecimal() else 0)
    if not 1 <= count <= len(members):
        raise ProofError(f"policy: {threshold!r} of {len(members)} members cannot be a threshold")
    return Group(count, members)


def _log_key(text: str) -> VerifierKey:
    key = parse_verifier_key(text)
    if key.type != ED25519:
        raise ProofError(f"policy: {key.name} has a witness's key type, not a log's")
    return key


def _witness_key(text: str) -> VerifierKey:
    key = parse_verifier_key(text)
    if key.type != COSIGNATURE_V1:
        raise ProofError(f"policy: {key.name} has a log's key type, not a witness's")
    return key
