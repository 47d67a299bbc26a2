"""OpenAI, and every server that speaks its chat completions: vLLM, LM Studio, llama.cpp and the like."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from magisystem.council.briefs import Brief
from magisystem.models.strands_provider import (
    MAX_TOKENS,
    PROBE_S,
    StrandsConnection,
    given,
    loaded,
    reason_missing,
    shown,
    some_of,
)
from magisystem.models.wire import Wire

if TYPE_CHECKING:
    import httpx
    from openai import AsyncOpenAI

_MODULE = "magisystem.models.openai_stream"


@dataclass(slots=True)
class OpenAI:
    """OpenAI's own API. ``api_key`` is ``OPENAI_API_KEY``; the SDK itself heeds ``OPENAI_BASE_URL`` and the like."""

    api_key: str | None = field(repr=False)
    prefix: str = "openai"
    example: str = "openai:gpt-5.1"
    note: str | None = None
    module: str = _MODULE
    _wire: Wire = field(default_factory=Wire, repr=False)

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """See `Provider.reason_unusable`. The API is asked for the model; where it does not answer, the call tells."""
        if missing := reason_missing("openai", "openai"):
            return missing
        if not self.api_key:
            return "OPENAI_API_KEY is not set. Set it to a key of https://platform.openai.com/api-keys."
        if model_id is None:
            return None
        openai = await loaded("openai")
        await self._wire.prepare()
        async with self._client(PROBE_S) as client:
            try:
                await client.models.retrieve(model_id)
            except openai.AuthenticationError:
                return "the API refuses OPENAI_API_KEY. Set it to a key that is valid."
            except openai.NotFoundError as error:
                # Other services behind OPENAI_BASE_URL may know no such list at all, and then say something else.
                if error.code == "model_not_found":
                    return (
                        f"the API has no model {model_id!r} for this key. See https://platform.openai.com/docs/models."
                    )
            except openai.OpenAIError:
                pass
        return None

    def connect(self, model_id: str, brief: Brief) -> StrandsConnection:
        """See `Provider.connect`. OpenAI has no ``topK``, and takes ``max_completion_tokens`` for every chat model."""
        from magisystem.models.openai_stream import OpenAIStream

        sampling = brief.agent.sampling
        client = self._client()
        return StrandsConnection(
            OpenAIStream(
                client,
                model_id=model_id,
                params=given(
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    max_completion_tokens=sampling.max_tokens or MAX_TOKENS,
                ),
            ),
            client.close,
            ("top_k",) if sampling.top_k is not None else (),
        )

    async def aclose(self) -> None:
        """Hold nothing."""

    def _client(self, timeout_s: float | None = None) -> "AsyncOpenAI":
        return _new_client(self._wire, timeout_s, api_key=self.api_key)


@dataclass(slots=True)
class OpenAICompatible:
    """A server at ``base_url`` (``MAGI_OPENAI_COMPATIBLE_BASE_URL``, such as ``http://localhost:8000/v1``)."""

    base_url: str | None
    api_key: str | None = field(repr=False)
    prefix: str = "openai-compatible"
    example: str = "openai-compatible:qwen3-32b"
    note: str | None = None
    module: str = _MODULE
    _wire: Wire = field(default_factory=Wire, repr=False)

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """See `Provider.reason_unusable`. Asks the server which models it has, if it has a list of them."""
        if missing := reason_missing("openai", "openai"):
            return missing
        if not self.base_url:
            return (
                "MAGI_OPENAI_COMPATIBLE_BASE_URL is not set. Set it to the server's address, with its /v1 "
                "(http://localhost:8000/v1)."
            )
        httpx = await loaded("httpx")
        await self._wire.prepare()
        key = {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        try:
            async with self._wire.client(PROBE_S) as client:
                answer = await client.get(f"{self.base_url.rstrip('/')}/models", headers=key)
        except httpx.InvalidURL:
            return "MAGI_OPENAI_COMPATIBLE_BASE_URL is no URL. It looks like http://localhost:8000/v1."
        except httpx.HTTPError:
            return (
                f"no server answers at {shown(self.base_url)}. Start it, or set MAGI_OPENAI_COMPATIBLE_BASE_URL to "
                "where it is."
            )
        return _reason_in(answer, f"the server at {shown(self.base_url)}", model_id)

    def connect(self, model_id: str, brief: Brief) -> StrandsConnection:
        """See `Provider.connect`. Servers that need no key still need a header with one."""
        from magisystem.models.openai_stream import OpenAIStream

        sampling = brief.agent.sampling
        client = _new_client(self._wire, None, api_key=self.api_key or "none", base_url=self.base_url)
        return StrandsConnection(
            OpenAIStream(
                client,
                model_id=model_id,
                params=given(
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    max_tokens=sampling.max_tokens or MAX_TOKENS,
                    extra_body=given(top_k=sampling.top_k) or None,
                ),
            ),
            client.close,
        )

    async def aclose(self) -> None:
        """Hold nothing."""


def _new_client(wire: Wire, timeout_s: float | None, **client_args: Any) -> "AsyncOpenAI":
    from openai import AsyncOpenAI

    http_client = wire.client(timeout_s)
    return AsyncOpenAI(http_client=http_client, timeout=http_client.timeout, max_retries=0, **client_args)


def _reason_in(answer: "httpx.Response", server: str, model_id: str | None) -> str | None:
    """Read a server's list of models; one that has no such list, or none that can be read, may answer all the same."""
    match answer.status_code:
        case 401 | 403:
            return f"{server} refuses the key. Set MAGI_OPENAI_COMPATIBLE_API_KEY to one it accepts."
        case 503:
            return f"{server} is not ready (HTTP 503). Wait until it has loaded its model."
        case 200:
            names = _listed(answer)
            if model_id and names and model_id not in names:
                return f"{server} has no model {model_id!r}. It has: {some_of(names)}."
        case _:
            pass
    return None


def _listed(answer: "httpx.Response") -> set[str]:
    """Give the ids in a list of models; none where it has not the form of one."""
    try:
        listing = answer.json()
    except ValueError:
        return set()
    models = cast("dict[str, Any]", listing).get("data") if isinstance(listing, dict) else None
    if not isinstance(models, list):
        return set()
    entries = [cast("dict[str, Any]", entry) for entry in cast("list[Any]", models) if isinstance(entry, dict)]
    return {entry["id"] for entry in entries if isinstance(entry.get("id"), str)}
