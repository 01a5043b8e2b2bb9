"""HTTP: what answers on the host and on its public side, judged by the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.resources.expect import expected, shown
from iris_migrate.target import Http, Target

HEALTHY = "status == 'ok' || status == 'healthy'"


def judge_body(url: str, expect: str, answer: Http) -> list[Evidence]:
    """A health answer, judged by its body alone: services are known that say "ok" with any status code."""
    if answer.status == 0:
        return [Evidence(f"GET {url}", "an answer", answer.error or "no answer", Verdict.ABSENT)]
    if not isinstance(answer.body, dict):
        seen = f"status {answer.status}, not JSON: {shown(answer.body or '')}"
        return [Evidence(f"GET {url}", "a JSON object", seen, Verdict.DIFFERS)]
    return [expected(f"body of GET {url}", expect, answer.body)]


async def place(target: Target, url: str, connect: str, resolver: str) -> str:
    """The address to connect to: the one given, else what the resolver says, else empty (the system's business)."""
    if connect or not resolver:
        return connect
    found = await target.web.resolve(urlsplit(url).hostname or "", resolver=resolver)
    return found[0] if found else ""


@dataclass(frozen=True, kw_only=True)
class HostHealth(Resource):
    """The application answers on the host itself, and says that it is healthy. `expect` is JMESPath of the body."""

    kind: ClassVar[str] = "http.host_health"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    url: str
    expect: str = HEALTHY

    async def inspect(self, target: Target) -> Finding:
        return conclude(judge_body(self.url, self.expect, await target.host.http(self.url)))


@dataclass(frozen=True, kw_only=True)
class PublicHealth(Resource):
    """The same, seen from the workstation.

    `connect` is an address used instead of resolving the name; `ca` a file of further trusted certificates.
    """

    kind: ClassVar[str] = "http.public_health"
    uses: ClassVar[frozenset[str]] = frozenset({"web"})
    check_only: ClassVar[bool] = True
    url: Ref
    expect: str = HEALTHY
    connect: Ref = ""
    resolver: str = ""
    ca: str = ""

    async def inspect(self, target: Target) -> Finding:
        url = str(self.url)
        connect = await place(target, url, str(self.connect), self.resolver)
        answer = await target.web.get(url, connect=connect, ca=self.ca)
        return conclude(judge_body(url, self.expect, answer))


@dataclass(frozen=True, kw_only=True)
class Redirect(Resource):
    """A plain address sends clients on to another one. 308 keeps a POST a POST; 301 is for pages."""

    kind: ClassVar[str] = "http.redirect"
    uses: ClassVar[frozenset[str]] = frozenset({"web"})
    check_only: ClassVar[bool] = True
    url: Ref
    to: Ref
    status: int = 308
    connect: Ref = ""
    resolver: str = ""

    async def inspect(self, target: Target) -> Finding:
        url = str(self.url)
        connect = await place(target, url, str(self.connect), self.resolver)
        answer = await target.web.get(url, connect=connect)
        if answer.status == 0:
            return conclude([Evidence(f"GET {url}", "a redirect", answer.error or "no answer", Verdict.ABSENT)])
        location = next((value for name, value in answer.headers.items() if name.lower() == "location"), "")
        return conclude(
            [judge(f"status of GET {url}", self.status, answer.status), judge("redirects to", str(self.to), location)]
        )


@dataclass(frozen=True, kw_only=True)
class Closed(Resource):
    """Nothing answers at `url`, while `control` at the same host does: silence of the whole network proves nothing."""

    kind: ClassVar[str] = "http.closed"
    uses: ClassVar[frozenset[str]] = frozenset({"web"})
    check_only: ClassVar[bool] = True
    url: Ref
    control: Ref
    timeout: float = 4.0

    async def inspect(self, target: Target) -> Finding:
        url, control = str(self.url), str(self.control)
        reached = await target.web.get(control, timeout=self.timeout)
        if reached.status == 0:
            seen = reached.error or "no answer"
            return conclude([Evidence(f"GET {control}", "an answer, to compare with", seen, Verdict.UNKNOWN)])
        answer = await target.web.get(url, timeout=self.timeout)
        seen = f"status {answer.status}" if answer.status else "no answer"
        return conclude([judge(f"GET {url} from outside", "no answer", seen)])
