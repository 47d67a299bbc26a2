"""`magi` as a person or a script runs it: real processes, the embedded advisor, pipes and a terminal."""

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE

import pytest
from tests.support.cli import COMMAND, DEADLINE_S, OF_DECISION, environment, magi, running


@pytest.mark.parametrize(
    "question",
    ["Should we move billing to Rust?", "週休3日制を導入すべきですか？", "Should we take free money, safe and proven?"],
)
async def test_the_exit_code_tells_the_outcome_and_json_is_the_whole_log(question: str) -> None:
    code, out, err = await magi("ask", "--json", question)
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["type"], events[-1]["type"]) == ("start", "complete")
    assert events[0]["question"] == question
    assert code == OF_DECISION[events[-1].get("decision")]
    assert err == ""


async def test_piped_output_is_plain_lines_in_the_question_s_language() -> None:
    _, out, _ = await magi("ask", "-", stdin="週休3日制を導入すべきですか？\n".encode())
    lines = out.splitlines()
    assert lines[0] == "質問      | 週休3日制を導入すべきですか？"
    assert any(line.startswith("CASPAR    | 投票: ") for line in lines)
    assert any(re.match(r"SOLOMON   \| 審判の判断: (APPROVED|REJECTED|ABSTAINED) ", line) for line in lines)
    assert lines[-1].startswith("裁定      | ")
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["ask", "  "], "`question`"),
        (["ask", "Why?", "--language", "Klingon"], "`language`"),
        (["ask", "Why?", "--agent-model", "caspar"], "`--agent-model`"),
        (["ask", "Why?", "--agent-model", "gaspard=embedded"], "gaspard"),
        (["ask", "Why?", "--model", "nobody:x"], "nobody"),
        (["ask", "Why?", "--model", "openai:gpt-5.1"], "OPENAI_API_KEY"),
        (["ask", "Why?", "--url", "localhost"], "http://localhost:8080"),
        (["ask", "Why?", "--url", "http://localhost:99999"], "http://localhost:99999"),
        (["serve", "--port", "99999"], "MAGI_PORT"),
    ],
)
async def test_what_was_asked_wrongly_is_named_in_one_line(arguments: list[str], named: str) -> None:
    code, out, err = await magi(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert named in err


async def test_ctrl_c_stops_the_deliberation_and_shows_what_there_was() -> None:
    async with running("ask", "Should we?", MAGI_EMBEDDED_TOKENS_PER_S="20") as process, asyncio.timeout(DEADLINE_S):
        assert process.stdout is not None
        seen = b""
        # A sage has spoken its first sentence, so it is in the middle of its speech.
        while not re.search(rb"^CASPAR    \| .", seen, re.MULTILINE):
            seen += await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        seen += await process.stdout.read()
        assert await process.wait() == 130
    assert b"CASPAR    | stopped\n" in seen
    assert b"Warning   | Stopped before the end.\n" in seen


async def test_a_reader_that_leaves_ends_it_quietly_and_not_with_approval() -> None:
    async with running("ask", "--json", "Should we?", MAGI_EMBEDDED_TOKENS_PER_S="200") as process:
        async with asyncio.timeout(DEADLINE_S):
            assert process.stdout is not None
            assert process.stderr is not None
            await process.stdout.readline()
            process.stdout._transport.close()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
            assert await process.stderr.read() == b""
            assert await process.wait() == 141


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX's")
async def test_on_a_terminal_the_whole_page_stays_and_no_color_is_respected() -> None:
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 120))
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "ask",
        "週休3日制を導入すべきですか？",
        stdout=theirs,
        stderr=theirs,
        env=environment(TERM="xterm-256color", NO_COLOR="1"),
    )
    os.close(theirs)
    try:
        async with asyncio.timeout(DEADLINE_S):
            shown = (await asyncio.to_thread(_read_to_end, ours)).decode()
            assert await process.wait() in OF_DECISION.values()
    finally:
        os.close(ours)
    screen, left, page = shown.rpartition("\x1b[?1049l")
    assert left
    assert "\x1b[?1049h" in screen
    assert all(f"╭─ \x1b[1m{name}" in page for name in ("CASPAR", "BALTHASAR", "MELCHIOR", "SOLOMON", "裁定"))
    assert not re.search(r"\x1b\[[0-9;]*(?:3|4|9|10)[0-7]m", shown)


def _read_to_end(terminal: int) -> bytes:
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(terminal, 65_536)
        except OSError:
            # Linux says EIO where the other side of a pseudo-terminal is closed.
            piece = b""
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


async def test_no_commands_line_of_help_is_cut() -> None:
    _, told, _ = await magi("--help")
    commands = told.partition("Commands:")[2].splitlines()
    assert len(commands) > 10
    assert not [line for line in commands if line.rstrip().endswith("...")]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
async def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    probe = (
        "import sys\nfrom magisystem.cli import main\n"
        f"sys.argv = ['magi', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'pydantic', 'strands', 'fastapi', 'aiobotocore', 'httpx2', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", probe, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert b"magi" in out


async def test_models_names_what_is_usable_and_the_mend_of_what_is_not() -> None:
    code, out, _ = await magi("models", MAGI_MODEL_CASPAR="openai:gpt-5.1")
    rows = {line.split()[0]: line for line in out.splitlines() if line}
    assert code == 0
    assert re.match(r"embedded +yes +rule-based, no language model$", rows["embedded"])
    assert re.match(
        r"openai:\S+ +no +.*OPENAI_API_KEY", next(row for name, row in rows.items() if name[:7] == "openai:")
    )
    assert re.match(r"caspar +no +openai:gpt-5.1 \(from MAGI_MODEL_CASPAR\): .*OPENAI_API_KEY", rows["caspar"])
    assert re.match(r"melchior +yes +embedded \(the default\)$", rows["melchior"])
