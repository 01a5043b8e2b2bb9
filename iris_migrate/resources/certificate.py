"""Certificates: issued through certbot's webroot, served to the outside, and renewed without a person."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import Change, HostCommand
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import CannotUndo, Ref, Resource
from iris_migrate.resources.expect import shown
from iris_migrate.target import Target, Unreadable

_DAY = 86400.0
_RENEWED_BEFORE = 30 * _DAY  # certbot renews from then on (`renew_before_expiry`)


def read_certificate(pem: str) -> Mapping[str, Any]:
    """The first certificate of a PEM file: names, issuer, serial (hexadecimal), times. Raises Unreadable."""
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise Unreadable(f"the file holds no certificate that can be read: {error}") from error
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        )
    except x509.ExtensionNotFound:
        names = []
    return {
        "names": sorted(names),
        "issuer": found.issuer.rfc4514_string(),
        "serial": format(found.serial_number, "x"),
        "not_before": found.not_valid_before_utc.timestamp(),
        "not_after": found.not_valid_after_utc.timestamp(),
    }


def lasting(seen: Mapping[str, Any], now: float, days: float) -> Evidence:
    """Whether a certificate lasts long enough. A short-lived one (six days) is measured by its own life."""
    needed = min(days * _DAY, (seen["not_after"] - seen["not_before"]) / 4)
    left = seen["not_after"] - now
    return Evidence(
        "time left",
        f"at least {needed / _DAY:.1f} days",
        f"{left / _DAY:.1f} days" if left > 0 else f"expired {-left / _DAY:.1f} days ago",
        Verdict.HOLDS if left >= needed else Verdict.DIFFERS,
    )


def _renewal_parameters(text: str) -> dict[str, str]:
    """`name = value` lines of certbot's renewal file."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


@dataclass(frozen=True, kw_only=True)
class Issued(Resource):
    """The host holds a certificate for the domain, got by HTTP-01 through `webroot`.

    certbot's nginx plug-in is not used: it edits the managed configuration. Nothing forces a renewal: five duplicates
    a week and five failed validations an hour are Let's Encrypt's limits, so its staging side is asked first.
    `folder` is certbot's configuration; `server` an ACME directory, empty for Let's Encrypt.
    """

    kind: ClassVar[str] = "certificate.issued"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    outputs: ClassVar[frozenset[str]] = frozenset({"serial", "not_after"})
    domain: str
    webroot: str
    root: str = ""
    folder: str = "/etc/letsencrypt"
    command: str = "certbot"
    email: str = ""
    server: str = ""
    days: float = 21

    @property
    def live(self) -> str:
        return f"{self.root}{self.folder}/live/{self.domain}"

    async def inspect(self, target: Target) -> Finding:
        chain, key, renewal, clock = await asyncio.gather(
            target.host.text(f"{self.live}/fullchain.pem"),
            target.host.stat(f"{self.live}/privkey.pem"),
            target.host.text(f"{self.root}{self.folder}/renewal/{self.domain}.conf"),
            target.host.clock(),
        )
        if chain is None:
            return conclude([Evidence(f"{self.live}/fullchain.pem", "a certificate", "no such file", Verdict.ABSENT)])
        seen = read_certificate(chain)
        evidence = [
            judge("name in the certificate", True, self.domain in seen["names"]),
            lasting(seen, clock.wall, self.days),
            self._issuer(seen["issuer"]),
            judge("private key beside it", "there", "there" if key else "no such file"),
            *self._renewal(renewal),
        ]
        outputs = {"serial": seen["serial"], "not_after": seen["not_after"]}
        return conclude(evidence, outputs, {"names": seen["names"], "issuer": seen["issuer"]})

    def _issuer(self, issuer: str) -> Evidence:
        staged = not self.server and ("(STAGING)" in issuer or "Fake LE" in issuer)
        return Evidence(
            "issuer", "an authority that clients trust", issuer, Verdict.DIFFERS if staged else Verdict.HOLDS
        )

    def _renewal(self, text: str | None) -> list[Evidence]:
        """How it will be renewed. A wrong way still serves today: it warns, certbot's own `reconfigure` mends it."""
        if text is None:
            return [Evidence("certbot's renewal settings", "there", "no such file", Verdict.WARNS)]
        seen = _renewal_parameters(text).get("authenticator", "none")
        return [judge("renewed through", "webroot", seen, otherwise=Verdict.WARNS)]

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        changes: list[Change] = []
        issuer = str(finding.facts.get("issuer", ""))
        if issuer and self._issuer(issuer).verdict.plans:
            # certbot keeps a staging certificate until it expires, unless it is told to forget it.
            changes.append(self._certbot(f"Forget the staging certificate of {self.domain}", self._delete))
        request = (
            *("certonly", "--non-interactive", "--agree-tos", "--webroot", "-w", self.webroot),
            *("-d", self.domain, "--cert-name", self.domain, "--keep-until-expiring"),
            *(("--email", self.email) if self.email else ("--register-unsafely-without-email",)),
            *(("--server", self.server) if self.server else ()),
        )
        names = finding.facts.get("names")
        if names is not None and self.domain not in names:
            request = (*request, "--renew-with-new-domains")
        if not self.server:
            says = f"Try the request for {self.domain} on Let's Encrypt's staging side, which has no limits to burn"
            changes.append(self._certbot(says, (*request, "--dry-run")))
        changes.append(self._certbot(f"Request the certificate for {self.domain}", request))
        return changes

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        if before.verdict is Verdict.ABSENT:
            return [self._certbot(f"Delete the certificate of {self.domain}", self._delete)]
        if before.outputs.get("serial") == finding.outputs.get("serial"):
            return []
        raise CannotUndo(
            f"The earlier certificate of {self.domain} was not fit for use. It lies in "
            f"{self.root}{self.folder}/archive/{self.domain} should you need it."
        )

    @property
    def _delete(self) -> tuple[str, ...]:
        return ("delete", "--non-interactive", "--cert-name", self.domain)

    def _certbot(self, says: str, arguments: tuple[str, ...]) -> HostCommand:
        return HostCommand(says=says, argv=(self.command, *arguments, *places(self.root, self.folder)), root=True)


