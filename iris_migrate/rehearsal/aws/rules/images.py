"""ECR: images, indexes that hold on to their children, limits, pages, the archive class."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer, json_result
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook

_API = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/"
MOST_IDS = 100
PAGE, LARGEST_PAGE = 100, 1000
_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")


class RegistryRule(Rule):
    """A rule that looks at the repository of a request."""

    def repository(self, request: AwsRequest) -> Any:
        name = str(request.params.get("repositoryName"))
        return self.practice.state(request, "ecr").repositories.get(name)

    def no_repository(self, request: AwsRequest) -> Answer:
        name = request.params.get("repositoryName")
        text = f"The repository with name '{name}' does not exist in the registry with id '{request.account}'"
        return self.refuse(request, "RepositoryNotFoundException", text)


@dataclass(slots=True)
class HundredIds(RegistryRule):
    """A call names a hundred images at most."""

    says = f"a call with more than {MOST_IDS} image ids, or with none, is refused (InvalidParameterException)"
    source = _API + "API_BatchDeleteImage.html"

    def enter(self, book: RuleBook) -> None:
        for operation in ("BatchDeleteImage", "BatchGetImage", "DescribeImages"):
            book.ahead(f"ecr:{operation}", self.count)

    def count(self, request: AwsRequest) -> Answer | None:
        ids = request.params.get("imageIds")
        if ids is None or 1 <= len(ids) <= MOST_IDS:
            return None
        bound = "less than or equal to 100" if ids else "greater than or equal to 1"
        text = f"Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length {bound}'"
        return self.refuse(request, "InvalidParameterException", text)


@dataclass(slots=True)
class HeldByIndex(RegistryRule):
    """Indexes first, then what they name; also within one call. Layers of no image go with the last one.

    AWS takes such layers away some time later; that they are gone at once is assumed, as the harder case.
    """

    says = "an image that an index names is not deleted: ImageReferencedByManifestList among the failures of a 200"
    source = "https://github.com/aws/containers-roadmap/issues/1567, https://github.com/aws/aws-cdk/issues/24822"

    def enter(self, book: RuleBook) -> None:
        book.ahead("ecr:BatchDeleteImage", self.delete)

    def delete(self, request: AwsRequest) -> Answer:
        repository = self.repository(request)
        if repository is None:
            return self.no_repository(request)
        images = {image.get_image_digest(): image for image in repository.images}
        tags = {tag: image for image in repository.images for tag in image.image_tags}
        held = {child for image in repository.images for child in children(image)}
        deleted: list[dict[str, str]] = []
        failures: list[dict[str, Any]] = []
        for wanted in request.params["imageIds"]:
            tag, digest = wanted.get("imageTag"), wanted.get("imageDigest")
            image = tags.get(tag) if tag else images.get(digest)
            if image is None or (tag and digest and image.get_image_digest() != digest):
                failures.append(_failure(wanted, "ImageNotFound", "Requested image not found"))
                continue
            own = image.get_image_digest()
            last = bool(tag) and image.image_tags == [tag]
            if own in held and (last or not tag):
                text = "Requested image referenced by manifest list: "
                indexes = [one.get_image_digest() for one in repository.images if own in children(one)]
                found = _failure({**wanted, "imageDigest": own}, "ImageReferencedByManifestList", f"{text}{indexes}")
                failures.append(found)
            elif tag and not last:
                image.remove_tag(tag)
                deleted.append({"imageDigest": own, "imageTag": tag})
            else:
                deleted += [{"imageDigest": own, "imageTag": name} for name in image.image_tags] or [
                    {"imageDigest": own}
                ]
                images.pop(own, None)
                for name in image.image_tags:
                    tags.pop(name, None)
        left = set(images)
        gone = [image for image in repository.images if image.get_image_digest() not in left]
        repository.images[:] = [image for image in repository.images if image.get_image_digest() in left]
        _release(repository, gone)
        return json_result({"imageIds": deleted, "failures": failures})


@dataclass(slots=True)
class PagesOfImages(RegistryRule):
    """Lists come in pages; what is archived is shown only to those who ask for it."""

    says = (
        f"ListImages and DescribeImages give pages of {PAGE}, and active images only unless archived ones are asked for"
    )
    source = _API + "API_ListImages.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("ecr:ListImages", self.listed)
        book.ahead("ecr:DescribeImages", self.describe)
        book.behind("ecr:DescribeRepositories", self.repositories)

    def listed(self, request: AwsRequest) -> Answer:
        repository = self.repository(request)
        if repository is None:
            return self.no_repository(request)
        found = [
            {"imageDigest": image.get_image_digest(), **({"imageTag": tag} if tag else {})}
            for image in self._filtered(request, repository.images)
            for tag in image.image_tags or [None]
        ]
        return self._page(request, "imageIds", found)

    def describe(self, request: AwsRequest) -> Answer:
        repository = self.repository(request)
        if repository is None:
            return self.no_repository(request)
        wanted = request.params.get("imageIds")
        if not wanted:
            found = self._filtered(request, repository.images)
            return self._page(request, "imageDetails", found, lambda image: _details(request, image))
        details = []
        for item in wanted:
            image = find(repository.images, item)
            if image is None:
                named = ", ".join(f"{name}:'{item.get(name, 'null')}'" for name in ("imageDigest", "imageTag"))
                text = (
                    f"The image with imageId {{{named}}} does not exist within the repository with name "
                    f"'{repository.name}' in the registry with id '{request.account}'"
                )
                return self.refuse(request, "ImageNotFoundException", text)
            details.append(_details(request, image))
        return json_result({"imageDetails": details})

    def repositories(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status != 200 or request.params.get("repositoryNames"):
            return answer
        return self._page(request, "repositories", json.loads(answer.body)["repositories"])

    def _filtered(self, request: AwsRequest, images: Iterable[Any]) -> list[Any]:
        asked = request.params.get("filter") or {}
        status, tagged = asked.get("imageStatus") or "ACTIVE", asked.get("tagStatus") or "ANY"
        return [
            image
            for image in images
            if status in ("ANY", state(image)) and tagged in ("ANY", "TAGGED" if image.image_tags else "UNTAGGED")
        ]

    def _page(
        self, request: AwsRequest, key: str, items: Any, show: Callable[[Any], Any] = lambda item: item
    ) -> Answer:
        size = int(request.params.get("maxResults") or PAGE)
        if not 1 <= size <= LARGEST_PAGE:
            text = (
                "Invalid parameter at 'maxResults' failed to satisfy constraint: "
                "'Member must have value between 1 and 1000'"
            )
            return self.refuse(request, "InvalidParameterException", text)
        try:
            token = str(request.params.get("nextToken") or "")
            begin = int(base64.b64decode(token).decode()) if token else 0
        except (ValueError, binascii.Error):
            return self.refuse(request, "InvalidParameterException", "Invalid parameter at 'NextToken'")
        told: dict[str, Any] = {key: [show(item) for item in items[begin : begin + size]]}
        if begin + size < len(items):
            told["nextToken"] = base64.b64encode(str(begin + size).encode()).decode()
        return json_result(told)


def children(image: Any) -> list[str]:
    """The digests that an index names; none for an image."""
    if image.image_manifest_media_type not in _INDEXES:
        return []
    found: list[str] | None = getattr(image, "practice_children", None)
    if found is None:
        found = image.practice_children = [
            str(item["digest"]) for item in json.loads(image.image_manifest)["manifests"]
        ]
    return found


def layers(image: Any) -> list[str]:
    """The digests of an image's configuration and layers; none for an index."""
    manifest = json.loads(image.image_manifest)
    return [str(item["digest"]) for item in (manifest.get("config"), *(manifest.get("layers") or ())) if item]


