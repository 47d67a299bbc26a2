"""The HTTP under the SDKs of OpenAI, Anthropic and Ollama, all of which take a client of httpx.

One client a speech, so that closing it closes what the speech has open, whoever still holds on to a response of it.
httpx comes with these extras; it is loaded when one of them is used.
"""

import asyncio
import ssl
from typing import TYPE_CHECKING

from magisystem.models.strands_provider import loaded

if TYPE_CHECKING:
    import httpx

# The deadlines of a deliberation are what ends a speech; this only has to lie beyond them.
_READ_S = 600.0
_CONNECT_S = 10.0


class Wire:
    """Makes the HTTP clients of one provider.

    Reading the certificates of the machine takes 40 ms, which SDKs spend on every client; here it is done once, in a
    thread.
    """

    def __init__(self) -> None:
        self._certificates: ssl.SSLContext | None = None

    async def prepare(self) -> None:
        """Load what a client needs. Without it the first client loads it, and the event loop waits."""
        httpx = await loaded("httpx")
        if self._certificates is None:
            self._certificates = await asyncio.to_thread(httpx.create_ssl_context)

    def client(self, timeout_s: float | None = None) -> "httpx.AsyncClient":
        """Give a new client; proxies are found in the environment. ``timeout_s`` bounds each step of a request."""
        import httpx

        return httpx.AsyncClient(verify=self._loaded_certificates(), timeout=_timeout(timeout_s), follow_redirects=True)

    def transport(self) -> "httpx.AsyncHTTPTransport":
        """Give what is under a client, for an SDK that takes none: it has no proxies, and closes as a client does."""
        import httpx

        return httpx.AsyncHTTPTransport(verify=self._loaded_certificates())

    def _loaded_certificates(self) -> ssl.SSLContext:
        import httpx

        if self._certificates is None:
            self._certificates = httpx.create_ssl_context()
        return self._certificates


def speech_timeout() -> "httpx.Timeout":
    """Give the timeout of a speech's requests."""
    return _timeout(None)


def _timeout(timeout_s: float | None) -> "httpx.Timeout":
    import httpx

    return httpx.Timeout(timeout_s) if timeout_s is not None else httpx.Timeout(_READ_S, connect=_CONNECT_S)
