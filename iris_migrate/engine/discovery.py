"""What the old side is, read from AWS: the function, its API, authorizer, repository, variables and traffic."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from iris_migrate.connections.aws import AwsConnection
from iris_migrate.target import AwsError, Unreadable

DAYS = 14
# What discovering asks of AWS: the permissions it needs.
CALLS = frozenset(
    {"lambda:ListFunctions", "lambda:GetFunction", "lambda:GetFunctionConfiguration", "apigatewayv2:GetApis",
     "apigatewayv2:GetIntegrations", "apigatewayv2:GetRoutes", "apigatewayv2:GetAuthorizers", "apigatewayv2:GetStages",
     "apigateway:GetRestApis", "apigateway:GetResources", "apigateway:GetAuthorizers", "apigateway:GetStages",
     "ecr:DescribeImages", "cloudwatch:GetMetricStatistics"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FunctionSeen:
    """A function as the list shows it. `package`: image or the runtime's name; memory in MB, time limit in s."""

    name: str
    package: str
    memory: int
    timeout: int
    modified: str


@dataclass(frozen=True, slots=True)
class ApiSeen:
    """An API that passes requests to the function. `kind`: HTTP or REST; `authorizer` is a function's name."""

    id: str
    name: str
    kind: str
    endpoint: str
    routes: tuple[str, ...]
    guarded: tuple[str, ...] = ()  # the routes that an authorizer guards
    authorizer: str = ""


