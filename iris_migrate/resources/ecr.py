"""Images of the old side: gone, or there again with the same digests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, AwsRead, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.resources.old_side.images import BATCH, described, repository
from iris_migrate.resources.removal import Item, Removal, Things
from iris_migrate.target import AwsError, Target
from iris_migrate.values import AnswerRef, Archived, Unresolved

PART = 10 * 1024 * 1024  # bytes of a layer in one call; UploadLayerPart takes 20 MiB
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class _Images(Resource):
    """What both share: which of the listed images are there, asked a repository at a time."""

    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    calls: ClassVar[frozenset[str]] = frozenset(
        {
            "ecr:DescribeImages", "ecr:BatchDeleteImage", "ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload",
            "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage",
        }
    )  # fmt: skip
    wanted: ClassVar[bool]
    images: Things
    folder: Ref

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.images, Unresolved)
        names = sorted({str(item["repository"]) for item in self.images})
        seen = dict(zip(names, await asyncio.gather(*(described(target.aws, name) for name in names)), strict=True))
        there = {name: sorted(found) for name, found in seen.items()}
        evidence = [self._judge(name, set(there[name])) for name in names]
        evidence = evidence or [Evidence("images", "as listed", "none is listed", Verdict.HOLDS)]
        facts: dict[str, Any] = {"there": there}
        if missing := [item for item in self.images if item["id"] not in seen[str(item["repository"])]]:
            facts["layers"] = await _available(target, missing)
        return conclude(evidence, facts=facts)

    def _judge(self, name: str, there: set[str]) -> Evidence:
        listed = [str(item["id"]) for item in self._listed() if item["repository"] == name]
        left = [digest for digest in listed if digest in there]
        said = f"{len(left)} of {len(listed)} are there"
        if left and not self.wanted:
            more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
            said += f": {', '.join(digest[7:19] for digest in left[:_SHOWN])}{more}"
        if self.wanted:
            verdict = Verdict.HOLDS if len(left) == len(listed) else Verdict.ABSENT
            return Evidence(f"images of {name}", f"all {len(listed)} there", said, verdict)
        return Evidence(f"images of {name}", "gone", said, Verdict.DIFFERS if left else Verdict.HOLDS)

    def _listed(self) -> Sequence[Mapping[str, Any]]:
        return () if isinstance(self.images, Unresolved) else self.images

    def _remove(self, finding: Finding) -> list[Change]:
        """In calls of at most 100, indexes before what they hold: AWS refuses the children of one that is there."""
        if isinstance(self.images, Unresolved):
            return [_delete(str(self.images), [{"imageDigest": self.images}], "images")]
        there = finding.facts.get("there")
        changes: list[Change] = []
        for name in sorted({str(item["repository"]) for item in self.images}):
            left = [
                item for item in self.images
                if item["repository"] == name and (there is None or item["id"] in there.get(name, ()))
            ]  # fmt: skip
            indexes = [item for item in left if item["children"]]
            others = [item for item in left if not item["children"]]
            for what, items in (("indexes", indexes), ("images", others)):
                for at in range(0, len(items), BATCH):
                    ids = [{"imageDigest": item["id"]} for item in items[at : at + BATCH]]
                    changes.append(_delete(name, ids, what))
        return changes

    def _make(self, finding: Finding) -> list[Change]:
        """Layers that AWS no longer has, then images, then the indexes that hold them."""
        if isinstance(self.images, Unresolved):
            return [AwsCall(says="Put the archived images back", service="ecr", operation="PutImage",
                            params={"repositoryName": self.images})]  # fmt: skip
        there: Mapping[str, list[str]] = finding.facts.get("there", {})
        have: Mapping[str, list[str]] = finding.facts.get("layers", {})
        changes: list[Change] = []
        uploaded: set[tuple[str, str]] = set()
        for item in sorted(self.images, key=lambda item: bool(item["children"])):
            name = str(item["repository"])
            if item["id"] in there.get(name, ()):
                continue
            for digest, size in item["layers"]:
                if digest not in have.get(name, ()) and (name, digest) not in uploaded:
                    uploaded.add((name, digest))
                    changes += self._upload(name, digest, size)
            changes += self._put(item)
        return changes

    def _upload(self, name: str, digest: str, size: int) -> Iterable[Change]:
        upload, short = f"upload-{digest}", digest[7:19]
        yield AwsCall(
            says=f"Begin to upload the layer {short} to {name}", service="ecr", operation="InitiateLayerUpload",
            params={"repositoryName": name}, answers={upload: "uploadId"},
        )  # fmt: skip
        for start in range(0, size, PART):
            length = min(PART, size - start)
            yield AwsCall(
                says=f"Upload {length} bytes of the layer {short}", service="ecr", operation="UploadLayerPart",
                params={
                    "repositoryName": name, "uploadId": AnswerRef(upload), "partFirstByte": start,
                    "partLastByte": start + length - 1,
                    "layerPartBlob": Archived(str(self.folder), layer_item(digest), start=start, length=length),
                },
            )  # fmt: skip
        yield AwsCall(
            says=f"End the upload of the layer {short}", service="ecr", operation="CompleteLayerUpload",
            params={"repositoryName": name, "uploadId": AnswerRef(upload), "layerDigests": [digest]},
            gone_ok=("LayerAlreadyExistsException",),
        )  # fmt: skip

    def _put(self, item: Mapping[str, Any]) -> Iterable[Change]:
        """Once for each tag; the manifest is the archived one to the byte, so that the digest is the same."""
        found = f"images[?imageId.imageDigest=='{item['id']}'].imageManifest | [0]"
        for tag in item["tags"] or [""]:
            yield AwsCall(
                says=f"Put the image {item['id'][7:19]} back into {item['repository']}{f' as {tag}' if tag else ''}",
                service="ecr",
                operation="PutImage",
                params={
                    "repositoryName": item["repository"], "imageDigest": item["id"],
                    "imageManifest": Archived(str(self.folder), str(item["manifests"]), found),
                    "imageManifestMediaType": item["media"], **({"imageTag": tag} if tag else {}),
                },
                gone_ok=("ImageAlreadyExistsException",),
            )  # fmt: skip


def _name(item: Mapping[str, Any]) -> str:
    what = "index" if item["children"] else "image"
    tags = f" ({', '.join(item['tags'])})" if item["tags"] else ""
    return f"{what} {item['id'][7:19]}{tags} of {item['repository']}"


def layer_item(digest: str) -> str:
    """The name of a layer in the archive."""
    return f"layers/{digest.replace(':', '-')}"


def _delete(name: str, ids: list[dict[str, Any]], what: str) -> Change:
    return AwsCall(
        says=f"Delete {len(ids)} {what} of {name}",
        service="ecr",
        operation="BatchDeleteImage",
        params={"repositoryName": name, "imageIds": ids},
        # It answers 200 with what it did not do: gone already is as wanted, anything else is a failure.
        fails_if="failures[?failureCode!='ImageNotFound'].[imageId.imageDigest, failureCode]",
        gone_ok=("RepositoryNotFoundException",),
    )


async def _available(target: Target, missing: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Which layers of images that are gone AWS still has: it keeps some for a while, or for other images."""
    wanted: dict[str, list[str]] = {}
    for item in missing:
        wanted.setdefault(str(item["repository"]), []).extend(str(digest) for digest, _ in item["layers"])
    found: dict[str, list[str]] = {}
    for name, digests in wanted.items():
        unique = sorted(set(digests))
        found[name] = []
        for at in range(0, len(unique), BATCH):
            try:
                answer = await target.aws.read(
                    "ecr", "BatchCheckLayerAvailability", repositoryName=name, layerDigests=unique[at : at + BATCH]
                )
            except AwsError as error:
                if error.code != "RepositoryNotFoundException":
                    raise
                break
            found[name] += [
                str(item["layerDigest"]) for item in answer.get("layers") or ()
                if item.get("layerAvailability") == "AVAILABLE"
            ]  # fmt: skip
    return found


