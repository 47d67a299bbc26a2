"""The connection to Amazon Bedrock: one a process, shared by every speech, and the streams opened through it.

Owns the AWS session, whose credentials and endpoint these are, and the pool of connections. Does not know Strands; does
not retry, so that every wait is visible to the caller.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from magisystem.errors import ModelError, ModelUnavailable
from magisystem.models.bedrock.conversation import Conversation
from magisystem.models.bedrock.requests import Requests
from magisystem.models.bedrock.wire import Response, WireFailure

if TYPE_CHECKING:
    from magisystem.models.bedrock.pool import Pool

# Nothing of a credentials chain should take longer; an instance's metadata service is asked for 1 s, once, by default.
CREDENTIALS_TIMEOUT_S = 10.0
# How long "not usable" is believed: a council asks for each of its agents at once, and each look may cost seconds.
UNUSABLE_FOR_S = 5.0
# Of what explains a refusal; what is longer is no explanation.
_REFUSAL_BYTES = 64 * 1024

_SERVICE = "bedrock-runtime"


class _Session(Protocol):
    """What is used of an aiobotocore session, which has no types."""

    async def get_credentials(self) -> Any | None: ...
    def get_config_variable(self, logical_name: str) -> str | None: ...
    def get_component(self, name: str) -> Any: ...
    def create_client(self, service_name: str, *, region_name: str | None, config: Any) -> Any: ...


# botocore's names for its sources, where they say too little.
_METHODS = {
    "env": "the environment (AWS_ACCESS_KEY_ID)",
    "shared-credentials-file": "the credentials file",
    "config-file": "the config file",
    "iam-role": "the instance's role",
    "container-role": "the container's role",
    "assume-role": "a role that is assumed",
    "assume-role-with-web-identity": "a role by web identity",
    "sso": "IAM Identity Center (SSO)",
    "custom-process": "a program (credential_process)",
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where what is needed to call Bedrock comes from.

    ``is_redirected`` where the endpoint is none of AWS's, as with a stand-in.
    """

    region: str
    credentials: str
    endpoint: str
    is_redirected: bool


@dataclass(frozen=True, slots=True)
class _Access:
    """What calls are made with; ``token`` instead of credentials, where it is set."""

    endpoint_url: str
    requests: Requests
    pool: "Pool"
    session: _Session
    token: str | None

    async def message(self, request: Mapping[str, Any]) -> bytes:
        if self.token:
            return self.requests.with_token(request, self.token)
        credentials = await self.session.get_credentials()
        if credentials is None:
            from magisystem.models.bedrock.failures import NO_CREDENTIALS

            raise ModelUnavailable(NO_CREDENTIALS)
        # Renews those that are about to expire; others are as they were.
        return self.requests.signed(request, await credentials.get_frozen_credentials())


