"""What ECR refuses, and what it allows."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rehearsal.conftest import Clients, Control, refused
from tests.rehearsal.outside import Outside

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.fixture
def repository(aws: Clients) -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    aws.ecr.create_repository(repositoryName=name)
    yield name
    aws.ecr.delete_repository(repositoryName=name, force=True)


def layer(aws: Clients, repository: str, data: bytes) -> str:
    upload = aws.ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    aws.ecr.upload_layer_part(
        repositoryName=repository, uploadId=upload, partFirstByte=0, partLastByte=len(data) - 1, layerPartBlob=data
    )
    aws.ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest(data)])
    return digest(data)


def push(aws: Clients, repository: str, label: str, tag: str = "") -> str:
    """An image of one layer; its digest."""
    parts = [
        {"mediaType": "x", "digest": layer(aws, repository, f"{kind} {label}".encode()), "size": 4}
        for kind in ("config", "layer")
    ]
    text = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": parts[0], "layers": parts[1:]})
    return put(aws, repository, text, MANIFEST, tag)


def push_index(aws: Clients, repository: str, children: list[str], tag: str = "") -> str:
    named = [{"mediaType": MANIFEST, "digest": child, "size": 4} for child in children]
    return put(aws, repository, json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": named}), INDEX, tag)


def put(aws: Clients, repository: str, text: str, kind: str, tag: str = "", **more: Any) -> str:
    tagged = {"imageTag": tag} if tag else {}
    aws.ecr.put_image(
        repositoryName=repository,
        imageManifest=text,
        imageManifestMediaType=kind,
        **{"imageDigest": digest(text.encode()), **tagged, **more},
    )
    return digest(text.encode())


def codes(answer: dict[str, Any]) -> list[str]:
    return [failure["failureCode"] for failure in answer["failures"]]


@pytest.mark.rule("HundredIds")
def test_a_call_names_a_hundred_images_at_most(aws: Clients, repository: str) -> None:
    ids = [{"imageDigest": digest(str(at).encode())} for at in range(101)]
    asked = {"repositoryName": repository}
    assert "100" in refused("InvalidParameterException", aws.ecr.batch_delete_image, imageIds=ids, **asked)
    refused("InvalidParameterException", aws.ecr.batch_get_image, imageIds=ids, **asked)
    answer = aws.ecr.batch_delete_image(imageIds=ids[:100], **asked)
    assert codes(answer) == ["ImageNotFound"] * 100


@pytest.mark.rule("HeldByIndex")
def test_an_index_holds_on_to_its_children(aws: Clients, repository: str) -> None:
    child, other = push(aws, repository, "a", "tagged"), push(aws, repository, "b")
    index = push_index(aws, repository, [child, other], "latest")
    asked = {"repositoryName": repository}
    by_digest = [{"imageDigest": child}, {"imageDigest": other}]
    assert codes(aws.ecr.batch_delete_image(imageIds=by_digest, **asked)) == ["ImageReferencedByManifestList"] * 2
    by_tag = aws.ecr.batch_delete_image(imageIds=[{"imageTag": "tagged"}], **asked)
    assert codes(by_tag) == ["ImageReferencedByManifestList"]
    together = aws.ecr.batch_delete_image(imageIds=[{"imageDigest": index}, {"imageDigest": other}], **asked)
    assert codes(together) == ["ImageReferencedByManifestList"]
    assert together["imageIds"] == [{"imageDigest": index, "imageTag": "latest"}]
    assert codes(aws.ecr.batch_delete_image(imageIds=by_digest, **asked)) == []
    assert codes(aws.ecr.batch_delete_image(imageIds=by_digest[:1], **asked)) == ["ImageNotFound"]


@pytest.mark.rule("HeldByIndex")
def test_layers_go_with_the_last_image_that_has_them(aws: Clients, repository: str) -> None:
    own = {"mediaType": "x", "digest": layer(aws, repository, b"config of one"), "size": 4}
    shared = {"mediaType": "x", "digest": layer(aws, repository, b"shared"), "size": 4}
    one = json.dumps({"schemaVersion": 2, "config": own, "layers": [shared]})
    made, other = put(aws, repository, one, MANIFEST), json.dumps({"schemaVersion": 2, "layers": [shared]})
    put(aws, repository, other, MANIFEST)

    def there() -> set[Any]:
        asked = [own["digest"], shared["digest"]]
        found = aws.ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=asked)["layers"]
        return {item["layerDigest"] for item in found if item["layerAvailability"] == "AVAILABLE"}

    assert there() == {own["digest"], shared["digest"]}
    aws.ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": made}])
    assert there() == {shared["digest"]}
    with pytest.raises(aws.ecr.exceptions.LayersNotFoundException):
        put(aws, repository, one, MANIFEST)


@pytest.mark.rule("HeldByIndex")
def test_a_tag_goes_alone_while_there_is_another(aws: Clients, repository: str) -> None:
    made = push(aws, repository, "a", "one")
    text = aws.ecr.batch_get_image(
        repositoryName=repository, imageIds=[{"imageDigest": made}], acceptedMediaTypes=[MANIFEST]
    )["images"][0]["imageManifest"]
    put(aws, repository, text, MANIFEST, "two")
    push_index(aws, repository, [made])
    aws.ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "one"}])
    seen = aws.ecr.describe_images(repositoryName=repository, imageIds=[{"imageDigest": made}])["imageDetails"][0]
    assert seen["imageTags"] == ["two"]


@pytest.mark.rule("PagesOfImages")
def test_lists_come_in_pages_and_repositories_too(aws: Clients, repository: str) -> None:
    for at in range(5):
        push(aws, repository, str(at), f"tag-{at}")
    first = aws.ecr.list_images(repositoryName=repository, maxResults=3)
    assert len(first["imageIds"]) == 3
    rest = aws.ecr.list_images(repositoryName=repository, maxResults=3, nextToken=first["nextToken"])
    assert len(rest["imageIds"]) == 2
    assert "nextToken" not in rest
    pages = aws.ecr.get_paginator("describe_images").paginate(
        repositoryName=repository, PaginationConfig={"PageSize": 2}
    )
    assert sum(len(page["imageDetails"]) for page in pages) == 5
    assert "nextToken" in aws.ecr.describe_repositories(maxResults=1)
    untagged = aws.ecr.list_images(repositoryName=repository, filter={"tagStatus": "UNTAGGED"})
    assert untagged["imageIds"] == []
    refused("RepositoryNotFoundException", aws.ecr.list_images, repositoryName="nowhere")


@pytest.mark.rule("WholeImages")
def test_layers_come_before_images_and_children_before_indexes(aws: Clients, repository: str) -> None:
    absent = digest(b"nothing")
    text = json.dumps({"schemaVersion": 2, "layers": [{"digest": absent, "size": 1}]})
    with pytest.raises(aws.ecr.exceptions.LayersNotFoundException):
        put(aws, repository, text, MANIFEST)
    with pytest.raises(aws.ecr.exceptions.ReferencedImagesNotFoundException):
        push_index(aws, repository, [absent])
    made = push(aws, repository, "a")
    with pytest.raises(aws.ecr.exceptions.ImageDigestDoesNotMatchException):
        put(aws, repository, '{"layers":[]}', MANIFEST, imageDigest=made)
    push_index(aws, repository, [made])


@pytest.mark.rule("LayerBytes", "LayerAddress")
def test_layers_are_fetched_by_an_address_that_expires(
    aws: Clients, repository: str, outside: Outside, control: Control
) -> None:
    made = layer(aws, repository, b"the bytes of a layer")
    with pytest.raises(aws.ecr.exceptions.LayerAlreadyExistsException):
        layer(aws, repository, b"the bytes of a layer")
    url = aws.ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=made)["downloadUrl"]
    assert digest(outside.get(url).content) == made
    control.post("clock", {"advance": 3601})
    assert outside.get(url).status_code == 403
    again = aws.ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=made)["downloadUrl"]
    assert outside.get(again).status_code == 200
    assert outside.get(again.partition("?")[0]).status_code == 403
    refused(
        "LayersNotFoundException",
        aws.ecr.get_download_url_for_layer,
        repositoryName=repository,
        layerDigest=digest(b"nothing"),
    )
    upload = aws.ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    aws.ecr.upload_layer_part(
        repositoryName=repository, uploadId=upload, partFirstByte=0, partLastByte=0, layerPartBlob=b"x"
    )
    refused(
        "InvalidLayerException",
        aws.ecr.complete_layer_upload,
        repositoryName=repository,
        uploadId=upload,
        layerDigests=[made],
    )


@pytest.mark.rule("ArchiveClass")
def test_an_archived_image_is_hidden_and_not_pulled_until_it_is_restored(aws: Clients, repository: str) -> None:
    made = push(aws, repository, "a", "one")
    which = {"repositoryName": repository, "imageId": {"imageDigest": made}}
    told = aws.ecr.update_image_storage_class(targetStorageClass="ARCHIVE", **which)
    assert told["imageStatus"] == "ARCHIVED"
    assert aws.ecr.list_images(repositoryName=repository)["imageIds"] == []
    hidden = aws.ecr.list_images(repositoryName=repository, filter={"imageStatus": "ARCHIVED"})["imageIds"]
    assert hidden == [{"imageDigest": made, "imageTag": "one"}]
    pulled = aws.ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageDigest": made}])
    assert (pulled["images"], len(pulled["failures"])) == ([], 1)
    aws.ecr.update_image_storage_class(targetStorageClass="STANDARD", **which)
    assert aws.ecr.list_images(repositoryName=repository)["imageIds"] == hidden


@pytest.mark.rule("Pulled")
@pytest.mark.usefixtures("old")
def test_images_of_functions_say_that_they_were_pulled(aws: Clients) -> None:
    details = aws.ecr.describe_images(repositoryName="iris-backend")["imageDetails"]
    pulled = {tag for item in details if "lastRecordedPullTime" in item for tag in item.get("imageTags", [])}
    assert pulled == {"v1", "v2"}
