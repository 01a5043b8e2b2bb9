"""The old side is there as a migration and a decommission need it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from iris_migrate.rehearsal.launch import World
from tests.rehearsal.conftest import Clients, refused


def api(aws: Clients) -> str:
    return str(aws.apigatewayv2.get_apis()["Items"][0]["ApiId"])


def test_the_function_has_an_image_versions_an_alias_and_variables(aws: Clients, world: World) -> None:
    seen = aws.lambda_.get_function(FunctionName="iris-backend")
    assert seen["Configuration"]["PackageType"] == "Image"
    assert seen["Configuration"]["Environment"]["Variables"]["OPENAI_API_KEY"] == world.env["OPENAI_API_KEY"]
    image = seen["Code"]["ResolvedImageUri"].partition("@")[2]
    images = aws.ecr.describe_images(repositoryName="iris-backend", imageIds=[{"imageTag": "v2"}])["imageDetails"]
    assert images[0]["imageDigest"] == image
    versions = aws.lambda_.list_versions_by_function(FunctionName="iris-backend")["Versions"]
    assert [item["Version"] for item in versions] == ["$LATEST", "1", "2"]
    assert aws.lambda_.get_alias(FunctionName="iris-backend", Name="live")["FunctionVersion"] == "2"
    role = seen["Configuration"]["Role"].rpartition("/")[2]
    assert aws.iam.list_role_policies(RoleName=role)["PolicyNames"] == ["logs"]


def test_the_clients_keys_are_the_authorizers(aws: Clients, world: World) -> None:
    authorizers = aws.apigatewayv2.get_authorizers(ApiId=api(aws))["Items"]
    function = authorizers[0]["AuthorizerUri"].partition(":function:")[2].partition("/")[0]
    seen = aws.lambda_.get_function_configuration(FunctionName=function)
    assert seen["Environment"]["Variables"]["IRIS_API_KEYS"] == world.env["IRIS_API_KEYS"]
    one = aws.apigatewayv2.get_authorizer(ApiId=api(aws), AuthorizerId=authorizers[0]["AuthorizerId"])
    assert one["AuthorizerUri"] == authorizers[0]["AuthorizerUri"]


def test_what_routes_use_cannot_be_deleted(aws: Clients) -> None:
    routes = aws.apigatewayv2.get_routes(ApiId=api(aws))["Items"]
    assert {route["RouteKey"] for route in routes} >= {"POST /api/iris/analyze", "GET /api/iris/health"}
    guarded = next(route for route in routes if route["RouteKey"] == "POST /api/iris/analyze")
    integration = guarded["Target"].partition("/")[2]
    refused("ConflictException", aws.apigatewayv2.delete_integration, ApiId=api(aws), IntegrationId=integration)
    authorizer = guarded["AuthorizerId"]
    refused("ConflictException", aws.apigatewayv2.delete_authorizer, ApiId=api(aws), AuthorizerId=authorizer)
    refused("NotFoundException", aws.apigatewayv2.get_authorizers, ApiId="nosuchapi")


def test_the_index_names_its_children_by_their_true_digests(aws: Clients) -> None:
    kind = "application/vnd.oci.image.index.v1+json"
    found = aws.ecr.batch_get_image(
        repositoryName="iris-backend", imageIds=[{"imageTag": "latest"}], acceptedMediaTypes=[kind]
    )["images"][0]
    children = [child["digest"] for child in json.loads(found["imageManifest"])["manifests"]]
    known = [item["imageDigest"] for item in aws.ecr.describe_images(repositoryName="iris-backend")["imageDetails"]]
    assert len(children) == 2
    assert set(children) < set(known)


def test_fourteen_days_of_calls_with_silences(aws: Clients) -> None:
    now = datetime.now(UTC)
    for namespace, metric, name, value in (
        ("AWS/Lambda", "Invocations", "FunctionName", "iris-backend"),
        ("AWS/ApiGateway", "Count", "ApiId", api(aws)),
    ):
        points = aws.cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value}],
            StartTime=now - timedelta(days=14),
            EndTime=now,
            Period=86400,
            Statistics=["Sum"],
        )["Datapoints"]
        assert 9 <= len(points) <= 13
        assert all(point["Sum"] > 0 for point in points)


def test_the_log_groups_are_there(aws: Clients) -> None:
    groups = {group["logGroupName"] for group in aws.logs.describe_log_groups()["logGroups"]}
    assert {"/aws/lambda/iris-backend", "/aws/lambda/iris-authorizer"} <= groups


def test_money_is_answered(aws: Clients) -> None:
    filters = [{"Type": "TERM_MATCH", "Field": "instanceType", "Value": "t3.micro"}]
    products = aws.pricing.get_products(ServiceCode="AmazonEC2", Filters=filters)["PriceList"]
    terms = json.loads(products[0])["terms"]["OnDemand"]
    dimensions = next(iter(terms.values()))["priceDimensions"]
    assert float(next(iter(dimensions.values()))["pricePerUnit"]["USD"]) == 0.0104
    assert aws.freetier.get_account_plan_state()["accountPlanType"] == "PAID"
    quota = aws.service_quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-0263D0A3")["Quota"]
    assert quota["Value"] == 5


def test_images_are_found_by_the_parameters_of_every_profile(aws: Clients) -> None:
    import yaml

    from tests.rehearsal import REPOSITORY

    profiles = yaml.safe_load((REPOSITORY / "checklists/profiles.yaml").read_text())
    for profile in profiles.values():
        image = aws.ssm.get_parameter(Name=profile["ami_parameter"])["Parameter"]["Value"]
        found = aws.ec2.describe_images(ImageIds=[image])["Images"][0]
        assert (found["State"], found["Architecture"]) == ("available", "x86_64")
    refused("ParameterNotFound", aws.ssm.get_parameter, Name="/aws/service/canonical/ubuntu/server/9.04/ami-id")