def _release(repository: Any, gone: Iterable[Any]) -> None:
    """Layers that only these images had are not there any more."""
    unused = {layer for image in gone for layer in layers(image)} & set(repository.layers)
    for image in repository.images if unused else ():
        unused.difference_update(layers(image))
    for layer in unused:
        del repository.layers[layer]


def state(image: Any) -> str:
    return str(getattr(image, "practice_state", "ACTIVE"))


def find(images: Iterable[Any], wanted: Mapping[str, Any]) -> Any:
    tag, digest = wanted.get("imageTag"), wanted.get("imageDigest")
    for image in images:
        if (not tag or tag in image.image_tags) and (not digest or image.get_image_digest() == digest):
            return image
    return None


def _details(request: AwsRequest, image: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "registryId": request.account,
        "repositoryName": image.repository_name,
        "imageDigest": image.get_image_digest(),
        "imagePushedAt": image.image_pushed_at,
        "imageManifestMediaType": image.image_manifest_media_type,
        "imageStatus": state(image),
        "imageSizeInBytes": _size(image),
    }
    if image.image_tags:
        told["imageTags"] = list(image.image_tags)
    if (pulled := getattr(image, "practice_pulled", None)) is not None:
        told["lastRecordedPullTime"] = pulled
    return told


def _size(image: Any) -> int:
    manifest = json.loads(image.image_manifest)
    return sum(int(layer.get("size") or 0) for layer in manifest.get("layers") or ())


def _failure(wanted: Mapping[str, Any], code: str, text: str) -> dict[str, Any]:
    return {"imageId": dict(wanted), "failureCode": code, "failureReason": text}


RULES: tuple[type[Rule], ...] = (HundredIds, HeldByIndex, PagesOfImages)
