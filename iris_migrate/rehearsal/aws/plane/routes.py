"""Which route answers a request: the most exact one, as API Gateway chooses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

Route = TypeVar("Route")
_PARAMETER = re.compile(r"\{([A-Za-z0-9_.\-]+)(\+?)\}")


def match(path: str, template: str) -> dict[str, str] | None:
    """The path parameters when a path fits a template with `{name}` and `{name+}`; None when it does not."""
    pattern, at = "", 0
    names = []
    for found in _PARAMETER.finditer(template):
        names.append(found.group(1))
        pattern += re.escape(template[at : found.start()]) + ("(.+)" if found.group(2) else "([^/]+)")
        at = found.end()
    fits = re.fullmatch(pattern + re.escape(template[at:]) + "/?", path)
    return dict(zip(names, fits.groups(), strict=True)) if fits else None


def exactness(template: str) -> tuple[int, ...]:
    """Sorts templates: literal segments before parameters before greedy ones, compared from the left."""
    return tuple(
        2 if segment.endswith("+}") else 1 if segment.startswith("{") else 0 for segment in template.split("/")
    )


def choose(
    method: str, path: str, routes: Iterable[tuple[str, str, Route]]
) -> tuple[Route, str, dict[str, str]] | None:
    """From `(method or ANY, template, route)`: the route, its template and the path parameters.

    Full matches come before greedy ones, a method before ANY, `$default` (an empty template) last.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """
    fitting: list[tuple[tuple[int, ...], int, int, Route, str, dict[str, str]]] = []
    for at, (accepted, template, route) in enumerate(routes):
        if not template:
            fitting.append(((9,), 0, at, route, "", {}))
        elif accepted in (method, "ANY") and (found := match(path, template)) is not None:
            fitting.append((exactness(template), int(accepted == "ANY"), at, route, template, found))
    if not fitting:
        return None
    best = min(fitting, key=lambda item: item[:3])
    return best[3], best[4], best[5]
