"""AWS's signatures for calls to the data plane, with botocore's own chain of credentials.

botocore blocks, where credentials are found or renewed: it does so on a thread of its own.
"""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from magisystem.errors import CredentialsMissing

SERVICE = "bedrock-agentcore"
_log = logging.getLogger(__name__)


class Signer:
    """Signs requests to one region (Signature Version 4), the body too."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._session: Any = Session()
        # One thread: whoever comes while credentials are looked for waits for the same ones.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aws-credentials")

    async def signed(self, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        """Give the headers to send, with the signature among them; good for some minutes.

        Raises:
            CredentialsMissing: there are no credentials, or they cannot be renewed.
        """
        request: Any = AWSRequest("POST", url, headers=dict(headers), data=body)
        auth: Any = SigV4Auth(await self.credentials(), SERVICE, self._region)
        auth.add_auth(request)
        return dict(request.headers.items())

    async def credentials(self) -> Any:
        """Give the credentials of now, frozen.

        Raises:
            CredentialsMissing: see `signed`.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._frozen)
        except BotoCoreError as error:
            # Its text names profiles and places, never a key.
            _log.error("The AWS credentials cannot be had: %s", error)
            raise CredentialsMissing from error

    async def aclose(self) -> None:
        """Let go of the thread; what it is waiting for is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _frozen(self) -> Any:
        found = self._session.get_credentials()
        if found is None:
            _log.error("No AWS credentials were found; the runtime cannot be called (MAGI_RUNTIME_AUTH=sigv4).")
            raise CredentialsMissing
        return found.get_frozen_credentials()
