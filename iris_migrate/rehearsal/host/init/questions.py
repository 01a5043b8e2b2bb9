"""What `systemctl` is asked: one unit's properties, state and file, and the lists of all."""

from __future__ import annotations

import time

from iris_migrate.rehearsal.host.init import unit_files
from iris_migrate.rehearsal.host.init.properties import properties, status
from iris_migrate.rehearsal.host.init.request import Answer, Request
from iris_migrate.rehearsal.host.init.units import Units, full_name


class Questions:
    """Answers about these units; nothing is changed."""

    def __init__(self, units: Units) -> None:
        self.units = units

    def show(self, request: Request) -> Answer:
        wanted = [name for value in request.values("-p", "--property") for name in value.split(",")]
        if not request.names:
            manager = {
                "Version": "252 (practice)",
                "NFailedUnits": str(sum(s.active == "failed" for s in self.units.loaded.values())),
            }
            return Answer(
                out="".join(f"{name}={value}\n" for name, value in manager.items() if not wanted or name in wanted)
            )
        blocks = []
        for name in request.names:
            found = properties(self.units, full_name(name))
            chosen = {key: value for key, value in found.items() if not wanted or key in wanted}
            blocks.append(
                "".join(
                    (f"{value}\n" if request.has("--value") else f"{key}={value}\n") for key, value in chosen.items()
                )
            )
        return Answer(out="\n".join(blocks))

    async def is_active(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        active = service.active if service is not None else "inactive"
        return Answer(0 if active in ("active", "reloading") else 3, active + "\n")

    async def is_failed(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        active = service.active if service is not None else "inactive"
        return Answer(0 if active == "failed" else 1, active + "\n")

    async def is_enabled(self, name: str, request: Request) -> Answer:
        state = self.units.enabled(name)
        if not state:
            return Answer(1, err=f"Failed to get unit file state for {name}: No such file or directory\n")
        return Answer(0 if state in ("enabled", "static") else 1, state + "\n")

    async def status(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        text = status(self.units, name)
        if service is None:
            return Answer(4, err=text)
        return Answer(0 if service.active in ("active", "reloading") else 3, text, self.units.warning(service))

    async def cat(self, name: str, request: Request) -> Answer:
        file = unit_files.load(self.units.root, name)
        if file is None:
            return Answer(1, err=f"No files found for {name}.\n")
        return Answer(out="\n".join(f"# {path}\n{open_text(path)}" for path, _, _ in file.stamp))

    def list_timers(self, request: Request) -> Answer:
        timers = [
            service
            for name in self._known()
            if name.endswith(".timer") and (service := self.units.get(name)) is not None
        ]
        lines = [] if request.has("--no-legend") else ["NEXT LEFT LAST PASSED UNIT ACTIVATES"]
        for service in timers:
            if service.active == "active" or request.has("--all", "-a"):
                following = time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() + 3600))
                lines.append(
                    f"{following} 1h left - - {service.name} "
                    + service.file.one("Timer", "Unit", service.name.replace(".timer", ".service"))
                )
        return Answer(
            out="".join(line + "\n" for line in lines)
            + ("" if request.has("--no-legend") else f"\n{len(timers)} timers listed.\n")
        )

    def _known(self) -> list[str]:
        folders = [self.units.root / folder for folder in unit_files.FOLDERS]
        return sorted({path.name for folder in folders for path in folder.glob("*.*") if not path.is_dir()})

    def list_units(self, request: Request) -> Answer:
        kinds = [kind for value in request.values("-t", "--type") for kind in value.split(",")]
        states = [state for value in request.values("--state") for state in value.split(",")] + (
            ["failed"] if request.has("--failed") else []
        )
        lines = [
            f"{'' if request.has('--plain') else '  '}{service.name} {self.units.load_state(service)} "
            f"{service.active} {service.sub} {service.title}"
            for name in self._known()
            if (service := self.units.get(name)) is not None
            and (not kinds or name.rpartition(".")[2] in kinds)
            and (
                service.active in states or service.sub in states
                if states
                else service.active != "inactive" or request.has("--all", "-a")
            )
        ]
        tail = "" if request.has("--no-legend") else f"\n{len(lines)} loaded units listed.\n"
        return Answer(out="".join(line + "\n" for line in lines) + tail)

    def list_unit_files(self, request: Request) -> Answer:
        lines = [
            f"{name} {self.units.enabled(name)} enabled"
            for name in self._known()
            if not request.names or name in request.names
        ]
        tail = "" if request.has("--no-legend") else f"\n{len(lines)} unit files listed.\n"
        return Answer(out="".join(line + "\n" for line in lines) + tail)


def open_text(path: str) -> str:
    with open(path, errors="replace") as file:  # noqa: PTH123  a name from the stamp
        return file.read()
