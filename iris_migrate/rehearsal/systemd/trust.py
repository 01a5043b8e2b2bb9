"""What a host behind this machine needs to reach what this machine does: authorities, proxies, pip's settings."""

from __future__ import annotations

import configparser
import io
import os
import re
import subprocess
from pathlib import Path

from iris_migrate.rehearsal.systemd.needs import NotHere, program

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_OWN = Path("/usr/local/share/ca-certificates")  # what this machine's administrator added
_PIP = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")


def bundle() -> bytes:
    """The authorities that this machine's administrator added, one after the other."""
    return b"\n".join(path.read_bytes() for path in _added())


def _added() -> list[Path]:
    return sorted(path for path in _OWN.rglob("*.crt") if path.is_file())


def install(tree: Path, authority: Path) -> None:
    """Put this machine's added authorities and the rehearsal's own into a tree's store."""
    place = tree / _OWN.relative_to("/")
    place.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(_added()):
        (place / f"machine-{number}.crt").write_bytes(path.read_bytes())
    (place / "rehearsal.crt").write_bytes(authority.read_bytes())
    done = subprocess.run(
        [program("chroot"), str(tree), "update-ca-certificates"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotHere(f"update-ca-certificates fails in the base image: {done.stderr.strip()[-500:]}")


def pip_settings() -> str:
    """A pip.conf: where this machine's pip looks for packages, as far as a host can look there too."""
    found = {"cert": str(BUNDLE)}
    for path in (Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"):
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(path)
        except configparser.Error:
            continue
        for name in _PIP:
            if parser.has_option("global", name):
                found[name] = parser.get("global", name)
    for name in _PIP:
        given = os.environ.get(f"PIP_{name.upper().replace('-', '_')}")
        if given:
            found[name] = given
    kept = {name: _reachable(value) if name.endswith("url") else value for name, value in found.items()}
    written = configparser.ConfigParser(interpolation=None)
    written["global"] = {name: value for name, value in kept.items() if value}
    text = io.StringIO()
    written.write(text)
    return text.getvalue()


def _reachable(urls: str) -> str:
    """Those that are not files of this machine."""
    return " ".join(url for url in urls.split() if url.startswith(("https://", "http://")))


def proxy_variables(settings: str) -> dict[str, str]:
    """apt's proxies as the variables that debootstrap's downloads read."""
    found = re.findall(r'^Acquire::(https?)::Proxy "([^"]+)"', settings, re.MULTILINE | re.IGNORECASE)
    return {f"{scheme.lower()}_proxy": url for scheme, url in found if url.upper() != "DIRECT"}


def name_servers() -> str:
    """A resolv.conf for a host: this machine's name servers, without those that only this machine reaches."""
    for path in (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        kept = [line for line in lines if not re.match(r"nameserver\s+(127\.|::1)", line)]
        if any(line.startswith("nameserver") for line in kept):
            return "".join(f"{line}\n" for line in kept if not line.startswith("#"))
    return ""
