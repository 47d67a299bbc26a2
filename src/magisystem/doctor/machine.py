"""Whether this machine is ready to serve: settings, port, folder, models. It looks, and changes nothing."""

import asyncio
import platform
import sqlite3
import sys
from importlib.metadata import version

import httpx2

from magisystem.config import Configuration, Settings, read_configuration
from magisystem.doctor import files
from magisystem.doctor.clock import clock
from magisystem.doctor.findings import Advice, Diagnosis, Finding, Grade
from magisystem.doctor.providers import models
from magisystem.errors import SettingsInvalid
from magisystem.http.ports import why_not_free
from magisystem.http.web import BUNDLE, Web

_PING_S = 2.0
# The records' text index needs FTS5's trigram tokenizer. https://www.sqlite.org/releaselog/3_34_0.html
_LEAST_SQLITE = (3, 34, 0)
# Each follower is a connection, and each agent that speaks is one.
_ENOUGH_FILES = 4096
_FEW_FILES = 1024


async def examine_machine(*, are_models_called: bool) -> Diagnosis:
    """Look at everything that serving needs here. Raises nothing but cancellation."""
    runs_on = _runs_on()
    try:
        configuration = read_configuration()
        configuration.settings.check_exposure()
    except SettingsInvalid as error:
        wrong = Finding("settings", Grade.PROBLEM, error.message)
        return Diagnosis((runs_on, wrong), "Nothing can be served with these settings.")
    findings = [runs_on, *await _of(configuration, are_models_called=are_models_called)]
    worst = Diagnosis(tuple(findings), "").worst
    verdict = {
        Grade.PROBLEM: "This machine is not ready.",
        Grade.REMARK: "This machine is ready, with remarks.",
    }.get(worst, "This machine is ready.")
    return Diagnosis(tuple(findings), verdict)


async def _of(configuration: Configuration, *, are_models_called: bool) -> list[Finding]:
    settings = configuration.settings
    found = [_settings(settings), await _port(settings)]
    found += [await asyncio.to_thread(look, settings) for look in (files.data_folder, files.log, files.records)]
    found += [_web(settings), _open_files()]
    findings, endpoint = await models(configuration, are_called=are_models_called)
    return [*found, *findings, await clock(endpoint)]


def _runs_on() -> Finding:
    summary = f"MAGISystem {version('magisystem')}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info < _LEAST_SQLITE:
        least = ".".join(str(part) for part in _LEAST_SQLITE)
        mend = Advice(f"The records need SQLite {least} or newer: use a newer Python, such as uv installs.")
        return Finding("runtime", Grade.PROBLEM, summary, (mend,))
    return Finding("runtime", Grade.WELL, summary)


def _settings(settings: Settings) -> Finding:
    who = "owners by OpenID Connect" if settings.auth == "oidc" else "one owner, whoever comes"
    summary = f"platform {settings.platform}, listens on {settings.host}:{settings.port}, {who}"
    if settings.auth == "none" and settings.insecure:
        mend = Advice("Set MAGI_AUTH=oidc, unless something in front decides who comes in.")
        return Finding("settings", Grade.REMARK, f"{summary} (MAGI_INSECURE)", (mend,))
    return Finding("settings", Grade.WELL, summary)


async def _port(settings: Settings) -> Finding:
    reason = why_not_free(settings.host, settings.port)
    if reason is None:
        return Finding("port", Grade.WELL, f"{settings.port} is free")
    running = await _server_version(settings)
    if running is not None:
        return Finding("port", Grade.WELL, f"{settings.port} is taken by a MAGISystem server, version {running}")
    return Finding("port", Grade.PROBLEM, str(reason), (Advice("Set MAGI_PORT to another one, or end what has it."),))


async def _server_version(settings: Settings) -> str | None:
    """Give the version of the server of ours that listens there already, if one does."""
    host = "127.0.0.1" if settings.host in {"", "0.0.0.0", "::"} else settings.host  # noqa: S104 - recognised, not bound
    address = f"[{host}]" if ":" in host else host
    try:
        # No proxy of the environment's stands between this machine and itself.
        async with httpx2.AsyncClient(timeout=_PING_S, trust_env=False) as http:
            answer = (await http.get(f"http://{address}:{settings.port}/ping")).json()
        return str(answer["version"]) if answer["service"] == "magisystem-backend" else None
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        return None


def _web(settings: Settings) -> Finding:
    if not (BUNDLE / "index.html").is_file():
        mend = Advice("`make setup` builds it; or install the package from a wheel, which holds it.")
        return Finding("web_client", Grade.REMARK, "not built: / shows no page, the API works", (mend,))
    try:
        Web.open(settings)
    except SettingsInvalid as error:
        return Finding("web_client", Grade.PROBLEM, error.message)
    return Finding("web_client", Grade.WELL, "built")


def _open_files() -> Finding:
    if sys.platform == "win32":
        return Finding("open_files", Grade.NOTE, "Windows sets no limit")
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= _ENOUGH_FILES:
        return Finding("open_files", Grade.WELL, "no limit" if soft == resource.RLIM_INFINITY else f"up to {soft}")
    grade = Grade.NOTE if soft >= _FEW_FILES else Grade.REMARK
    most = "any number" if hard == resource.RLIM_INFINITY else str(hard)
    mend = Advice(f"`ulimit -n {_ENOUGH_FILES}` (up to {most}) lets more people follow at once.")
    return Finding("open_files", grade, f"up to {soft}: about {soft // 4} followers with their agents", (mend,))
