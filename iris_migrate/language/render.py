"""Templates evaluated once, in a sandbox: names known later and secrets come through as objects, never as text."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any, NoReturn

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.environment import Template
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from iris_migrate.values import Secret, Special, Text, Unresolved, text

MAX_RENDERED = 1 << 20  # characters
_BORDERS = "\ue000\ue001"  # private use: they stand around the number of a special while text is rendered
_SENTINEL = re.compile("\ue000([0-9]+)\ue001")
_FILTERS = (
    "abs", "bool", "d", "default", "first", "float", "int", "join", "last", "length", "list", "lower", "map",
    "max", "min", "reject", "rejectattr", "round", "select", "selectattr", "sort", "string", "sum", "trim",
    "unique", "upper", "dictsort", "items",
)  # fmt: skip
METHODS = {
    "startswith", "endswith", "split", "rsplit", "splitlines", "partition", "rpartition", "strip", "lstrip", "rstrip",
    "removeprefix", "removesuffix", "lower", "upper", "items", "keys", "values", "get", "count",
}  # fmt: skip
_GLOBALS = ("range",)
_FORBIDDEN = (
    nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.AssignBlock, nodes.Include, nodes.Import, nodes.FromImport,
    nodes.Extends, nodes.Block, nodes.With, nodes.ScopedEvalContextModifier,
)  # fmt: skip


class TemplateProblem(Exception):
    """A template that cannot be used: a sentence, and the line inside the template (1-based)."""

    def __init__(self, says: str, line: int = 1) -> None:
        super().__init__(says)
        self.says = says
        self.line = line


def _refuse(marker: Marker) -> NoReturn:
    what = "a secret" if isinstance(marker.special, Secret) else "an output"
    raise TemplateProblem(f"{what} can only be named, not computed with: {marker.special}")


class Marker:
    """A special while a template is evaluated: it can be passed on, and everything else is refused."""

    __slots__ = ("special",)

    def __init__(self, special: Unresolved | Secret) -> None:
        self.special = special

    def _computed(self, *_: Any) -> Any:
        _refuse(self)

    def __getitem__(self, item: object) -> Marker:
        """`{{ keys[0] }}`: one of a secret's comma-separated items is named too."""
        if isinstance(self.special, Secret) and self.special.item is None and type(item) is int and 0 <= item < 100:
            return Marker(Secret(self.special.name, item))
        _refuse(self)

    __str__ = __bool__ = __len__ = __iter__ = __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = _computed
    __hash__ = __int__ = __float__ = __index__ = __contains__ = __add__ = __radd__ = __mul__ = __rmul__ = _computed
    __sub__ = __rsub__ = __mod__ = __rmod__ = __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _computed
    __pow__ = __rpow__ = __neg__ = __pos__ = __call__ = __format__ = __round__ = __abs__ = _computed
    __reversed__ = __repr__ = __html__ = _computed


class Group:
    """Names below a name: `host` of `host.root`. `find` raises TemplateProblem for what is not there."""

    __slots__ = ("_find", "_name")

    def __init__(self, name: str, find: Callable[[str], Any]) -> None:
        self._name = name
        self._find = find

    def __getitem__(self, name: object) -> Any:
        return self._find(str(name))

    def _refused(self, *_: Any) -> Any:
        raise TemplateProblem(f"{self._name!r} is a group of names; expected one of them, {self._name}.…")

    __str__ = __repr__ = __iter__ = __contains__ = __len__ = __bool__ = __eq__ = __hash__ = __call__ = _refused


class _Names(Context):
    """Names are looked up when they are used, so that settings can be templates over settings."""

    def resolve_or_missing(self, key: str) -> Any:
        found = super().resolve_or_missing(key)
        if found is not missing:
            return found
        environment = self.environment
        if not isinstance(environment, _Environment):
            return missing
        try:
            return environment.names(key)
        except TemplateProblem as problem:
            problem.line = environment.lines.get(key, problem.line)  # names are looked up before any line is reached
            raise


