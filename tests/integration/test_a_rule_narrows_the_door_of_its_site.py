"""From a reply on the wire to fewer connections on the wire: file, rule, stream, door and sockets as a node has them."""

import asyncio
from pathlib import Path

from actors import build
from actors.shaping import Shaping
from fastemailnet.config import load
from fastemailnet.config_shaping import ShapingSection
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.server import SmtpServer
from fastemailnet.outcome import Kind, Outcome, Reply
from fastemailnet.shaping_files import read_policy
from tests.integration.smtp_world import grant, route, transaction
from tests.integration.test_a_site_s_ceilings_hold import Clocked

RULES = """
["127.0.0.1"]
connection_limit = 3

[["127.0.0.1".automation]]
regex = "421 .*slow down"
action = {SetConfig={name="connection_limit", value=1}}
duration = "1h"
"""


async def test_a_rule_narrows_the_door_of_its_site(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(RULES)
    settings = load(None, {"FASTEMAILNET_FLEET__DATA": str(tmp_path)})
    log = build.log(settings)
    shaping = Shaping(log, build.group(settings, log), read_policy(ShapingSection(files=(tmp_path / "own.toml",))), "a")
    pool = Pool("client", Limits(), terms=lambda domain, hosts: shaping.terms(domain, hosts, 60.0))
    inbox = Clocked()
    inbox.wait_s = 0.05
    server = SmtpServer("127.0.0.1", 0, inbox)
    port = await server.start()

    async def deliver(count: int) -> list[Outcome]:
        site = await shaping.site_of(route(port), "b.org")
        done = await asyncio.gather(*(pool.deliver(route(port), "b.org", transaction(), grant) for _ in range(count)))
        outcomes = [outcome for one in done for outcome in one.outcomes]
        await shaping.heard("b.org", site, "", outcomes)
        return outcomes

    await deliver(12)
    assert inbox.most == 3
    inbox.reply = Reply(421, (4, 7, 0), "too many of you, slow down")
    assert [one.kind for one in await deliver(1)] == [Kind.DEFERRED]
    inbox.reply, inbox.most = Reply(250, (2, 0, 0), "taken"), 0
    assert {one.kind for one in await deliver(6)} == {Kind.RELAYED}
    assert inbox.most == 1
    await pool.close()
    await server.close()
    await shaping.group.close()
    log.close()
