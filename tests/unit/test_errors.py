"""The exception tree: every class travels through Ray, and says whether trying again helps and whether anything happened."""

import inspect
import pickle
from collections.abc import Iterator

import pytest

from fastemailnet import errors
from fastemailnet.errors import ConfigError, FastEmailNetError, LogAppendUnknown, MessageError, in_words


def tree(root: type[FastEmailNetError]) -> Iterator[type[FastEmailNetError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


def example(error: type[FastEmailNetError]) -> FastEmailNetError:
    """An instance with a different argument at every place."""
    parameters = list(inspect.signature(error.__init__).parameters.values())[1:]
    if parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
        return error("the text")
    return error(*[n if p.annotation is int else f"argument {n}" for n, p in enumerate(parameters, 1)])


@pytest.mark.parametrize("error", tree(FastEmailNetError))
def test_every_error_survives_pickling(error: type[FastEmailNetError]) -> None:
    before = example(error)
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is error
    assert after.args == before.args
    assert str(after) == str(before)
    assert vars(after) == vars(before)


@pytest.mark.parametrize("error", tree(FastEmailNetError))
def test_every_error_shows_all_that_it_was_given(error: type[FastEmailNetError]) -> None:
    before = example(error)
    assert all(str(argument) in str(before) for argument in before.args)


@pytest.mark.parametrize("error", tree(FastEmailNetError))
def test_every_error_says_what_it_is_about(error: type[FastEmailNetError]) -> None:
    assert error.__doc__
    assert isinstance(error.retriable, bool)
    assert isinstance(error.definite, bool)


def test_the_tree_holds_every_exception_of_the_module() -> None:
    defined = {
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, BaseException) and value.__module__ == errors.__name__
    }
    assert defined == set(tree(FastEmailNetError))


def test_only_an_unknown_append_is_indefinite() -> None:
    assert [error for error in tree(FastEmailNetError) if not error.definite] == [LogAppendUnknown]


def test_hints_appear_only_where_there_are_some() -> None:
    assert str(ConfigError("a.b", "1", "is not a setting")) == "setting 'a.b' = 1: is not a setting"
    assert str(ConfigError("a.b", "1", "is not a setting", "a.c")).endswith("; did you mean 'a.c'?")
    assert str(MessageError("what", "line 3")) == "what at line 3"
    assert str(MessageError("what", "line 3", "9")) == "what at line 3 (limit: 9)"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (FileNotFoundError(2, "No such file or directory", "x.eml"), "x.eml: No such file or directory"),
        (ConnectionError("Multiple exceptions: [Errno 111] a, [Errno 101] b"), "Multiple exceptions: a, b"),
        (RuntimeError("[Errno -2] Name or service not known"), "Name or service not known"),
        (ValueError("plain"), "plain"),
    ],
)
def test_an_error_of_the_system_is_told_without_its_number(error: Exception, words: str) -> None:
    assert in_words(error) == words
