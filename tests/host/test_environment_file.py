"""What is written into the service's file of variables is what systemd hands to the process, byte for byte."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iris_migrate.resources.variables import NotReadAlike, line
from iris_migrate.values import Secret, fill
from tests.host.site import Site

FILE, UNIT = "/root/reads-variables.env", "reads-variables"
_UNIT = f"[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/usr/bin/sleep infinity\nEnvironmentFile={FILE}\n"
CHECKLIST = Path(__file__).parents[2] / "checklists/lambda-to-ec2/checklist.yaml"
SECRET = yaml.safe_load(CHECKLIST.read_text())["settings"]["openai_api_key"]["pattern"]
READ_TWO_WAYS = ("'", "\\", "${")

any_sign = st.characters(blacklist_categories=["Cs"])
values = st.lists(st.text(any_sign, min_size=1, max_size=40), min_size=1, max_size=60)
# Signs that mean something to systemd, to a shell, to python-dotenv or to a parser of lines.
sign = st.sampled_from('ab \t"#;=$%{}()`~!&|*?[]<>^,:@-.é€\u00a0\u2028😀')
pointed = st.lists(st.text(sign, min_size=1, max_size=20), min_size=1, max_size=60)


@pytest.fixture(scope="module", autouse=True)
def unit(site: Site) -> Iterator[None]:
    site.put(f"/etc/systemd/system/{UNIT}.service", _UNIT)
    site.said("systemctl daemon-reload")
    yield
    site.said(f"systemctl stop {UNIT}; rm -f /etc/systemd/system/{UNIT}.service {FILE}; systemctl daemon-reload")


def handed_over(site: Site, content: str) -> dict[str, str]:
    """The environment of a process that systemd starts with this file."""
    site.put(FILE, content, mode="0600")
    pid = f"$(systemctl show {UNIT} -p MainPID --value)"
    read = site.said(f"systemctl restart {UNIT} && base64 -w0 /proc/{pid}/environ")
    pairs = base64.b64decode(read).decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)


def compare(site: Site, meant: dict[str, str], content: str) -> None:
    seen = handed_over(site, content)
    assert {name: seen.get(name) for name in meant} == meant


host_settings = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@host_settings
@given(drawn=values | pointed)
def test_what_is_written_is_what_the_process_has(site: Site, drawn: list[str]) -> None:
    meant, lines = {}, []
    for number, value in enumerate(drawn):
        try:
            lines.append(str(line(f"V{number}", value)))
        except NotReadAlike:
            assert any(sign in value for sign in READ_TWO_WAYS) or not value.isprintable()
        else:
            meant[f"V{number}"] = value
    compare(site, meant, "".join(lines))


secrets = st.from_regex(SECRET, fullmatch=True).filter(lambda value: not re.search("[\ud800-\udfff]", value))


@host_settings
@given(drawn=st.lists(secrets, min_size=1, max_size=40))
def test_what_a_secret_may_be_reaches_the_process(site: Site, drawn: list[str]) -> None:
    hidden = Secret("openai_api_key")
    lines = [str(fill(line(f"V{number}", hidden), lambda _: value)) for number, value in enumerate(drawn)]  # noqa: B023
    compare(site, {f"V{number}": value for number, value in enumerate(drawn)}, "".join(lines))


def test_the_service_has_what_was_meant(site: Site) -> None:
    pid = site.unit("MainPID")["MainPID"]
    read = base64.b64decode(site.said(f"base64 -w0 /proc/{pid}/environ")).decode().split("\0")
    environment = dict(pair.split("=", 1) for pair in read if pair)
    assert environment["OPENAI_API_KEY"] == site.world.env["OPENAI_API_KEY"]
    assert environment["IRIS_API_KEY"] == site.world.env["IRIS_API_KEYS"]
    assert environment["CACHE_DIR"] == "/var/iris/cache"
    assert re.fullmatch(r"\S+/venv/bin:.*", environment["PATH"])
