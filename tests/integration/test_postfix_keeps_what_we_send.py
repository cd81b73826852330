"""A real Postfix, which offers CHUNKING and PIPELINING: octets, signatures, and TLS under each level."""

from pathlib import Path

import pytest

from tests.integration.mail_shapes import assert_keeps_every_shape
from tests.integration.peer_tls import CERTIFICATES, assert_levels
from tests.integration.postfix_peer import postfix
from tests.integration.smtp_world import route


async def test_postfix_keeps_every_octet_and_the_signature(tmp_path: Path) -> None:
    with postfix(tmp_path) as peer:
        await assert_keeps_every_shape(peer, route(peer.port), "pipelining", "chunking")


@pytest.mark.parametrize("kind", CERTIFICATES)
async def test_postfix_under_each_level_of_tls(tmp_path: Path, kind: str) -> None:
    with postfix(tmp_path / "postfix", CERTIFICATES[kind]) as peer:
        await assert_levels(peer, kind, tmp_path)
        encrypted = [b"(using TLSv1.3 with cipher" in mail for mail in peer.kept(1)]
        assert encrypted.count(False) == 1  # the one under `none`
