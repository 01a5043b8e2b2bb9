"""The whole journey on a real host: every step holds, the service is served from outside, and again nothing is done."""

from __future__ import annotations

import http.client
import sqlite3
from pathlib import Path
from typing import Any

from tests.host.site import SERVICE, Site
from tests.practice.run import Done

SETTLED = {"holds", "confirmed", "left-out", "warns"}
# Everything that packages, the program or certbot write; what runs writes elsewhere.
FILES = "find /etc /usr /opt /var/lib/iris-migrate /var/lib/dpkg /var/iris -printf '%p %T@ %C@ %s %m %U\\n' | sort"


def sent(site: Site) -> int:
    [record] = (Path(site.world.env["IRIS_MIGRATE_STATE"]) / "migrations").glob("*.sqlite")
    with sqlite3.connect(record) as db:
        return int(db.execute("SELECT count(*) FROM intents").fetchone()[0])


def state(site: Site) -> dict[str, Any]:
    """What a second run must leave as it is."""
    return {
        "files": site.said(FILES).splitlines(),
        "service": site.unit("InvocationID", "ExecMainStartTimestampMonotonic", "NRestarts"),
        "nginx": site.unit("InvocationID", "ExecMainStartTimestampMonotonic", unit="nginx"),
        "workers": site.said("pgrep -f '[n]ginx: worker' ; pgrep -f '[v]env/bin/gunicorn'"),
        "packages": site.said("sha256sum /var/log/dpkg.log /var/lib/dpkg/status"),
        "aws": [call for call in site.control("calls")["calls"] if call["write"] and not call["dry_run"]],
        "changes": sent(site),
    }


def test_every_step_holds(first: Done, site: Site) -> None:
    assert set(first.statuses.values()) <= SETTLED
    assert {step for step, status in first.statuses.items() if status == "warns"} <= {"free-tier"}
    assert first.statuses["renewal-proven"] == "holds"


def test_it_is_a_real_host(site: Site) -> None:
    assert site.said("systemctl is-system-running --wait || systemctl --failed --no-legend") == "running"
    assert "PRETTY_NAME" in site.said("cat /etc/os-release")
    assert site.unit("Type", "ActiveState") == {"Type": "notify", "ActiveState": "active"}
    assert site.said("dpkg-query -W -f '${Status}' nginx") == "install ok installed"


def test_https_and_the_redirect_from_outside(site: Site) -> None:
    assert site.healthy()
    plain = http.client.HTTPConnection(site.address, timeout=10)
    plain.request("POST", "/api/iris/analyze", "{}", {"Host": site.domain})
    answer = plain.getresponse()
    assert (answer.status, answer.headers["location"]) == (308, f"https://{site.domain}/api/iris/analyze")
    assert site.ask("/api/iris/analyze", {"filename": "a.py"}, key=False)[0] == 401


def test_the_certificate_is_pebbles(site: Site) -> None:
    with site.tls() as connection:
        seen = connection.getpeercert()
    assert seen is not None
    assert "Pebble" in str(seen["issuer"])
    assert seen["subjectAltName"] == (("DNS", site.domain),)


def test_the_console_told_the_true_keys(site: Site) -> None:
    output = site.aws("ec2").get_console_output(InstanceId=site.instance)["Output"]
    told = set(site.said("for key in /etc/ssh/ssh_host_*.pub; do ssh-keygen -lf $key; done | cut -d' ' -f2").split())
    assert len(told) == 3
    assert all(key in output for key in told)


def test_a_second_run_changes_nothing(site: Site) -> None:
    before = state(site)
    again = site.migrate()
    assert again.status == 0, again.why()
    assert set(again.statuses.values()) <= SETTLED
    after = state(site)
    assert sorted(set(before["files"]) ^ set(after["files"])) == []
    assert after == before


def test_the_service_is_only_behind_nginx(site: Site) -> None:
    listening = site.said("ss -Hltn | awk '{print $4}'").split()
    assert "127.0.0.1:8080" in listening
    assert not [item for item in listening if item.endswith(":8080") and not item.startswith("127.")]
    assert SERVICE in site.said("systemctl list-units --type=service --state=running --no-legend")


def test_the_service_may_do_little_and_is_not_started_without_end(site: Site) -> None:
    said = site.said(f"systemd-analyze security --no-pager {SERVICE}.service | tail -n 1")
    print(said)
    assert float(said.rpartition(": ")[2].split()[0]) <= 3.0
    limits = site.unit("StartLimitBurst", "MemoryMax", "NoNewPrivileges", "User")
    assert limits.pop("MemoryMax") != "infinity"
    assert limits == {"StartLimitBurst": "10", "NoNewPrivileges": "yes", "User": "iris"}
    assert "passwordauthentication no" in site.said("sshd -T").splitlines()
