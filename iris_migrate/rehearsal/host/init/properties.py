"""What `systemctl show` and `systemctl status` say of a unit."""

from __future__ import annotations

import time
from collections.abc import Mapping

from iris_migrate.rehearsal.host.init.services import Service
from iris_migrate.rehearsal.host.init.units import Units

# systemd prints properties in its own order, whatever the order they are asked for.


def _stamp(microseconds: int) -> str:
    if not microseconds:
        return ""
    ago = time.monotonic() - microseconds / 1e6
    return time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() - ago))


def properties(units: Units, name: str) -> Mapping[str, str]:
    """The properties of a unit, also of one that does not exist."""
    service = units.get(name)
    if service is None:
        return {
            "MainPID": "0", "ControlPID": "0", "NRestarts": "0", "ExecMainStartTimestampMonotonic": "0",
            "ExecMainPID": "0",
            "ExecMainCode": "0", "ExecMainStatus": "0", "Result": "success", "Id": name, "Names": name,
            "Description": name,
            "LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead", "FragmentPath": "",
            "DropInPaths": "",
            "UnitFileState": "", "UnitFilePreset": "", "StateChangeTimestampMonotonic": "0",
            "ActiveEnterTimestampMonotonic": "0", "ActiveExitTimestampMonotonic": "0",
            "InactiveEnterTimestampMonotonic": "0", "NeedDaemonReload": "no",
            "LoadError": f'org.freedesktop.systemd1.NoSuchUnit "Unit {name} not found."', "InvocationID": "",
        }  # fmt: skip
    found: dict[str, str] = {}
    if "Service" in service.file.sections:
        found |= _service(service)
    if name.endswith(".timer"):
        found |= {
            "Unit": service.file.one("Timer", "Unit", name.replace(".timer", ".service")),
            "Result": service.result,
        }
    return found | _unit(units, service)


def _service(service: Service) -> dict[str, str]:
    file = service.file
    return {
        "Type": file.one("Service", "Type", "simple"),
        "Restart": file.one("Service", "Restart", "no"),
        "PIDFile": file.one("Service", "PIDFile"),
        "NotifyAccess": file.one("Service", "NotifyAccess", "main" if service.kind == "notify" else "none"),
        "RestartUSec": _span(file.seconds("Service", "RestartSec", 0.1)),
        "TimeoutStartUSec": _span(file.seconds("Service", "TimeoutStartSec", 90.0)),
        "TimeoutStopUSec": _span(file.seconds("Service", "TimeoutStopSec", 90.0)),
        "MainPID": str(service.main_pid),
        "ControlPID": str(service.control_pid),
        "StatusText": service.status_text,
        "Result": service.result,
        "NRestarts": str(service.restarts),
        "ExecMainStartTimestamp": _stamp(service.main_start),
        "ExecMainStartTimestampMonotonic": str(service.main_start),
        "ExecMainExitTimestampMonotonic": str(service.main_exit),
        "ExecMainPID": str(service.main_pid),
        "ExecMainCode": str(service.exec_code),
        "ExecMainStatus": str(service.exec_status),
        "Environment": " ".join(file.all("Service", "Environment")),
        "EnvironmentFiles": " ".join(
            f"{line.removeprefix('-')} (ignore_errors={'yes' if line.startswith('-') else 'no'})"
            for line in file.all("Service", "EnvironmentFile")
        ),
        "UMask": file.one("Service", "UMask", "0022"),
        "WorkingDirectory": file.one("Service", "WorkingDirectory"),
        "User": file.one("Service", "User"),
        "Group": file.one("Service", "Group"),
        "KillMode": file.one("Service", "KillMode", "control-group"),
    }


def _unit(units: Units, service: Service) -> dict[str, str]:
    file, name = service.file, service.name
    return {
        "Id": name,
        "Names": name,
        "WantedBy": " ".join(file.all("Install", "WantedBy")) if units.enabled(name) == "enabled" else "",
        "Description": service.title,
        "LoadState": units.load_state(service),
        "ActiveState": service.active,
        "SubState": service.sub,
        "FragmentPath": str(file.path),
        "DropInPaths": " ".join(path for path, _, _ in file.stamp[1:]),
        "UnitFileState": units.enabled(name),
        "UnitFilePreset": "enabled",
        "StateChangeTimestampMonotonic": str(service.state_change),
        "InactiveExitTimestampMonotonic": str(service.main_start),
        "ActiveEnterTimestamp": _stamp(service.active_enter),
        "ActiveEnterTimestampMonotonic": str(service.active_enter),
        "ActiveExitTimestampMonotonic": str(service.active_exit),
        "InactiveEnterTimestampMonotonic": str(service.inactive_enter),
        "CanStart": "yes",
        "CanStop": "yes",
        "CanReload": "yes" if service.commands("ExecReload") else "no",
        "NeedDaemonReload": "yes" if units.changed(service) else "no",
        "InvocationID": service.invocation,
    }


def _span(seconds: float) -> str:
    if seconds == float("inf"):
        return "infinity"
    minutes, rest = divmod(seconds, 60)
    parts = [f"{int(minutes)}min"] if minutes else []
    if rest >= 1 or not seconds:
        parts.append(f"{int(rest)}s" if seconds else "0")
    elif rest:
        parts.append(f"{int(rest * 1000)}ms")
    return " ".join(parts)


def status(units: Units, name: str) -> str:
    """The head of `systemctl status`, without the journal's lines."""
    service = units.get(name)
    if service is None:
        return f"Unit {name} could not be found.\n"
    mark = {"active": "●", "failed": "×", "reloading": "↻", "activating": "●"}.get(service.active, "○")
    ago = f" since {_stamp(service.active_enter)}" if service.active == "active" else ""
    lines = [
        f"{mark} {name} - {service.title}",
        f"     Loaded: {units.load_state(service)} ({service.file.path}; {units.enabled(name)}; preset: enabled)",
        f"     Active: {service.active} ({service.sub}){ago}"
        + (f" (Result: {service.result})" if service.result != "success" else ""),
    ]
    if service.main_pid:
        lines.append(f"   Main PID: {service.main_pid}")
    if service.status_text:
        lines.append(f'     Status: "{service.status_text}"')
    return "\n".join(lines) + "\n"
