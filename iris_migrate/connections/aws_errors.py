"""What can go wrong on the way to AWS, in sentences that give the next step."""

from __future__ import annotations

import re
from typing import Any

from iris_migrate.redact import clean
from iris_migrate.target import AwsError, Unreadable

# botocore's own table for retries, plus what EC2 and API Gateway use.
THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_LONGEST = 500  # characters of a message that are passed on


class AwsUnavailable(Unreadable):
    """There is no way to AWS as things are; the message says what is missing and the command that mends it."""


class AnswerLost(AwsError):
    """A call that must not be sent twice was sent and not answered: whether it was carried out has to be looked up."""


def refusal(error: Exception, action: str, *, resendable: bool = True) -> AwsError:
    """What botocore raised for one call, as ours. `resendable`: sending it again would do no harm."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        answer: dict[str, Any] = error.response
        code = str(answer.get("Error", {}).get("Code") or "Unknown")
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        message = _sentence(answer, action)
        if code.isdigit():  # no error of AWS: something between us and it has answered
            return AwsError("Unexpected", f"HTTP {code} without an error of AWS; is there a proxy in between?", action)
        kind = AnswerLost if status >= 500 and code not in THROTTLED and not resendable else AwsError
        return kind(code, message, action)
    if isinstance(error, exceptions.ParamValidationError):
        return AwsError("ParamValidation", _short(str(error)), action)
    if isinstance(error, exceptions.ConnectTimeoutError | exceptions.EndpointConnectionError):
        return AwsError("NoConnection", f"{_short(str(error))} Check the network and the region.", action)
    if isinstance(error, exceptions.HTTPClientError):
        kind = AwsError if resendable else AnswerLost
        return kind("NoAnswer", f"the connection broke: {_short(str(error))}", action)
    if isinstance(error, exceptions.NoCredentialsError | exceptions.CredentialRetrievalError):
        return AwsError("NoCredentials", _short(str(error)), action)
    if type(error).__name__ == "ResponseParserError":
        told = "an answer that is not AWS's own; is there a proxy or a captive portal in between?"
        return AwsError("Unexpected", told, action)
    return AwsError("Unexpected", _short(str(error)), action)


def _sentence(answer: dict[str, Any], action: str) -> str:
    """AWS's message, for a missing permission what to ask for, and the request's id for the support."""
    code = str(answer.get("Error", {}).get("Code"))
    message = _short(str(answer.get("Error", {}).get("Message") or "no message"))
    if code in _DENIED:
        message = f"{message} The identity lacks {action}: see `iris-migrate permissions`."
    request = answer.get("ResponseMetadata", {}).get("RequestId")
    return f"{message} (request {request})" if request else message


def worth_another_try(error: AwsError) -> bool:
    """Whether the same call may succeed in a moment: throttled, or the service or the line had a hiccup."""
    if isinstance(error, AnswerLost):
        return False
    return error.code in THROTTLED | {"NoAnswer", "NoConnection"} or bool(_HICCUP.fullmatch(error.code))


_HICCUP = re.compile(
    r"InternalError|InternalFailure|InternalServerError|ServiceUnavailable.*|ServiceException|Unavailable"
)


def cannot_open(error: Exception, profile: str, region: str) -> AwsUnavailable:
    """Why the first call failed, with the command that mends it."""
    from botocore import exceptions

    login = f"aws sso login{f' --profile {profile}' if profile else ''}"
    configure = f"aws configure{f' --profile {profile}' if profile else ''}"
    match error:
        case exceptions.ProfileNotFound():
            told = f"The AWS configuration has no profile {profile!r}. Make it: {configure}; or change aws.profile."
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
            told = f"No AWS credentials were found. Log in: {login}; or enter access keys: {configure}."
        case exceptions.NoRegionError():
            told = f"No AWS region is set. Set aws.region, or: {configure}."
        case exceptions.InvalidRegionError():
            told = f"{region!r} is not the name of an AWS region. Correct aws.region."
        case exceptions.TokenRetrievalError() | exceptions.SSOError() | exceptions.CredentialRetrievalError():
            told = f"The AWS login cannot be used any more ({_short(str(error))}). Log in again: {login}."
        case exceptions.ClientError():
            told = _refused_identity(error, login, configure, region)
        case exceptions.EndpointConnectionError() | exceptions.ConnectTimeoutError() | exceptions.HTTPClientError():
            told = f"AWS does not answer in {region}: {_short(str(error))} Check the network, a proxy, and aws.region."
        case _:
            told = f"AWS cannot be used: {_short(str(refusal(error, 'sts:GetCallerIdentity')))}"
    return AwsUnavailable(told)


def _refused_identity(error: Any, login: str, configure: str, region: str) -> str:
    code = str(error.response.get("Error", {}).get("Code"))
    if code in _EXPIRED:
        return f"The AWS login has expired. Log in again: {login}."
    if code == "InvalidClientTokenId":
        return (
            f"AWS does not know these access keys in {region}. Enter valid ones: {configure}; "
            "or, when they work elsewhere, enable the region for the account or correct aws.region."
        )
    if code in ("SignatureDoesNotMatch", "RequestTimeTooSkewed", "InvalidSignatureException"):
        return f"AWS refuses the signature: the secret key is wrong ({configure}), or this machine's clock is off."
    return f"AWS refuses: {_short(str(error))} Check the identity: aws sts get-caller-identity."


def _short(message: str) -> str:
    text = " ".join(clean(message).split())
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
