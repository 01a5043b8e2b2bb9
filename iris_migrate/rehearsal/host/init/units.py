"""All units of the host: loading, enabling, jobs. What `systemctl` asks for is done here."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from iris_migrate.rehearsal.host.init import unit_files
from iris_migrate.rehearsal.host.init.services import Service
from iris_migrate.rehearsal.host.init.unit import Machine
from iris_migrate.rehearsal.host.init.unit_files import UnitFile, UnitFileError

SUFFIXES = (".service", ".timer", ".target", ".socket", ".path", ".mount", ".scope", ".slice")
TARGETS = (
    "basic.target",
    "sysinit.target",
    "network.target",
    "network-online.target",
    "multi-user.target",
    "timers.target",
    "default.target",
)


def full_name(name: str) -> str:
    return name if name.endswith(SUFFIXES) else f"{name}.service"


@dataclass(slots=True)
class Units:
    """Loaded units by name. One that is neither running, failed nor enabled is read anew each time, as by systemd."""

    machine: Machine
    loaded: dict[str, Service] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.machine.tree.root

    @property
    def etc(self) -> Path:
        return self.root / "etc/systemd/system"

    def get(self, name: str) -> Service | None:
        """The unit; None when no file has this name."""
        service = self.loaded.get(name)
        if service is not None and (
            service.active != "inactive" or service.job.locked() or self.enabled(name) == "enabled"
        ):
            return service
        file = unit_files.load(self.root, name)
        if file is None:
            if service is not None:
                del self.loaded[name]
            return None
        if service is None:
            service = self.loaded[name] = Service(self.machine, name, file)
            if name in TARGETS:
                service.active, service.sub = "active", "active"
        service.file = file
        return service

    def reload_files(self) -> None:
        """`daemon-reload`."""
        for name, service in list(self.loaded.items()):
            file = unit_files.load(self.root, name)
            if file is not None:
                service.file = file
                for warning in file.warnings:
                    service.say(warning, 4)
            elif service.active in ("inactive", "failed"):
                del self.loaded[name]

    def load_state(self, service: Service | None) -> str:
        if service is None:
            return "not-found"
        if service.file.masked:
            return "masked"
        return "bad-setting" if self.bad_setting(service.file) else "loaded"

    def bad_setting(self, file: UnitFile) -> str:
        """Why systemd would not start what was loaded; empty when it would."""
        if "Service" not in file.sections or file.one("Service", "X-Practice"):
            return ""
        lines = file.all("Service", "ExecStart")
        kind = file.one("Service", "Type", "simple")
        if not lines:
            return "Service has no ExecStart=, ExecStop=, or SuccessAction=. Refusing."
        if len(lines) > 1 and kind != "oneshot":
            return "Service has more than one ExecStart= setting, which is only allowed for Type=oneshot. Refusing."
        try:
            unit_files.words(lines[0])
        except UnitFileError as error:
            return str(error)
        return ""

    def changed(self, service: Service) -> bool:
        """`NeedDaemonReload`."""
        return not service.file.masked and service.file.stamp != unit_files.stamp(self.root, service.name)

    def warning(self, service: Service) -> str:
        """What every job says of a unit whose file has changed since it was loaded; else nothing."""
        if not self.changed(service):
            return ""
        return (
            f"Warning: The unit file, source configuration file or drop-ins of {service.name} changed on disk. "
            "Run 'systemctl daemon-reload' to reload units.\n"
        )

    # --- enabling

    def _wants(self, name: str) -> list[Path]:
        return [path for kind in ("wants", "requires") for path in self.etc.glob(f"*.{kind}/{name}")]

    def enabled(self, name: str) -> str:
        """`UnitFileState`: enabled, disabled, static, masked; empty when there is no file."""
        file = unit_files.load(self.root, name)
        if file is None:
            return ""
        if file.masked:
            return "masked"
        if self._wants(name):
            return "enabled"
        return "disabled" if "Install" in file.sections else "static"

    def enable(self, file: UnitFile) -> list[str]:
        """Make the links of `[Install]`; returns what systemctl says on standard error."""
        said = []
        for kind, key in (("wants", "WantedBy"), ("requires", "RequiredBy")):
            for target in " ".join(file.all("Install", key)).split():
                link = self.etc / f"{target}.{kind}" / file.name
                link.parent.mkdir(parents=True, exist_ok=True)
                if not link.is_symlink():
                    link.symlink_to(file.path)
                    said.append(f"Created symlink {link} → {file.path}.")
        return said

    def disable(self, name: str) -> list[str]:
        said = []
        for link in self._wants(name):
            link.unlink()
            said.append(f"Removed {link}.")
        return said

    # --- boot and end

    async def boot(self) -> None:
        """Start everything that is enabled."""
        names = sorted({path.name for path in self.etc.glob("*.target.wants/*")})
        self.machine.journal.from_init("init.scope", "systemd practice running in system mode")
        jobs = [self._boot_one(service) for name in names if (service := self.get(name)) is not None]
        await asyncio.gather(*jobs)

    async def _boot_one(self, service: Service) -> None:
        async with service.job:
            if not service.file.masked and not self.bad_setting(service.file):
                await service.start()

    async def end(self) -> None:
        async def one(service: Service) -> None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(service.give_up(), 8.0)

        await asyncio.gather(*(one(service) for service in self.loaded.values()))
