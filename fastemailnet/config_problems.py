"""What is wrong with a value of the settings, in words: of what the validation finds, the first thing."""

import difflib

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from fastemailnet.errors import ConfigError

SECRETS = ("pass", "token", "secret", "credential")  # parts of the names whose values are never shown


def first_problem(error: ValidationError, model: type[BaseModel], where: str = "") -> ConfigError:
    """The first thing that is wrong with the values of ``model``, under its key; ``where`` stands before it."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"][:2]]
    key = (where + ".".join(path)).removesuffix(": ")
    given = "(not shown)" if any(word in key for word in SECRETS) else _given(first["input"])
    match first["type"]:
        case "extra_forbidden":
            names = list(_fields(model, path[:-1]))
            nearest = next(iter(difflib.get_close_matches(path[-1], names, 1)), "")
            return ConfigError(key, given, f"is none of {', '.join(names)}", nearest)
        case "model_type":
            return ConfigError(key, given, "must be a table")
        case "string_pattern_mismatch":  # the pattern is for machines
            return ConfigError(key, given, f"does not fit: {_fields(model, path[:-1])[path[-1]].description}")
    limit = first["msg"].removeprefix("Value error, ")  # one that a validator of ours raised
    return ConfigError(key, given, limit[:1].lower() + limit[1:])


def _given(value: object) -> str:
    return "(a table)" if isinstance(value, dict) else repr(value)


def _fields(model: type[BaseModel], path: list[str]) -> dict[str, FieldInfo]:
    """The settings of a table, or of one within it."""
    for name in path:
        inner = model.model_fields[name].annotation
        assert isinstance(inner, type)
        assert issubclass(inner, BaseModel)
        model = inner
    return model.model_fields
