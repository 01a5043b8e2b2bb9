"""The images of a repository: tags, indexes with their children, layers; the manifests themselves stay in AWS."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from iris_migrate.resources.old_side.http_apis import Thing
from iris_migrate.target import Aws, AwsError, Unreadable

BATCH = 100  # ids in one call: BatchGetImage, BatchDeleteImage
PAGE = 1000  # images in one page of DescribeImages at most; 100 when nothing is said
# Without these AWS converts manifests, or refuses (BatchGetImage, acceptedMediaTypes).
MEDIA = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_GONE = ("RepositoryNotFoundException",)


def repository_of(uri: str) -> str:
    """The repository of `account.dkr.ecr.region.amazonaws.com/name@digest`."""
    found = re.fullmatch(r"[^/]+\.amazonaws\.com(?:\.cn)?/([^:@]+).*", uri)
    return found[1] if found else ""


async def described(aws: Aws, repository: str) -> dict[str, Thing]:
    """Images by digest, archived ones with them; none when the repository is not there."""
    found: dict[str, Thing] = {}
    try:
        listed = await aws.read_all(  # without the filter AWS hides the archived ones
            "ecr", "DescribeImages", "imageDetails[]", repositoryName=repository, maxResults=PAGE,
            filter={"imageStatus": "ANY"},
        )  # fmt: skip
    except AwsError as error:
        if error.code in _GONE:
            return {}
        raise
    for item in listed:
        found[str(item["imageDigest"])] = {
            "tags": sorted(item.get("imageTags") or ()), "bytes": int(item.get("imageSizeInBytes") or 0),
            "status": str(item.get("imageStatus") or "ACTIVE"),
            "pulled": item["lastRecordedPullTime"].timestamp() if "lastRecordedPullTime" in item else None,
        }  # fmt: skip
    return found


async def images(aws: Aws, repository: str, known: Mapping[str, Thing]) -> list[Thing]:
    """Every image with its children and layers, in the order in which they can be deleted: indexes first.

    `known` are archived ones by digest: what a digest stands for never changes, so their manifests are not read again.
    """
    seen = await described(aws, repository)
    digests = sorted(seen)
    unread = [digest for digest in digests if digest not in known]
    batches = [unread[at : at + BATCH] for at in range(0, len(unread), BATCH)]
    answers = await asyncio.gather(*(_manifests(aws, repository, batch) for batch in batches))
    manifests = {digest: manifest for answer in answers for digest, manifest in answer.items()}
    found = []
    for number, digest in enumerate(digests):
        if digest in known:
            found.append({**known[digest], "tags": seen[digest]["tags"], "status": seen[digest]["status"]})
            continue
        text, media = manifests.get(digest, ("", ""))
        found.append({
            "repository": repository, "id": digest, "manifests": f"images/{repository}/{number // BATCH:04}.json",
            "tags": seen[digest]["tags"], "media": media,
            "status": seen[digest]["status"], **_inside(text),
        })  # fmt: skip
    return sorted(found, key=lambda item: (not item["children"], item["id"]))


async def _manifests(aws: Aws, repository: str, batch: list[str]) -> dict[str, tuple[str, str]]:
    answer = await aws.read("ecr", "BatchGetImage", **batch_of(repository, batch))
    found = {}
    for item in answer.get("images") or ():
        digest, text = str(item["imageId"]["imageDigest"]), str(item["imageManifest"])
        if "sha256:" + hashlib.sha256(text.encode()).hexdigest() != digest:
            raise Unreadable(f"the manifest of {digest} in {repository} does not have that digest: it was converted")
        found[digest] = (text, str(item.get("imageManifestMediaType") or json.loads(text).get("mediaType") or ""))
    return found


def batch_of(repository: str, digests: list[str]) -> Mapping[str, Any]:
    """The parameters of BatchGetImage for up to 100 images."""
    return {
        "repositoryName": repository, "imageIds": [{"imageDigest": digest} for digest in digests],
        "acceptedMediaTypes": list(MEDIA),
    }  # fmt: skip


def _inside(text: str) -> Thing:
    manifest = json.loads(text or "{}")
    blobs = [*([manifest["config"]] if "config" in manifest else ()), *(manifest.get("layers") or ())]
    return {
        "children": sorted(str(item["digest"]) for item in manifest.get("manifests") or ()),
        "layers": [[str(item["digest"]), int(item["size"])] for item in blobs],
    }


async def repository(aws: Aws, name: str) -> Thing | None:
    """The repository's own settings; None when it is not there."""
    try:
        (found,) = await aws.read_all("ecr", "DescribeRepositories", "repositories[]", repositoryNames=[name])
    except AwsError as error:
        if error.code in _GONE:
            return None
        raise
    lifecycle, policy, tags = await asyncio.gather(
        _text(aws, "GetLifecyclePolicy", "lifecyclePolicyText", name),
        _text(aws, "GetRepositoryPolicy", "policyText", name),
        aws.read("ecr", "ListTagsForResource", resourceArn=str(found["repositoryArn"])),
    )
    return {
        "id": name, "arn": str(found["repositoryArn"]), "mutability": str(found.get("imageTagMutability") or "MUTABLE"),
        "lifecycle": lifecycle, "policy": policy,
        "tags": {str(item["Key"]): str(item["Value"]) for item in tags.get("tags") or ()},
    }  # fmt: skip


async def _text(aws: Aws, operation: str, key: str, name: str) -> str:
    try:
        answer = await aws.read("ecr", operation, repositoryName=name)
    except AwsError as error:
        if error.code.endswith("PolicyNotFoundException"):
            return ""
        raise
    return str(answer.get(key) or "")
