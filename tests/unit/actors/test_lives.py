"""The end of a process is told once, however often calls to it fail before the next one answers."""

from actors.lives import Lives


def test_each_life_ends_once() -> None:
    lives = Lives()
    assert not lives.ended("node-0")  # it was never up
    lives.began("node-0", 7)
    lives.began("node-1", 8)
    assert [lives.ended("node-0") for _ in range(3)] == [True, False, False]
    assert lives.ended("node-1")
    lives.began("node-0", 9)
    assert [lives.ended("node-0") for _ in range(2)] == [True, False]
    assert lives.known == {"node-0": 9, "node-1": 8}
