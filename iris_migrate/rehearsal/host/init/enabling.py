"""What `systemctl` does to unit files: enable, disable, mask, unmask."""

from __future__ import annotations

from iris_migrate.rehearsal.host.init import unit_files
from iris_migrate.rehearsal.host.init.request import Answer, Request
from iris_migrate.rehearsal.host.init.unit_jobs import Jobs
from iris_migrate.rehearsal.host.init.units import Units


class Enabling:
    """Links below /etc/systemd/system; `--now` is a job as well."""

    def __init__(self, units: Units, jobs: Jobs) -> None:
        self.units, self._jobs = units, jobs

    async def enable(self, name: str, request: Request) -> Answer:
        file = unit_files.load(self.units.root, name)
        if file is None:
            return Answer(1, err=f"Failed to enable unit: Unit file {name} does not exist.\n")
        if file.masked:
            return Answer(1, err=f"Failed to enable unit: Unit file {file.path} is masked.\n")
        said = "".join(line + "\n" for line in self.units.enable(file))
        if "Install" not in file.sections:
            said = (
                "The unit files have no installation config (WantedBy=, RequiredBy=, Also=,\n"
                "Alias= settings in the [Install] section, and DefaultInstance= for template units).\n"
            )
        self.units.reload_files()  # systemctl enable reloads the manager
        if not request.has("--now"):
            return Answer(err=said)
        started = await self._jobs.start(name, request)
        return Answer(started.status, err=said + started.err)

    async def disable(self, name: str, request: Request) -> Answer:
        if unit_files.load(self.units.root, name) is None and name not in self.units.loaded:
            return Answer(1, err=f"Failed to disable unit: Unit file {name} does not exist.\n")
        said = "".join(line + "\n" for line in self.units.disable(name))
        self.units.reload_files()
        if request.has("--now"):
            stopped = await self._jobs.stop(name, request)
            return Answer(stopped.status, err=said + stopped.err)
        return Answer(err=said)

    async def mask(self, name: str, request: Request) -> Answer:
        path = self.units.etc / name
        if path.exists() and not path.is_symlink():
            return Answer(1, err=f"Failed to mask unit: File {path} already exists.\n")
        if not path.is_symlink():
            path.symlink_to("/dev/null")
        self.units.reload_files()
        return Answer(err=f"Created symlink {path} → /dev/null.\n")

    async def unmask(self, name: str, request: Request) -> Answer:
        path = self.units.etc / name
        if path.is_symlink() and str(path.readlink()) == "/dev/null":
            path.unlink()
            self.units.reload_files()
            return Answer(err=f"Removed {path}.\n")
        return Answer()
