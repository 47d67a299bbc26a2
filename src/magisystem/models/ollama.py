"""Ollama: models on this machine or in the house."""

from dataclasses import dataclass, field

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
from magisystem.models.wire import Wire, speech_timeout


@dataclass(slots=True)
class Ollama:
    """The server at ``host`` (``OLLAMA_HOST``). It is near: proxies of the environment are not used."""

    host: str
    prefix: str = "ollama"
    example: str = "ollama:qwen3"
    note: str | None = None
    module: str = "magisystem.models.ollama_stream"
    _wire: Wire = field(default_factory=Wire, repr=False)

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """See `Provider.reason_unusable`. Asks the server which models it has; that takes a moment at most."""
        if missing := reason_missing("ollama", "ollama"):
            return missing
        ollama = await loaded("ollama")
        httpx = await loaded("httpx")
        await self._wire.prepare()
        try:
            async with self._wire.transport() as transport:
                listing = await ollama.AsyncClient(self.host, timeout=PROBE_S, transport=transport).list()
        except (httpx.InvalidURL, ValueError):
            return "OLLAMA_HOST is no address. It looks like http://localhost:11434."
        except (httpx.HTTPError, ollama.ResponseError, OSError):
            return f"no Ollama server answers at {shown(self.host)}. Start it (ollama serve), or set OLLAMA_HOST."
        names = {str(model.model) for model in listing.models}
        if model_id and not {model_id, f"{model_id}:latest"} & names:
            has = f" It has: {some_of(names)}." if names else ""
            return f"the server at {shown(self.host)} has no model {model_id!r}. Add it: ollama pull {model_id}.{has}"
        return None

    def connect(self, model_id: str, brief: Brief) -> StrandsConnection:
        """See `Provider.connect`."""
        from magisystem.models.ollama_stream import OllamaStream

        sampling = brief.agent.sampling
        transport = self._wire.transport()
        return StrandsConnection(
            OllamaStream(
                self.host,
                # Strands makes a client a call and closes none; what is under them is closed instead.
                ollama_client_args={"timeout": speech_timeout(), "transport": transport},
                model_id=model_id,
                max_tokens=sampling.max_tokens or MAX_TOKENS,
                options=given(temperature=sampling.temperature, top_p=sampling.top_p, top_k=sampling.top_k),
            ),
            transport.aclose,
        )

    async def aclose(self) -> None:
        """Hold nothing."""