@dataclass(frozen=True, kw_only=True)
class ImagesAbsent(_Images, Removal):
    """The images of the old function are gone from its repository; the repository itself stays."""

    kind: ClassVar[str] = "ecr.images_absent"
    wanted: ClassVar[bool] = False

    def listed(self) -> Things:
        return self.images

    def items(self, finding: Finding) -> tuple[Item, ...]:
        there = finding.facts.get("there", {})
        return tuple(Item(_name(item), item["id"] in there.get(str(item["repository"]), ())) for item in self._listed())

    def plan(self, finding: Finding) -> list[Change]:
        return self._remove(finding) if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        return self._make(finding)


@dataclass(frozen=True, kw_only=True)
class ImagesThere(_Images):
    """The archived images are in their repository, with the same digests and tags."""

    kind: ClassVar[str] = "ecr.images_there"
    wanted: ClassVar[bool] = True

    def plan(self, finding: Finding) -> list[Change]:
        return self._make(finding) if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        had: Mapping[str, list[str]] = before.facts.get("there", {})
        there: Mapping[str, list[str]] = finding.facts.get("there", {})
        new = {name: [digest for digest in now if digest not in had.get(name, ())] for name, now in there.items()}
        return self._remove(Finding(finding.verdict, facts={"there": new}))