def places(root: str, folder: str) -> tuple[str, ...]:
    """certbot's folders as arguments; the defaults where `root` is empty."""
    return (
        *("--config-dir", f"{root}{folder}"),
        *("--work-dir", f"{root}/var/lib/letsencrypt"),
        *("--logs-dir", f"{root}/var/log/letsencrypt"),
    )


@dataclass(frozen=True, kw_only=True)
class Served(Resource):
    """Clients are shown a certificate they trust, and it is the one on the disk: a renewal that nobody loaded
    is seen here, weeks before the old one expires. Loading it is a reload of nginx."""

    kind: ClassVar[str] = "certificate.served"
    uses: ClassVar[frozenset[str]] = frozenset({"host", "web"})
    outputs: ClassVar[frozenset[str]] = frozenset({"serial", "not_after"})
    domain: str
    port: int = 443
    connect: Ref = ""
    ca: str = ""
    root: str = ""
    folder: str = "/etc/letsencrypt"
    days: float = 14
    service: str = "nginx"
    test: tuple[str, ...] = ("nginx", "-t")

    async def inspect(self, target: Target) -> Finding:
        path = f"{self.root}{self.folder}/live/{self.domain}/fullchain.pem"
        chain, tls = await asyncio.gather(
            target.host.text(path),
            target.web.tls(self.domain, connect=str(self.connect), port=self.port, ca=self.ca),
        )
        if chain is None:
            return conclude([Evidence(path, "a certificate", "no such file", Verdict.UNKNOWN)])
        asked = f"{self.domain}:{self.port} from outside"
        if not tls.serial:
            return conclude([Evidence(asked, "a certificate", tls.error or "no answer", Verdict.ABSENT)])
        times = {"not_before": tls.not_before, "not_after": tls.not_after}
        serial = tls.serial.lower().lstrip("0")
        evidence = [
            judge(f"{asked}: name", True, _names(self.domain, tls.names)),
            judge(f"{asked}: trusted", "yes", "yes" if tls.trusted else tls.error or "no"),
            judge(f"{asked}: serial", read_certificate(chain)["serial"], serial),
            lasting(times, target.clock.now(), self.days),
        ]
        return conclude(evidence, {"serial": serial, "not_after": tls.not_after})

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        return [
            HostCommand(says="Check nginx' configuration", argv=self.test, root=True),
            HostCommand(says="Have nginx load the certificate", argv=("systemctl", "reload", self.service), root=True),
        ]


