"""``GET /docs``: Swagger UI over the OpenAPI document, from files that are installed here; nothing is loaded from afar.

The document is made when it is asked for: most servers never are.
"""

import asyncio
import base64
import hashlib

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from magisystem.http.web import SAFETY

_SCRIPT = """
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
});
"""
# Relative addresses, so that the page also stands behind a proxy that puts a path before the server's own.
_PAGE = f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>MAGISystem - Swagger UI</title>
<link rel="icon" href="swagger/favicon-32x32.png">
<link rel="stylesheet" href="swagger/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="swagger/swagger-ui-bundle.js"></script>
<script>{_SCRIPT}</script>
</body>
</html>
"""
# Swagger UI styles its parts one by one, and its own script stands within the page, known here by its hash.
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; script-src 'self' 'sha256-{_SCRIPT_HASH}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def documentation() -> list[BaseRoute]:
    """Give the routes of the documentation: the page, what it loads, and the document."""
    return [
        Route("/docs", _page),
        Route("/openapi.json", _document),
        # Found by the package's place. Importing the package would load FastAPI, for which it is a plugin.
        Mount("/swagger", StaticFiles(packages=[("fastapi_swagger", "resources")])),
    ]


async def _page(_: Request) -> Response:
    return HTMLResponse(_PAGE, headers={"content-security-policy": _POLICY, **SAFETY})


async def _document(_: Request) -> Response:
    return Response(await asyncio.to_thread(_encoded_document), media_type="application/json")


def _encoded_document() -> bytes:
    from magisystem.http.openapi import document

    return msgspec.json.encode(document())