@dataclass(frozen=True, slots=True)
class Variables:
    """Variables of a function by name; the values never show in a repr."""

    names: tuple[str, ...] = ()
    _values: Mapping[str, str] = field(default_factory=dict, repr=False)

    def value(self, name: str) -> str | None:
        return self._values.get(name)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Calls a day, oldest first, and when the newest hour with a call began (seconds since the epoch)."""

    days: tuple[int, ...]
    last: float | None

    @property
    def total(self) -> int:
        return sum(self.days)


@dataclass(frozen=True, slots=True)
class OldSide:
    """What was found. `missing` says for each part that could not be read why."""

    function: FunctionSeen
    apis: tuple[ApiSeen, ...] = ()
    repository: str = ""
    images: int = 0
    variables: Variables = Variables()
    authorizer_variables: Variables = Variables()
    traffic: Traffic | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def api(self) -> ApiSeen | None:
        """The one API in front of the function; None when there is none, or more than one to choose from."""
        return self.apis[0] if len(self.apis) == 1 else None


async def functions(aws: AwsConnection) -> tuple[FunctionSeen, ...]:
    """All functions of the region, by name. Raises AwsError, Unreadable."""
    listed = await aws.read_all("lambda", "ListFunctions", "Functions[]")
    return tuple(sorted((_function(item) for item in listed), key=lambda seen: seen.name))


def _function(item: Mapping[str, Any]) -> FunctionSeen:
    package = "image" if item.get("PackageType") == "Image" else str(item.get("Runtime") or "zip")
    return FunctionSeen(
        str(item["FunctionName"]), package, int(item.get("MemorySize") or 0), int(item.get("Timeout") or 0),
        str(item.get("LastModified") or "")[:10],
    )  # fmt: skip


async def old_side(aws: AwsConnection, function: FunctionSeen, now: float) -> OldSide:
    """Everything around a function, read side by side. What cannot be read is named in `missing`, the rest stays."""
    missing: dict[str, str] = {}

    async def part(name: str, reading: Coroutine[Any, Any, Any], empty: Any) -> Any:
        try:
            return await reading
        except (AwsError, Unreadable) as error:
            missing[name] = str(error)
            return empty

    http, rest, image, variables, traffic = await asyncio.gather(
        part("HTTP APIs", _http_apis(aws, function.name), ()),
        part("REST APIs", _rest_apis(aws, function.name), ()),
        part("image", _image(aws, function), ""),
        part("variables", _variables(aws, function.name), Variables()),
        part("traffic", _traffic(aws, function.name, now), None),
    )
    apis = (*http, *rest)
    guards = {api.authorizer for api in apis if api.authorizer}
    keys = Variables()
    if len(guards) == 1:
        keys = await part("authorizer", _variables(aws, guards.pop()), Variables())
    repository = _repository(image)
    images = await part("repository", _images(aws, repository), 0) if repository else 0
    return OldSide(function, apis, repository, images, variables, keys, traffic, missing)


# --- the API ---------------------------------------------------------------------------------------------------------


def _calls(uri: str, function: str) -> bool:
    """Whether an integration's or authorizer's address is this function, with or without alias."""
    return re.search(rf":function:{re.escape(function)}(?::|/|$)", uri) is not None


def _function_of(uri: str) -> str:
    found = re.search(r":function:([A-Za-z0-9_-]+)", uri)
    return found[1] if found else ""


async def _http_apis(aws: AwsConnection, function: str) -> tuple[ApiSeen, ...]:
    apis = await aws.read_all("apigatewayv2", "GetApis", "Items[]")
    found = await asyncio.gather(*(_http_api(aws, api, function) for api in apis if api["ProtocolType"] == "HTTP"))
    return tuple(api for api in found if api is not None)


async def _http_api(aws: AwsConnection, api: Mapping[str, Any], function: str) -> ApiSeen | None:
    name, ask = str(api["ApiId"]), "apigatewayv2"
    integrations = await aws.read_all(ask, "GetIntegrations", "Items[]", ApiId=name)
    ours = {item["IntegrationId"] for item in integrations if _calls(str(item.get("IntegrationUri")), function)}
    if not ours:
        return None
    routes, authorizers, stages = await asyncio.gather(
        aws.read_all(ask, "GetRoutes", "Items[]", ApiId=name),
        aws.read_all(ask, "GetAuthorizers", "Items[]", ApiId=name),
        aws.read_all(ask, "GetStages", "Items[]", ApiId=name),
    )
    to_us = [route for route in routes if str(route.get("Target", "")).removeprefix("integrations/") in ours]
    used = {route.get("AuthorizerId") for route in to_us}
    guards = {
        _function_of(str(item.get("AuthorizerUri", ""))) for item in authorizers if item.get("AuthorizerId") in used
    } - {""}
    stage = _stage([str(item["StageName"]) for item in stages])
    return ApiSeen(
        name, str(api.get("Name", "")), "HTTP",
        str(api.get("ApiEndpoint", "")) + ("" if stage in ("", "$default") else f"/{stage}"),
        tuple(sorted(str(route["RouteKey"]) for route in to_us)),
        tuple(sorted(str(route["RouteKey"]) for route in to_us if route.get("AuthorizerId"))),
        guards.pop() if len(guards) == 1 else "",
    )  # fmt: skip


def _stage(names: list[str]) -> str:
    """The stage that clients use: the default one, else the only one, else the first by name."""
    return "$default" if "$default" in names else min(names, default="")


async def _rest_apis(aws: AwsConnection, function: str) -> tuple[ApiSeen, ...]:
    apis = await aws.read_all("apigateway", "GetRestApis", "items[]")
    found = await asyncio.gather(*(_rest_api(aws, api, function) for api in apis))
    return tuple(api for api in found if api is not None)


async def _rest_api(aws: AwsConnection, api: Mapping[str, Any], function: str) -> ApiSeen | None:
    name, ask = str(api["id"]), "apigateway"
    resources = await aws.read_all(ask, "GetResources", "items[]", restApiId=name, embed=("methods",))
    to_us = [
        (f"{verb} {item['path']}", method)
        for item in resources
        for verb, method in (item.get("resourceMethods") or {}).items()
        if _calls(str((method.get("methodIntegration") or {}).get("uri")), function)
    ]
    if not to_us:
        return None
    authorizers, stages = await asyncio.gather(
        aws.read_all(ask, "GetAuthorizers", "items[]", restApiId=name),
        aws.read(ask, "GetStages", restApiId=name),
    )
    used = {method.get("authorizerId") for _, method in to_us}
    guards = {_function_of(str(item.get("authorizerUri", ""))) for item in authorizers if item.get("id") in used} - {""}
    stage = _stage([str(item["stageName"]) for item in stages.get("item") or ()])
    return ApiSeen(
        name, str(api.get("name", "")), "REST", f"https://{name}.execute-api.{aws.region}.amazonaws.com/{stage}",
        tuple(sorted(route for route, _ in to_us)),
        tuple(sorted(route for route, method in to_us if method.get("authorizerId"))),
        guards.pop() if len(guards) == 1 else "",
    )  # fmt: skip


# --- image, variables, traffic ---------------------------------------------------------------------------------------


async def _image(aws: AwsConnection, function: FunctionSeen) -> str:
    if function.package != "image":
        return ""
    answer = await aws.read("lambda", "GetFunction", FunctionName=function.name)
    return str((answer.get("Code") or {}).get("ImageUri") or "")


def _repository(image: str) -> str:
    """The repository of an image's address `account.dkr.ecr.region.amazonaws.com/name:tag`."""
    found = re.fullmatch(r"[^/]+\.amazonaws\.com(?:\.cn)?/([^:@]+).*", image)
    return found[1] if found else ""


