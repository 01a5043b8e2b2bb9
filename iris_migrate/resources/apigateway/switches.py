"""The switch of an API's own address, of each kind: how it stands, what switches it off, what on again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, Change
from iris_migrate.resources.apigateway.rest_kind import stage_change
from iris_migrate.resources.old_side.rest_apis import NOTE
from iris_migrate.target import Aws

TAG = "iris-migrate:switched-off"  # when, in seconds since the epoch, rounded up

_ANY_STAGE = {"‹stage›": "1"}  # for a runbook, which has looked at nothing
State = Mapping[str, Any]  # `off`, `since` (0: not noted), `serves` (False: nothing of it could answer anyway)


class Switch(ABC):
    calls: ClassVar[frozenset[str]]

    @abstractmethod
    async def state(self, aws: Aws, api: str) -> State:
        """How it stands. Raises AwsError."""

    @abstractmethod
    def off(self, api: Any, state: State, at: str, region: str) -> list[Change]:
        """What switches it off, and notes since when."""

    @abstractmethod
    def on(self, api: Any, state: State, region: str) -> list[Change]: ...


class HttpSwitch(Switch):
    calls: ClassVar[frozenset[str]] = frozenset(
        {"apigatewayv2:GetApi", "apigatewayv2:UpdateApi", "apigatewayv2:TagResource", "apigatewayv2:UntagResource"}
    )

    async def state(self, aws: Aws, api: str) -> State:
        found = await aws.read("apigatewayv2", "GetApi", ApiId=api)
        since = str((found.get("Tags") or {}).get(TAG) or "")
        off = bool(found.get("DisableExecuteApiEndpoint"))
        return {"off": off, "since": float(since) if since.isdigit() else 0.0, "serves": True}

    def off(self, api: Any, state: State, at: str, region: str) -> list[Change]:
        note = AwsCall(
            says=f"Note on API {api} since when it is off, so that the soak needs no machine to stay awake",
            service="apigatewayv2",
            operation="TagResource",
            params={"ResourceArn": _arn(region, api), "Tags": {TAG: at}},
        )
        return [note] if state["off"] else [self._switch(api, off=True), note]

    def on(self, api: Any, state: State, region: str) -> list[Change]:
        forget = AwsCall(
            says=f"Take that note off API {api}",
            service="apigatewayv2",
            operation="UntagResource",
            params={"ResourceArn": _arn(region, api), "TagKeys": [TAG]},
        )
        changes: list[Change] = [self._switch(api, off=False)] if state["off"] else []
        return [*changes, forget] if state["since"] else changes

    def _switch(self, api: Any, *, off: bool) -> Change:
        return AwsCall(
            says=_says(api, off), service="apigatewayv2", operation="UpdateApi",
            params={"ApiId": api, "DisableExecuteApiEndpoint": off},
        )  # fmt: skip


class RestSwitch(Switch):
    """What is said of a REST API's endpoint counts from the next change of a stage: the note on the stage is one."""

    calls: ClassVar[frozenset[str]] = frozenset(
        {"apigateway:GetRestApi", "apigateway:GetStages", "apigateway:UpdateRestApi", "apigateway:UpdateStage"}
    )

    async def state(self, aws: Aws, api: str) -> State:
        found = await aws.read("apigateway", "GetRestApi", restApiId=api)
        stages = (await aws.read("apigateway", "GetStages", restApiId=api)).get("item") or ()
        notes = {str(item["stageName"]): str((item.get("variables") or {}).get(NOTE, "")) for item in stages}
        noted = [float(note) for note in notes.values() if note.isdigit()]
        off = bool(found.get("disableExecuteApiEndpoint"))
        since = max(noted) if noted and len(noted) == len(notes) else 0.0
        return {"off": off, "since": since, "serves": bool(notes), "notes": notes, "noted": any(notes.values())}

    def off(self, api: Any, state: State, at: str, region: str) -> list[Change]:
        changes: list[Change] = [] if state["off"] else [self._switch(api, off=True)]
        for stage, note in state.get("notes", _ANY_STAGE).items():
            if not note.isdigit() or not state["off"]:
                says = f"Note on the stage {stage} of API {api} since when it is off; with that it is in force"
                put = {"op": "replace", "path": f"/variables/{NOTE}", "value": at}
                changes.append(stage_change(says, api, stage, [put]))
        return changes

    def on(self, api: Any, state: State, region: str) -> list[Change]:
        """A stage without a note gets one for a moment: it has to change for what is said of the endpoint to count."""
        notes: Mapping[str, str] = state.get("notes", _ANY_STAGE)
        first = {"op": "replace", "path": f"/variables/{NOTE}", "value": "off"}
        gone = {"op": "remove", "path": f"/variables/{NOTE}"}
        changes: list[Change] = []
        if state["off"]:
            says = "Note on the stage {} that it is to change"
            changes += [stage_change(says.format(name), api, name, [first]) for name, note in notes.items() if not note]
            changes.append(self._switch(api, off=False))
        for stage, note in notes.items():
            if note or state["off"]:
                says = f"Take that note off the stage {stage} of API {api}; with that it serves again"
                changes.append(stage_change(says, api, stage, [gone]))
        return changes

    def _switch(self, api: Any, *, off: bool) -> Change:
        change = {"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "true" if off else "false"}
        return AwsCall(
            says=_says(api, off), service="apigateway", operation="UpdateRestApi",
            params={"restApiId": api, "patchOperations": [change]},
        )  # fmt: skip


SWITCHES: Mapping[str, Switch] = {"HTTP": HttpSwitch(), "REST": RestSwitch()}


def _says(api: Any, off: bool) -> str:
    does, meaning = ("Switch off", "callers are refused, ") if off else ("Switch on again", "")
    return f"{does} the default endpoint of API {api}: {meaning}the URL stays the same"


def _arn(region: str, api: Any) -> str:
    return f"arn:aws:apigateway:{region}::/apis/{api}"
