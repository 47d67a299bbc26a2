"""The wire to Bedrock: connections kept, lost and refused, and every way a body may end."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.aws import leave_aws_bare
from tests.support.bedrock import frame
from tests.support.bedrock_peer import END, YES, Answer, Peer, said, with_length

from magisystem.errors import (
    ModelDenied,
    ModelError,
    ModelFrameCut,
    ModelOverloaded,
    ModelRejected,
    ModelSilent,
    ModelStreamCut,
    ModelThrottled,
    ModelUnreachable,
)
from magisystem.models.bedrock import BedrockRuntime

ASKED = {"modelId": "a.model", "messages": [{"role": "user", "content": [{"text": "Should the office move?"}]}]}
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    leave_aws_bare(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")


@pytest.fixture
async def peer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Peer]:
    async with Peer().serving() as peer:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", f"http://127.0.0.1:{peer.port}")
        yield peer


@pytest.fixture
async def runtime(peer: Peer) -> AsyncIterator[BedrockRuntime]:
    runtime = BedrockRuntime()
    yield runtime
    await runtime.aclose()


async def heard(runtime: BedrockRuntime, into: list[str] | None = None, **asked: Any) -> str:
    """Give the words of a whole answer; those before a failure are in ``into``."""
    words = [] if into is None else into
    async with runtime.converse({**ASKED, **asked}) as conversation:
        async for event in conversation:
            words.append(event.get("contentBlockDelta", {}).get("delta", {}).get("text", ""))
    return "".join(words)


# --- How a body ends ------------------------------------------------------------------------------------------------


def chunked(*pieces: bytes) -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunks


@pytest.mark.parametrize(
    "answer",
    [
        Answer(with_length(YES)),
        Answer(chunked(YES[:9], YES[9:200], YES[200:]) + b"0\r\n\r\n"),
        Answer(chunked(YES) + b"0\r\nx-trailer: a\r\n\r\n"),
        Answer(HEAD + b"\r\n" + YES, is_last=True),
        Answer(b"HTTP/1.0 200 OK\r\n\r\n" + YES, is_last=True),
        Answer(b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" + with_length(YES)),
    ],
    ids=["length", "chunks", "trailers", "the connection's end", "HTTP/1.0", "after early hints"],
)
async def test_a_body_that_ends_as_http_lets_it_end_is_whole(peer: Peer, runtime: BedrockRuntime, answer: Answer):
    peer.answers = (answer,)

    assert [await heard(runtime), await heard(runtime)] == ["Yes.", "Yes."]

    assert len(peer.requests) == 2
    assert peer.n_connections == (2 if answer.is_last else 1)


@pytest.mark.parametrize(
    ("content", "error", "said_before"),
    [
        (HEAD + b"content-length: 9999\r\n\r\n" + YES, ModelStreamCut, "Yes."),
        (chunked(YES), ModelStreamCut, "Yes."),
        (chunked(said("Yes."))[:-10], ModelStreamCut, ""),
        (HEAD + b"\r\n" + said("Yes.") + END[:50], ModelFrameCut, "Yes."),
        (HEAD + b"\r\n" + said("Yes."), ModelStreamCut, "Yes."),
        (chunked(said("Yes.")) + b"no chunk", ModelStreamCut, "Yes."),
        (chunked(said("Yes.")) + b"0\r\n" + b"x: y\r\n" * 100_000, ModelStreamCut, "Yes."),
    ],
    ids=["length", "chunks", "a chunk", "a frame", "no end", "no HTTP", "endless trailers"],
)
async def test_a_body_that_is_cut_fails_after_what_came_of_it(
    peer: Peer, runtime: BedrockRuntime, content: bytes, error: type[ModelError], said_before: str
):
    peer.answers = (Answer(content, is_last=True),)
    words: list[str] = []

    with pytest.raises(error):
        await heard(runtime, into=words)

    assert "".join(words) == said_before
    assert len(peer.requests) == 1
    await peer.idle.wait()


# --- Connections that are kept --------------------------------------------------------------------------------------


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(peer: Peer, runtime: BedrockRuntime):
    peer.answers = (Answer(), Answer(b"", is_last=True), Answer())

    assert await heard(runtime) == "Yes."
    assert await heard(runtime) == "Yes."

    assert [request.connection for request in peer.requests] == [1, 1, 2]
    assert peer.requests[1].body == peer.requests[2].body


async def test_a_request_is_sent_again_only_once(peer: Peer, runtime: BedrockRuntime):
    peer.answers = (Answer(), Answer(b"", is_last=True))
    await heard(runtime)

    with pytest.raises(ModelUnreachable):
        await heard(runtime)

    assert [request.connection for request in peer.requests] == [1, 1, 2]


@pytest.mark.parametrize("begun", [b"H", HEAD, b"no HTTP at all\r\n\r\n"])
async def test_a_request_that_an_answer_began_to_is_not_sent_again(peer: Peer, runtime: BedrockRuntime, begun: bytes):
    peer.answers = (Answer(), Answer(begun, is_last=True), Answer())
    await heard(runtime)

    with pytest.raises(ModelUnreachable):
        await heard(runtime)

    assert len(peer.requests) == 2


async def test_a_request_on_a_new_connection_is_not_sent_again(peer: Peer, runtime: BedrockRuntime):
    peer.answers = (Answer(b"", is_last=True), Answer())

    with pytest.raises(ModelUnreachable):
        await heard(runtime)

    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "content",
    [
        with_length(YES) + with_length(YES),
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(YES), YES),
    ],
    ids=["it sends what nobody asked for", "it says that it closes"],
)
async def test_a_connection_is_not_kept_where(peer: Peer, runtime: BedrockRuntime, content: bytes):
    peer.answers = (Answer(content),)

    assert [await heard(runtime), await heard(runtime)] == ["Yes.", "Yes."]

    assert [request.connection for request in peer.requests] == [1, 2]
    await peer.idle.wait()


async def test_a_connection_that_was_idle_for_long_is_closed(
    peer: Peer, runtime: BedrockRuntime, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("magisystem.models.bedrock.pool.IDLE_FOR_S", 0.01)

    await heard(runtime)
    await peer.idle.wait()

    assert await heard(runtime) == "Yes."
    assert peer.n_connections == 2


async def test_what_is_beyond_the_bound_waits_for_its_turn(peer: Peer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("magisystem.models.bedrock.pool.MAX_CONNECTIONS", 2)
    without_end = Answer(b"")
    peer.answers = (without_end, *[Answer()] * 5, without_end)
    runtime = BedrockRuntime()

    silent = asyncio.create_task(heard(runtime))
    await peer.asked()
    assert await asyncio.gather(*(heard(runtime) for _ in range(5))) == ["Yes."] * 5

    silent.cancel()
    both = [asyncio.create_task(heard(runtime)) for _ in range(2)]
    await peer.asked(8)

    assert peer.most_open == 2
    await runtime.aclose()
    assert {type(failure) for failure in await asyncio.gather(*both, return_exceptions=True)} == {ModelUnreachable}
    await asyncio.gather(silent, return_exceptions=True)
    await peer.idle.wait()


# --- Bounds ---------------------------------------------------------------------------------------------------------


async def test_a_head_without_end_is_not_listened_to(peer: Peer, runtime: BedrockRuntime):
    peer.answers = (Answer(HEAD + b"x: " + b"y" * 16 * 1024 * 1024),)

    with pytest.raises(ModelUnreachable):
        await heard(runtime)

    await peer.idle.wait()


async def test_a_reader_that_falls_behind_holds_the_sender_up_and_loses_nothing(peer: Peer, runtime: BedrockRuntime):
    n_frames = 200_000
    word = said("word ")
    peer.answers = (Answer(with_length(word * n_frames + END)),)

    async with runtime.converse(ASKED) as conversation:
        events = aiter(conversation)
        n_words = len((await anext(events))["contentBlockDelta"]["delta"]["text"]) // 5
        for _ in range(2_000):
            await asyncio.sleep(0)
        # What of it may wait is the conversation's own bound, which cannot be seen from outside.
        assert conversation._response._n_bytes < len(word) * n_frames // 10  # pyright: ignore[reportPrivateUsage]
        async for event in events:
            n_words += len(event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")) // 5

    assert n_words == n_frames


async def test_a_large_frame_in_small_pieces_comes_whole(peer: Peer, runtime: BedrockRuntime):
    text = "a" * 3_000_000
    payload = json.dumps({"contentBlockIndex": 0, "delta": {"text": text}}).encode()
    large = frame({":event-type": "contentBlockDelta", ":message-type": "event"}, payload)
    peer.answers = (
        Answer(chunked(*(large[at : at + 50_000] for at in range(0, len(large), 50_000)), END) + b"0\r\n\r\n"),
    )

    assert await heard(runtime) == text


async def test_silence_is_counted_from_the_last_byte_and_not_while_the_reader_is_busy(peer: Peer):
    peer.answers = (Answer(chunked(said("One "))),)
    runtime = BedrockRuntime(read_timeout_s=0.05)

    async with runtime.converse(ASKED) as conversation:
        await asyncio.sleep(0.2)  # the reader is busy for longer than the other side may be silent
        assert peer.n_open == 1
        assert (await anext(conversation))["contentBlockDelta"]["delta"]["text"] == "One "
        with pytest.raises(ModelSilent):
            await anext(conversation)

    await runtime.aclose()


async def test_cancelling_while_no_head_has_come_closes_the_connection(peer: Peer, runtime: BedrockRuntime):
    peer.answers = (Answer(b""),)
    asking = asyncio.create_task(heard(runtime))
    await peer.asked()

    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    await peer.idle.wait()


# --- Refusals -------------------------------------------------------------------------------------------------------


def refusal(status: str, body: bytes, *headers: str) -> bytes:
    lines = "\r\n".join((f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""))
    return lines.encode() + body


@pytest.mark.parametrize(
    ("content", "error", "told"),
    [
        (
            refusal("429 No", b'{"message":"Slowly."}', "X-Amzn-ErrorType: ThrottlingException:http://a/b"),
            ModelThrottled,
            "throttlingException: Slowly.",
        ),
        (refusal("400 No", b'{"__type":"com.amazon#AccessDeniedException","Message":"No."}'), ModelDenied, "No."),
        (refusal("503 No", b"<html>busy</html>"), ModelOverloaded, "503"),
        (refusal("400 No", b""), ModelRejected, "400"),
        (refusal("400 No", b'["no object"]'), ModelRejected, "400"),
        (refusal("301 No", b"", "location: http://127.0.0.1:1/"), ModelError, "301"),
        (refusal("500 No", b"x" * 1_000_000), ModelOverloaded, "500"),
    ],
    ids=["a header", "a type in the body", "no JSON", "nothing", "no object", "another place", "too long"],
)
async def test_a_refusal_is_named_however_it_is_told(
    peer: Peer, runtime: BedrockRuntime, content: bytes, error: type[ModelError], told: str
):
    peer.answers = (Answer(content), Answer())

    with pytest.raises(error) as raised:
        await heard(runtime)

    assert told in raised.value.message
    assert await heard(runtime) == "Yes."


async def test_a_refusal_that_breaks_off_is_no_connection(peer: Peer, runtime: BedrockRuntime):
    peer.answers = (Answer(refusal("503 No", b'{"message":"a"}')[:-4], is_last=True),)

    with pytest.raises(ModelUnreachable):
        await heard(runtime)
