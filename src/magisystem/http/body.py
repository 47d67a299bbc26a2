"""Reading a request's body, within a bound, whatever its headers say."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from magisystem.errors import BodyTooLarge
from magisystem.http.problems import BodyLate, UnsupportedMediaType

BODY_S = 30.0


async def read_json_body(request: Request, limit_bytes: int) -> bytes:
    """Give the body's bytes.

    The media type has to be JSON: a browser sends that to another origin only after a CORS preflight, so no foreign
    page can start work here by a plain form or a text body. What is not announced at all is taken for JSON, as AWS's
    SDKs send it, unless a page sends it: browsers name the page's origin with every POST.

    Raises:
        UnsupportedMediaType: the body is not announced as JSON.
        BodyTooLarge: it is over ``limit_bytes``; reading stops there.
        BodyLate: it did not come whole within `BODY_S`, or its sender left.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
    is_of_no_page = not media_type and "origin" not in request.headers
    if not is_json and not is_of_no_page:
        raise UnsupportedMediaType(
            f"The body must be sent as application/json; it came as {media_type or 'nothing in particular'}.",
            field="content-type",
        )
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for piece in request.stream():
                body += piece
                if len(body) > limit_bytes:
                    raise BodyTooLarge(limit_bytes)
    except TimeoutError as error:
        raise BodyLate(f"The body did not come within {BODY_S:g} s.") from error
    except ClientDisconnect as error:
        # Nobody hears it; it only has to end without being taken for a fault of the server.
        raise BodyLate("The client left before its body had come.") from error
    return bytes(body)
