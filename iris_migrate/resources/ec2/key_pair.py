"""The key pair that opens the host: made on the workstation, its public half known to EC2."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, AwsRead, Change, LocalKey
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Resource
from iris_migrate.resources.ec2.ownership import of_token, tagged
from iris_migrate.target import FileStat, Target
from iris_migrate.values import AnswerRef


@dataclass(frozen=True, kw_only=True)
class KeyPair(Resource):
    """EC2 knows the public half of the private key that lies on this workstation, readable by its owner only.

    The private half never leaves the workstation. EC2's fingerprint of an imported Ed25519 key is not comparable,
    so the public keys themselves are compared.
    """

    kind: ClassVar[str] = "ec2.key_pair"
    calls: ClassVar[frozenset[str]] = frozenset({"ec2:DescribeKeyPairs", "ec2:ImportKeyPair", "ec2:DeleteKeyPair"})
    outputs: ClassVar[frozenset[str]] = frozenset({"name"})
    uses: ClassVar[frozenset[str]] = frozenset({"aws", "local"})
    name: str
    path: str  # of the private key; the public half lies beside it with .pub

    async def inspect(self, target: Target) -> Finding:
        private, public, answer = await asyncio.gather(
            target.local.stat(self.path),
            target.local.text(f"{self.path}.pub"),
            target.aws.read(
                "ec2",
                "DescribeKeyPairs",
                Filters=[{"Name": "key-name", "Values": [self.name]}],
                IncludePublicKey=True,
            ),
        )
        pair = next(iter(answer.get("KeyPairs") or ()), None)
        facts = {"pair": pair["KeyPairId"] if pair else "", "private": private is not None}
        evidence = [self._private_half(private, pair), *self._public_half(public, private, pair)]
        return conclude(evidence, {"name": self.name} if pair else {}, facts)

    def _private_half(self, private: FileStat | None, pair: Mapping[str, Any] | None) -> Evidence:
        asked = f"private key {self.path}"
        if private is not None:
            return judge(asked, "mode 0600", f"mode {private.mode}")
        if pair is None:
            return Evidence(asked, "mode 0600", "not there", Verdict.ABSENT)
        seen = f"not here, but EC2 has a key pair {self.name!r}: point ssh.key at its private key, or delete the pair"
        return Evidence(asked, "mode 0600", seen, Verdict.UNKNOWN)

    def _public_half(
        self, public: str | None, private: FileStat | None, pair: Mapping[str, Any] | None
    ) -> list[Evidence]:
        asked = f"key pair {self.name} in EC2"
        if pair is None:
            return [Evidence(asked, "the key of this workstation", "none", Verdict.ABSENT)]
        if private is None:
            return []
        if public is None:
            return [Evidence(f"public key {self.path}.pub", "there", "not there", Verdict.DIFFERS)]
        if _material(public) == _material(str(pair.get("PublicKey", ""))):
            return [Evidence(asked, "the key of this workstation", "the same key", Verdict.HOLDS)]
        seen = "another key: delete that key pair, or give ssh.key the private key that belongs to it"
        return [Evidence(asked, "the key of this workstation", seen, Verdict.UNKNOWN)]

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        key = LocalKey(
            says="Make an Ed25519 key pair on this workstation; one that is there stays, readable by you only",
            path=self.path,
            comment=self.name,
        )
        if finding.facts.get("pair"):
            return [key]
        return [key, self._import()]

    def _import(self) -> Change:
        return AwsCall(
            says=f"Give EC2 the public half as key pair {self.name}",
            service="ec2",
            operation="ImportKeyPair",
            params={
                "KeyName": self.name,
                "PublicKeyMaterial": AnswerRef("public_key"),
                "TagSpecifications": tagged(self.key, self.name, "key-pair"),
            },
            gone_ok=("InvalidKeyPair.Duplicate",),
            find=AwsRead("DescribeKeyPairs", {"Filters": of_token(self.key)}, "KeyPairs[0].KeyPairId", wait=5),
        )

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """Take the pair out of EC2. The private key stays where it lies: it may open something else too."""
        if before.facts.get("pair") or not finding.facts.get("pair"):
            return []
        return [
            AwsCall(
                says=f"Delete key pair {self.name} from EC2; the private key stays on this workstation",
                service="ec2",
                operation="DeleteKeyPair",
                params={"KeyName": self.name},
                gone_ok=("InvalidKeyPair.NotFound",),
            )
        ]


def _material(line: str) -> list[str]:
    """Type and key of an OpenSSH public key line, its comment left out."""
    return line.split()[:2]
