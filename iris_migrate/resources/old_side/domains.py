"""Under which custom domains APIs of both kinds can be asked besides their own address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from iris_migrate.target import Aws

# service, operation of a domain's mappings, its list, parameter, and what a mapping calls domain, API and path
_KINDS = (
    ("apigatewayv2", "GetApiMappings", "Items[]", "DomainName", "ApiId", "ApiMappingKey"),
    ("apigateway", "GetBasePathMappings", "items[]", "domainName", "restApiId", "basePath"),
)
_ROOT = ("", "(none)")  # no path of its own


async def custom_addresses(aws: Aws) -> Mapping[str, list[str]]:
    """By the id of an API its addresses under custom domains. Both services tell of domains of the other kind too."""
    pairs = await asyncio.gather(*(_of_kind(aws, *kind) for kind in _KINDS))
    found: dict[str, set[str]] = {}
    for api, address in (pair for listed in pairs for pair in listed):
        found.setdefault(api, set()).add(address)
    return {api: sorted(addresses) for api, addresses in found.items()}


async def _of_kind(
    aws: Aws, service: str, operation: str, items: str, domain: str, api: str, path: str
) -> list[tuple[str, str]]:
    names = [str(item[domain]) for item in await aws.read_all(service, "GetDomainNames", items)]
    mapped = await asyncio.gather(*(aws.read_all(service, operation, items, **{domain: name}) for name in names))
    return [
        (str(item[api]), _address(name, str(item.get(path) or "")))
        for name, mappings in zip(names, mapped, strict=True)
        for item in mappings
    ]


def _address(domain: str, path: str) -> str:
    return f"https://{domain}" if path in _ROOT else f"https://{domain}/{path}"
