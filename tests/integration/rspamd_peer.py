"""An rspamd that judges DKIM signatures and nothing else, by the keys that a name server on loopback has."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.integration.mail_peers import Peer, free_port, furnish, running, unpacked

SETTINGS = """\
options {{
  filters = "dkim";
  dns {{ nameserver = ["127.0.0.1:{dns}"]; timeout = 5s; retransmits = 2; }}
  tempdir = "/srv/data";
  hs_cache_dir = "/srv/data";
  url_tld = "/srv/suffixes";  # its own list takes seconds to compile
  local_addrs = [];
}}
logging {{ type = "file"; filename = "/srv/log/rspamd"; level = "info"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
dkim {{ check_local = true; check_authed = true; }}
"""
KNOCK = b"GET /ping HTTP/1.0\r\n\r\n"


@contextlib.contextmanager
def rspamd(folder: Path, dns_port: int) -> Iterator[Peer]:
    """``dns_port``: of the name server on loopback."""
    server = unpacked("rspamd", "rspamd")
    furnish(folder)
    port = free_port()
    (folder / "suffixes").write_text("net\n")
    (folder / "rspamd.conf").write_text(SETTINGS.format(dns=dns_port, port=port))
    command = ("rspamd", "-f", "-i", "-u", "root", "-g", "root", "-c", "/srv/rspamd.conf")
    with running(server, folder, port, *command, knock=KNOCK) as peer:
        yield peer


async def symbols(peer: Peer, mail: bytes) -> dict[str, list[str]]:
    """What rspamd says of signatures: symbol → domain and selector of each."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.post(f"http://127.0.0.1:{peer.port}/checkv2", content=mail)
    assert answer.status_code == 200, answer.text
    found = answer.json()["symbols"]
    return {name: one.get("options", []) for name, one in found.items() if name.startswith("R_DKIM_")}
