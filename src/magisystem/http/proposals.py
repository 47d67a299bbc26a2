"""From a request that was checked to a proposal that can be deliberated on, or a council that can be kept; and back."""

from typing import Any

from magisystem.council.agents import Agent, AgentChange, CouncilLimits, Sampling
from magisystem.council.briefs import Criteria, Matter, Message
from magisystem.deliberation.councils import Councils
from magisystem.deliberation.deliberations import Proposal
from magisystem.deliberation.listing import time_of
from magisystem.deliberation.ports import KeptCouncil, Seat
from magisystem.protocol.requests import AgentRequest, CouncilRequest, SeatRequest, StartRequest


async def proposal(request: StartRequest, councils: Councils, owner: str) -> Proposal:
    """Give the proposal that a request makes.

    Raises:
        UnknownCouncil: the request names a council that does not exist, or is another owner's.
        InvalidRequest: a council given whole is none.
        RecordsUnavailable: the request names a council that is no preset, and kept ones cannot be read now.
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
        council=await councils.find(owner, council) if isinstance(council, str) else kept_council(council).council,
        changes={agent_id: _change(change) for agent_id, change in request.agents.items()},
        session_id=request.session_id,
    )


def kept_council(request: CouncilRequest, council_id: str | None = None) -> KeptCouncil:
    """Give the council that a request gives whole, those of its agents who are not enabled included."""
    return KeptCouncil(
        id=council_id or request.id,
        name=request.name,
        rule=request.rule,
        seats=tuple(map(_seat, request.agents)),
        limits=CouncilLimits(
            deliberation_s=request.limits.deliberation_s,
            sage_s=request.limits.sage_s,
            judge_s=request.limits.judge_s,
            silence_s=request.limits.silence_s,
        ),
    )


def council_fields(council: KeptCouncil) -> dict[str, Any]:
    """Give a council as it is listed, which is also the form in which a request gives one whole."""
    limits = _given(
        deliberationS=council.limits.deliberation_s,
        sageS=council.limits.sage_s,
        judgeS=council.limits.judge_s,
        silenceS=council.limits.silence_s,
    )
    return {
        "id": council.id,
        **_given(name=council.name),
        "rule": council.rule,
        "agents": [_seat_fields(seat) for seat in council.seats],
        **_given(limits=limits or None),
        "preset": council.updated_at is None,
        "updatedAt": None if council.updated_at is None else time_of(council.updated_at),
    }


def _seat_fields(seat: Seat) -> dict[str, Any]:
    agent = seat.agent
    return {
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
            enabled=None if seat.is_enabled else False,
        ),
    }


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _seat(request: SeatRequest) -> Seat:
    agent = Agent(
        id=request.agent_id,
        name=request.name,
        role=request.role,
        persona=request.system_prompt,
        model=request.model,
        sampling=Sampling(request.temperature, request.top_p, request.top_k, request.max_tokens),
    )
    return Seat(agent, request.enabled)


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
