"""Whether the models that are configured can be used from here. Calls cost what one token costs."""

import asyncio
from collections.abc import Mapping

from magisystem.application import open_catalogue
from magisystem.config import Configuration
from magisystem.council.presets import MAGI
from magisystem.doctor.findings import Advice, Finding, Grade
from magisystem.errors import MagiError, ModelDenied, ModelError, ModelNotFound, ModelThrottled
from magisystem.models.bedrock.provider import Bedrock
from magisystem.models.catalogue import Catalogue

# Nobody waits longer for a first token; a call that takes longer is a finding of its own.
_CALL_S = 30.0
_BEDROCK = "bedrock"


async def models(configuration: Configuration, *, are_called: bool) -> tuple[list[Finding], str | None]:
    """Say of every model that is configured whether it can be used; of those on Bedrock, whether it speaks.

    Also gives Bedrock's endpoint, where it is called.
    """
    catalogue, bedrock = open_catalogue(configuration.settings), Bedrock()
    named = _named(configuration)
    on_bedrock = [name.partition(":")[2] for name in named if name.startswith(f"{_BEDROCK}:")]
    endpoint = None
    try:
        findings = [await _model(name, agent_ids, catalogue) for name, agent_ids in named.items()]
        if on_bedrock:
            aws = await _aws(bedrock)
            findings.append(aws)
            if are_called and aws.grade is Grade.WELL:
                endpoint = (await bedrock.sources()).endpoint
                findings += await asyncio.gather(*(_call(bedrock, model_id) for model_id in on_bedrock))
        return [*findings, await _others(catalogue, {name.partition(":")[0] for name in named})], endpoint
    finally:
        await catalogue.aclose()
        await bedrock.aclose()


def _named(configuration: Configuration) -> Mapping[str, list[str]]:
    """Give the configured models, each with the variables or agents it is for."""
    named: dict[str, list[str]] = {}
    agent_ids = dict.fromkeys([*(agent.id for agent in MAGI.agents), *configuration.models.by_agent])
    for agent_id in agent_ids:
        named.setdefault(configuration.models.for_agent(agent_id), []).append(agent_id)
    return named


async def _model(name: str, agent_ids: list[str], catalogue: Catalogue) -> Finding:
    whose = ", ".join(agent_ids)
    try:
        model = await catalogue.find(name, field="MAGI_MODEL")
    except MagiError as error:
        return Finding("model", Grade.PROBLEM, f"{name} ({whose}): {error.message}")
    note = f"; {model.note}" if model.note else ""
    return Finding("model", Grade.WELL, f"{name} ({whose}){note}")


async def _aws(bedrock: Bedrock) -> Finding:
    if reason := await bedrock.reason_unusable(None):
        return Finding("aws", Grade.PROBLEM, "not ready", (Advice(reason),))
    sources = await bedrock.sources()
    endpoint = f"; endpoint {sources.endpoint}" if sources.is_redirected else ""
    return Finding("aws", Grade.WELL, f"region {sources.region}; credentials from {sources.credentials}{endpoint}")


async def _call(bedrock: Bedrock, model_id: str) -> Finding:
    name = f"{_BEDROCK}:{model_id}"
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        async with asyncio.timeout(_CALL_S):
            await bedrock.say_a_token(model_id)
    except TimeoutError:
        return Finding("model_access", Grade.PROBLEM, f"{name} said nothing in {_CALL_S:g} s", _mends(None, model_id))
    except ModelThrottled as error:
        return Finding("model_access", Grade.REMARK, f"{name}: {error.message}", _mends(error, model_id))
    except ModelError as error:
        return Finding("model_access", Grade.PROBLEM, f"{name}: {error.message}", _mends(error, model_id))
    return Finding("model_access", Grade.WELL, f"{name} speaks, after {(loop.time() - began_s) * 1000:.0f} ms")


def _mends(error: ModelError | None, model_id: str) -> tuple[Advice, ...]:
    match error:
        case ModelDenied():
            text = (
                "Grant bedrock:InvokeModelWithResponseStream on the inference profile and on the foundation model in "
                "every region it leads to; and see that the account has access to the model."
            )
        case ModelNotFound():
            text = (
                f"See the spelling of {model_id!r} and its region: most models are called through a profile, such as "
                "global.… or us.…"
            )
        case ModelThrottled():
            text = "It works, but the account's quota for it is used up at the moment: ask for a higher one."
        case None:
            text = "See whether this machine reaches the region's endpoint (proxy, VPC endpoint)."
        case _:
            return ()
    return (Advice(text, "Amazon Bedrock"),)


async def _others(catalogue: Catalogue, used: set[str]) -> Finding:
    survey = [found for found in await catalogue.survey() if found.prefix not in used]
    ready = ", ".join(found.prefix for found in survey if found.reason is None)
    missing = ", ".join(found.prefix for found in survey if found.reason is not None)
    parts = [
        f"could be used: {ready}" if ready else "",
        f"could not: {missing} (`magi models` says why)" if missing else "",
    ]
    return Finding("providers", Grade.NOTE, "; ".join(part for part in parts if part) or "no others are known")