@dataclass(frozen=True, kw_only=True)
class RepositoriesThere(Resource):
    """The repositories are there. One that is made gets the settings and policies that the archived one had."""

    kind: ClassVar[str] = "ecr.repositories_there"
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    calls: ClassVar[frozenset[str]] = frozenset(
        {
            "ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource",
            "ecr:CreateRepository", "ecr:PutLifecyclePolicy", "ecr:SetRepositoryPolicy", "ecr:DeleteRepository",
        }
    )  # fmt: skip
    repositories: Things

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.repositories, Unresolved)
        names = [str(item["id"]) for item in self.repositories]
        found = await asyncio.gather(*(repository(target.aws, name) for name in names))
        there = [name for name, seen in zip(names, found, strict=True) if seen]
        evidence = [
            Evidence(f"repository {name}", "there", "there" if name in there else "gone",
                     Verdict.HOLDS if name in there else Verdict.ABSENT)
            for name in names
        ]  # fmt: skip
        evidence = evidence or [Evidence("repositories", "as listed", "none is listed", Verdict.HOLDS)]
        return conclude(evidence, facts={"there": there})

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        if isinstance(self.repositories, Unresolved):
            return list(_repository({"id": self.repositories, "mutability": "MUTABLE", "tags": {}}))
        there = finding.facts.get("there", ())
        return [change for item in self.repositories if item["id"] not in there for change in _repository(item)]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """Not by force: an image that somebody put there since keeps it."""
        made = [name for name in finding.facts.get("there", ()) if name not in before.facts.get("there", ())]
        return [
            _ecr(f"Delete the repository {name}, which is empty again", "DeleteRepository", name, gone=True)
            for name in made
        ]


def _repository(item: Mapping[str, Any]) -> Iterable[Change]:
    name = item["id"]
    tags = [{"Key": key, "Value": value} for key, value in sorted(item["tags"].items())]
    settings = {"imageTagMutability": item["mutability"], **({"tags": tags} if tags else {})}
    yield _ecr(f"Make the repository {name}", "CreateRepository", name, **settings)
    if policy := item.get("policy"):
        yield _ecr(f"Let others use {name} as before", "SetRepositoryPolicy", name, policyText=policy)
    if rules := item.get("lifecycle"):
        yield _ecr(f"Let {name} forget images as before", "PutLifecyclePolicy", name, lifecyclePolicyText=rules)


def _ecr(says: str, operation: str, name: Any, gone: bool = False, **params: Any) -> Change:
    codes = ("RepositoryNotFoundException",) if gone else ()
    find = None
    if operation == "CreateRepository":
        find = AwsRead("DescribeRepositories", {"repositoryNames": [name]}, "repositories[0].repositoryArn", wait=5.0)
    return AwsCall(
        says=says, service="ecr", operation=operation, params={"repositoryName": name, **params}, gone_ok=codes,
        find=find,
    )  # fmt: skip
