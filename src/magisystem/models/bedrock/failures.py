"""How what Bedrock, botocore and the wire report becomes a leaf of `magisystem.errors`.

The messages quote the service where it explains itself and nothing else: an SDK's own message may hold a URL, a
command's output or, for a wrong signature, the very headers that carry a session token.
"""

from collections.abc import Mapping
from typing import Any, cast

import aiohttp
import msgspec
from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from magisystem.errors import (
    ModelDenied,
    ModelError,
    ModelFailed,
    ModelNotFound,
    ModelOverloaded,
    ModelRejected,
    ModelSilent,
    ModelThrottled,
    ModelUnavailable,
    ModelUnreachable,
)
from magisystem.models.bedrock.wire import NotConnected, Silence, WireFailure

NO_REGION = "No AWS region is set. Set AWS_REGION, or `region` in the AWS profile."
NO_CREDENTIALS = (
    "No AWS credentials were found. Run `aws configure` or `aws sso login`, or set AWS_PROFILE, AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or AWS_BEARER_TOKEN_BEDROCK."
)

_QUOTE_CHARS = 500

# Names as they stand in the stream; HTTP begins them with a capital.
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html and
# https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
_BY_NAME: Mapping[str, type[ModelError]] = {
    "throttlingException": ModelThrottled,
    "modelNotReadyException": ModelThrottled,
    "serviceQuotaExceededException": ModelThrottled,
    "accessDeniedException": ModelDenied,
    "resourceNotFoundException": ModelNotFound,
    "validationException": ModelRejected,
    "modelTimeoutException": ModelOverloaded,
    "modelErrorException": ModelOverloaded,
    "modelStreamErrorException": ModelOverloaded,
    "internalServerException": ModelOverloaded,
    "serviceUnavailableException": ModelOverloaded,
}
_BY_STATUS: Mapping[int, type[ModelError]] = {
    400: ModelRejected,
    401: ModelDenied,
    403: ModelDenied,
    404: ModelNotFound,
    408: ModelOverloaded,
    424: ModelOverloaded,
    429: ModelThrottled,
}
# These explain themselves by quoting the request that was signed, session token and all.
_ABOUT_CREDENTIALS = frozenset(
    {
        "expiredToken",
        "expiredTokenException",
        "incompleteSignature",
        "incompleteSignatureException",
        "invalidClientTokenId",
        "invalidSignatureException",
        "missingAuthenticationToken",
        "missingAuthenticationTokenException",
        "notAuthorized",
        "requestExpired",
        "signatureDoesNotMatch",
        "unrecognizedClientException",
    }
)

# Read from the top: the first class that fits decides.
_BY_CLASS: tuple[tuple[tuple[type[Exception], ...], type[ModelError], str], ...] = (
    ((aws.NoCredentialsError,), ModelUnavailable, NO_CREDENTIALS),
    ((aws.NoRegionError,), ModelUnavailable, NO_REGION),
    (
        (aws.ProfileNotFound,),
        ModelUnavailable,
        "The AWS profile does not exist. `aws configure list-profiles` shows those that do.",
    ),
    (
        (aws.ConfigParseError,),
        ModelUnavailable,
        "The AWS config file cannot be parsed. Mend it, or set AWS_CONFIG_FILE.",
    ),
    (
        (
            aws.PartialCredentialsError,
            aws.InvalidConfigError,
            aws.ConfigNotFound,
            aws.MissingDependencyException,
            aws.UnknownCredentialError,
            aws.BaseEndpointResolverError,
            aws.EndpointProviderError,
            aws.InvalidEndpointConfigurationError,
            aws.InvalidRegionError,
            aws.InvalidIMDSEndpointError,
            aws.InvalidIMDSEndpointModeError,
            aws.InvalidProxiesConfigError,
            aws.InvalidRetryConfigurationError,
            aws.InvalidDefaultsMode,
        ),
        ModelUnavailable,
        "The AWS settings cannot be used ({error}). `aws configure list` shows them.",
    ),
    (
        (
            aws.CredentialRetrievalError,
            aws.LoginError,
            aws.MetadataRetrievalError,
            aws.NoAuthTokenError,
            aws.RefreshWithMFAUnsupportedError,
            aws.SSOError,
            aws.TokenRetrievalError,
        ),
        ModelDenied,
        "The AWS credentials could not be renewed ({error}). Try `aws sso login`.",
    ),
    ((Silence,), ModelSilent, "Bedrock took the request and sent nothing."),
    ((NotConnected,), ModelUnreachable, "No connection to Bedrock could be made: {text}."),
    ((WireFailure,), ModelUnreachable, "The connection to Bedrock broke: {text}."),
    # What sources of credentials raise: the SDK has its own words for some of it only.
    (
        (aws.ConnectionError, aws.HTTPClientError, aiohttp.ClientError, OSError),
        ModelUnreachable,
        "No connection to the source of the AWS credentials could be made ({error}).",
    ),
)
OPENING_FAILURES = (
    WireFailure,
    aws.BotoCoreError,
    aws.ClientError,
    ResponseParserError,
    aiohttp.ClientError,
    OSError,
)


def reported(
    name: str, message: str, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> ModelError:
    """Give the error for what the service itself reports, before the stream or within it.

    Args:
        name: the exception's name, as in ``ThrottlingException``; may be empty.
        message: the service's own words.
        status: the HTTP status, where there is one.
        headers: the response's headers, with lower-case names.
    """
    name = name[:1].lower() + name[1:]
    if name in _ABOUT_CREDENTIALS:
        return ModelDenied(f"AWS refuses the credentials ({name}). Renew them, for example with `aws sso login`.")
    kind = _BY_NAME.get(name)
    if kind is None and status is not None:
        kind = ModelOverloaded if status >= 500 else _BY_STATUS.get(status)
    text = f"Bedrock reports {name or status}: {message[:_QUOTE_CHARS]}"
    if kind is ModelThrottled:
        return ModelThrottled(text, retry_after_s=_retry_after_s(headers or {}))
    return (kind or ModelFailed)(text)


def translated(error: Exception) -> ModelError:
    """Give the error for a failure to open a stream, one of `OPENING_FAILURES`. The caller chains it ``from error``."""
    if isinstance(error, aws.ClientError):
        # Raised on the way to credentials: STS or SSO refused, not Bedrock.
        told = cast("Any", error)
        name = told.response.get("Error", {}).get("Code", "")
        return ModelDenied(f"AWS gives no credentials: {told.operation_name} failed with {name}.")
    for classes, leaf, text in _BY_CLASS:
        if isinstance(error, classes):
            return leaf(text.format(error=type(error).__name__, text=error))
    return ModelFailed(f"The AWS SDK failed ({type(error).__name__}).")


def refused(status: int, headers: Mapping[str, str], body: bytes) -> ModelError:
    """Give the error for an answer that is no stream.

    Its name stands in a header, and in the body of some; both may say more after or before it.
    https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
    """
    try:
        described = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError):
        described = {"message": body.decode("utf-8", "replace")}
    name = headers.get("x-amzn-errortype") or described.get("__type") or described.get("code") or ""
    message = described.get("message") or described.get("Message") or ""
    short_name = str(name).partition(":")[0].rpartition("#")[2]
    return reported(short_name, str(message), status=status, headers=headers)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    # `x-amz-retry-after` is in milliseconds (botocore/retries/standard.py), `retry-after` in seconds. That one may also
    # be a date, which AWS does not send and which is not read.
    for name, unit_s in (("x-amz-retry-after", 0.001), ("retry-after", 1.0)):
        if (value := headers.get(name, "").strip()).isdecimal():
            return int(value) * unit_s
    return None
