"""ECR: layers keep their bytes, and are handed out by signed addresses."""

from __future__ import annotations

from dataclasses import dataclass

from iris_migrate.rehearsal.aws.answers import Answer, json_result
from iris_migrate.rehearsal.aws.plane.downloads import LAYER_SECONDS
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook

_API = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/"


@dataclass(slots=True)
class LayerBytes(Rule):
    """What was uploaded as a layer is there byte for byte; its digest must be true, and it is uploaded once."""

    says = "a layer is kept by its true digest; another digest, or a layer that is there already, is refused"
    source = _API + "API_CompleteLayerUpload.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("ecr:CompleteLayerUpload", self.complete)
        book.behind("ecr:DeleteRepository", self.forget)

    def complete(self, request: AwsRequest) -> Answer | None:
        name = str(request.params.get("repositoryName"))
        repository = self.practice.state(request).repositories.get(name)
        upload = repository.uploads.get(request.params.get("uploadId")) if repository else None
        if upload is None or not upload.layer_parts:
            return None
        blobs, blob = self.practice.plane.blobs, bytes(upload.layer_parts)
        digest = blobs.keep(request.account, request.region, name, blob)
        if list(request.params.get("layerDigests") or ()) != [digest]:
            text = f"The layer digest does not match the uploaded data, which is {digest}"
            return self.refuse(request, "InvalidLayerException", text)
        if digest in repository.layers:
            text = f"Layer with digest '{digest}' already exists in the repository with name '{name}'"
            return self.refuse(request, "LayerAlreadyExistsException", text)
        return None

    def forget(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status == 200:
            self.practice.plane.blobs.forget(request.account, request.region, str(request.params["repositoryName"]))
        return answer


@dataclass(slots=True)
class LayerAddress(Rule):
    """A layer is fetched from a signed address that is good for a while."""

    says = "GetDownloadUrlForLayer gives an address that expires; a layer of no image is refused"
    source = _API + "API_GetDownloadUrlForLayer.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("ecr:GetDownloadUrlForLayer", self.address)

    def address(self, request: AwsRequest) -> Answer:
        name, digest = str(request.params.get("repositoryName")), str(request.params.get("layerDigest"))
        repository = self.practice.state(request).repositories.get(name)
        if repository is None:
            text = f"The repository with name '{name}' does not exist in the registry with id '{request.account}'"
            return self.refuse(request, "RepositoryNotFoundException", text)
        blob = self.practice.plane.blobs.get(request.account, request.region, name, digest)
        if blob is None or digest not in repository.layers:
            text = f"The layer with digest '{digest}' does not exist in the repository with name '{name}'"
            return self.refuse(request, "LayersNotFoundException", text)
        host = f"prod-{request.region}-starport-layer-bucket.s3.{request.region}.amazonaws.com"
        url = self.practice.plane.downloads.offer(host, f"{request.account}/{digest}", blob, LAYER_SECONDS)
        return json_result({"downloadUrl": url, "layerDigest": digest})


RULES: tuple[type[Rule], ...] = (LayerBytes, LayerAddress)
