"""The commands on deliberations that exist: watch, replay, show, export, verify, list and cancel, on real logs."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import takewhile
from pathlib import Path

import pytest
from tests.interaction.test_cli_serve import free_port
from tests.support.cli import (
    COMMAND,
    DEADLINE_S,
    OF_DECISION,
    OWNER,
    deliberated,
    deliberating,
    environment,
    fails,
    heard,
    id_of,
    magi,
    recorded,
    running,
    says,
)
from tests.support.serving import Server, real_server, scripted_server

from magisystem.application import rebuild_records
from magisystem.cli import cancelling
from magisystem.cli.cancelling import run_cancel
from magisystem.cli.following import run_replay, run_watch
from magisystem.cli.history import run_list
from magisystem.cli.proving import run_verify
from magisystem.cli.reading import Format, OutputExists, OutputUnwritable, markdown, run_export, run_show
from magisystem.cli.showing import Form, _inert  # pyright: ignore[reportPrivateUsage]
from magisystem.client import Received, ServerUnreachable
from magisystem.config import read_configuration
from magisystem.council.briefs import Brief, Matter
from magisystem.deliberation import Proposal, deliberations
from magisystem.deliberation.ports import Query, Record, Repeated
from magisystem.errors import DeliberationNotFound, InvalidRequest
from magisystem.logs import SqliteEventLog
from magisystem.protocol.codec import decode, encode_value
from magisystem.protocol.events import TerminalEvent
from magisystem.protocol.fold import fold
from magisystem.protocol.values import Decision, Outcome
from magisystem.testing.scripted import Script, ScriptedModel, Step, Wait, speech

Output = pytest.CaptureFixture[bytes]


async def log_of(folder: Path, deliberation_id: str) -> list[Received]:
    async with SqliteEventLog.open(folder) as log:
        page = await log.read(deliberation_id, OWNER)
    return [Received(decode(record.body), record.body) for record in page.records]


async def written(folder: Path, events: Sequence[Received], deliberation_id: str) -> None:
    """Put events into the log of a folder under an id."""
    async with SqliteEventLog.open(folder) as log:
        writer = await log.create(deliberation_id, OWNER)
        assert not isinstance(writer, Repeated)
        await writer.append(
            [Record(each.event.seq, each.body, isinstance(each.event, TerminalEvent)) for each in events]
        )


def bodies(out: bytes) -> list[bytes]:
    return out.splitlines()


def never_ends(_: Brief) -> Sequence[Step]:
    return [*speech("I have begun."), Wait(asyncio.Event().wait)]


# --- watch and replay ---------------------------------------------------------------------------------------------


async def test_watch_follows_what_another_process_runs_from_its_beginning_to_its_end(data_dir: Path) -> None:
    async with running("ask", "--json", "Should we?", MAGI_EMBEDDED_TOKENS_PER_S="150") as asking:
        assert asking.stdout is not None
        first = await asking.stdout.readline()
        deliberation_id = json.loads(first)["deliberationId"]
        code, out, err = await magi("watch", deliberation_id, "--json")
        rest = await asking.stdout.read()
        assert await asking.wait() == code
    assert out.encode() == first + rest
    assert (code, err) == (OF_DECISION[json.loads(out.splitlines()[-1]).get("decision")], "")
    assert out.encode().splitlines() == [each.body for each in await log_of(data_dir, deliberation_id)]


async def test_ctrl_c_stops_the_watching_and_not_the_deliberation() -> None:
    async with (
        asyncio.timeout(DEADLINE_S),
        running("ask", "--json", "Should we?", MAGI_EMBEDDED_TOKENS_PER_S="20") as asking,
    ):
        assert asking.stdout is not None
        deliberation_id = json.loads(await asking.stdout.readline())["deliberationId"]
        async with running("watch", deliberation_id, "--plain") as watching:
            assert watching.stdout is not None
            assert watching.stderr is not None
            seen = b""
            while not re.search(rb"^CASPAR    \| .", seen, re.MULTILINE):
                seen += await watching.stdout.readline()
            watching.send_signal(signal.SIGINT)
            told = (await watching.stderr.read()).decode()
            assert await watching.wait() == 130
        assert told.startswith("The deliberation goes on.\n")
        assert f"magi watch {deliberation_id}\n" in told
        before = await asking.stdout.readline()
        assert json.loads(before)["type"] not in {"cancelled", "error"}
        assert asking.returncode is None


@pytest.mark.parametrize(
    ("scripts", "code"),
    [
        ({}, 0),
        ({"solomon": says("No.", Decision.REJECTED)}, 10),
        ({"caspar": [fails], "melchior": [fails]}, 20),
    ],
)
def test_watch_ends_with_the_exit_codes_of_ask(
    scripts: dict[str, Sequence[Script]], code: int, data_dir: Path, capsysbinary: Output
) -> None:
    deliberation_id = asyncio.run(recorded(data_dir, scripts))
    assert run_watch(deliberation_id, None, Form.PLAIN) == code
    assert capsysbinary.readouterr().out.count(b"Question  | Should we?") == 1


def test_replay_streams_the_very_log_again_and_has_no_opinion(data_dir: Path, capsysbinary: Output) -> None:
    deliberation_id = asyncio.run(recorded(data_dir, {"solomon": says("No.", Decision.REJECTED)}))
    assert run_replay(deliberation_id, None, Form.JSON, 1000) == 0
    log = asyncio.run(log_of(data_dir, deliberation_id))
    assert bodies(capsysbinary.readouterr().out) == [each.body for each in log]


def test_replay_shows_what_goes_on_as_far_as_it_went(data_dir: Path, capsysbinary: Output) -> None:
    begun = list(takewhile(lambda each: not isinstance(each.event, TerminalEvent), asyncio.run(heard({}))))
    asyncio.run(written(data_dir, begun, id_of(begun)))
    assert run_replay(id_of(begun), None, Form.JSON, 0) == 0
    assert bodies(capsysbinary.readouterr().out) == [each.body for each in begun]


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX's")
@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("replay", "--speed", "0"), ("╭─ \x1b[1mCASPAR", "╭─ \x1b[1m裁定")),
        (("show",), ("▌ ", "エージェント")),
        (("list",), ("Began", "週休3日制")),
        (("verify",), ("✓ ok", "Verified: 14 checks hold.")),
    ],
)
async def test_on_a_terminal_it_is_drawn_in_the_language_of_the_question(
    arguments: Sequence[str], shown: Sequence[str], data_dir: Path
) -> None:
    deliberation_id = await recorded(data_dir, {}, "週休3日制を導入すべきですか？")
    await rebuild_records(read_configuration().settings)
    command, *options = arguments
    drawn = await on_a_terminal(command, *([] if command == "list" else [deliberation_id]), *options)
    assert all(text in drawn for text in shown)
    if command == "replay":
        assert "再生 0×" in drawn
        assert drawn.rindex("\x1b[?1049l") < drawn.rindex("╭─ \x1b[1mCASPAR")


async def on_a_terminal(*arguments: str) -> str:
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 100))
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, stdout=theirs, stderr=theirs, env=environment(TERM="xterm-256color", NO_COLOR="1")
    )
    os.close(theirs)
    try:
        async with asyncio.timeout(DEADLINE_S):
            drawn = await asyncio.to_thread(_read_to_end, ours)
            assert await process.wait() == 0
            return drawn.decode()
    finally:
        os.close(ours)


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


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX's")
async def test_json_on_a_terminal_holds_nothing_that_the_terminal_acts_on(data_dir: Path) -> None:
    text = "a\x9b31m\u202eb\x7f"
    deliberation_id = await recorded(data_dir, {"caspar": says(text)})
    log = [each.body for each in await log_of(data_dir, deliberation_id)]
    assert any("\x9b31m\u202eb\x7f".encode() in body for body in log)
    for arguments in (("export", deliberation_id, "--format", "jsonl"), ("replay", deliberation_id, "--json")):
        drawn = await on_a_terminal(*arguments)
        assert not {"\x9b", "\u202e", "\x7f"} & set(drawn)
        assert [json.loads(line) for line in drawn.splitlines()] == [json.loads(body) for body in log]


def test_what_a_terminal_could_act_on_is_escaped_and_means_the_same() -> None:
    body = '{"content":"a\x9b31m\u202eb\x7f漢字 \\u001b"}'.encode()
    assert _inert(body) == '{"content":"a\\u009b31m\\u202eb\\u007f漢字 \\u001b"}'.encode()
    assert json.loads(_inert(body)) == json.loads(body)


# --- show and export ----------------------------------------------------------------------------------------------


def test_show_writes_the_page_into_a_pipe(data_dir: Path, capsysbinary: Output) -> None:
    deliberation_id = asyncio.run(recorded(data_dir, {}, "移行すべきですか？"))
    assert run_show(deliberation_id, None) == 0
    page = capsysbinary.readouterr().out.decode()
    assert page == markdown(asyncio.run(log_of(data_dir, deliberation_id)))
    assert page.startswith("# 質問\n\n> 移行すべきですか？\n")


@pytest.mark.parametrize("kind", Format)
@pytest.mark.parametrize("to_file", [True, False])
def test_each_export_is_what_it_says(
    kind: Format, *, to_file: bool, data_dir: Path, tmp_path: Path, capsysbinary: Output
) -> None:
    deliberation_id = asyncio.run(recorded(data_dir, {"caspar": says("“Yes” – 承認\n\u2028")}))
    output = tmp_path / "export" if to_file else None
    assert run_export(deliberation_id, None, kind, output, may_replace=False) == 0
    given = output.read_bytes() if output else capsysbinary.readouterr().out
    log = asyncio.run(log_of(data_dir, deliberation_id))
    assert (
        given
        == {
            Format.MD: markdown(log).encode(),
            Format.JSON: encode_value(fold(each.event for each in log)) + b"\n",
            Format.JSONL: b"".join(each.body + b"\n" for each in log),
        }[kind]
    )


def test_an_export_replaces_no_file_unless_told_to(data_dir: Path, tmp_path: Path) -> None:
    deliberation_id = asyncio.run(recorded(data_dir))
    output = tmp_path / "notes.md"
    output.write_text("Dear diary")
    with pytest.raises(OutputExists):
        run_export(deliberation_id, None, Format.MD, output, may_replace=False)
    assert output.read_text() == "Dear diary"
    assert run_export(deliberation_id, None, Format.MD, output, may_replace=True) == 0
    assert output.read_text().startswith("# Question")
    with pytest.raises(OutputUnwritable):
        run_export(deliberation_id, None, Format.MD, tmp_path / "missing" / "notes.md", may_replace=False)


# --- verify -------------------------------------------------------------------------------------------------------


async def test_an_export_is_verified_wherever_it_is_taken(data_dir: Path, tmp_path: Path) -> None:
    deliberation_id = await recorded(data_dir, {"melchior": [fails]})
    code, exported, _ = await magi("export", deliberation_id, "--format", "jsonl")
    assert code == 0
    code, out, err = await magi("verify", "-", stdin=exported.encode(), MAGI_DATA_DIR=str(tmp_path / "elsewhere"))
    assert (code, err) == (0, "")
    assert out.endswith("Verified: 13 checks hold.\n")
    assert re.search(r"^ok +outcome +decided_degraded$", out, re.MULTILINE)


def test_a_changed_export_is_found_and_what_differs_is_named(
    data_dir: Path, tmp_path: Path, capsysbinary: Output
) -> None:
    deliberation_id = asyncio.run(recorded(data_dir))
    export = tmp_path / "log.jsonl"
    run_export(deliberation_id, None, Format.JSONL, export, may_replace=False)
    assert run_verify(str(export), None) == 0
    export.write_bytes(export.read_bytes().replace(b'"confidence":0.8,"rea', b'"confidence":0.7,"rea', 1))
    capsysbinary.readouterr()
    assert run_verify(str(export), None) == 1
    out = capsysbinary.readouterr().out.decode()
    assert re.search(r"^differs +digest +recorded sha256:\w+, derived sha256:\w+$", out, re.MULTILINE)
    assert out.endswith("Not verified: 1 of 13 checks differ.\n")


def test_a_log_of_another_deliberation_is_not_proved(data_dir: Path, capsysbinary: Output) -> None:
    log = asyncio.run(heard({}))
    asyncio.run(written(data_dir, log, "0" * 32))
    assert run_verify("0" * 32, None) == 1
    assert re.search(rb"^differs +id ", capsysbinary.readouterr().out, re.MULTILINE)


def test_a_log_without_an_end_is_not_proved(data_dir: Path, capsysbinary: Output) -> None:
    log = asyncio.run(heard({}))[:-1]
    asyncio.run(written(data_dir, log, id_of(log)))
    assert run_verify(id_of(log), None) == 1
    assert re.search(rb"^differs +end +the log has not ended$", capsysbinary.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize(
    "arguments",
    [
        ("watch",),
        ("replay",),
        ("show",),
        ("export",),
        ("verify",),
    ],
)
async def test_an_unknown_id_was_asked_wrongly_and_is_named(arguments: Sequence[str]) -> None:
    code, out, err = await magi(*arguments, "f" * 32)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.endswith("(deliberation_not_found)\n")


# --- list, and naming by the beginning of an id -------------------------------------------------------------------


async def shelved(folder: Path) -> None:
    """Record three deliberations whose ids are known."""
    for deliberation_id, question, decision in (
        ("aaaa1" + "0" * 27, "Should we paint the shed?", Decision.APPROVED),
        ("aaaa2" + "0" * 27, "Should we sell the shed?", Decision.REJECTED),
        ("bbbb1" + "0" * 27, "週休3日制を導入すべきですか？", Decision.APPROVED),
    ):
        log = await heard({"solomon": says("Hear me.", decision)}, question)
        renamed = [each.body.replace(id_of(log).encode(), deliberation_id.encode()) for each in log]
        await written(folder, [Received(decode(body), body) for body in renamed], deliberation_id)
    await rebuild_records(read_configuration().settings)


def test_list_gives_a_line_each_and_finds_by_what_is_asked_for(data_dir: Path, capsysbinary: Output) -> None:
    asyncio.run(shelved(data_dir))

    def listed(query: Query, limit: int = 20, *, as_json: bool = False) -> list[str]:
        assert run_list(query, None, limit, as_json=as_json) == 0
        return capsysbinary.readouterr().out.decode().splitlines()

    newest, *_ = everything = [line.split("\t") for line in listed(Query())]
    assert [row[0][:5] for row in everything] == ["bbbb1", "aaaa2", "aaaa1"]
    assert newest[2:] == ["decided", "APPROVED", "80%", "週休3日制を導入すべきですか？"]
    assert [line[:5] for line in listed(Query(text="shed"))] == ["aaaa2", "aaaa1"]
    assert [line[:5] for line in listed(Query(decision=Decision.REJECTED))] == ["aaaa2"]
    assert listed(Query(outcome=Outcome.INCONCLUSIVE)) == []
    assert [line[:5] for line in listed(Query(), limit=2)] == ["bbbb1", "aaaa2"]
    (as_json,) = (json.loads(line) for line in listed(Query(text="sell"), as_json=True))
    assert (as_json["deliberationId"][:5], as_json["decision"], as_json["status"]) == ("aaaa2", "REJECTED", "complete")


def test_a_deliberation_is_named_by_the_beginning_of_its_id_or_as_the_last(
    data_dir: Path, capsysbinary: Output
) -> None:
    asyncio.run(shelved(data_dir))
    for name, question in (("aaaa1", b"paint"), ("AAAA2", b"sell"), ("last", "週休".encode())):
        assert run_show(name, None) == 0
        assert question in capsysbinary.readouterr().out
    for name, error in (("aaaa", InvalidRequest), ("bbb", InvalidRequest), ("cccc", DeliberationNotFound)):
        with pytest.raises(error):
            run_show(name, None)


async def test_what_was_asked_here_is_listed_with_its_outcome() -> None:
    code, out, _ = await magi("ask", "--json", "Should we?")
    end = json.loads(out.splitlines()[-1])
    listed, row, _ = await magi("list")
    assert (code, listed) == (OF_DECISION[end.get("decision")], 0)
    assert row.split("\t")[2:4] == [end["outcome"], end.get("decision") or "-"]


async def test_records_can_be_made_anew(data_dir: Path) -> None:
    await shelved(data_dir)
    code, out, err = await magi("records", "rebuild")
    assert (code, out, err) == (0, "Recorded anew from the log: 3 deliberations.\n", "")


# --- against a server ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(model: ScriptedModel) -> AsyncGenerator[tuple[Server, str]]:
    """Serve, and give a deliberation that the server has begun."""
    async with scripted_server(model) as server:
        yield server, await server.deliberations.start(Proposal(Matter("Should we?")), OWNER)


async def test_what_a_server_has_is_shown_exported_and_verified(tmp_path: Path, capsysbinary: Output) -> None:
    async with serving(ScriptedModel({"melchior": [fails]})) as (server, deliberation_id):
        await server.deliberations.outcome(deliberation_id, OWNER)
        log = (await server.deliberations.read(deliberation_id, OWNER)).records
        export = tmp_path / "log.jsonl"
        assert await asyncio.to_thread(run_verify, deliberation_id, server.url) == 0
        capsysbinary.readouterr()
        assert await asyncio.to_thread(run_show, deliberation_id, server.url) == 0
        assert capsysbinary.readouterr().out.startswith(b"# Question\n\n> Should we?\n")
        await asyncio.to_thread(run_export, deliberation_id, server.url, Format.JSONL, export, may_replace=False)
    assert export.read_bytes() == b"".join(record.body + b"\n" for record in log)


async def test_list_and_names_are_a_server_s_own(data_dir: Path, capsysbinary: Output) -> None:
    await shelved(data_dir)
    for url in (None, "the server's"):
        async with real_server() as http:
            address = None if url is None else str(http.base_url)
            for limit, as_json in ((20, False), (2, True)):
                await asyncio.to_thread(run_list, Query(text="e"), address, limit, as_json=as_json)
            await asyncio.to_thread(run_show, "aaaa1", address)
            await asyncio.to_thread(run_show, "last", address)
    out = capsysbinary.readouterr().out
    here, there = out[: len(out) // 2], out[len(out) // 2 :]
    assert here == there
    assert here.count(b"# Question") == here.count("# 質問".encode()) == 1
    assert here.count(b'{"deliberationId":"') == 2


async def test_a_title_stands_in_lists_and_on_pages_here_and_on_a_server(data_dir: Path, capsysbinary: Output) -> None:
    deliberation_id = await recorded(data_dir, {}, "Should we move to Rust?")
    await rebuild_records(read_configuration().settings)
    async with real_server() as http:
        await http.patch(f"/deliberations/{deliberation_id}", json={"title": "The *billing* rewrite"})
        for url in (None, str(http.base_url)):
            await asyncio.to_thread(run_list, Query(text="rewrite"), url, 20, as_json=False)
            await asyncio.to_thread(run_list, Query(), url, 20, as_json=True)
            await asyncio.to_thread(run_show, deliberation_id, url)
            out = capsysbinary.readouterr().out.decode()
            line, item, page = out.split("\n", 2)
            assert line.endswith("\tThe *billing* rewrite")
            assert json.loads(item)["title"] == "The *billing* rewrite"
            assert page.startswith("# The \\*billing\\* rewrite\n\n## Question\n\n> Should we move to Rust?\n")


async def test_watch_and_replay_read_from_a_server_too() -> None:
    async with serving(ScriptedModel()) as (server, deliberation_id):
        watched = await magi("watch", deliberation_id, "--url", server.url, "--json")
        replayed = await magi("replay", deliberation_id, "--url", server.url, "--json", "--speed", "0")
        log = (await server.deliberations.read(deliberation_id, OWNER)).records
    assert watched == replayed == (0, "".join(f"{record.body.decode()}\n" for record in log), "")


async def test_cancel_stops_the_work_on_its_server_and_shows_the_receipt(capsysbinary: Output) -> None:
    model = ScriptedModel({"caspar": [never_ends], "melchior": [never_ends]})
    async with serving(model) as (server, deliberation_id):
        async with server.deliberations.follow(deliberation_id, OWNER) as batches:
            seen = b""
            while seen.count(b"I have begun.") < 2:
                seen += b"".join(record.body for record in await anext(batches))
        assert await asyncio.to_thread(run_cancel, deliberation_id, server.url) == 0
        assert model.n_open == 0
        out = capsysbinary.readouterr().out.decode()
        assert out.startswith("Stopped before the end.\nCASPAR: ≈ ")
        assert "BALTHASAR: 5 tokens\n" in out
        state = await server.deliberations.state(deliberation_id, OWNER)
        assert state.cancelled is not None

        assert await asyncio.to_thread(run_cancel, deliberation_id, server.url) == 0
        assert capsysbinary.readouterr().out == b"It had ended already; nothing was stopped.\n"


async def test_cancel_says_that_nobody_has_stopped_the_work(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliberations, "_CANCEL_S", 0.01)
    begun = (await heard({}))[:-1]
    await written(data_dir, begun, id_of(begun))
    async with SqliteEventLog.open(data_dir) as log, scripted_server(ScriptedModel(), log=log) as server:
        code, out, err = await magi("cancel", id_of(begun), "--url", server.url)
    assert (code, out) == (30, "")
    assert err.endswith("(runs_elsewhere)\n")


async def test_cancel_of_an_unknown_id_was_asked_wrongly() -> None:
    async with scripted_server(ScriptedModel()) as server:
        code, out, err = await magi("cancel", "f" * 32, "--url", server.url)
    assert (code, out) == (2, "")
    assert err.endswith("(deliberation_not_found)\n")


def test_cancel_says_so_where_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setattr(cancelling, "DEFAULT_URL", url)
    with pytest.raises(ServerUnreachable, match=f"{url}, and a deliberation is stopped where it runs"):
        run_cancel("f" * 32, None)


async def test_a_council_that_deliberates_in_the_background_can_be_watched_here(data_dir: Path) -> None:
    # The same file, written by one process and followed by another one that reads it from its beginning.
    async with SqliteEventLog.open(data_dir) as log, deliberating(log, {}) as deliberations:
        whole = await deliberated(deliberations, "Should we?")
        code, out, _ = await magi("watch", id_of(whole), "--json")
    assert code == 0
    assert out.encode().splitlines() == [each.body for each in whole]
