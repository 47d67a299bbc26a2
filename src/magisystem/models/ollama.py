"""Ollama: models on this machine or in the house."""

from dataclasses import dataclass

from magisystem.council.briefs import Brief
from magisystem.models.strands_provider import MAX_TOKENS, TIMEOUT_S, StrandsConnection, given, reason_missing

_PROBE_S = 2.0


@dataclass(slots=True)
class Ollama:
    """The server at ``host`` (``OLLAMA_HOST``)."""

    host: str
    prefix: str = "ollama"
    example: str = "ollama:qwen3"
    note: str | None = None
    module: str = "strands.models.ollama"

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """See `Provider.reason_unusable`. Asks the server which models it has; that takes a moment at most."""
        if missing := reason_missing("ollama", "ollama"):
            return missing
        import ollama

        try:
            listing = await ollama.AsyncClient(self.host, timeout=_PROBE_S).list()
        except Exception:  # noqa: BLE001 - whatever the SDK raises, the server did not answer
            return f"no Ollama server answers at {self.host}. Start it (ollama serve), or set OLLAMA_HOST."
        names = {str(model.model) for model in listing.models}
        if model_id and not {model_id, f"{model_id}:latest"} & names:
            return f"the server at {self.host} has no model {model_id!r}. Add it: ollama pull {model_id}"
        return None

    def connect(self, model_id: str, brief: Brief) -> StrandsConnection:
        """See `Provider.connect`."""
        from strands.models.ollama import OllamaModel

        sampling = brief.agent.sampling
        return StrandsConnection(
            OllamaModel(
                self.host,
                ollama_client_args={"timeout": TIMEOUT_S},
                model_id=model_id,
                max_tokens=sampling.max_tokens or MAX_TOKENS,
                options=given(temperature=sampling.temperature, top_p=sampling.top_p, top_k=sampling.top_k),
            )
        )

    async def aclose(self) -> None:
        """Hold nothing."""
