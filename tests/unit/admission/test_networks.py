"""Who may relay."""

import pytest

from fastemailnet.admission.networks import Networks
from fastemailnet.errors import ConfigError

NETWORKS = Networks(["127.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "::1/128"])


@pytest.mark.parametrize(
    "peer", ["127.0.0.1", "10.1.255.255", "2001:db8::7", "::1", "::ffff:10.1.2.3", "2001:db8::7%eth0"]
)
def test_inside(peer: str):
    assert NETWORKS.allow(peer)


@pytest.mark.parametrize("peer", ["10.2.0.0", "192.0.2.1", "::2", "::ffff:10.2.0.1", "", "localhost", "2001:db9::"])
def test_outside(peer: str):
    assert not NETWORKS.allow(peer)


def test_what_is_no_network_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"gateway.relay_networks.*10\.0\.0\.1/8"):
        Networks(["10.0.0.1/8"])
