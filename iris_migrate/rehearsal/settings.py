"""The one list of what a rehearsal sets, and where a real migration has it: nothing else may differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What makes a rehearsal one (design 6): profile, ports, root, CA, repository, domain, resolver, ACME server,
# own-address service and endpoints.
STANDS_IN = (
    "os",
    "host.root",
    "ssh.port",
    "http.port",
    "https.port",
    "app_port",
    "repository.url",
    "repository.commit",
    "domain",
    "resolver",
    "tls.acme_server",
    "tls.ca",
    "own_address.url",
    "openai_base_url",
    "pip.args",
)
# What every migration has to choose for itself, a rehearsal too.
CHOSEN = (
    "old_endpoint",
    "ssh.key",
    "tls.email",
    "extension.checkout",
    "extension.compile",
    "backup.folder",
    "archive.folder",
    "openai_api_key",
    "iris_api_keys",
    "backup_passphrase",
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of a world are, as its settings file says."""

    profile: str
    root: Path
    ssh_port: int
    http_port: int
    https_port: int
    app_port: int
    repository: str
    commit: str
    domain: str
    resolver: str
    acme: str
    ca: Path
    own_address: str
    model: str
    old_endpoint: str
    key: Path
    extension: Path
    compile: tuple[str, ...]
    backups: Path
    pip_args: tuple[str, ...] = ()


def settings(places: Places) -> dict[str, Any]:
    """The settings of the checklist lambda-to-ec2 for this world; names are its own."""
    return {
        "os": places.profile,
        "host.root": str(places.root).rstrip("/"),
        "ssh.port": places.ssh_port,
        "http.port": places.http_port,
        "https.port": places.https_port,
        "app_port": places.app_port,
        "repository.url": places.repository,
        "repository.commit": places.commit,
        "domain": places.domain,
        "resolver": places.resolver,
        "tls.acme_server": places.acme,
        "tls.ca": str(places.ca),
        "own_address.url": places.own_address,
        "openai_base_url": places.model,
        "pip.args": list(places.pip_args),
        "old_endpoint": places.old_endpoint,
        "ssh.key": str(places.key),
        "tls.email": "operator@example.com",
        "extension.checkout": str(places.extension),
        "extension.compile": list(places.compile),
        "backup.folder": str(places.backups),
        "archive.folder": str(places.backups.with_name("archive")),
        **{name: {"env": variable} for name, variable in SECRETS.items()},
    }


SECRETS = {
    "openai_api_key": "OPENAI_API_KEY",
    "iris_api_keys": "IRIS_API_KEYS",
    "backup_passphrase": "IRIS_BACKUP_PASSPHRASE",
}


def write_settings(path: Path, values: Mapping[str, Any]) -> None:
    """A settings file that a person can read and change."""
    import yaml

    head = "# Settings of a rehearsal, made by its practice world. Real migrations differ in these values only.\n"
    path.write_text(head + yaml.safe_dump(dict(values), sort_keys=False, default_flow_style=None, width=110))
