"""What is missing is told before anything is streamed, with what mends it."""

import asyncio
import importlib.util
import json
import subprocess
import sys
import textwrap
from collections.abc import AsyncGenerator, Callable

import pytest
from tests.support.anthropic_messages import StandInAnthropic
from tests.support.chat_completions import StandIn, StandInChatCompletions
from tests.support.ollama_chat import StandInOllama

from magisystem.application import open_catalogue
from magisystem.config import read_configuration
from magisystem.errors import ModelUnavailable, UnknownModel
from magisystem.models import strands_provider
from magisystem.models.catalogue import Catalogue

NOBODY_LISTENS = "http://127.0.0.1:9"
EVERY_VARIABLE = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "MAGI_OPENAI_COMPATIBLE_BASE_URL",
    "MAGI_OPENAI_COMPATIBLE_API_KEY",
    "OLLAMA_HOST",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
)


def _not_installed(_: str) -> None:
    """Find no package."""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in EVERY_VARIABLE:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
async def chat() -> AsyncGenerator[StandInChatCompletions]:
    async with StandInChatCompletions() as standing_in:
        yield standing_in


@pytest.fixture
async def ollama() -> AsyncGenerator[StandInOllama]:
    async with StandInOllama() as standing_in:
        yield standing_in


@pytest.fixture
async def anthropic() -> AsyncGenerator[StandInAnthropic]:
    async with StandInAnthropic() as standing_in:
        yield standing_in


def catalogue() -> Catalogue:
    return open_catalogue(read_configuration().settings)


async def refusal(name: str) -> str:
    """Give what is said of a model that cannot be used."""
    with pytest.raises(ModelUnavailable) as refused:
        await catalogue().find(name, field="agents.caspar.model")
    assert refused.value.code == "model_unavailable"
    assert refused.value.field == "agents.caspar.model"
    return refused.value.message


async def is_found(name: str) -> bool:
    return (await catalogue().find(name, field="model")).name == name


@pytest.mark.parametrize("name", ["openai", "openai:", "anthropic", "ollama", "litellm", "embedded:foo", "gpt-5"])
async def test_a_name_of_the_wrong_form_is_an_unknown_model(name: str) -> None:
    with pytest.raises(UnknownModel) as refused:
        await catalogue().find(name, field="model")
    assert refused.value.code == "unknown_model"
    assert refused.value.field == "model"


@pytest.mark.parametrize("provider", ["openai", "openai-compatible", "anthropic", "ollama", "litellm"])
async def test_a_missing_extra_is_named_with_the_command_that_adds_it(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strands_provider, "find_spec", _not_installed)
    extra = "openai" if provider == "openai-compatible" else provider
    assert f"pip install 'magisystem[{extra}]'" in await refusal(f"{provider}:a-model")


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openai:a-model", "OPENAI_API_KEY"),
        ("anthropic:a-model", "ANTHROPIC_API_KEY"),
        ("openai-compatible:a-model", "MAGI_OPENAI_COMPATIBLE_BASE_URL"),
        ("litellm:gemini/gemini-3-pro", "GEMINI_API_KEY"),
        ("litellm:openai/gpt-5.1", "OPENAI_API_KEY"),
    ],
)
async def test_a_missing_setting_is_named(name: str, variable: str) -> None:
    assert f"{variable} is not set" in await refusal(name)


async def test_a_model_of_no_provider_that_litellm_knows_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert "litellm:gemini/" in await refusal("litellm:no-such-thing")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("variable", "name", "mend"),
    [
        ("MAGI_OPENAI_COMPATIBLE_BASE_URL", "openai-compatible:a-model", "MAGI_OPENAI_COMPATIBLE_BASE_URL"),
        ("OLLAMA_HOST", "ollama:a-model", "ollama serve"),
    ],
)
async def test_a_server_that_is_down_is_told_with_its_address(
    variable: str, name: str, mend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, NOBODY_LISTENS)
    message = await refusal(name)
    assert NOBODY_LISTENS in message
    assert mend in message


