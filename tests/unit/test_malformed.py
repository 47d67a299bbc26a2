"""What is wrong with a body that cannot be parsed: the same words from the server and from the gateway."""

from collections.abc import Callable

import pytest
from starlette.datastructures import Headers

from magisystem.errors import InvalidRequest
from magisystem.gateway.asks import read_ask
from magisystem.protocol.requests import parse_invocation


def read_at_the_gateway(body: bytes) -> object:
    return read_ask(body, Headers({}))


READERS: list[Callable[[bytes], object]] = [parse_invocation, read_at_the_gateway]


@pytest.mark.parametrize("read", READERS, ids=["server", "gateway"])
@pytest.mark.parametrize(
    ("body", "half"),
    [
        (rb'{"question":"\ud800"}', r"\ud800"),
        (rb'{"question":"\ud83e\uddd9 \udc00"}', r"\udc00"),
        (rb'{"question":"\\\uDBff\u0041"}', r"\uDBff"),
        (rb'{"\ud800":1}', r"\ud800"),
        (rb'{"question":"\ud83e\\uddd9"}', r"\ud83e"),
    ],
)
def test_half_a_character_is_named(read: Callable[[bytes], object], body: bytes, half: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(body)
    assert half in refused.value.message
    assert "surrogate" in refused.value.message


@pytest.mark.parametrize("read", READERS, ids=["server", "gateway"])
@pytest.mark.parametrize("body", [b'{"question":"x', rb'{"question":"\\ud800 \ud83e\uddd9', rb'{"a":"\x"}'])
def test_other_faults_are_not_taken_for_it(read: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(body)
    assert "surrogate" not in refused.value.message