async def _images(aws: AwsConnection, repository: str) -> int:
    return len(await aws.read_all("ecr", "DescribeImages", "imageDetails[]", repositoryName=repository))


async def _variables(aws: AwsConnection, function: str) -> Variables:
    answer = await aws.read("lambda", "GetFunctionConfiguration", FunctionName=function)
    values = {
        str(name): str(value) for name, value in ((answer.get("Environment") or {}).get("Variables") or {}).items()
    }
    return Variables(tuple(sorted(values)), values)


async def _traffic(aws: AwsConnection, function: str, now: float) -> Traffic:
    """Hourly sums of 14 days: 336 points, under the 1,440 that one answer holds."""
    end = datetime.fromtimestamp(now, UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    answer = await aws.read(
        "cloudwatch", "GetMetricStatistics", Namespace="AWS/Lambda", MetricName="Invocations", Period=3600,
        Statistics=("Sum",), StartTime=end - timedelta(days=DAYS), EndTime=end,
        Dimensions=({"Name": "FunctionName", "Value": function},),
    )  # fmt: skip
    days, last = [0] * DAYS, None
    for point in answer.get("Datapoints") or ():
        calls, at = round(point["Sum"]), point["Timestamp"]
        age = (end - at) // timedelta(days=1)
        if calls and 0 <= age < DAYS:
            days[DAYS - 1 - age] += calls
            last = max(last or 0.0, at.timestamp())
    return Traffic(tuple(days), last)


# --- settings --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filled:
    """A value for a setting that says `discover:`, and where it was found. A secret's value stays out of the repr."""

    value: str = field(repr=False)
    where: str


def fill(discover: Mapping[str, str], seen: OldSide, region: str) -> dict[str, Filled]:
    """Setting names with their `discover:` to what was found; what was not found is not there."""
    sources: dict[str, Callable[[str], Filled | None]] = {
        "aws-region": lambda _: Filled(region, "the account's region") if region else None,
        "lambda-function": lambda _: Filled(seen.function.name, "the function chosen"),
        "api-endpoint": lambda _: Filled(seen.api.endpoint, f"{seen.api.kind} API {seen.api.id}") if seen.api else None,
        "function-variable": lambda name: _filled(seen.variables, name, seen.function.name),
        "authorizer-variable": lambda name: _filled(
            seen.authorizer_variables, name, seen.api.authorizer if seen.api else "the authorizer"
        ),
    }
    found: dict[str, Filled] = {}
    for setting, how in discover.items():
        kind, _, name = how.partition(" ")
        if kind in sources and (filled := sources[kind](name)) is not None:
            found[setting] = filled
    return found


def _filled(variables: Variables, name: str, of: str) -> Filled | None:
    value = variables.value(name)
    return Filled(value, f"variable {name} of {of}") if value else None
