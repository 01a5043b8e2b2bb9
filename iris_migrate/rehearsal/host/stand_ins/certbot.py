"""certbot: `certonly --webroot`, `renew`, `certificates`, `delete` against the practice CA; Debian's folders and words.

The challenge file is written below the webroot and must really be served: the CA fetches it through the public port.
"""

from __future__ import annotations

import base64
import configparser
import datetime
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from iris_migrate.rehearsal.host.stand_ins import accounts

VALUED = {
    "-d": "domains", "--domain": "domains", "--domains": "domains", "-w": "webroot", "--webroot-path": "webroot",
    "-m": "email", "--email": "email", "--server": "server", "--cert-name": "name", "--deploy-hook": "deploy_hook",
    "--pre-hook": "pre_hook", "--post-hook": "post_hook", "--key-type": "", "--preferred-challenges": "",
    "--rsa-key-size": "",
    "--renew-hook": "deploy_hook", "--elliptic-curve": "", "--config-dir": "", "--logs-dir": "", "--work-dir": "",
}  # fmt: skip
ALONE = {
    "--webroot", "--non-interactive", "-n", "--agree-tos", "--no-eff-email", "--eff-email", "--quiet", "-q",
    "--dry-run",
    "--keep-until-expiring", "--keep", "--force-renewal", "--register-unsafely-without-email",
    "--no-random-sleep-on-renew",
    "--expand", "--staging", "--test-cert", "--no-directory-hooks", "-v", "--verbose", "--no-redirect", "--redirect",
    "--nginx", "--standalone", "--apache", "--no-autorenew", "--run-deploy-hooks",
}  # fmt: skip


MISSING = "Missing command line flag or config entry for this setting:\n"


class Failed(Exception):
    """What certbot says before it exits with 1."""


def main(name: str, root: str, argv: list[str]) -> int:
    if argv[:1] == ["--version"]:
        print("certbot 2.9.0 (practice)")
        return 0
    if accounts.me(root) != "root":
        return accounts.fail(
            "The following error was encountered:\n[Errno 13] Permission denied: '/var/log/letsencrypt/.certbot.lock'\n"
            "Either run as root, or set --config-dir, --work-dir, and --logs-dir to writeable paths.", 1,
        )  # fmt: skip
    given: dict[str, list[str]] = {}
    words, verb = list(argv), ""
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=")
        if option in VALUED:
            given.setdefault(VALUED[option], []).append(value if equals else words.pop(0) if words else "")
        elif word in ALONE:
            given[word] = []
        elif word.startswith("-"):
            usage = "usage:\n  certbot [SUBCOMMAND] [options] [-d DOMAIN] ..."
            return accounts.fail(f"{usage}\ncertbot: error: unrecognized arguments: {word}", 2)
        else:
            verb = verb or word
    try:
        return Certbot(root, given).run(verb or "run")
    except Failed as failure:
        return accounts.fail(
            f"{failure}\nAsk for help or search for solutions at https://community.letsencrypt.org.", 1
        )