@dataclass(frozen=True, kw_only=True)
class Seen(Resource):
    """The certificate that clients are shown from outside: trusted, for the name, and lasting. Looks only."""

    kind: ClassVar[str] = "certificate.seen"
    uses: ClassVar[frozenset[str]] = frozenset({"web"})
    check_only: ClassVar[bool] = True
    domain: str
    port: int = 443
    connect: Ref = ""
    ca: str = ""
    warn: float = 21
    fail: float = 7

    async def inspect(self, target: Target) -> Finding:
        tls = await target.web.tls(self.domain, connect=str(self.connect), port=self.port, ca=self.ca)
        asked = f"TLS at {self.domain}"
        if not tls.serial:
            return conclude([Evidence(asked, "a certificate", tls.error or "none", Verdict.ABSENT)])
        left = (tls.not_after - target.clock.now()) / _DAY
        verdict = Verdict.DIFFERS if left < self.fail else Verdict.WARNS if left < self.warn else Verdict.HOLDS
        return conclude(
            [
                judge(f"{asked}: trusted", "yes", "yes" if tls.trusted else tls.error or "no"),
                judge(f"{asked}: for this name", "yes", "yes" if _names(self.domain, tls.names) else shown(tls.names)),
                Evidence(
                    f"{asked}: days left", f"at least {self.warn:g} (fails below {self.fail:g})", f"{left:.1f}", verdict
                ),
            ]
        )


def _names(domain: str, names: tuple[str, ...]) -> bool:
    return domain in names or f"*.{domain.partition('.')[2]}" in names


@dataclass(frozen=True, kw_only=True)
class Renewal(Resource):
    """Renewals run by themselves: certbot's timer is enabled and active, and a deploy hook can be executed.

    Amazon Linux ships its timer disabled, and has no cron. `challenge` is an address below which the authority asks:
    when nothing answers there, the day is named on which `certificate` will not be renewed.
    """

    kind: ClassVar[str] = "certificate.renewal"
    uses: ClassVar[frozenset[str]] = frozenset({"host", "web"})
    timer: str
    hook: str
    challenge: str = ""
    connect: Ref = ""
    certificate: str = ""

    async def inspect(self, target: Target) -> Finding:
        unit, hook, way = await asyncio.gather(
            target.host.unit(self.timer), target.host.stat(self.hook), self._way(target)
        )
        if unit.load == "not-found":
            return conclude([Evidence(self.timer, "a timer unit", "no such unit", Verdict.UNKNOWN)])
        executable = hook is not None and hook.kind == "file" and int(hook.mode, 8) & 0o100 != 0
        seen = "executable" if executable else "not executable" if hook else "no such file"
        return conclude(
            [
                judge(f"{self.timer} at boot", "enabled", unit.enabled),
                judge(f"{self.timer} now", "active", unit.active),
                # The file is another step's; without it this one cannot be told.
                judge(f"deploy hook {self.hook}", "executable", seen, otherwise=Verdict.UNKNOWN),
                *way,
            ],
            facts={"enabled": unit.enabled, "active": unit.active},
        )

    async def _way(self, target: Target) -> list[Evidence]:
        """Whether the authority gets to where it asks. Who closed it is another step's matter: nothing is planned."""
        if not self.challenge:
            return []
        answer, chain = await asyncio.gather(
            target.web.get(self.challenge, connect=str(self.connect)), target.host.text(self.certificate)
        )
        if answer.status:
            return [judge(f"GET {self.challenge}", "any answer", "any answer")]
        seen = answer.error or "no answer"
        if chain is not None:
            due = max(target.clock.now(), read_certificate(chain)["not_after"] - _RENEWED_BEFORE)
            seen = f"{seen}; the renewal will fail on {time.strftime('%Y-%m-%d', time.gmtime(due))}"
        return [Evidence(f"GET {self.challenge}", "any answer", seen, Verdict.UNKNOWN)]

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        return [
            HostCommand(
                says=f"Let {self.timer} run, now and after every boot",
                argv=("systemctl", "enable", "--now", self.timer),
                root=True,
            )
        ]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        changes: list[Change] = []
        if before.facts.get("active") != "active":
            changes.append(HostCommand(says=f"Stop {self.timer}", argv=("systemctl", "stop", self.timer), root=True))
        if before.facts.get("enabled") != "enabled":
            changes.append(
                HostCommand(says=f"Disable {self.timer}", argv=("systemctl", "disable", self.timer), root=True)
            )
        return changes
