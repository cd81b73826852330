"""What a node's units are at, in numbers."""

from collections import Counter

from actors.stations import Stations
from fastemailnet.lifecycle import Event, State


def test_who_comes_is_counted_from_then_on_and_who_is_idle_never() -> None:
    stations = Stations(Counter())
    first = stations.move(State.IDLE, Event.ARRIVED)
    stations.move(State.IDLE, Event.ARRIVED)
    assert stations.counts == {first: 2}