class Certbot:
    """One call."""

    def __init__(self, root: str, given: dict[str, list[str]]) -> None:
        self.root, self.given = root, given
        self.etc = f"{root}/etc/letsencrypt"

    def last(self, name: str) -> str:
        return (self.given.get(name) or [""])[-1]

    def say(self, text: str) -> None:
        if "-q" not in self.given and "--quiet" not in self.given:
            print(text, flush=True)

    def run(self, verb: str) -> int:
        verbs = {"certonly": self.obtain, "renew": self.renew, "certificates": self.certificates, "delete": self.delete}
        if verb in ("run", "install") or "--nginx" in self.given:
            raise Failed("The requested nginx plugin does not appear to be installed")
        if verb not in verbs:
            raise Failed(f"certbot: practice host: the subcommand {verb} is not offered")
        return verbs[verb]()

    # --- obtaining

    def obtain(self) -> int:
        domains = [item for value in self.given.get("domains", []) for item in value.split(",")]
        if "--webroot" not in self.given:
            raise Failed(MISSING + "How would you like to authenticate with the ACME CA?")
        if not domains:
            raise Failed(MISSING + "Please enter the domain name(s) you would like on your certificate")
        webroot = self.last("webroot")
        if not os.path.isdir(webroot):
            raise Failed(f"{webroot or 'None'} does not exist or is not a directory")
        name = self.last("name") or domains[0]
        config = {
            "domains": ",".join(domains), "webroot_path": webroot, "server": self.last("server"),
            "renew_hook": self.last("deploy_hook"), "authenticator": "webroot",
        }  # fmt: skip
        self._account()
        have = self._current(name)
        if (
            have is not None
            and not self._due(have)
            and "--force-renewal" not in self.given
            and "--dry-run" not in self.given
        ):
            self.say("Certificate not yet due for renewal\nKeeping the existing certificate")
            return 0
        self.say(f"Requesting a certificate for {' and '.join(domains)}")
        self._issue(name, config)
        if "--dry-run" in self.given:
            self.say("The dry run was successful.")
            return 0
        self.say(
            f"\nSuccessfully received certificate.\nCertificate is saved at: {self.etc}/live/{name}/fullchain.pem\n"
            f"Key is saved at:         {self.etc}/live/{name}/privkey.pem"
        )
        if config["renew_hook"]:
            self._hook(config["renew_hook"], name, config["domains"])
        return 0

    def _account(self) -> None:
        """An account is made once; the terms must be agreed to."""
        path = f"{self.etc}/accounts/practice/key"
        if os.path.exists(path):
            return
        if "--agree-tos" not in self.given:
            raise Failed(MISSING + "Please read the Terms of Service. You must agree in order to register.")
        if not self.last("email") and "--register-unsafely-without-email" not in self.given:
            raise Failed(MISSING + "Enter email address (used for urgent renewal and security notices)")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._write(path, secrets.token_urlsafe(32).encode(), 0o600)
        self.say("Account registered.")

    def _issue(self, name: str, config: dict[str, str]) -> None:
        """Order, answer the challenge, keep the certificate (unless this is a dry run). Raises Failed."""
        domain = config["domains"].split(",")[0]
        key = ec.generate_private_key(ec.SECP256R1())
        token = secrets.token_urlsafe(32)
        with open(f"{self.etc}/accounts/practice/key", "rb") as file:
            thumb = base64.urlsafe_b64encode(hashlib.sha256(file.read()).digest()).decode().rstrip("=")
        keyauth = f"{token}.{thumb}"
        folder = f"{config['webroot_path']}/.well-known/acme-challenge"
        os.makedirs(folder, exist_ok=True)
        self._write(f"{folder}/{token}", keyauth.encode(), 0o644)
        try:
            chain = self._order(
                domain, token, keyauth, self._request(config["domains"].split(","), key), config["server"]
            )
        finally:
            os.unlink(f"{folder}/{token}")
        if "--dry-run" not in self.given:
            self._keep(name, config, key, chain)

    def _request(self, domains: list[str], key: ec.EllipticCurvePrivateKey) -> str:
        names = x509.SubjectAlternativeName([x509.DNSName(item) for item in domains])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domains[0])])
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(names, critical=False)
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def _order(self, domain: str, token: str, keyauth: str, csr: str, server: str) -> str:
        with open(f"{self.root}/.practice/settings.json") as file:
            base = json.load(file)["acme"] or server
        if not base.startswith(("http://", "https://")):
            raise Failed("An unexpected error occurred:\nthe practice host was given no certificate authority")
        order = json.dumps({"domain": domain, "token": token, "keyauth": keyauth, "csr": csr}).encode()
        request = urllib.request.Request(f"{base.rstrip('/')}/order", order, {"Content-Type": "application/json"})  # noqa: S310
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
                return _chain(answer.read(), answer.headers.get("Content-Type", ""))
        except urllib.error.HTTPError as error:
            raise Failed(
                "\nCertbot failed to authenticate some domains (authenticator: webroot). "
                "The Certificate Authority reported these problems:\n"
                f"  Domain: {domain}\n  Type:   unauthorized\n  Detail: {_detail(error.read())}\n\n"
                "Hint: The Certificate Authority failed to download the temporary challenge files created by Certbot. "
                "Ensure that the listed domains serve their content from the provided --webroot-path/-w.\n\n"
                "Some challenges have failed."
            ) from error
        except OSError as error:
            raise Failed(f"An unexpected error occurred:\n{base}: {error}") from error

    def _keep(self, name: str, config: dict[str, str], key: ec.EllipticCurvePrivateKey, chain: str) -> None:
        archive, live = f"{self.etc}/archive/{name}", f"{self.etc}/live/{name}"
        for folder in (archive, live, f"{self.etc}/renewal"):
            os.makedirs(folder, exist_ok=True)
        for folder in (f"{self.etc}/archive", f"{self.etc}/live"):
            os.chmod(folder, 0o700)
        number = 1 + max(
            (int("".join(filter(str.isdigit, item.rpartition("/")[2])) or 0) for item in os.listdir(archive)), default=0
        )
        leaf, _, rest = chain.partition("-----END CERTIFICATE-----\n")
        leaf += "-----END CERTIFICATE-----\n"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        contents = {"cert": leaf.encode(), "chain": rest.encode(), "fullchain": chain.encode(), "privkey": private}
        for what, data in contents.items():
            self._write(f"{archive}/{what}{number}.pem", data, 0o600 if what == "privkey" else 0o644)
        for what in contents:
            temporary = f"{live}/.{what}.new"
            os.symlink(f"../../archive/{name}/{what}{number}.pem", temporary)
            os.replace(temporary, f"{live}/{what}.pem")
        parser = configparser.ConfigParser(interpolation=None)
        parser["renewalparams"] = {item: value for item, value in config.items() if value}
        with open(f"{self.etc}/renewal/{name}.conf", "w") as file:
            parser.write(file)

    def _write(self, path: str, data: bytes, mode: int) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)

    # --- renewing

    def _names(self) -> list[str]:
        folder = f"{self.etc}/renewal"
        names = sorted(item[:-5] for item in os.listdir(folder)) if os.path.isdir(folder) else []
        return [item for item in names if not self.last("name") or item == self.last("name")]

    def _current(self, name: str) -> x509.Certificate | None:
        try:
            with open(f"{self.etc}/live/{name}/cert.pem", "rb") as file:
                return x509.load_pem_x509_certificate(file.read())
        except OSError:
            return None

    def _due(self, certificate: x509.Certificate) -> bool:
        left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
        return left < datetime.timedelta(days=30)

    def renew(self) -> int:
        names, failed = self._names(), 0
        conf = f"{self.etc}/renewal/{self.last('name')}.conf"
        if self.last("name") and not names:
            raise Failed(f"No certificate found with name {self.last('name')} (expected {conf}).")
        if not names:
            self.say("No renewals were attempted.")
        for name in names:
            self.say(f"Processing {self.etc}/renewal/{name}.conf")
            parser = configparser.ConfigParser(interpolation=None)
            parser.read(f"{self.etc}/renewal/{name}.conf")
            config = {"server": "", "renew_hook": "", **dict(parser["renewalparams"])}
            have = self._current(name)
            forced = "--force-renewal" in self.given or "--dry-run" in self.given
            if have is not None and not self._due(have) and not forced:
                self.say("Certificate not yet due for renewal")
                continue
            try:
                self._issue(name, config)
            except Failed as failure:
                failed = accounts.fail(f"Failed to renew certificate {name} with error: {failure}", 1)
                continue
            if "--dry-run" in self.given:
                self.say(f"Simulated renewal of {name} succeeded")
            else:
                self._after_renewal(name, config)
        if failed:
            return accounts.fail(f"{len(names)} renew failure(s), 0 parse failure(s)", 1)
        return 0

    def _after_renewal(self, name: str, config: dict[str, str]) -> None:
        """Deploy hooks: those in the folder, then the certificate's own; not for a dry run."""
        folder = f"{self.etc}/renewal-hooks/deploy"
        hooks = sorted(f"{folder}/{item}" for item in os.listdir(folder)) if os.path.isdir(folder) else []
        for hook in [
            item for item in hooks if os.access(item, os.X_OK) and os.path.isfile(item) and not item.endswith("~")
        ]:
            self._hook(hook, name, config["domains"])
        own = self.last("deploy_hook") or config["renew_hook"]
        if own:
            self._hook(own, name, config["domains"])

    def _hook(self, command: str, name: str, domains: str) -> None:
        environment = {
            **os.environ,
            "RENEWED_LINEAGE": f"{self.etc}/live/{name}",
            "RENEWED_DOMAINS": domains.replace(",", " "),
        }
        done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.stderr.write(f"Hook 'deploy-hook' reported error code {done.returncode}\n")
        for text, what in ((done.stdout, "output"), (done.stderr, "error output")):
            if text.strip():
                sys.stderr.write(f"Hook 'deploy-hook' ran with {what}:\n {text.strip()}\n")

    # --- questions

    def certificates(self) -> int:
        print("- " * 39 + "-")
        names = self._names()
        if not names:
            print("No certificates found.")
        else:
            print("Found the following certs:")
        for name in names:
            have = self._current(name)
            if have is None:
                continue
            left = have.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
            names_in = have.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
                x509.DNSName
            )
            print(
                f"  Certificate Name: {name}\n    Serial Number: {have.serial_number:x}\n    Key Type: ECDSA\n"
                f"    Domains: {' '.join(names_in)}\n"
                f"    Expiry Date: {have.not_valid_after_utc} (VALID: {left.days} days)\n"
                f"    Certificate Path: {self.etc}/live/{name}/fullchain.pem\n"
                f"    Private Key Path: {self.etc}/live/{name}/privkey.pem"
            )
        print("- " * 39 + "-")
        return 0

    def delete(self) -> int:
        names = self._names() if self.last("name") else []
        if not names:
            raise Failed(f"No certificate found with name {self.last('name')}")
        for name in names:
            shutil.rmtree(f"{self.etc}/live/{name}", ignore_errors=True)
            shutil.rmtree(f"{self.etc}/archive/{name}", ignore_errors=True)
            os.unlink(f"{self.etc}/renewal/{name}.conf")
        self.say("Deleted all files relating to certificate.")
        return 0


def _chain(data: bytes, kind: str) -> str:
    """The CA's answer: JSON with `fullchain`, or the chain itself."""
    text = data.decode()
    if text.lstrip().startswith("{"):
        found: Any = json.loads(text)
        return str(found["fullchain"])
    return text


def _detail(data: bytes) -> str:
    try:
        found: Any = json.loads(data)
        return str(found.get("detail") or found.get("error") or found)
    except ValueError:
        return data.decode(errors="replace")[:300]