class _Environment(ImmutableSandboxedEnvironment):
    context_class = _Names
    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, names: Callable[[str], Any]) -> None:
        super().__init__(
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
            cache_size=0,
            finalize=self._finalize,
        )
        self.names = names
        self.specials: list[Special] = []
        self.lines: dict[str, int] = {}
        self.filters = {name: FILTERS[name] for name in _FILTERS if name in FILTERS}
        self.filters.update(quote=_quote, basename=_basename, dirname=_dirname, replace=_replace, indent=_indent)
        self.filters["tojson"] = _tojson
        self.globals = dict.fromkeys(_GLOBALS, _range)

    def _finalize(self, value: Any) -> str:
        """What stands in a longer text: plain values, and a sentinel for each special."""
        if isinstance(value, Marker):
            self.specials.append(value.special)
            return f"\ue000{len(self.specials) - 1}\ue001"
        if isinstance(value, Undefined | Group):
            return str(value)  # raises with its own sentence
        if isinstance(value, str):
            return _plain(value)
        if isinstance(value, bool | int | float):
            return str(value)
        shown = "nothing (null)" if value is None else f"a {type(value).__name__}"
        raise TemplateProblem(f"{shown} inside a longer text; expected text or a number")

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Data before methods: `profile.items` is a key when there is one."""
        if isinstance(obj, Group | Marker):
            return obj[attribute]
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, Mapping) and attribute not in METHODS:
            raise TemplateProblem(f"there is no {attribute!r}; {_there_is(obj)}")
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Group | Marker):
            return obj[argument]
        return super().getitem(obj, argument)

    def is_safe_callable(self, obj: Any) -> bool:
        name = getattr(obj, "__name__", "")
        owner = getattr(obj, "__self__", None)
        return obj is _range or (isinstance(owner, str | Mapping | list | tuple) and name in METHODS)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, Marker) or isinstance(right, Marker):
            return super().call_binop(context, operator, left, right)
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise TemplateProblem(f"'{operator}' is for numbers; join text with ~")
        if operator == "**" and (abs(left) > 1 << 32 or abs(right) > 64):
            raise TemplateProblem("a power this large is refused")
        return super().call_binop(context, operator, left, right)


class Renderer:
    """Evaluates templates; `names` gives the value of a top-level name or raises TemplateProblem."""

    def __init__(self, names: Callable[[str], Any]) -> None:
        self._environment = _Environment(names)

    def value(self, source: str) -> Any:
        """A template of a checklist: one whole `{{ … }}` keeps its type, anything else is a text."""
        if not _has_marks(source):
            return _plain(source)
        expression = self._whole(source)
        if expression is None:
            return self.text(source)
        return self._guarded(lambda: self._evaluate(expression))

    def text(self, source: str) -> str | Text:
        """A template that gives text, whatever stands in it: files, titles."""
        if not _has_marks(source):
            return _plain(source)
        found: str | Text = self._guarded(lambda: self._joined(_plain(source)))
        return found

    def names(self, source: str) -> list[tuple[tuple[str, ...], int]]:
        """Every dotted name that a template mentions, in branches that are not taken too, with its line."""
        if not _has_marks(source):
            return []
        tree = self._guarded(lambda: self._environment.parse(_plain(source)))
        own = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"} | {"loop", *_GLOBALS}
        inner = {id(node.node) for node in tree.find_all((nodes.Getattr, nodes.Getitem))}
        chains = [
            (chain, node.lineno)
            for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Name))
            if id(node) not in inner and (chain := _chain(node))
        ]
        return [(chain, line) for chain, line in chains if chain[0] not in own]

    def _whole(self, source: str) -> str | None:
        stripped = source.strip()
        if not (stripped.startswith("{{") and stripped.endswith("}}")):
            return None
        body = self._guarded(lambda: self._environment.parse(_plain(stripped))).body
        if len(body) != 1 or not isinstance(body[0], nodes.Output) or len(body[0].nodes) != 1:
            return None
        return stripped[2:-2].removeprefix("-").removesuffix("-").strip()  # `{{- x -}}`, not `{{ -x }}`

    def _evaluate(self, expression: str) -> Any:
        self._check(self._environment.parse("{{ " + expression + " }}"))
        return _data(self._environment.compile_expression(expression, undefined_to_none=False)())

    def _joined(self, source: str) -> str | Text:
        environment = self._environment
        tree = environment.parse(source)
        self._check(tree)
        template = environment.from_string(source)
        outer = environment.specials, environment.lines  # a name may stand for a template that is evaluated meanwhile
        environment.specials = []
        environment.lines = {name.name: name.lineno for name in reversed(list(tree.find_all(nodes.Name)))}
        try:
            return self._streamed(template)
        finally:
            environment.specials, environment.lines = outer

    def _streamed(self, template: Template) -> str | Text:
        pieces: list[str] = []
        size = 0
        for piece in template.generate():
            size += len(piece)
            if size > MAX_RENDERED:
                raise TemplateProblem(f"it grows past {MAX_RENDERED // 1024} KiB")
            pieces.append(piece)
        specials = self._environment.specials
        split = _SENTINEL.split("".join(pieces))
        return text(*(specials[int(piece)] if index % 2 else piece for index, piece in enumerate(split)))

    def _check(self, tree: nodes.Template) -> None:
        for node in tree.find_all(_FORBIDDEN):
            raise TemplateProblem("only for, if, set and raw are allowed here", node.lineno)
        for outer in tree.find_all(nodes.For):
            if outer.recursive:
                raise TemplateProblem("a recursive loop is refused", outer.lineno)
            for inner in outer.find_all(nodes.For):
                if next(inner.find_all(nodes.For), None) is not None and inner is not outer:
                    raise TemplateProblem("loops nested deeper than two are refused", inner.lineno)

    def _guarded(self, work: Callable[[], Any]) -> Any:
        """What `work` gives; whatever goes wrong in a template is a TemplateProblem with its line."""
        try:
            return work()
        except TemplateProblem as problem:
            problem.line = max(problem.line, _line(problem))
            raise
        except TemplateSyntaxError as error:
            raise TemplateProblem(f"not a valid template: {error.message}", error.lineno) from None
        except SecurityError as error:
            says = re.sub(r" at 0x[0-9a-f]+", "", error.message or "")
            raise TemplateProblem(f"refused: {says}", _line(error)) from None
        except UndefinedError as error:
            raise TemplateProblem(f"names nothing: {error.message}", _line(error)) from None
        except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
            says = re.sub(r" at 0x[0-9a-f]+", "", str(error))
            raise TemplateProblem(f"cannot be evaluated: {says}", _line(error)) from None
        except (RecursionError, MemoryError, SyntaxError, AssertionError, RuntimeError) as error:
            raise TemplateProblem(f"cannot be evaluated: {type(error).__name__}") from None


def _line(error: BaseException) -> int:
    """The line inside the template where an error came up, as Jinja rewrites it into the traceback."""
    line = 1
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == "<template>" and code.co_name in ("top-level template code", "template"):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _has_marks(source: str) -> bool:
    return any(mark in source for mark in ("{{", "{%", "{#"))


def _chain(node: nodes.Node) -> tuple[str, ...]:
    """`a.b['c']` as its names; what follows a name that is computed is left away."""
    match node:
        case nodes.Name():
            return (node.name,)
        case nodes.Getattr():
            return (*_chain(node.node), node.attr)
        case nodes.Getitem(arg=nodes.Const(value=str(name))):
            return (*_chain(node.node), name)
        case nodes.Getitem():
            return _chain(node.node)
    return ()


def _plain(value: str) -> str:
    if any(border in value for border in _BORDERS):
        raise TemplateProblem("the characters U+E000 and U+E001 are not allowed")
    return str(value)


def _data(value: Any) -> Any:
    """What an expression gave, as plain data with specials."""
    if isinstance(value, Marker):
        return value.special
    if isinstance(value, str):
        return _plain(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Undefined | Group):
        str(value)  # raises with its own sentence
    if isinstance(value, Mapping):
        return {str(name): _data(item) for name, item in value.items()}
    if isinstance(value, list | tuple | range | Iterator | KeysView | ValuesView | ItemsView):
        return tuple(_data(item) for item in value)
    raise TemplateProblem(f"gives a {type(value).__name__}; expected text, a number, a list or a mapping")


def _there_is(mapping: Mapping[str, Any]) -> str:
    return f"there is: {', '.join(sorted(str(name) for name in mapping)) or 'nothing'}"


def _string(value: Any, filter_name: str) -> str:
    if isinstance(value, Marker | Undefined | Group):
        str(value)  # raises with its own sentence
    if not isinstance(value, str | int | float):
        raise TemplateProblem(f"{filter_name} is for text, not for a {type(value).__name__}")
    return str(value)


def _quote(value: Any) -> str:
    return shlex.quote(_string(value, "quote"))


def _basename(value: Any) -> str:
    return _string(value, "basename").rstrip("/").rpartition("/")[2]


def _dirname(value: Any) -> str:
    return _string(value, "dirname").rstrip("/").rpartition("/")[0]


def _replace(value: Any, old: Any, new: Any) -> str:
    given, was, becomes = (_string(item, "replace") for item in (value, old, new))
    if len(given) + given.count(was) * len(becomes) > MAX_RENDERED:
        raise TemplateProblem(f"it grows past {MAX_RENDERED // 1024} KiB")
    return given.replace(was, becomes)


def _indent(value: Any, width: int = 4, first: bool = False) -> str:
    if not isinstance(width, int) or not 0 <= width <= 80:
        raise TemplateProblem("indent takes a width between 0 and 80")
    lines = _string(value, "indent").split("\n")
    return "\n".join(" " * width + line if line and (first or index) else line for index, line in enumerate(lines))


def _tojson(value: Any, indent: int | None = None) -> str:
    if indent is not None and not (isinstance(indent, int) and 0 <= indent <= 16):
        raise TemplateProblem("tojson takes an indent between 0 and 16")

    def other(item: Any) -> Any:
        return str(item)  # a Marker or an undefined name raises with its own sentence

    return json.dumps(value, ensure_ascii=False, indent=indent, default=other)


def _range(*numbers: int) -> range:
    found = range(*numbers)
    if len(found) > 1000:
        raise TemplateProblem("a range of more than 1000 is refused")
    return found
