"""A real Haraka, which offers PIPELINING and no CHUNKING: octets, signatures, and TLS under each level."""

from pathlib import Path

import pytest

from tests.integration.haraka_peer import haraka
from tests.integration.mail_shapes import assert_keeps_every_shape
from tests.integration.peer_tls import CERTIFICATES, assert_levels
from tests.integration.smtp_world import route


async def test_haraka_keeps_every_octet_and_the_signature(tmp_path: Path) -> None:
    with haraka(tmp_path) as peer:
        await assert_keeps_every_shape(peer, route(peer.port), "pipelining")


@pytest.mark.parametrize("kind", CERTIFICATES)
async def test_haraka_under_each_level_of_tls(tmp_path: Path, kind: str) -> None:
    with haraka(tmp_path / "haraka", CERTIFICATES[kind]) as peer:
        await assert_levels(peer, kind, tmp_path)
