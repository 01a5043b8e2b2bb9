"""A real renewal, through the timer's own unit: what a client is shown afterwards."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest

from tests.host.site import Site

HOOK = "/etc/letsencrypt/renewal-hooks/deploy/iris-nginx.sh"
LINEAGE = "/etc/letsencrypt/renewal/{domain}.conf"


@pytest.fixture
def due(site: Site) -> Iterator[None]:
    """The certificate is due now: certbot renews what is about to expire, and this one may last 90 days or 5 years."""
    path = LINEAGE.format(domain=site.domain)
    with site.kept("/etc/letsencrypt/cli.ini"):
        site.said("printf 'no-random-sleep-on-renew = true\\n' >>/etc/letsencrypt/cli.ini")
        site.said(f"sed -i '1i renew_before_expiry = 36500 days' {path}")
        yield
        site.said(f"sed -i '/^renew_before_expiry/d' {path}")


def on_disk(site: Site) -> str:
    said = site.said(f"openssl x509 -noout -serial -in /etc/letsencrypt/live/{site.domain}/fullchain.pem")
    return said.removeprefix("serial=")


def through_the_timer(site: Site) -> None:
    """What the timer starts, started."""
    unit = site.unit("Unit", unit="certbot.timer")["Unit"]
    site.said(f"systemctl start {unit}")
    assert site.unit("Result", unit=unit) == {"Result": "success"}


def test_a_renewed_certificate_is_served(site: Site, due: None) -> None:
    before = site.serial()
    through_the_timer(site)
    site.until(lambda: site.serial() != before, "a client is shown another certificate")
    assert site.serial() == on_disk(site)


def test_without_the_deploy_hook_it_is_not(site: Site, due: None) -> None:
    before = site.serial()
    with site.kept(HOOK):
        site.said(f"rm {HOOK}")
        through_the_timer(site)
        assert on_disk(site) != before
        assert site.serial() == before, "without the hook nginx goes on with the old certificate"
        found = site.program("verify", "--format", "json")
        assert found.statuses["certificate-served"] != "holds"
        assert found.statuses["renewal-hook"] != "holds"
    mended = site.migrate()
    assert mended.status == 0, mended.why()
    assert site.serial() == on_disk(site)


def test_a_closed_port_80_is_found_and_the_day_is_named(site: Site) -> None:
    with site.closed(80):
        found = site.program("verify", "--format", "json")
    step = next(item for item in found.document["steps"] if item["id"] == "renewal-timer")
    assert step["status"] != "holds"
    end = site.said(f"openssl x509 -noout -enddate -in /etc/letsencrypt/live/{site.domain}/fullchain.pem")
    last = datetime.datetime.strptime(end.removeprefix("notAfter="), "%b %d %H:%M:%S %Y GMT")
    day = (last - datetime.timedelta(days=30)).date().isoformat()
    assert any(f"the renewal will fail on {day}" in item["seen"] for item in step["evidence"]), step["evidence"]
    assert site.program("verify", "--format", "json").statuses["renewal-timer"] == "holds"
