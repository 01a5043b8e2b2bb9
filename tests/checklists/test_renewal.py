"""The proof of a renewal: what is served counts, limits are kept, and a failed trial ends it."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from iris_migrate.language.checklist import Checklist
from iris_migrate.language.load import load
from tests.checklists.conftest import Run

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
DOMAIN = "iris.example.com"
# certbot as far as the script asks it: a dry run changes nothing and runs no hook, a renewal does both.
CERTBOT = r"""#!/bin/sh
echo "$*" >>@STATE@/calls
case "$*" in
*--dry-run*) [ ! -e @STATE@/refuse ] ;;
*--force-renewal*)
    cp @STATE@/second.pem @LIVE@/fullchain.pem && cp @STATE@/second.key @LIVE@/privkey.pem
    for hook in @FOLDER@/renewal-hooks/deploy/*; do [ ! -x "$hook" ] || "$hook" || true; done ;;
*) exit 1 ;;
esac
"""
# nginx' TLS side: a reload starts openssl's server anew with what is on the disk.
SYSTEMCTL = r"""#!/bin/sh
[ ! -e @STATE@/pid ] || pid=$(cat @STATE@/pid)
[ -z "${pid:-}" ] || { kill "$pid"; while kill -0 "$pid"; do sleep 0.05; done; } 2>/dev/null
openssl s_server -accept 127.0.0.1:@PORT@ -cert @LIVE@/fullchain.pem -key @LIVE@/privkey.pem -quiet \
    >/dev/null 2>&1 </dev/null &
echo $! >@STATE@/pid
"""


def certificate(pem: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=60))
        .sign(key, hashes.SHA256())
    )
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


class Site:
    """A host with a certificate that something serves."""

    def __init__(self, folder: Path, checklist: Checklist, port: int) -> None:
        self.folder, self.certbot = folder, folder / "host/etc/letsencrypt"
        self.live = self.certbot / "live" / DOMAIN
        self.script = checklist.step("renewal-proven").with_["script"].replace('"$seconds" -lt 20', '"$seconds" -lt 3')
        self.hook = self.certbot / "renewal-hooks/deploy/iris-nginx.sh"
        for path in (self.live, self.hook.parent, folder / "bin"):
            path.mkdir(parents=True)
        self.hook.write_text(checklist.step("renewal-hook").with_["content"])
        self.hook.chmod(0o755)
        values = {"@STATE@": folder, "@LIVE@": self.live, "@FOLDER@": self.certbot, "@PORT@": port}
        for name, text in {"certbot": CERTBOT, "systemctl": SYSTEMCTL, "nginx": "#!/bin/sh\n"}.items():
            filled = reduce(lambda so_far, item: so_far.replace(item[0], str(item[1])), values.items(), text)
            (folder / "bin" / name).write_text(filled)
            (folder / "bin" / name).chmod(0o755)
        certificate(self.live / "fullchain.pem", self.live / "privkey.pem")
        certificate(folder / "second.pem", folder / "second.key")
        subprocess.run([folder / "bin/systemctl", "reload", "nginx"], check=True, timeout=10)

    @property
    def calls(self) -> list[str]:
        """What certbot was asked, by its last telling argument."""
        try:
            said = (self.folder / "calls").read_text().splitlines()
        except FileNotFoundError:
            return []
        return ["dry" if "--dry-run" in line else "real" for line in said]

    def issued(self, *days_ago: float) -> None:
        """Certificates of these ages in certbot's archive."""
        archive = self.certbot / "archive" / DOMAIN
        archive.mkdir(parents=True)
        for number, days in enumerate(days_ago, 1):
            path = archive / f"cert{number}.pem"
            path.touch()
            os.utime(path, (time.time() - days * 86400,) * 2)


@pytest.fixture
def site(tmp_path: Path, port: int) -> Iterator[Site]:
    flags = {"os": "practice", "host.root": str(tmp_path / "host"), "domain": DOMAIN, "https.port": str(port)}
    site = Site(tmp_path, load("lambda-to-ec2", flags=flags), port)
    yield site
    subprocess.run(["sh", "-c", f'kill "$(cat {tmp_path}/pid)"'], check=False, capture_output=True)


def test_a_renewed_certificate_is_served(site: Site, run: Run) -> None:
    done = run(site.script)
    assert done.status == 0, done.out
    evidence = json.loads(done.last)
    assert (evidence["renewed"], evidence["served"]) == (True, True)
    assert site.calls == ["dry", "real"]


def test_a_renewal_that_nobody_loads_is_noticed(site: Site, run: Run) -> None:
    """certbot passes over a hook that cannot be executed; every dry run would have succeeded."""
    site.hook.chmod(0o644)
    evidence = json.loads(run(site.script).last)
    assert (evidence["renewed"], evidence["served"]) == (True, False)


def test_a_failed_trial_spends_nothing(site: Site, run: Run) -> None:
    (site.folder / "refuse").touch()
    assert run(site.script).status != 0
    assert site.calls == ["dry"]


def test_the_weekly_limit_is_kept_free(site: Site, run: Run) -> None:
    site.issued(0.1, 2, 5, 40)
    done = run(site.script)
    assert done.status != 0
    assert "try again next week" in done.out
    assert site.calls == []


def test_older_certificates_do_not_count(site: Site, run: Run) -> None:
    site.issued(5, 20, 40, 60)
    assert run(site.script).status == 0
