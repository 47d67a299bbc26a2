"""Who may do what over HTTP: without a valid token nothing, with one nothing of another owner's."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from starlette.routing import Route
from tests.interaction.test_http import QUESTION, hanging
from tests.interaction.test_socket import talking
from tests.support.issuer import (
    CLIENT,
    Issuer,
    forged,
    serving_issuer,
    signed_with_the_public_key,
    signing_key,
    with_claims,
)
from tests.support.serving import Server, scripted_server
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from magisystem.application import Application, open_catalogue
from magisystem.config import read_configuration
from magisystem.council.briefs import Matter
from magisystem.deliberation import Deliberations, ModelChoice, Proposal
from magisystem.deliberation.ports import Page
from magisystem.errors import LogUnavailable, TooManyRunning
from magisystem.http.app import create_app
from magisystem.http.web import PAGES
from magisystem.identity import LOCAL_OWNER, Assertions
from magisystem.logs import MemoryEventLog
from magisystem.protocol.agentcore import ASSERTION_HEADER, SOCKET_PROTOCOL
from magisystem.testing.scripted import ScriptedModel

GATEWAY_KEY = "k" * 32
# What is the same for everybody: pages, and what describes the API.
PUBLIC = {"/ping", *PAGES, "/assets/{name:path}", "/{stem}.{kind}", "/docs", "/openapi.json"}


def no_token(_: Issuer) -> str:
    return "not.a.token"


@pytest.fixture
async def issuer() -> AsyncGenerator[Issuer]:
    async with serving_issuer() as serving:
        yield serving


def oidc(issuer: Issuer) -> dict[str, Any]:
    return {"auth": "oidc", "oidc_discovery_url": issuer.discovery_url, "oidc_clients": (CLIENT,)}


@pytest.fixture
async def server(issuer: Issuer) -> AsyncGenerator[Server]:
    async with scripted_server(ScriptedModel(), gateway_key=GATEWAY_KEY, **oidc(issuer)) as running:
        yield running


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def begun(server: Server, headers: dict[str, str], **more: object) -> str:
    answer = await server.http.post("/invocations", json={**QUESTION, "stream": False, **more}, headers=headers)
    return answer.json()["start"]["deliberationId"]


async def test_an_access_token_and_an_id_token_of_a_person_are_one_owner(server: Server, issuer: Issuer) -> None:
    deliberation_id = await begun(server, bearing(issuer.access_token("ann")))
    state = await server.http.get(f"/deliberations/{deliberation_id}", headers=bearing(issuer.id_token("ann")))
    assert state.json()["status"] == "complete"


@pytest.mark.parametrize(
    ("make", "status"),
    [
        pytest.param(with_claims(iat=1_000, exp=2_000), 401, id="expired"),
        pytest.param(with_claims(nbf=9_999_999_999), 401, id="not yet valid"),
        pytest.param(with_claims(iss="https://elsewhere.example.com"), 401, id="wrong issuer"),
        pytest.param(with_claims(client_id="another"), 403, id="wrong client"),
        pytest.param(with_claims(token_use="refresh"), 401, id="wrong token_use"),
        pytest.param(forged(), 401, id="alg: none"),
        pytest.param(signed_with_the_public_key, 401, id="HS256 with the public key"),
        pytest.param(with_claims(key=signing_key("RS256", 9)), 401, id="unknown kid"),
        pytest.param(with_claims(pad="x" * 1_000_000), 401, id="1 MB"),
        pytest.param(no_token, 401, id="no token"),
    ],
)
async def test_a_token_that_proves_nothing_gets_nothing_and_learns_nothing(
    server: Server, issuer: Issuer, make: Callable[[Issuer], str], status: int
) -> None:
    answer = await server.http.post("/invocations", json=QUESTION, headers=bearing(make(issuer)))
    assert answer.status_code == status
    words = {
        401: "Sign in first: this needs a valid access token, as `Authorization: Bearer …`.",
        403: "This token may not be used here. Sign in with an application that this server knows.",
    }
    assert answer.json()["detail"] == words[status]
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert server.model.speeches == []


async def test_a_flood_of_tokens_with_unknown_keys_asks_the_issuer_once(server: Server, issuer: Issuer) -> None:
    stranger = signing_key("RS256", 9)
    for n in range(50):
        token = issuer.access_token(key=stranger, headers={"kid": f"unknown-{n}"})
        assert (await server.http.get("/councils", headers=bearing(token))).status_code == 401
    assert issuer.fetches["jwks"] == 1


async def test_every_route_but_ping_and_what_is_static_asks_who_it_is(issuer: Issuer) -> None:
    configuration = read_configuration(environment={}, **oidc(issuer))
    async with Deliberations(MemoryEventLog(), ScriptedModel(), ModelChoice("scripted:model")) as deliberations:
        app = create_app(Application(configuration.settings, deliberations, open_catalogue(configuration.settings)))
    asked = {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    async with scripted_server(ScriptedModel(), **oidc(issuer)) as server:
        answers = {
            (method, path): await server.http.request(
                method,
                path.replace("{arn:path}", "arn").replace("{", "a").replace("}", "z").replace(":path", ""),
                json={} if method in {"POST", "PUT", "PATCH"} else None,
                headers={"accept": "application/json"},
            )
            for method, path in sorted(asked)
        }
    # The data plane's path says it in its body.
    unasked = {
        path for (_, path), answer in answers.items() if answer.status_code != 401 and '"status":401' not in answer.text
    }
    assert unasked == PUBLIC


async def test_a_stranger_finds_of_anothers_deliberation_what_they_find_of_none(server: Server, issuer: Issuer) -> None:
    ann, bob = bearing(issuer.access_token("ann")), bearing(issuer.access_token("bob"))
    anns = await begun(server, ann, sessionId="anns-session")
    nones = "0" * 32
    for method, path in [
        ("GET", "/deliberations/{}"),
        ("GET", "/deliberations/{}/events"),
        ("GET", "/deliberations/{}/events?wait=0"),
        ("POST", "/deliberations/{}/cancel"),
        ("DELETE", "/deliberations/{}"),
    ]:
        told = [await server.http.request(method, path.format(id_), headers=bob) for id_ in (anns, nones)]
        assert [answer.status_code for answer in told] == [404, 404]
        assert told[0].text.replace(anns, nones) == told[1].text
    for action in ("resume", "get", "cancel", "delete"):
        body = {"action": action, "deliberationId": anns}
        assert (await server.http.post("/invocations", json=body, headers=bob)).status_code == 404
    assert (await server.http.get("/deliberations", headers=bob)).json()["items"] == []
    taken = await server.http.post("/invocations", json={**QUESTION, "sessionId": "anns-session"}, headers=bob)
    assert (taken.status_code, taken.json()["code"]) == (403, "session_not_yours")
    assert (await server.http.get(f"/deliberations/{anns}", headers=ann)).json()["status"] == "complete"


async def test_nobody_is_the_owner_of_what_was_kept_without_identity(server: Server, issuer: Issuer) -> None:
    answer = await server.http.get("/deliberations", headers=bearing(issuer.access_token(LOCAL_OWNER)))
    assert answer.status_code == 403


async def test_one_owners_key_attaches_nobody_else(server: Server, issuer: Issuer) -> None:
    ann, bob = bearing(issuer.access_token("ann")), bearing(issuer.access_token("bob"))
    ids = {await begun(server, who, idempotencyKey="the-same") for who in (ann, bob, ann)}
    assert len(ids) == 2


# --- Sockets ----------------------------------------------------------------------------------------------------------


def subprotocols(token: str) -> list[Subprotocol]:
    encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    return [Subprotocol(f"{SOCKET_PROTOCOL}.{encoded}"), Subprotocol(SOCKET_PROTOCOL)]


async def test_a_socket_takes_its_token_as_a_subprotocol_or_a_header(server: Server, issuer: Issuer) -> None:
    token = issuer.access_token("ann")
    async with talking(server.url, subprotocols=subprotocols(token)) as talk:
        assert talk.websocket.subprotocol == SOCKET_PROTOCOL
        started = await talk.ask(QUESTION)
        await talk.hear_until("ended")
    async with talking(server.url, additional_headers=bearing(token)) as talk:
        assert talk.websocket.subprotocol is None
        state = await talk.ask({"action": "get", "deliberationId": started["deliberationId"]})
        assert state["state"]["status"] == "complete"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"subprotocols": subprotocols("forged")},
        {"subprotocols": [Subprotocol(f"{SOCKET_PROTOCOL}.%%%%"), Subprotocol(SOCKET_PROTOCOL)]},
        {"subprotocols": [Subprotocol(SOCKET_PROTOCOL)]},
        {"additional_headers": bearing("forged")},
    ],
)
async def test_a_socket_without_a_valid_token_is_refused(server: Server, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(server.url.replace("http:", "ws:") + "/ws", **options):
            pass
    assert refused.value.response.status_code == 401


# --- The gateway's word -----------------------------------------------------------------------------------------------


async def test_the_gateways_word_is_taken_where_the_key_is_shared(server: Server, issuer: Issuer) -> None:
    anns = await begun(server, bearing(issuer.access_token("ann")))
    word = {ASSERTION_HEADER: Assertions(GATEWAY_KEY).sign("ann")}
    assert (await server.http.get(f"/deliberations/{anns}", headers=word)).json()["status"] == "complete"
    forged_word = {ASSERTION_HEADER: Assertions("x" * 32).sign("ann")}
    # Not even beside a valid token: what is wrong in a request is wrong.
    for headers in (forged_word, {**forged_word, **bearing(issuer.access_token("ann"))}):
        assert (await server.http.get(f"/deliberations/{anns}", headers=headers)).status_code == 401


async def test_without_the_key_nobody_speaks_for_others(issuer: Issuer) -> None:
    async with scripted_server(ScriptedModel(), **oidc(issuer)) as server:
        word = {ASSERTION_HEADER: Assertions(GATEWAY_KEY).sign("ann")}
        assert (await server.http.get("/deliberations", headers=word)).status_code == 401


async def test_without_anything_to_check_it_by_a_gateways_word_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with scripted_server(ScriptedModel()) as server:
        word = {ASSERTION_HEADER: Assertions(GATEWAY_KEY).sign("ann")}
        for _ in range(2):
            assert (await server.http.get("/deliberations", headers=word)).status_code == 401
        assert caplog.text.count("MAGI_GATEWAY_KEY is not set") == 1
        assert (await server.http.get("/deliberations")).status_code == 200


async def test_with_the_key_alone_only_the_gateway_is_served() -> None:
    async with scripted_server(ScriptedModel(), gateway_key=GATEWAY_KEY) as server:
        assert (await server.http.get("/deliberations")).status_code == 401
        word = {ASSERTION_HEADER: Assertions(GATEWAY_KEY).sign("ann")}
        assert (await server.http.get("/deliberations", headers=word)).status_code == 200


# --- Limits -----------------------------------------------------------------------------------------------------------


async def test_an_owner_over_the_rate_is_told_when_to_come_back_and_others_go_on(issuer: Issuer) -> None:
    async with scripted_server(ScriptedModel(), owner_requests_per_minute=3, **oidc(issuer)) as server:
        ann, bob = bearing(issuer.access_token("ann")), bearing(issuer.access_token("bob"))
        for _ in range(3):
            assert (await server.http.get("/councils", headers=ann)).status_code == 200
        refused = await server.http.get("/councils", headers=ann)
        problem = refused.json()
        assert (refused.status_code, problem["code"], problem["retryable"]) == (429, "rate_limited", True)
        assert 15 <= int(refused.headers["retry-after"]) == problem["retryAfter"] <= 20
        assert (await server.http.get("/councils", headers=bob)).status_code == 200
        assert (await server.http.get("/ping")).status_code == 200


async def test_messages_on_a_socket_count_as_well(issuer: Issuer) -> None:
    async with scripted_server(ScriptedModel(), owner_requests_per_minute=3, **oidc(issuer)) as server:
        async with talking(server.url, additional_headers=bearing(issuer.access_token())) as talk:
            answers = [await talk.ask({"action": "councils"}) for _ in range(3)]
        assert [answer["type"] for answer in answers] == ["councils", "councils", "error"]
        assert answers[2]["error"]["code"] == "rate_limited"


async def test_an_owner_holds_so_many_streams_and_sockets_open_and_no_more(issuer: Issuer) -> None:
    model = ScriptedModel(hanging(asyncio.Event()))
    async with scripted_server(model, owner_open=2, **oidc(issuer)) as server:
        ann, bob = bearing(issuer.access_token("ann")), bearing(issuer.access_token("bob"))
        async with talking(server.url, additional_headers=ann) as talk:
            async with server.http.stream("POST", "/invocations", json=QUESTION, headers=ann) as stream:
                pieces = stream.aiter_bytes()
                await anext(pieces)
                started = stream.headers["x-magi-deliberation-id"]
                refused = await server.http.post("/invocations", json=QUESTION, headers=ann)
                assert (refused.status_code, refused.json()["code"]) == (429, "too_many_open")
                again = await server.http.get(f"/deliberations/{started}/events", headers=ann)
                assert again.status_code == 429
                with pytest.raises(InvalidStatus) as closed:
                    async with connect(server.url.replace("http:", "ws:") + "/ws", additional_headers=ann):
                        pass
                assert closed.value.response.status_code == 429
                assert (await server.http.get(f"/deliberations/{started}", headers=ann)).status_code == 200
                async with talking(server.url, additional_headers=bob):
                    pass
            await talk.ask({"action": "cancel", "deliberationId": started})
        async with server.http.stream("GET", f"/deliberations/{started}/events", headers=ann) as stream:
            assert stream.status_code == 200


async def test_an_owner_with_too_many_running_is_told_so(issuer: Issuer) -> None:
    async with scripted_server(ScriptedModel(), owner_running=1, **oidc(issuer)) as server:
        ann = bearing(issuer.access_token("ann"))
        # Begun without a wait in between, and the first not ended.
        first = await server.http.post("/invocations", json={**QUESTION, "detached": True}, headers=ann)
        refused = await server.http.post("/invocations", json={**QUESTION, "detached": True}, headers=ann)
        assert first.status_code == 202
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_running")
        assert int(refused.headers["retry-after"]) >= 1


async def test_of_many_starts_at_once_as_many_run_as_are_allowed() -> None:
    model, choice = ScriptedModel(hanging(asyncio.Event())), ModelChoice("scripted:model")
    async with Deliberations(MemoryEventLog(), model, choice, most_running=20) as deliberations:

        async def start(n: int) -> None:
            # Each comes while others are at another point of their way.
            for _ in range(n % 7):
                await asyncio.sleep(0)
            await deliberations.start(Proposal(Matter("Should we?")), "ann")

        await asyncio.gather(*map(start, range(20)))
        more = await asyncio.gather(*map(start, range(10)), return_exceptions=True)
        assert [type(refusal) for refusal in more] == [TooManyRunning] * 10
        assert deliberations.n_running == 20


class _FullDisk(MemoryEventLog):
    async def read(self, deliberation_id: str, owner: str, after: int = 0, limit: int = 10_000) -> Page:
        raise LogUnavailable("The log /srv/magi/magi.sqlite: the disk is full.", is_private=True)


async def test_where_the_log_lies_is_told_to_its_operator_alone(caplog: pytest.LogCaptureFixture) -> None:
    async with scripted_server(ScriptedModel(), log=_FullDisk()) as server:
        answer = await server.http.get("/deliberations/any")
        async with talking(server.url) as talk:
            message = await talk.ask({"action": "get", "deliberationId": "any"})
    assert (answer.status_code, answer.json()["code"]) == (503, "log_unavailable")
    assert message["error"]["code"] == "log_unavailable"
    assert "/srv" not in answer.text
    assert "/srv" not in str(message)
    assert caplog.text.count("/srv/magi/magi.sqlite") == 2
