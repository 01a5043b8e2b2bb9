"""Parts of REST APIs: methods with their integration, authorizers, stages and the usage plans that have them.

What is changed is live at a stage only once it is deployed there, and an API without methods cannot be deployed. So a
stage goes before the methods that it serves, and is made after them, on a deployment of what is there then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, AwsRead, Change
from iris_migrate.resources.apigateway.kind import GONE, Item, Kind, Making, Place
from iris_migrate.resources.old_side.rest_apis import members, methods, settings_of
from iris_migrate.target import Aws
from iris_migrate.values import AnswerRef

_THERE = ("ConflictException",)  # there already; also said of what goes on at the same time, so it is looked for
_LOOKS = {"Route": ("Route", "Authorizer"), "Stage": ("Stage", "Route"), "Plan": ("Plan", "Stage")}


def _calls(*operations: str) -> frozenset[str]:
    return frozenset(f"apigateway:{name}" for name in operations)


class RestKind(Kind):
    service: ClassVar[str] = "apigateway"
    calls: ClassVar[Mapping[str, frozenset[str]]] = {
        "Route": _calls(
            "GetResources", "GetAuthorizers", "DeleteMethod", "PutMethod", "PutMethodResponse", "PutIntegration",
            "PutIntegrationResponse",
        ),
        "Integration": frozenset(),  # a part of its method
        "Authorizer": _calls("GetAuthorizers", "DeleteAuthorizer", "CreateAuthorizer"),
        "Stage": _calls(
            "GetStages", "GetResources", "DeleteStage", "CreateDeployment", "GetDeployments", "CreateStage",
            "UpdateStage",
        ),
        "Plan": _calls("GetUsagePlans", "GetStages", "UpdateUsagePlan"),
    }  # fmt: skip

    async def place(self, aws: Aws, api: str, what: str) -> Place:
        found = await asyncio.gather(*(self._part(aws, api, name) for name in _LOOKS.get(what, (what,))))
        return {name: part for answer in found for name, part in answer.items()}

    async def _part(self, aws: Aws, api: str, what: str) -> dict[str, dict[str, list[Any]]]:
        if what == "Route":
            listed = await aws.read_all(self.service, "GetResources", "items[]", restApiId=api, embed=("methods",))
            seen = methods(listed)
            return {
                "Route": {f"{verb} {path}": [resource] for resource, path, verb, _ in seen},
                "Path": {str(item["path"]): [str(item["id"])] for item in listed},
                "Parts": {f"{verb} {path}": _counted(method) for _, path, verb, method in seen},
            }
        if what == "Authorizer":
            listed = await aws.read_all(self.service, "GetAuthorizers", "items[]", restApiId=api)
            return {"Authorizer": {str(item["name"]): [str(item["id"])] for item in listed}}
        if what == "Plan":
            plans = await aws.read_all(self.service, "GetUsagePlans", "items[]")
            return {"Plan": {key: [str(plan["id"])] for plan in plans for key in members(plan)}}
        stages = (await aws.read(self.service, "GetStages", restApiId=api)).get("item") or ()
        return {
            "Stage": {str(item["stageName"]): [str(item["stageName"])] for item in stages},
            "Settings": {str(item["stageName"]): settings_of(item) for item in stages},
        }

    def whole(self, what: str, item: Item, place: Place) -> bool:
        if what == "Route":
            wanted = [1, len(item["responses"]), len(item["replies"])]
            return all(has >= wants for has, wants in zip(place["Parts"][item["key"]], wanted, strict=True))
        if what == "Stage":
            return all(setting in place["Settings"][item["key"]] for setting in item["settings"])
        return True

    def needs(self, what: str, item: Item) -> Sequence[tuple[str, str]]:
        if what == "Route":
            guard = [("Authorizer", str(item["authorizer"]))] if item.get("authorizer") else []
            return [("Path", str(item["path"])), *guard]
        if what == "Plan":
            return [("Stage", str(item["stage"]))]
        return [("Route", str(key)) for key in item["routes"]] if what == "Stage" else []

    # Making

    def make(self, what: str, making: Making) -> list[Change]:
        match what:
            case "Route":
                return list(self._method(making))
            case "Stage":
                return list(self._stage(making))
            case "Plan":
                return [self._planned(making.item, "add", f"Put the stage into the usage plan {making.item['plan']}")]
        item = making.item
        return [
            AwsCall(
                says=f"Make the authorizer {item['key']} in API {item['api']}",
                service=self.service,
                operation="CreateAuthorizer",
                params={"restApiId": item["api"], **item["spec"]},
                find=AwsRead("GetAuthorizers", {"restApiId": item["api"]}, f"items[?name=='{item['key']}'].id | [0]"),
            )
        ]

    def _method(self, making: Making) -> Iterable[Change]:
        item = making.item
        key, guard = item["key"], item.get("authorizer")
        link = {"authorizerId": making.id_of("Authorizer", guard)} if guard else {}
        yield self._put(making, f"Make the method {key}", "PutMethod", {**item["spec"], **link}, "httpMethod")
        for answer in item["responses"]:
            status = answer["statusCode"]
            says = f"Declare the answer {status} of {key}"
            yield self._put(making, says, "PutMethodResponse", answer, f'methodResponses."{status}"')
        params = {**item["proxy"], **making.sealed}
        yield self._put(making, f"Let {key} call what it called", "PutIntegration", params, "methodIntegration.type")
        for reply in item["replies"]:
            status = reply["spec"]["statusCode"]
            sealed = Making({**reply, "from": item["from"]}, {}, making.step, making.folder).sealed
            expression = f'methodIntegration.integrationResponses."{status}"'
            says = f"Map the answer {status} of {key}"
            yield self._put(making, says, "PutIntegrationResponse", {**reply["spec"], **sealed}, expression)

    def _put(self, making: Making, says: str, operation: str, params: Mapping[str, Any], found: str) -> Change:
        item = making.item
        expression = f"items[?path=='{item['path']}'] | [0].resourceMethods.{item['verb']}.{found}"
        return AwsCall(
            says=says,
            service=self.service,
            operation=operation,
            params={
                "restApiId": item["api"], "resourceId": making.id_of("Path", item["path"]),
                "httpMethod": item["verb"], **params,
            },
            gone_ok=_THERE,
            find=AwsRead("GetResources", {"restApiId": item["api"], "embed": ["methods"]}, expression, wait=5.0),
        )  # fmt: skip

    def _stage(self, making: Making) -> Iterable[Change]:
        """A deployment of what is there now, and the stage on it with its settings."""
        item = making.item
        api, stage = item["api"], item["key"]
        note, answer = f"{stage}, put back", f"deployment-{api}-{stage}"
        if not making.place.get("Stage", {}).get(stage):
            found = f"items[?description=='{note}'].id | [0]"
            yield AwsCall(
                says=f"Deploy API {api}, for its stage {stage}",
                service=self.service,
                operation="CreateDeployment",
                params={"restApiId": api, "description": note},
                answers={answer: "id"},
                find=AwsRead("GetDeployments", {"restApiId": api}, found, {answer: found}, wait=5.0),
            )
            params = {"restApiId": api, "stageName": stage, "deploymentId": AnswerRef(answer), **item["spec"]}
            yield AwsCall(
                says=f"Make the stage {stage} of API {api}: the same URL",
                service=self.service,
                operation="CreateStage",
                params=params,
                find=AwsRead("GetStages", {"restApiId": api}, f"item[?stageName=='{stage}'] | [0]", wait=5.0),
            )
        if item["settings"]:
            yield stage_change(f"Give the stage {stage} its settings", api, stage, item["settings"])

    # Removing

    def remove(self, what: str, item: Item, id_: Any) -> list[Change]:
        if what == "Plan":
            return [self._planned(item, "remove", f"Take the stage out of the usage plan {item['plan']}")]
        api, key = item["api"], item["key"]
        if what == "Stage":
            word, operation, params = "stage", "DeleteStage", {"stageName": key}
        elif what == "Route":
            word, operation, params = "method", "DeleteMethod", {"resourceId": id_, "httpMethod": item["verb"]}
        else:
            word, operation, params = "authorizer", "DeleteAuthorizer", {"authorizerId": id_}
        return [
            AwsCall(
                says=f"Remove the {word} {key} from API {api}",
                service=self.service,
                operation=operation,
                params={"restApiId": api, **params},
                gone_ok=(GONE,),
            )
        ]

    def _planned(self, item: Item, verb: str, says: str) -> Change:
        change = {"op": verb, "path": "/apiStages", "value": f"{item['api']}:{item['stage']}"}
        return AwsCall(
            says=says,
            service=self.service,
            operation="UpdateUsagePlan",
            params={"usagePlanId": item["plan"], "patchOperations": [change]},
            gone_ok=(GONE,),
        )


def stage_change(says: str, api: Any, stage: str, operations: Sequence[Mapping[str, str]]) -> Change:
    """A change of a stage. It also puts in force what was changed of the default endpoint."""
    return AwsCall(
        says=says,
        service="apigateway",
        operation="UpdateStage",
        params={"restApiId": api, "stageName": stage, "patchOperations": list(operations)},
    )


def _counted(method: Mapping[str, Any]) -> list[Any]:
    """How much of a method is there: its integration, its responses, what they are mapped from."""
    integration = method.get("methodIntegration") or {}
    replies = integration.get("integrationResponses") or {}
    return [int(bool(integration)), len(method.get("methodResponses") or {}), len(replies)]
