"""Starlette without its layers around what streams for long. `LiveBody` knows how to be streamed so, and says why.

The gateway has plain Starlette: its relays refuse until their head is sent, which is for the layers to answer.
"""

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from magisystem.http.live_body import UNWOUND, LiveBody


class Unwinding(Starlette):
    """Starlette, which streams the bodies of `LiveBody` when all its layers have ended, and straight to the server.

    No layer has anything to do with such a body but with its head, which passes them all. As long as the stream lasts
    they would be kept, a frame and more of each, and each piece would go through all of them.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Raises:
            Aborted, Exception: see `LiveBody.stream`.
        """
        unwound: list[LiveBody[object]] = []
        scope[UNWOUND] = unwound
        await super().__call__(scope, receive, send)
        if unwound:
            await unwound.pop().stream(receive, send)