@pytest.mark.parametrize("name", ["openai-compatible:a-model", "ollama:a-model"])
async def test_an_address_is_shown_without_its_password(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("MAGI_OPENAI_COMPATIBLE_BASE_URL", "OLLAMA_HOST"):
        monkeypatch.setenv(variable, "http://me:hunter2@127.0.0.1:9")
    assert "hunter2" not in await refusal(name)


@pytest.mark.parametrize("url", ["http://[", "http://host:port"])
@pytest.mark.parametrize(
    ("variable", "name"),
    [("MAGI_OPENAI_COMPATIBLE_BASE_URL", "openai-compatible:a-model"), ("OLLAMA_HOST", "ollama:a-model")],
)
async def test_an_address_that_is_none_is_told(
    url: str, variable: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, url)
    assert variable in await refusal(name)


async def test_a_server_that_does_not_answer_is_not_waited_for(
    chat: StandInChatCompletions, ollama: StandInOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magisystem.models.openai.PROBE_S", 0.05)
    monkeypatch.setattr("magisystem.models.ollama.PROBE_S", 0.05)
    monkeypatch.setenv("MAGI_OPENAI_COMPATIBLE_BASE_URL", chat.url)
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    chat.is_listing_silent = ollama.is_listing_silent = True
    assert chat.url in await refusal("openai-compatible:a-model")
    assert ollama.url in await refusal("ollama:a-model")


async def test_a_compatible_server_without_the_model_names_some_it_has(
    chat: StandInChatCompletions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAGI_OPENAI_COMPATIBLE_BASE_URL", chat.url)
    chat.models = [f"model-{n}" for n in range(7)]
    message = await refusal("openai-compatible:a-model")
    assert "model-0" in message
    assert "2 more" in message
    assert await is_found("openai-compatible:model-6")


async def test_a_compatible_server_without_a_list_of_models_is_fine(
    chat: StandInChatCompletions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAGI_OPENAI_COMPATIBLE_BASE_URL", f"{chat.url}/")
    assert await is_found("openai-compatible:a-model")
    assert chat.n_listings == 1


@pytest.mark.parametrize(
    ("status", "mend"), [(401, "MAGI_OPENAI_COMPATIBLE_API_KEY"), (403, "MAGI_OPENAI_COMPATIBLE_API_KEY"), (503, "503")]
)
async def test_a_compatible_server_that_refuses_is_told(
    status: int, mend: str, chat: StandInChatCompletions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAGI_OPENAI_COMPATIBLE_BASE_URL", chat.url)
    chat.listing_status = status
    assert mend in await refusal("openai-compatible:a-model")


async def test_a_model_that_was_not_pulled_is_told_with_the_command_that_pulls_it(
    ollama: StandInOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    ollama.models = ["qwen3:latest", "qwen3:32b"]
    assert "ollama pull a-model" in await refusal("ollama:a-model")
    assert await is_found("ollama:qwen3")
    assert await is_found("ollama:qwen3:32b")


HOSTED: dict[str, Callable[[StandIn], dict[str, str]]] = {
    "openai": lambda api: {"OPENAI_BASE_URL": api.url, "OPENAI_API_KEY": "sk-of-a-test"},
    "anthropic": lambda api: {"ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": "sk-ant-of-a-test"},
}


@pytest.fixture(params=list(HOSTED))
async def hosted(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    chat: StandInChatCompletions,
    anthropic: StandInAnthropic,
) -> tuple[str, StandIn]:
    """A provider's prefix, and the stand-in for its API."""
    api = chat if request.param == "openai" else anthropic
    for variable, value in HOSTED[request.param](api).items():
        monkeypatch.setenv(variable, value)
    return request.param, api


async def test_a_model_that_a_hosted_api_does_not_have_is_told(hosted: tuple[str, StandIn]) -> None:
    prefix, api = hosted
    api.models = ["a-model"]
    assert "'another'" in await refusal(f"{prefix}:another")
    assert await is_found(f"{prefix}:a-model")


async def test_a_key_that_a_hosted_api_refuses_is_told_and_not_shown(hosted: tuple[str, StandIn]) -> None:
    prefix, api = hosted
    api.listing_status = 401
    message = await refusal(f"{prefix}:a-model")
    assert f"{prefix.upper()}_API_KEY" in message
    assert "of-a-test" not in message


@pytest.mark.parametrize("status", [403, 429, 500])
async def test_a_hosted_api_that_will_not_list_its_models_may_still_answer(
    status: int, hosted: tuple[str, StandIn]
) -> None:
    prefix, api = hosted
    api.listing_status = status
    assert await is_found(f"{prefix}:a-model")
    # Once: an SDK's own retries would make a person wait.
    assert api.n_listings == 1


async def test_a_gateway_that_knows_no_list_of_models_may_still_answer(
    chat: StandInChatCompletions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", chat.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test")
    assert await is_found("openai:a-model")
    assert chat.n_listings == 1


async def test_a_hosted_api_that_does_not_answer_is_left_to_the_call(
    hosted: tuple[str, StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix, api = hosted
    monkeypatch.setattr(f"magisystem.models.{prefix}.PROBE_S", 0.05)
    api.is_listing_silent = True
    assert await is_found(f"{prefix}:a-model")


async def test_a_hosted_api_out_of_reach_is_left_to_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", NOBODY_LISTENS)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test")
    assert await is_found("openai:a-model")


async def test_a_survey_of_every_provider_is_quick_and_asks_no_hosted_api(hosted: tuple[str, StandIn]) -> None:
    prefix, api = hosted
    async with asyncio.timeout(10):
        found = {usability.prefix: usability.reason for usability in await catalogue().survey()}
    assert set(found) == {"embedded", "bedrock", "anthropic", "openai", "openai-compatible", "ollama", "litellm"}
    assert found["embedded"] is None
    assert found[prefix] is None
    assert "MAGI_OPENAI_COMPATIBLE_BASE_URL" in (found["openai-compatible"] or "")
    assert api.n_listings == 0


def test_no_sdk_is_loaded_until_it_is_used() -> None:
    code = """
        import sys
        from magisystem.application import open_catalogue
        from magisystem.config import read_configuration
        open_catalogue(read_configuration().settings)
        heavy = {"strands", "httpx", "openai", "anthropic", "ollama", "litellm"}
        print(sorted(heavy & set(sys.modules)))
    """
    assert _output(code) == "[]"


def test_litellm_touches_no_network_but_the_provider_and_no_file_of_settings(tmp_path: str) -> None:
    """Loading it and a whole speech, under the interpreter's own watch over sockets."""
    code = """
        import asyncio, json, os, pathlib, sys

        pathlib.Path(".env").write_text("FOUND_IN_DOTENV=1")
        reached = []
        sys.addaudithook(
            lambda event, args: reached.append(str(args[0] if event == "socket.getaddrinfo" else args[1][0]))
            if event in ("socket.getaddrinfo", "socket.connect") else None
        )
        from tests.support.chat_completions import Reply, StandInChatCompletions
        from magisystem.application import open_catalogue
        from magisystem.config import read_configuration
        from magisystem.testing.models import text, uttered

        async def main():
            async with StandInChatCompletions() as provider:
                os.environ.update(OPENAI_API_BASE=provider.url, OPENAI_API_KEY="sk-of-a-test")
                provider.script(Reply("Yes."))
                model = await open_catalogue(read_configuration().settings).find("litellm:openai/x", field="model")
                said, error = await uttered(model, max_calls=1)
                print(json.dumps([text(said), sorted(set(reached)), "FOUND_IN_DOTENV" in os.environ]))

        asyncio.run(main())
    """
    said, reached, has_read_dotenv = json.loads(_output(code, cwd=str(tmp_path)))
    assert said == "Yes."
    assert set(reached) <= {"127.0.0.1", "::1"}
    assert "127.0.0.1" in reached
    assert not has_read_dotenv


def _output(code: str, cwd: str | None = None) -> str:
    assert importlib.util.find_spec("tests") is not None
    done = subprocess.run(  # noqa: S603 - this interpreter, and code of this file
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{textwrap.dedent(code)}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