class BedrockRuntime:
    """Opens streams on Amazon Bedrock.

    Region, credentials, profile, endpoint and proxies are found the AWS way, whichever of AWS_PROFILE, AWS_REGION,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME, AWS_BEARER_TOKEN_BEDROCK, config files, roles and SSO are in place.

    Args:
        region: instead of the one the environment names.
        profile: instead of the one the environment names.
        connect_timeout_s: how long a connection may take to open.
        read_timeout_s: how long the connection may be silent. Above the deliberation's own limit on silence, which acts
            first and says more; this one is the net below it.
    """

    def __init__(
        self,
        region: str | None = None,
        profile: str | None = None,
        *,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 120.0,
    ) -> None:
        self._region = region
        self._profile = profile
        self._timeouts_s = (connect_timeout_s, read_timeout_s)
        self._opening = asyncio.Lock()
        self._session: _Session | None = None
        self._access: _Access | None = None
        self._unusable: tuple[str, float] | None = None

    @asynccontextmanager
    async def converse(self, request: Mapping[str, Any]) -> AsyncGenerator[Conversation, None]:
        """Send a ConverseStream request and give its response; leaving closes what has not ended.

        Args:
            request: the request's fields, ``modelId`` among them, as boto3's ``converse_stream`` takes them.

        Raises:
            ModelError: on entering; the leaf says what failed. Cancelling while entering leaves no connection behind.
        """
        conversation = await self._open(request)
        try:
            yield conversation
        finally:
            conversation.close()

    async def reason_unusable(self) -> str | None:
        """Say in a sentence what is missing to call Bedrock from here, or ``None``.

        Nothing is called but the sources of credentials; whether they are accepted, and for what, only a call tells.
        """
        async with self._opening:
            return await self._reason_unusable()

    async def sources(self) -> Sources:
        """Tell where what is needed comes from, once `reason_unusable` has found nothing missing. No values of it.

        Raises:
            ModelError: the client cannot be made; the leaf says why.
        """
        session = self._opened_session()
        if _bearer_token():
            credentials = "AWS_BEARER_TOKEN_BEDROCK"
        else:
            async with asyncio.timeout(CREDENTIALS_TIMEOUT_S):
                found = await session.get_credentials()
            method = str(getattr(found, "method", "an unknown source"))
            credentials = _METHODS.get(method, method)
        region = self._found_region(session) or ""
        endpoint = str((await self._opened()).endpoint_url)
        is_redirected = not endpoint.endswith((".amazonaws.com", ".amazonaws.com.cn"))
        return Sources(region, credentials, endpoint, is_redirected)

    async def aclose(self) -> None:
        """Close every connection. Idempotent; a later call opens new ones."""
        async with self._opening:
            access, self._access = self._access, None
            if access is not None:
                await access.pool.aclose()

    async def _open(self, request: Mapping[str, Any]) -> Conversation:
        access = await self._opened()
        from magisystem.models.bedrock.failures import OPENING_FAILURES, translated

        try:
            response = await access.pool.send(await access.message(request))
        except OPENING_FAILURES as error:
            raise translated(error) from error
        if response.status == 200:
            return Conversation(response)
        raise await _refusal(response)

    async def _opened(self) -> _Access:
        if self._access is None:
            async with self._opening:
                if self._access is None:
                    if reason := await self._reason_unusable():
                        raise ModelUnavailable(reason)
                    self._access = await self._new_access(self._opened_session())
        return self._access

    async def _new_access(self, session: _Session) -> _Access:
        from aiobotocore.config import AioConfig

        from magisystem.models.bedrock.failures import OPENING_FAILURES, translated
        from magisystem.models.bedrock.pool import Pool
        from magisystem.models.bedrock.route import Route

        # Reads the service's description off the loop.
        config = AioConfig(warm_up_loader_caches=True)
        try:
            # botocore's client knows the endpoint, by its rules and all settings. It sends nothing.
            async with session.create_client(
                _SERVICE, region_name=self._found_region(session), config=config
            ) as client:
                meta = client.meta
        except OPENING_FAILURES as error:
            raise translated(error) from error
        except ValueError as error:
            raise ModelUnavailable("AWS_ENDPOINT_URL_BEDROCK_RUNTIME or AWS_ENDPOINT_URL is not a URL.") from error
        endpoint_url = str(meta.endpoint_url)
        ca_bundle = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
        route = await asyncio.to_thread(Route.find, endpoint_url, ca_bundle)
        requests = Requests(
            endpoint_url,
            meta.region_name,
            meta.config.user_agent,
            is_forwarded=route.is_forwarded,
            further_headers=route.headers,
        )
        return _Access(endpoint_url, requests, Pool(route, *self._timeouts_s), session, _bearer_token())

    async def _reason_unusable(self) -> str | None:
        if self._access is not None:
            return None
        now = asyncio.get_running_loop().time()
        if self._unusable is not None and now < self._unusable[1]:
            return self._unusable[0]
        reason = await self._missing()
        # The session keeps the credentials it found, so a good answer needs no keeping here. It also keeps the config
        # files as it read them: where something was missing, the next look must read them anew.
        if reason:
            self._session = None
            self._unusable = (reason, asyncio.get_running_loop().time() + UNUSABLE_FOR_S)
        return reason

    async def _missing(self) -> str | None:
        # The SDK's import takes a third of a second, which on the loop would hold up every stream.
        await asyncio.to_thread(import_module, "aiobotocore.session")
        from magisystem.models.bedrock.failures import NO_CREDENTIALS, NO_REGION, OPENING_FAILURES, translated

        try:
            session = self._opened_session()
            if not self._found_region(session):
                return NO_REGION
            if _bearer_token():
                # The token is all that is sent, so an instance's metadata service need not be waited for.
                session.get_component("credential_provider").remove("iam-role")
                return None
            async with asyncio.timeout(CREDENTIALS_TIMEOUT_S):
                return None if await session.get_credentials() else NO_CREDENTIALS
        except TimeoutError:
            return (
                f"AWS credentials did not come within {CREDENTIALS_TIMEOUT_S:g} s. Check the profile's source of them."
            )
        except OPENING_FAILURES as error:
            return translated(error).message

    def _opened_session(self) -> _Session:
        if self._session is None:
            from aiobotocore.session import AioSession

            self._session = cast("_Session", AioSession(profile=self._profile))
        return self._session

    def _found_region(self, session: _Session) -> str | None:
        # botocore reads AWS_DEFAULT_REGION only. AWS_REGION is what AWS's runtimes set and its other SDKs read first.
        # https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html
        return self._region or os.environ.get("AWS_REGION") or session.get_config_variable("region")


def _bearer_token() -> str | None:
    """Give the API key of Bedrock, which goes before every other source of credentials."""
    from botocore import utils

    return cast("Any", utils).get_token_from_environment("bedrock")


async def _refusal(response: Response) -> ModelError:
    """Give the error for an answer that is no stream; the response is closed.

    Raises:
        ModelError: the answer is not even that.
    """
    from magisystem.models.bedrock.failures import refused, translated

    body = b""
    try:
        while len(body) < _REFUSAL_BYTES and (piece := await response.read()):
            body += piece
    except WireFailure as error:
        raise translated(error) from error
    finally:
        response.close()
    return refused(response.status, response.headers, body)
