"""ECR: what is pushed must be whole, and what is archived cannot be pulled."""

from __future__ import annotations

import json
from dataclasses import dataclass

from iris_migrate.rehearsal.aws.answers import Answer, json_result
from iris_migrate.rehearsal.aws.old_side.code import digest as digest_of
from iris_migrate.rehearsal.aws.plane.functions import find as find_function
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook
from iris_migrate.rehearsal.aws.rules.function_policies import function_named
from iris_migrate.rehearsal.aws.rules.images import RegistryRule, find, state

_API = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/"


@dataclass(slots=True)
class WholeImages(RegistryRule):
    """Layers before their image, children before their index, and the digest is the manifest's."""

    says = "PutImage is refused while layers or referenced images are missing, and with a digest that is not true"
    source = _API + "API_PutImage.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("ecr:PutImage", self.put)

    def put(self, request: AwsRequest) -> Answer | None:
        repository, text = self.repository(request), str(request.params.get("imageManifest"))
        if repository is None:
            return None
        true = digest_of(text.encode())
        if request.params.get("imageDigest") not in (None, true):
            said = f"The provided digest does not match the image's, which is {true}"
            return self.refuse(request, "ImageDigestDoesNotMatchException", said)
        try:
            manifest = json.loads(text)
        except ValueError:
            return self.refuse(request, "InvalidParameterException", "Invalid image manifest provided")
        layers = [item["digest"] for item in (manifest.get("config"), *(manifest.get("layers") or ())) if item]
        if missing := [layer for layer in layers if layer not in repository.layers]:
            said = f"The layers with digests '{missing}' required for pushing image do not exist in the repository"
            return self.refuse(request, "LayersNotFoundException", said)
        there = {image.get_image_digest() for image in repository.images}
        named = [item["digest"] for item in manifest.get("manifests") or ()]
        if missing := [image for image in named if image not in there]:
            said = f"Images with digests '{missing}' required for pushing image into repository do not exist"
            return self.refuse(request, "ReferencedImagesNotFoundException", said)
        return None


@dataclass(slots=True)
class ArchiveClass(RegistryRule):
    """An archived image stays, cannot be pulled, and comes back by the same call."""

    says = "UpdateImageStorageClass archives and restores an image; an archived one is hidden from lists and not pulled"
    source = _API + "API_UpdateImageStorageClass.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("ecr:UpdateImageStorageClass", self.update)
        book.ahead("ecr:BatchGetImage", self.pull)

    def update(self, request: AwsRequest) -> Answer:
        repository = self.repository(request)
        if repository is None:
            return self.no_repository(request)
        image = find(repository.images, request.params.get("imageId") or {})
        if image is None:
            return self.refuse(request, "ImageNotFoundException", "The image does not exist within the repository")
        image.practice_state = "ARCHIVED" if request.params.get("targetStorageClass") == "ARCHIVE" else "ACTIVE"
        told = {
            "registryId": request.account,
            "repositoryName": repository.name,
            "imageId": {"imageDigest": image.get_image_digest()},
            "imageStatus": image.practice_state,
        }
        return json_result(told)

    def pull(self, request: AwsRequest) -> Answer | None:
        repository = self.repository(request)
        wanted = [find(repository.images, item) for item in request.params.get("imageIds") or ()] if repository else []
        archived = [image for image in wanted if image is not None and state(image) == "ARCHIVED"]
        if not archived:
            return None
        failures = [
            {
                "imageId": {"imageDigest": image.get_image_digest()},
                "failureCode": "ImageNotFound",
                "failureReason": "Requested image is archived",
            }
            for image in archived
        ]
        active = [image for image in wanted if image is not None and image not in archived]
        images = [
            {
                "registryId": request.account,
                "repositoryName": repository.name,
                "imageId": {"imageDigest": image.get_image_digest()},
                "imageManifest": image.image_manifest,
                "imageManifestMediaType": image.image_manifest_media_type,
            }
            for image in active
        ]
        return json_result({"images": images, "failures": failures})


@dataclass(slots=True)
class Pulled(RegistryRule):
    """The image of a function was pulled when the function got it."""

    says = "lastRecordedPullTime of an image tells of its use, by a function too"
    source = _API + "API_ImageDetail.html"

    def enter(self, book: RuleBook) -> None:
        for operation in ("CreateFunction", "UpdateFunctionCode"):
            book.behind(f"lambda:{operation}", self.pulled)

    def pulled(self, request: AwsRequest, answer: Answer) -> Answer:
        named = function_named(request)
        function = find_function(self.practice.state(request, "lambda"), named.name)
        if answer.status < 300 and function is not None and function.package_type == "Image":
            name = str(function.code["ImageUri"]).partition("/")[2].partition("@")[0].partition(":")[0]
            repository = self.practice.state(request, "ecr").repositories.get(name)
            image = find(repository.images, {"imageDigest": f"sha256:{function.code_sha_256}"}) if repository else None
            if image is not None:
                image.practice_pulled = self.practice.clock.now()
        return answer


RULES: tuple[type[Rule], ...] = (WholeImages, ArchiveClass, Pulled)
