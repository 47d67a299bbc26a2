"""The floor in Python: what it costs to read Bedrock's frames and write server-sent events, and nothing else.

    python -m benchmarks.rivals.floor --port 9003

A bare ASGI application on uvicorn (uvloop, httptools) with one aiohttp session. Frames are decoded by this project's
own decoder; no agents, no votes, no log, no retries, no resumption.

In its favour: requests are not signed, which saves some 50 µs a call; with AWS_BEARER_TOKEN_BEDROCK they carry the
token, so that the real Bedrock takes them. Deltas that arrive together leave in one write.
"""

import argparse
import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import uvicorn
from starlette.types import Receive, Scope, Send

from benchmarks.rivals.council import MODEL_ID, judge_matter, prompts
from magisystem.errors import ModelError
from magisystem.models.bedrock.eventstream import EventStreamDecoder, Message

# One timer a deliberation: aiohttp's own limit on silence sets one at every chunk, which costs some 3 µs a token.
DELIBERATION_S = 180
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5)
_EVENT_STREAM = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


class CallFailed(Exception):
    """A model call was refused, or its stream broke."""


class _Delta(msgspec.Struct):
    text: str = ""


class _ContentBlockDelta(msgspec.Struct):
    delta: _Delta


class _Question(msgspec.Struct):
    question: str


_decode_delta = msgspec.json.Decoder(_ContentBlockDelta).decode
_decode_question = msgspec.json.Decoder(_Question).decode
_encode = msgspec.json.encode


class Floor:
    """The application; its session opens and closes with the server."""

    def __init__(self) -> None:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
        endpoint = endpoint or f"https://bedrock-runtime.{os.environ['AWS_REGION']}.amazonaws.com"
        self._url = f"{endpoint.rstrip('/')}/model/{quote(MODEL_ID, safe='')}/converse-stream"
        self._headers = {"content-type": "application/json"}
        if token := os.environ.get("AWS_BEARER_TOKEN_BEDROCK"):
            self._headers["authorization"] = f"Bearer {token}"
        self._prompts = prompts()
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as ASGI has it."""
        match scope:
            case {"type": "lifespan"}:
                await self._live(receive, send)
            case {"type": "http", "method": "GET", "path": "/ping"}:
                await _answer(send, 200, b'{"status":"Healthy"}')
            case {"type": "http", "method": "POST", "path": "/invocations"}:
                await self._invoke(receive, send)
            case _:
                await _answer(send, 404, b'{"error":"There are GET /ping and POST /invocations."}')

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, headers=self._headers) as self._session:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _invoke(self, receive: Receive, send: Send) -> None:
        try:
            question = _decode_question(await _body(receive)).question
        except msgspec.DecodeError as error:
            await _answer(send, 400, _encode({"error": str(error)}))
            return
        await send({"type": "http.response.start", "status": 200, "headers": _EVENT_STREAM})
        deliberating = asyncio.create_task(self._deliberate(question, send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait((deliberating, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            deliberating.cancel()
            leaving.cancel()
            await asyncio.gather(deliberating, leaving, return_exceptions=True)
        if not deliberating.cancelled():
            deliberating.result()

    async def _deliberate(self, question: str, send: Send) -> None:
        statements: dict[str, list[str]] = {sage: [] for sage in self._prompts.sages}
        try:
            async with asyncio.timeout(DELIBERATION_S):
                async with asyncio.TaskGroup() as sages:
                    for sage, prompt in self._prompts.sages.items():
                        sages.create_task(self._speak(sage, prompt, question, statements[sage], send))
                await self._speak("judge", self._prompts.judge, judge_matter(question, statements), [], send)
            last = b'data: {"complete":true}\n\n'
        # A failed sage comes in a group, a failed judge by itself; `except*` catches both.
        except* (CallFailed, ModelError, aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as failures:
            failure = failures.exceptions[0]
            last = b"data: " + _encode({"error": f"{type(failure).__name__}: {failure}"}) + b"\n\n"
        await send({"type": "http.response.body", "body": last})

    async def _speak(self, agent: str, system: str, matter: str, said: list[str], send: Send) -> None:
        head = b'data: {"agent":"' + agent.encode() + b'","text":'
        async with aclosing(self._converse(system, matter)) as spoken:
            async for texts in spoken:
                said += texts
                frames = b"".join([head + _encode(text) + b"}\n\n" for text in texts])
                await send({"type": "http.response.body", "body": frames, "more_body": True})

    async def _converse(self, system: str, matter: str) -> AsyncGenerator[list[str]]:
        """Give the texts of one call, those that arrive together in one list; raises where it does not end well."""
        assert self._session is not None
        body = {"system": [{"text": system}], "messages": [{"role": "user", "content": [{"text": matter}]}]}
        decoder = EventStreamDecoder()
        has_ended = False
        async with self._session.post(self._url, data=_encode(body)) as response:
            if response.status != 200:
                raise CallFailed(f"Bedrock answered {response.status}: {await response.text()}")
            async for chunk in response.content.iter_any():
                texts: list[str] = []
                for message in decoder.feed(chunk):
                    name = _event_name(message)
                    if name == "contentBlockDelta":
                        texts.append(_decode_delta(message.payload).delta.text)
                    has_ended = has_ended or name == "messageStop"
                if texts:
                    yield texts
        decoder.finish()
        if not has_ended:
            raise CallFailed("Bedrock's stream ended without messageStop.")


def _event_name(message: Message) -> str:
    headers = message.headers
    if headers.get(":message-type") != "event":
        name = headers.get(":exception-type") or headers.get(":error-code")
        raise CallFailed(f"Bedrock's stream failed with {name}: {message.payload.decode(errors='replace')}")
    return headers[":event-type"]


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        part = await receive()
        body += part.get("body", b"")
        more = part.get("more_body", False)
    return body


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers: list[Any] = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(description="Serve the floor.")
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(
        Floor(),
        port=parser.parse_args().port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
