"""The base image of real hosts: built once from this machine's own apt sources, kept in the user's cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from iris_migrate.rehearsal.systemd import certificates, trust
from iris_migrate.rehearsal.systemd.needs import NotHere, missing, program
from iris_migrate.rehearsal.systemd.sources import Sources, read_sources

# What the release's own cloud image has and the work over SSH stands on; everything else is the checklist's to install.
PACKAGES = (
    "systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,sudo,iproute2,python3,ca-certificates,curl,procps,"
    "apt-utils,netbase,openssl"
)
USERS = {"debian-12": "admin", "ubuntu-22.04": "ubuntu", "ubuntu-24.04": "ubuntu"}
_LINES = 800  # of debootstrap, about
_MADE = "iris-migrate-image"  # marks a folder as ours
_VERSION = "1"  # grows when this file makes another image

Tell = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Image:
    """A built base: its tree, the profile it is, its login user, and the authority that its store trusts."""

    folder: Path
    profile: str

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    @property
    def user(self) -> str:
        return USERS[self.profile]

    @property
    def authority(self) -> certificates.Authority:
        return certificates.Authority(self.folder / "authority.pem", self.folder / "authority.key")


def cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("iris-migrate") / "hosts"


def ready_image(tell: Tell, folder: Path | None = None) -> Image:
    """The image, built when it is not there. `tell(share, what)` hears how far it is. Raises NotHere."""
    said = missing()
    if said:
        raise NotHere("A real host cannot be had here. " + " ".join(said))
    place = cache() if folder is None else folder
    sources = read_sources()
    image = Image(place / f"{sources.release}-{_key(sources)}", sources.profile)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(place):
        if not (image.folder / _MADE).exists():
            _remove_earlier(place, sources.release)
            _build(image, sources, tell)
    return image


def _key(sources: Sources) -> str:
    said = "\n".join((_VERSION, PACKAGES, sources.mirror, *sources.lines, sources.settings, trust.pip_settings()))
    return hashlib.sha256(said.encode() + trust.bundle()).hexdigest()[:12]


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_earlier(place: Path, release: str) -> None:
    """Images of this release from other sources, and what a killed build left. Running hosts have copies."""
    for folder in [*place.glob(f"{release}-*"), *place.glob("building-*")]:
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


def _build(image: Image, sources: Sources, tell: Tell) -> None:
    building = Path(tempfile.mkdtemp(prefix="building-", dir=image.folder.parent))
    try:
        tree = building / "tree"
        _debootstrap(tree, sources, tell)
        tell(0.97, "setting it up")
        authority = certificates.make_authority(building / "authority.pem", building / "authority.key")
        trust.install(tree, authority.certificate)
        _set_up(tree, sources, image.user)
        (building / _MADE).write_text(f"{sources.release}\n")
        building.rename(image.folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    tell(1.0, "the base image is ready")


def _debootstrap(tree: Path, sources: Sources, tell: Tell) -> None:
    command = [program("debootstrap"), "--variant=minbase", f"--include={PACKAGES}"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"} | trust.proxy_variables(sources.settings)
    building = subprocess.Popen(
        [*command, sources.release, str(tree), sources.mirror],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        errors="replace",
    )  # fmt: skip
    last: list[str] = []
    try:
        assert building.stdout is not None
        for number, line in enumerate(building.stdout):
            tell(min(0.95, number / _LINES), line.partition(":")[2].strip())
            last = [*last[-4:], line.strip()]
        status = building.wait()
    except BaseException:
        building.terminate()
        building.wait()
        raise
    if status:
        log = tree / "debootstrap/debootstrap.log"
        tail = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
        raise NotHere(f"The base image could not be built from {sources.mirror}: " + " | ".join(last + tail))


def _set_up(tree: Path, sources: Sources, user: str) -> None:
    """As the release's cloud image comes: a login user with sudo and without a password, no logins by password."""
    (tree / "etc/apt/sources.list").write_text("".join(f"{line}\n" for line in sources.lines))
    (tree / "etc/apt/apt.conf.d/90-rehearsal").write_text(sources.settings)
    (tree / "etc/pip.conf").write_text(trust.pip_settings())
    (tree / "etc/machine-id").write_text("")  # each host gets its own at its first boot
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    _inside(tree, "useradd", "--create-home", "--shell", "/bin/bash", "--groups", "adm,sudo", user)
    sudoers = tree / "etc/sudoers.d/90-cloud-init-users"
    sudoers.write_text(f"{user} ALL=(ALL) NOPASSWD:ALL\n")
    sudoers.chmod(0o440)
    sshd = tree / "etc/ssh/sshd_config.d/50-cloud-init.conf"
    sshd.write_text("PasswordAuthentication no\n")
    sshd.chmod(0o600)
    # A container has no console of its own to log in at, and no kernel to load modules into.
    _inside(tree, "systemctl", "mask", "console-getty.service", "getty.target")
    shutil.rmtree(tree / "var/cache/apt/archives", ignore_errors=True)
    (tree / "var/cache/apt/archives/partial").mkdir(parents=True)


def _inside(tree: Path, *command: str) -> None:
    done = subprocess.run(
        [program("chroot"), str(tree), *command], capture_output=True, text=True, check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
    )  # fmt: skip
    if done.returncode:
        raise NotHere(f"The base image could not be set up: {' '.join(command)}: {done.stderr.strip()[-500:]}")
