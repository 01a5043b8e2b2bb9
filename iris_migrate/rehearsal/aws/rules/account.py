"""SSM's public parameters, policy simulation, quotas, prices and the free tier: what moto cannot answer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from iris_migrate.rehearsal.aws.answers import Answer, failure, json_result, query_result
from iris_migrate.rehearsal.aws.images import RELEASED, public_parameters
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Practice, RuleBook
from iris_migrate.rehearsal.aws.rules.ec2 import ADDRESS_QUOTA

# us-east-1 list prices, USD: (product family, usage type, unit, price)
PRICES = (
    ("Compute Instance", "BoxUsage:t3.micro", "Hrs", "0.0104000000", {"instanceType": "t3.micro"}),
    ("Compute Instance", "BoxUsage:t3.small", "Hrs", "0.0208000000", {"instanceType": "t3.small"}),
    ("Storage", "EBS:VolumeUsage.gp3", "GB-Mo", "0.0800000000", {"volumeApiName": "gp3"}),
    ("IP Address", "PublicIPv4:InUseAddress", "Hrs", "0.0050000000", {"groupDescription": "In-use public IPv4"}),
)
_EIP_QUOTA_CODE = "L-0263D0A3"


@dataclass(slots=True)
class AccountRules:
    practice: Practice
    _parameters: dict[str, str] = field(default_factory=public_parameters)

    def enter(self, book: RuleBook) -> None:
        book.ahead("ssm:GetParameter", self.parameter)
        book.ahead("ssm:GetParameters", self.parameters)
        book.ahead("iam:SimulatePrincipalPolicy", self.simulate)
        book.ahead("iam:SimulateCustomPolicy", self.simulate)
        book.ahead("service-quotas:GetServiceQuota", self.quota)
        book.ahead("freetier:GetAccountPlanState", self.plan)
        book.ahead("freetier:GetFreeTierUsage", self.usage)
        book.ahead("pricing:GetProducts", self.products)

    def parameter(self, request: AwsRequest) -> Answer | None:
        name = str(request.params.get("Name"))
        if not name.startswith("/aws/service/"):
            return None
        if name in self._parameters:
            return json_result({"Parameter": self._shown(name)})
        if name.startswith(("/aws/service/canonical/", "/aws/service/debian/", "/aws/service/ami-amazon-linux")):
            return failure(request, "ParameterNotFound", f"Systems Manager parameter {name} not found.")
        return None

    def parameters(self, request: AwsRequest) -> Answer | None:
        names = [str(name) for name in request.params.get("Names") or ()]
        if not names or not all(name.startswith("/aws/service/") for name in names):
            return None
        return json_result(
            {
                "Parameters": [self._shown(name) for name in names if name in self._parameters],
                "InvalidParameters": [name for name in names if name not in self._parameters],
            }
        )

    def _shown(self, name: str) -> dict[str, Any]:
        return {
            "Name": name,
            "Type": "String",
            "Value": self._parameters[name],
            "Version": 1,
            "LastModifiedDate": 1_792_022_400.0,
            "ARN": f"arn:aws:ssm:{self.practice.region}::parameter{name}",
            "DataType": "aws:ec2:image",
        }

    def simulate(self, request: AwsRequest) -> Answer:
        """What the identity may do: all, but for the actions of a `no-permission` fault."""
        resources = request.params.get("ResourceArns") or ["*"]
        members = "".join(
            "<member>"
            f"<EvalActionName>{escape(str(action))}</EvalActionName>"
            f"<EvalResourceName>{escape(str(resource))}</EvalResourceName>"
            f"<EvalDecision>{'implicitDeny' if self.practice.faults.denied(str(action)) else 'allowed'}</EvalDecision>"
            "<MatchedStatements/><MissingContextValues/></member>"
            for action in request.params.get("ActionNames") or ()
            for resource in resources
        )
        inner = f"<EvaluationResults>{members}</EvaluationResults><IsTruncated>false</IsTruncated>"
        return query_result(request, inner)

    def quota(self, request: AwsRequest) -> Answer:
        if (request.params.get("ServiceCode"), request.params.get("QuotaCode")) != ("ec2", _EIP_QUOTA_CODE):
            message = "The request failed because the specified service quota does not exist."
            return failure(request, "NoSuchResourceException", message, 400)
        quota = {
            "ServiceCode": "ec2",
            "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
            "QuotaCode": _EIP_QUOTA_CODE,
            "QuotaName": "EC2-VPC Elastic IPs",
            "Value": float(ADDRESS_QUOTA),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
        return json_result({"Quota": quota})

    def plan(self, request: AwsRequest) -> Answer:
        """An account on the paid plan, made after 2025-07-15: no twelve free months."""
        return json_result(
            {
                "accountId": self.practice.account,
                "accountPlanType": "PAID",
                "accountPlanStatus": "ACTIVE",
                "accountPlanRemainingCredits": {"amount": 0.0, "unit": "USD"},
            }
        )

    def usage(self, request: AwsRequest) -> Answer:
        return json_result({"freeTierUsages": []})

    def products(self, request: AwsRequest) -> Answer:
        """List prices of what this migration makes, in the shape of the price list API."""
        asked = {
            str(item.get("Field")): str(item.get("Value"))
            for item in request.params.get("Filters") or ()
            if item.get("Type") == "TERM_MATCH"
        }
        products = [product for entry in PRICES if (product := _product(*entry)) and _fits(product, asked)]
        return json_result({"FormatVersion": "aws_v1", "PriceList": [json.dumps(product) for product in products]})


def _product(family: str, usage: str, unit: str, price: str, more: dict[str, str]) -> dict[str, Any]:
    sku = "PRACTICE" + hashlib.sha256(usage.encode()).hexdigest()[:8].upper()
    attributes = {"regionCode": "us-east-1", "location": "US East (N. Virginia)", "usagetype": usage, **more}
    if family == "Compute Instance":
        attributes |= {
            "operatingSystem": "Linux",
            "tenancy": "Shared",
            "preInstalledSw": "NA",
            "capacitystatus": "Used",
        }
    dimension = {"unit": unit, "pricePerUnit": {"USD": price}, "description": f"${price} per {unit}", "beginRange": "0"}
    term = {"priceDimensions": {f"{sku}.D": dimension}, "sku": sku, "effectiveDate": RELEASED}
    return {
        "product": {"productFamily": family, "attributes": attributes, "sku": sku},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {f"{sku}.T": term}},
    }


def _fits(product: dict[str, Any], asked: dict[str, str]) -> bool:
    attributes = product["product"]["attributes"] | {"productFamily": product["product"]["productFamily"]}
    return all(attributes.get(name) == value for name, value in asked.items())
