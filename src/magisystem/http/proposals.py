"""From a request that was checked to a proposal that can be deliberated on."""

from typing import Any

from magisystem.council.agents import Agent, AgentChange, Council, CouncilLimits, Sampling
from magisystem.council.briefs import Criteria, Matter, Message
from magisystem.council.presets import preset
from magisystem.deliberation.deliberations import Proposal
from magisystem.protocol.requests import AgentRequest, CouncilRequest, StartRequest


def proposal(request: StartRequest) -> Proposal:
    """Give the proposal that a request makes.

    Raises:
        UnknownCouncil: the request names a council that does not exist.
        InvalidRequest: a council given whole is none.
    """
    council = request.council
    return Proposal(
        matter=Matter(
            question=request.question_text.strip(),
            history=tuple(Message(message.role, message.content) for message in (request.messages or [])[:-1]),
            criteria=Criteria(request.criteria.approve_if, request.criteria.reject_if),
            language=request.language,
        ),
        mode=request.mode,
        council=preset(council) if isinstance(council, str) else _council(council),
        changes={agent_id: _change(change) for agent_id, change in request.agents.items()},
        session_id=request.session_id,
    )


def council_fields(council: Council) -> dict[str, Any]:
    """Give a council in the form in which a request gives one whole."""
    limits = _given(
        deliberationS=council.limits.deliberation_s,
        sageS=council.limits.sage_s,
        judgeS=council.limits.judge_s,
        silenceS=council.limits.silence_s,
    )
    return {
        "id": council.id,
        "rule": council.rule,
        **_given(limits=limits or None),
        "agents": [
            {
                "agentId": agent.id,
                "name": agent.name,
                "role": agent.role,
                "systemPrompt": agent.persona,
                **_given(
                    model=agent.model,
                    temperature=agent.sampling.temperature,
                    topP=agent.sampling.top_p,
                    topK=agent.sampling.top_k,
                    maxTokens=agent.sampling.max_tokens,
                ),
            }
            for agent in council.agents
        ],
    }


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _council(request: CouncilRequest) -> Council:
    return Council(
        id=request.id,
        rule=request.rule,
        agents=tuple(
            Agent(
                id=seat.agent_id,
                name=seat.name,
                role=seat.role,
                persona=seat.system_prompt,
                model=seat.model,
                sampling=Sampling(seat.temperature, seat.top_p, seat.top_k, seat.max_tokens),
            )
            for seat in request.agents
            if seat.enabled
        ),
        limits=CouncilLimits(
            deliberation_s=request.limits.deliberation_s,
            sage_s=request.limits.sage_s,
            judge_s=request.limits.judge_s,
            silence_s=request.limits.silence_s,
        ),
    )


def _change(request: AgentRequest) -> AgentChange:
    return AgentChange(
        model=request.model,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        max_tokens=request.max_tokens,
        persona=request.system_prompt,
        enabled=request.enabled,
    )
