"""nginx: a site that is enabled, running, and serving what is on the disk; tested before every start and reload."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from iris_migrate.changes import Change, HostCommand
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources import service
from iris_migrate.resources.files import File, link, remove, restore, stat_facts
from iris_migrate.target import FileStat, Target


def tested() -> HostCommand:
    """A configuration that does not pass is never loaded."""
    return HostCommand(says="Test nginx' configuration", argv=("nginx", "-t"), root=True, timeout=60.0)


@dataclass(frozen=True, kw_only=True)
class Site(File):
    """A site's file is there and enabled, the distribution's default site is off, and the whole passes nginx' test."""

    kind: ClassVar[str] = "nginx.site"
    enabled: str = ""  # the link that enables it; empty where lying in the folder is enough
    default_site: str = ""  # the distribution's own, which would answer for the bare address

    async def inspect(self, target: Target) -> Finding:
        look, enabled, default = await asyncio.gather(
            self.look(target), _stat(target, self.enabled), _stat(target, self.default_site)
        )
        if isinstance(look, Finding):
            return look
        evidence, file = look
        if self.enabled:
            evidence.append(_enabled(self.enabled, self.path, enabled))
        if self.default_site:
            asked = f"default site {self.default_site}"
            evidence.append(judge(asked, "off", "off" if default is None else "on, and answers for the bare address"))
        was: dict[str, Any] = stat_facts(default)
        if default is not None and default.kind == "file":
            was["text"] = await target.host.text(self.default_site)
        return conclude(evidence, facts={"file": file, "enabled": stat_facts(enabled), "default": was})

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        facts = finding.facts
        changes = super().plan(replace(finding, facts=facts.get("file", {})))
        if self.enabled and facts.get("enabled", {}).get("link") != self.path:
            changes.append(link(self.enabled, self.path))
        if self.default_site and facts.get("default", True):
            changes.append(remove(self.default_site))
        return [*changes, tested()]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was, now = before.facts, finding.facts
        if not was or not now:
            return []
        changes: list[Change] = []
        if was["default"] and not now["default"]:
            linked = was["default"]["kind"] == "link"
            at = self.default_site
            changes.append(link(at, was["default"]["link"]) if linked else restore(at, was["default"]))
        if self.enabled and was["enabled"].get("link") != now["enabled"].get("link"):
            to = was["enabled"].get("link")
            changes.append(link(self.enabled, to) if to else remove(self.enabled))
        file_before = replace(before, verdict=before.verdict if was["file"] else Verdict.ABSENT, facts=was["file"])
        changes += super().undo(file_before, replace(finding, facts=now["file"]))
        return [*changes, tested()] if changes else []


async def _stat(target: Target, path: str) -> FileStat | None:
    return await target.host.stat(path) if path else None


def _enabled(path: str, to: str, stat: FileStat | None) -> Evidence:
    asked, expected = f"link {path}", f"points to {to}"
    if stat is None:
        return Evidence(asked, expected, "not there", Verdict.ABSENT)
    if stat.kind != "link":
        return Evidence(asked, expected, f"a {stat.kind}; move it away", Verdict.UNKNOWN)
    return judge(asked, expected, f"points to {stat.link}")


@dataclass(frozen=True, kw_only=True)
class Running(service.Running):
    """nginx is active, has been for long enough, and does not keep restarting."""

    kind: ClassVar[str] = "nginx.running"
    name: str = "nginx"
    seconds: float = 2.0  # nginx reads its configuration before it reports ready

    def plan(self, finding: Finding) -> list[Change]:
        changes = super().plan(finding)
        return [tested(), *changes] if changes else []


@dataclass(frozen=True, kw_only=True)
class Current(service.Current):
    """nginx serves the configuration that is on the disk."""

    kind: ClassVar[str] = "nginx.current"
    name: str = "nginx"
    grace: float = 140.0  # old workers finish their requests, which may wait for the application

    def plan(self, finding: Finding) -> list[Change]:
        changes = super().plan(finding)
        return [tested(), *changes] if changes else []
