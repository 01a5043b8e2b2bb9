"""certbot and logrotate on the practice host, and the package manager's faults."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.practice_host import PracticeAccess, make
from tests.rehearsal.host.certificates import Authority


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PracticeAccess, Authority]]:
    authority = Authority("", 0)
    authority.start()
    access = make(tmp_path_factory.mktemp("certbot") / "host", acme=authority.url)
    authority.address, authority.http_port = access.address, access.host.ports.http
    try:
        ran = access.run("sudo apt-get -q update && sudo apt-get -qy install nginx certbot logrotate")
        assert ran.status == 0, ran
        yield access, authority
    finally:
        access.host.stop()
        authority.stop()


def certonly(root: Path, more: str = "") -> str:
    return (
        f"sudo certbot certonly --webroot -w {root}/srv/web -d api.example.com --agree-tos -m ops@example.com "
        f"--non-interactive {more}"
    )


def test_a_certificate_is_issued_served_and_really_renewed(world: tuple[PracticeAccess, Authority]) -> None:
    host, authority = world
    root, ports = host.root, host.host.ports
    assert host.run("systemctl is-active certbot.timer").out == "active\n"
    host.run(f"sudo mkdir -p {root}/srv/web")

    unserved = host.run(certonly(root))
    assert unserved.status == 1 and "Some challenges have failed." in unserved.err and not authority.orders
    assert not (root / "etc/letsencrypt/live").exists()

    site(
        root,
        f"server {{ listen {ports.http} default_server; "
        f"location ^~ /.well-known/acme-challenge/ {{ root {root}/srv/web; }} }}",
    )
    assert host.run("sudo systemctl reload nginx").status == 0
    for _ in range(100):
        issued = host.run(certonly(root))
        if issued.status == 0:  # a reload of nginx takes a moment
            break
        time.sleep(0.05)
    assert issued.status == 0 and "Successfully received certificate." in issued.out
    live = root / "etc/letsencrypt/live/api.example.com"
    assert (live / "privkey.pem").stat().st_mode & 0o777 == 0o600
    assert str((live / "fullchain.pem").readlink()) == "../../archive/api.example.com/fullchain1.pem"
    assert "Keeping the existing certificate" in host.run(certonly(root)).out
    listed = host.run("sudo certbot certificates").out
    assert "Certificate Name: api.example.com" in listed and "(VALID: 89 days)" in listed

    hook = root / "etc/letsencrypt/renewal-hooks/deploy/reload"
    hook.write_text("#!/bin/sh\nsystemctl reload nginx\n")
    hook.chmod(0o755)
    site(
        root,
        f"server {{ listen {ports.http} default_server; "
        f"location ^~ /.well-known/acme-challenge/ {{ root {root}/srv/web; }} }}\n"
        f"server {{ listen {ports.https} ssl; ssl_certificate {live}/fullchain.pem; "
        f"ssl_certificate_key {live}/privkey.pem; return 200 ok; }}",
    )
    assert host.run("sudo systemctl reload nginx").status == 0
    first = served(host)
    count = len(authority.orders)
    assert "Simulated renewal of api.example.com succeeded" in host.run("sudo certbot renew --dry-run").out
    assert len(authority.orders) == count + 1 and served(host) == first, "a dry run keeps nothing and calls no hook"
    assert "not yet due" in host.run("sudo certbot renew").out
    assert host.run("sudo certbot renew --cert-name api.example.com --force-renewal").status == 0
    end = time.monotonic() + 10
    while served(host) == first:
        assert time.monotonic() < end, "the deploy hook did not bring the new certificate to the public port"
        time.sleep(0.05)
    assert (
        host.run("sudo systemctl start certbot.service && systemctl show -p Result --value certbot.service").out
        == "success\n"
    )


def site(root: Path, text: str) -> None:
    (root / "etc/nginx/conf.d/site.conf").write_text(text)
    (root / "etc/nginx/sites-enabled/default").unlink(missing_ok=True)


def served(host: PracticeAccess) -> str:
    for _ in range(100):
        try:
            return ssl.get_server_certificate((host.address, host.host.ports.https), timeout=5)
        except OSError:
            time.sleep(0.05)
    raise AssertionError("nothing answers on the https port")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("certbot certonly --webroot -w x -d a.example.com -n", "Permission denied"),
        (
            "sudo certbot --nginx -d a.example.com -n --agree-tos -m a@example.com",
            "nginx plugin does not appear to be installed",
        ),
        (
            "sudo certbot certonly --webroot -w nowhere -d a.example.com -n --agree-tos -m a@example.com",
            "does not exist",
        ),
        ("sudo certbot renew --cert-name b.example.com", "No certificate found with name b.example.com"),
    ],
)
def test_certbot_refuses(world: tuple[PracticeAccess, Authority], command: str, words: str) -> None:
    ran = world[0].run(command)
    assert ran.status == 1 and words in ran.err


CONF = """\
{root}/var/log/iris/*.log {{
    daily
    rotate 2
    compress
    delaycompress
    missingok
    notifempty
    create 0640 ubuntu ubuntu
    postrotate
        {script}
    endscript
}}
"""


def test_logs_are_rotated_compressed_and_made_anew(world: tuple[PracticeAccess, Authority]) -> None:
    host, _ = world
    logs, conf = host.root / "var/log/iris", host.root / "etc/logrotate.d/iris"
    logs.mkdir()
    conf.write_text(CONF.format(root=host.root, script=f"echo done >> {host.root}/var/tmp/rotated"))
    for text in ("one", "two", "three", "four"):
        (logs / "a.log").write_text(text)
        assert host.run(f"sudo logrotate -f {conf}").status == 0
    assert sorted(path.name for path in logs.iterdir()) == ["a.log", "a.log.1", "a.log.2.gz"]
    assert host.run(f"cat {logs}/a.log.1; gzip -dc {logs}/a.log.2.gz").out == "fourthree"
    assert host.run(f"stat -c '%U %a %s' {logs}/a.log").out == "ubuntu 640 0\n"
    assert (host.root / "var/tmp/rotated").read_text() == "done\n" * 4
    assert host.run(f"sudo logrotate -d {conf} 2>&1").out.count("does not need rotating") == 1, "empty, and notifempty"
    assert host.run(f"sudo logrotate {conf}; sudo systemctl start logrotate").status == 0


def test_a_failing_postrotate_fails_the_rotation(world: tuple[PracticeAccess, Authority]) -> None:
    host, _ = world
    conf, log = host.root / "etc/logrotate.d/broken", host.root / "var/log/b.log"
    log.write_text("x")
    conf.write_text(f"{log} {{\n  rotate 1\n  postrotate\n    systemctl reload no-such-unit\n  endscript\n}}\n")
    ran = host.run(f"sudo logrotate -f {conf}")
    assert ran.status == 1 and "error running postrotate script" in ran.err
    conf.write_text(
        f"{log} {{\n  frobnicate\n  create 0644 ghost ghost\n}}\n{host.root}/var/log/none.log {{\n daily\n}}\n"
    )
    said = host.run(f"sudo logrotate -f {conf}").err
    assert "unknown option 'frobnicate' -- ignoring line" in said and "unknown user 'ghost'" in said
    assert "none.log failed: No such file or directory" in said
    conf.unlink()
