"""The golden logs, which the web client's tests read as well: the fold agrees with them event by event."""

from pathlib import Path

import pytest
from tests.support.golden import FOLDER, LOGS, golden_files

from magisystem.protocol.codec import decode, encode, encode_value
from magisystem.protocol.fold import Fold


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1]


@pytest.mark.parametrize("name", LOGS)
def test_the_fold_agrees_with_the_golden_state_after_every_event(name: str) -> None:
    folded = Fold()
    bodies, states = lines(FOLDER / f"{name}.jsonl"), lines(FOLDER / f"{name}.states.jsonl")
    assert len(bodies) == len(states) > 0
    for body, state in zip(bodies, states, strict=True):
        folded.add(decode(body))
        assert encode_value(folded.state) == state


@pytest.mark.parametrize("name", LOGS)
def test_the_codec_gives_the_golden_events_back_byte_by_byte(name: str) -> None:
    for body in lines(FOLDER / f"{name}.jsonl"):
        assert encode(decode(body)) == body


def test_the_golden_files_are_those_that_their_module_writes() -> None:
    assert {path: path.read_bytes() for path in FOLDER.glob("*.jsonl")} == dict(golden_files())
