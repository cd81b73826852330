"""The end of a process is told once, however often calls to it fail before the next one answers; unless that takes long."""

from actors.lives import SILENT_S, Lives


def test_each_life_ends_once() -> None:
    lives = Lives()
    assert not lives.ended("node-0", 0.0)  # it was never up
    lives.began("node-0", 7)
    lives.began("node-1", 8)
    assert [lives.ended("node-0", 1.0) for _ in range(3)] == [True, False, False]
    assert lives.ended("node-1", 1.0)
    lives.began("node-0", 9)
    assert [lives.ended("node-0", 2.0) for _ in range(2)] == [True, False]
    assert lives.known == {"node-0": 9, "node-1": 8}


def test_a_process_that_ends_again_and_again_before_it_answers_is_told_of_now_and_then() -> None:
    lives = Lives()
    lives.began("node-0", 7)
    told = [at_s for at_s in range(100) if lives.ended("node-0", float(at_s))]
    assert told == [0, SILENT_S, 2 * SILENT_S, 3 * SILENT_S]
