"""What an IAM action may be allowed on: as narrow as AWS takes it for an action of which the names come later.

Source of all of it: AWS' Service Authorization Reference, one page a service, `PAGE` with the page's name.
"""

from __future__ import annotations

from collections.abc import Mapping

PAGE = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_{}.html"
# Actions without a resource type on their page: AWS takes `Resource: *` alone.
ONLY_EVERYTHING: Mapping[str, str] = {
    "ce:GetCostAndUsage": "awscostexplorerservice",
    "cloudwatch:GetMetricStatistics": "amazoncloudwatch",
    "ec2:DescribeAddresses": "amazonec2",
    "ec2:DescribeImages": "amazonec2",
    "ec2:DescribeInstanceCreditSpecifications": "amazonec2",
    "ec2:DescribeInstances": "amazonec2",
    "ec2:DescribeKeyPairs": "amazonec2",
    "ec2:DescribeSecurityGroups": "amazonec2",
    "ec2:DescribeTags": "amazonec2",
    "ec2:DescribeVolumes": "amazonec2",
    "freetier:GetAccountPlanState": "awsfreetier",
    "freetier:GetFreeTierUsage": "awsfreetier",
    "lambda:ListEventSourceMappings": "awslambda",
    "lambda:ListFunctions": "awslambda",
    "logs:DescribeLogGroups": "amazoncloudwatchlogs",
    "pricing:GetProducts": "awspricelist",
}
# What all other actions of a service are allowed on; `{region}` is filled in, accounts and names are not known yet.
_OF_SERVICE: Mapping[str, tuple[str, ...]] = {
    "apigateway": tuple(
        f"arn:aws:apigateway:{{region}}::/{root}{rest}"
        for root in ("apis", "restapis", "domainnames", "usageplans", "apikeys", "tags")
        for rest in ("", "/*")
    ),
    "cloudwatch": ("arn:aws:cloudwatch:{region}:*:alarm:*",),
    "ec2": ("arn:aws:ec2:{region}:*:*/*",),
    "ecr": ("arn:aws:ecr:{region}:*:repository/*",),
    "iam": ("arn:aws:iam::*:role/*",),
    "lambda": ("arn:aws:lambda:{region}:*:function:*",),
    "logs": ("arn:aws:logs:{region}:*:log-group:*",),
    "s3": ("arn:aws:s3:::*",),
    "ssm": ("arn:aws:ssm:{region}::parameter/aws/service/*",),
}
_OF_ACTION: Mapping[str, tuple[str, ...]] = {
    "iam:SimulatePrincipalPolicy": ("arn:aws:iam::*:role/*", "arn:aws:iam::*:user/*"),
    "lambda:DeleteEventSourceMapping": ("arn:aws:lambda:{region}:*:event-source-mapping:*",),
    "lambda:GetLayerVersion": ("arn:aws:lambda:{region}:*:layer:*",),
}


def resources(action: str, region: str) -> tuple[str, ...]:
    """The patterns that `action` is allowed on in a region; `*` where AWS takes nothing finer. KeyError: not known."""
    if action in ONLY_EVERYTHING:
        return ("*",)
    found = _OF_ACTION.get(action) or _OF_SERVICE[action.partition(":")[0]]
    return tuple(pattern.format(region=region) for pattern in found)
