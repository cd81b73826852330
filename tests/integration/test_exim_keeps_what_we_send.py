"""A real Exim, with CHUNKING and with DATA: octets, signatures, and TLS (GnuTLS this time) under each level."""

from pathlib import Path

import pytest

from tests.integration.exim_peer import exim
from tests.integration.mail_shapes import assert_keeps_every_shape
from tests.integration.peer_tls import CERTIFICATES, assert_levels
from tests.integration.smtp_world import route


@pytest.mark.parametrize("chunking", ["*", ""], ids=["BDAT", "DATA"])
async def test_exim_keeps_every_octet_and_the_signature(tmp_path: Path, chunking: str) -> None:
    with exim(tmp_path, chunking=chunking) as peer:
        await assert_keeps_every_shape(peer, route(peer.port), "pipelining", *(["chunking"] if chunking else []))
        arrivals = [line for line in peer.log().splitlines() if " <= " in line]
        assert arrivals
        assert all((" K " in line) is bool(chunking) for line in arrivals), arrivals


@pytest.mark.parametrize("kind", CERTIFICATES)
async def test_exim_under_each_level_of_tls(tmp_path: Path, kind: str) -> None:
    with exim(tmp_path / "exim", certificate=CERTIFICATES[kind]) as peer:
        await assert_levels(peer, kind, tmp_path)
