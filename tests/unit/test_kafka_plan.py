"""What brokers are told, and that Docker's variants say the same."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.kafka import jars
from tools.kafka.plan import CONTROLLER, INTERNAL, PROXIED, Plan, Shape, make, properties, scram_user, to_text, voters

DEPLOY = Path(__file__).parents[2] / "deploy"


def settings(shape: Shape) -> tuple[Plan, list[dict[str, str]]]:
    plan = make(shape)
    return plan, [properties(plan, node, Path("/data"), Path("/tls")) for node in plan.nodes]


def test_no_two_listeners_share_a_port() -> None:
    plan = make(Shape(count=3, protocols=("PLAINTEXT", "SASL_SSL")))
    ports = {port for node in plan.nodes for each in node.listeners for port in (each.port, each.advertised)}
    assert len(ports) == 3 * 6
    names = {tuple(each.name for each in node.listeners) for node in plan.nodes}
    assert names == {(CONTROLLER, INTERNAL, PROXIED, "PLAINTEXT", "SASL_SSL")}


def test_a_given_port_is_the_first_brokers_and_goes_up() -> None:
    plan = make(Shape(count=3, port=9_092))
    assert [node.listener("PLAINTEXT").port for node in plan.nodes] == [9_092, 9_093, 9_094]


def test_only_the_proxied_listener_advertises_another_port_and_brokers_talk_past_it() -> None:
    plan, (told,) = settings(Shape())
    node = plan.nodes[0]
    assert [each.name for each in node.listeners if each.port != each.advertised] == [PROXIED]
    assert f"{PROXIED}://127.0.0.1:{node.listener(PROXIED).advertised}" in told["advertised.listeners"]
    assert told["inter.broker.listener.name"] == INTERNAL
    assert CONTROLLER not in told["advertised.listeners"]


@pytest.mark.parametrize(("count", "replicas", "in_sync"), [(1, "1", "1"), (3, "3", "2")])
def test_internal_topics_have_as_many_replicas_as_there_are_brokers(count: int, replicas: str, in_sync: str) -> None:
    _, all_told = settings(Shape(count=count))
    for told in all_told:
        assert {value for name, value in told.items() if name.endswith("replication.factor")} == {replicas}
        assert {value for name, value in told.items() if name.endswith((".min.isr", "min.insync.replicas"))} == {
            in_sync
        }


def test_every_broker_is_a_voter() -> None:
    plan = make(Shape(count=3))
    assert [each.split("@")[0] for each in voters(plan).split(",")] == ["0", "1", "2"]
    assert not plan.cluster_id.startswith("-")


def test_a_user_is_made_only_where_a_password_is_asked() -> None:
    assert scram_user(make(Shape())) == []
    plan = make(Shape(protocols=("SASL_PLAINTEXT",)))
    assert plan.password in scram_user(plan)[1]


def test_extra_settings_win_and_are_escaped() -> None:
    _, (told,) = settings(Shape(extra={"num.io.threads": "1", "note": 'a\\b "c"\nd'}))
    assert "num.io.threads=1\n" in to_text(told)
    assert 'note=a\\\\b "c"\\nd\n' in to_text(told)


def services(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((DEPLOY / name).read_text())["services"].values())


@pytest.mark.parametrize(("name", "count"), [("compose.yaml", 1), ("compose.three.yaml", 3)])
def test_dockers_brokers_are_of_the_same_release_keep_as_much_and_listen_on_loopback(name: str, count: int) -> None:
    found = services(name)
    _, all_told = settings(Shape(count=count))
    assert len(found) == count
    for service, told in zip(found, all_told, strict=True):
        assert service["image"] == f"apache/kafka:{jars.version()}"
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        said = {
            key.removeprefix("KAFKA_").replace("_", ".").lower(): value for key, value in service["environment"].items()
        }
        assert said["node.id"] == told["node.id"]
        same = [each for each in told if each in said and ("replica" in each or each.endswith((".isr", ".enable")))]
        assert len(same) >= 7
        assert {each: said[each] for each in same} == {each: told[each] for each in same}
