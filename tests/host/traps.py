"""The traps of the plan that live on a host: which of its own lines plant each, and which step has to name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PLAN = Path(__file__).parents[2] / "docs/plan.md"


@dataclass(frozen=True)
class Trap:
    """`file`: the block is a file at this path; else it is run by sh. `steps`: words that each step then says.

    `begins` is how the block's first line starts, so that a plan that has moved is noticed.
    """

    name: str
    lines: tuple[int, int]
    begins: str
    steps: Mapping[str, str]
    file: str = ""
    then: str = ""  # a command that the plan has after it
    before: str = ""  # what of the plan's world is not there any more, such as files of an editor

    @property
    def block(self) -> str:
        first, last = self.lines
        lines = PLAN.read_text().splitlines()[first - 1 : last]
        assert lines[0].startswith(self.begins), f"line {first} of the plan is {lines[0]!r}"
        assert not [line for line in lines if line.startswith("```")], "more than one block"
        return "\n".join(lines) + "\n"


ENV = "/opt/iris/backend/.env"
UNIT = "/etc/systemd/system/iris-backend.service"
TRAPS = (
    Trap(
        "1, 2, 28: a comment behind EnvironmentFile=, no ExecReload=, a PATH of the venv alone",
        (175, 195), "[Unit]", {"unit-file": "comment"}, file=UNIT, then="systemctl daemon-reload",
    ),
    Trap(
        "3: the variables in /etc/environment.d, which no service reads", (95, 98), "OPENAI_API_KEY=",
        {"variables": ""}, file="/etc/environment.d/iris.conf", before=f"mkdir -p /etc/environment.d; rm {ENV}",
    ),
    Trap(
        "6, 7, 8: log files, two sync workers, time limits that race", (151, 158), 'bind = "127.0.0.1:8080"',
        {"gunicorn-config": "/var/log/iris/access.log"}, file="/opt/iris/backend/gunicorn_config.py",
    ),
    Trap(
        "13, 14: the default site stays, health without headers", (230, 260), "server {", {"nginx-site": ""},
        file="/etc/nginx/sites-available/iris",
        then="ln -sf /etc/nginx/sites-available/default /etc/nginx/sites-enabled/",
    ),
    Trap(
        "22: a file of variables that root owns", (95, 98), "OPENAI_API_KEY=", {"variables": "root"}, file=ENV,
    ),
    Trap(
        "23: a cache directory that others may read", (110, 112), "sudo mkdir -p /var/iris/cache",
        {"cache-directory": "0755"},
    ),
)  # fmt: skip
