"""Whether a compiled value fits the type of the field that takes it."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

from iris_migrate.resources.base import Resource
from iris_migrate.values import Secret, Text, Unresolved, specials

_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", type(None): "nothing"}


def hints(cls: type[Resource]) -> dict[str, Any]:
    """The types of a class's fields; empty when they cannot be told."""
    try:
        return typing.get_type_hints(cls)
    except (NameError, TypeError, AttributeError):
        return {}


def misfit(hint: Any, value: Any) -> str:
    """What is wrong with a value for a field of this type, as a sentence; "" when it fits."""
    if _fits(hint, value):
        return ""
    if any(isinstance(item, Secret) for item in specials(value)):
        return "a secret is not taken here"
    found = repr(value)[:60] if isinstance(value, str | int | float | bool) else f"a {type(value).__name__}"
    return f"expected {_named(hint)}, found {found}"


def _fits(hint: Any, value: Any) -> bool:
    if hint is Any or isinstance(value, Unresolved):
        return True  # an output is filled in before the resource is built
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(item, value) for item in args)
    if origin is Literal:
        return value in args
    if isinstance(value, Text) and hint is str:
        return not any(isinstance(item, Secret) for item in value.parts)
    if origin is tuple:
        return isinstance(value, tuple) and _items_fit(args, value)
    if origin is not None and isinstance(origin, type):
        if issubclass(origin, Mapping):
            return isinstance(value, Mapping) and all(_fits(args[1] if args else Any, item) for item in value.values())
        inner = args[0] if args else Any
        return isinstance(value, tuple) and all(_fits(inner, item) for item in value)
    if not isinstance(hint, type):
        return True
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def _items_fit(args: tuple[Any, ...], value: tuple[Any, ...]) -> bool:
    if len(args) == 2 and args[1] is Ellipsis:
        return all(_fits(args[0], item) for item in value)
    return not args or (len(args) == len(value) and all(map(_fits, args, value)))


def _named(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_named(item) for item in args))
    if origin is Literal:
        return " or ".join(repr(item) for item in args)
    if origin is tuple or (isinstance(origin, type) and not issubclass(origin, Mapping)):
        return f"a list of {_named(args[0])}" if args else "a list"
    if origin is not None:
        return "a mapping"
    if hint in (Text, Secret, Unresolved):
        return {Text: "text", Secret: "a secret", Unresolved: "an output of a step"}[hint]
    return _NAMES.get(hint, getattr(hint, "__name__", str(hint)))
