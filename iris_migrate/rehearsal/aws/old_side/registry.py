"""The repository of the old function's images, and the one with very many."""

from __future__ import annotations

import json
from typing import Any

from iris_migrate.rehearsal.aws.old_side.code import config, digest, layer

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MANY, INDEXES, CHILDREN = 10_000, 500, 2  # images in all, of them indexes, images that each index names
_KEEP_UNTAGGED = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 50},
            "action": {"type": "expire"},
        }
    ]
}


def make_repository(ecr: Any, name: str) -> str:
    """An empty repository with a lifecycle policy; its URI."""
    uri = ecr.create_repository(repositoryName=name)["repository"]["repositoryUri"]
    ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps(_KEEP_UNTAGGED))
    return str(uri)


def push_images(ecr: Any, repository: str) -> None:
    """v1, v2, and `latest`: an index of v2 and its attestation, as buildx pushes it."""
    _put(ecr, repository, _manifest(ecr, repository, "v1"), MANIFEST, "v1")
    new = _put(ecr, repository, _manifest(ecr, repository, "v2"), MANIFEST, "v2")
    attestation = _put(ecr, repository, _manifest(ecr, repository, "provenance", code=False), MANIFEST, "")
    children = [
        {"mediaType": MANIFEST, "digest": child, "size": size, "platform": platform}
        for (child, size), platform in (
            (new, {"architecture": "amd64", "os": "linux"}),
            (attestation, {"architecture": "unknown", "os": "unknown"}),
        )
    ]
    _put(ecr, repository, json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}), INDEX, "latest")


def fill(state: Any, account: str, repository: str) -> None:
    """Very many images, put into moto's own state: pushing each by a call would take a minute.

    500 indexes of two images each; all other images have a tag of their own.
    """
    from moto.ecr.models import Image

    stored = state.repositories[repository]
    missing = MANY - len(stored.images)
    indexes = INDEXES - sum("manifests" in json.loads(image.image_manifest) for image in stored.images)
    base = next(json.loads(image.image_manifest) for image in stored.images if "layers" in image.image_manifest)
    images = [_small(at, base) for at in range(missing - indexes)]
    children = [
        {"mediaType": MANIFEST, "digest": digest(text.encode()), "size": len(text)}
        for text in images[: indexes * CHILDREN]
    ]
    made = [(text, MANIFEST, f"build-{at}" if at >= len(children) else None) for at, text in enumerate(images)]
    for at in range(indexes):
        pair = children[at * CHILDREN : (at + 1) * CHILDREN]
        text = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": pair})
        made.append((text, INDEX, f"index-{at}"))
    stored.images.extend(
        Image(account, tag, text, repository, kind, digest(text.encode()), account)  # type: ignore[arg-type]
        for text, kind, tag in made
    )


def _small(at: int, base: dict[str, Any]) -> str:
    """A manifest of its own, on the layers of an image that is there: builds of one service share nearly all."""
    return json.dumps({**base, "annotations": {"org.opencontainers.image.revision": f"build {at}"}})


def _manifest(ecr: Any, repository: str, label: str, *, code: bool = True) -> str:
    blobs = [(_CONFIG, config(label)), (_LAYER, layer(label) if code else f"provenance of {label}\n".encode() * 16)]
    for _, blob in blobs:
        _upload(ecr, repository, blob)
    parts = [{"mediaType": kind, "digest": digest(blob), "size": len(blob)} for kind, blob in blobs]
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": parts[0], "layers": parts[1:]})


def _upload(ecr: Any, repository: str, blob: bytes) -> None:
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    ecr.upload_layer_part(
        repositoryName=repository, uploadId=upload, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob
    )
    ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest(blob)])


def _put(ecr: Any, repository: str, manifest: str, kind: str, tag: str) -> tuple[str, int]:
    tagged = {"imageTag": tag} if tag else {}
    made = digest(manifest.encode())
    ecr.put_image(
        repositoryName=repository, imageManifest=manifest, imageManifestMediaType=kind, imageDigest=made, **tagged
    )
    return made, len(manifest)
