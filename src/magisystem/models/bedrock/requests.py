"""ConverseStream's requests as bytes: the path, the body, and who asks, signed or by a bearer token."""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote, urlsplit

import msgspec

from magisystem.errors import ModelRejected, ModelUnavailable

# The service's name in a signature; its endpoint's is `bedrock-runtime`.
_SIGNED_AS = "bedrock"


class Requests:
    """Writes requests to one endpoint. Importing this module loads no SDK; the first signature loads botocore.

    Args:
        endpoint_url: scheme, host, port and the path before the operation's own.
        region: which a signature is good for.
        user_agent: what the SDK calls itself.
        is_forwarded: whether a proxy takes the requests, and must be told the whole URL.
        further_headers: what every request has more.
    """

    def __init__(
        self,
        endpoint_url: str,
        region: str,
        user_agent: str,
        *,
        is_forwarded: bool = False,
        further_headers: Mapping[str, str] | None = None,
    ) -> None:
        url = urlsplit(endpoint_url)
        self._host = url.netloc.rpartition("@")[2]
        self._base = f"{url.scheme}://{self._host}"
        self._path = url.path.rstrip("/")
        self._region = region
        self._is_forwarded = is_forwarded
        # Not signed: proxies may change them. What compresses a stream holds it back until a block is full.
        self._unsigned = {"user-agent": user_agent, "accept-encoding": "identity", **(further_headers or {})}

    def signed(self, request: Mapping[str, Any], credentials: Any) -> bytes:
        """Write a request, signed (Signature Version 4), body and all.

        Args:
            request: the operation's fields, ``modelId`` among them.
            credentials: botocore's, frozen.

        Raises:
            ModelRejected: the request cannot be written.
            ModelUnavailable: the credentials hold what no header can.
        """
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        path, body = self._path_of(request), _body_of(request)
        to_sign: Any = cast("Any", AWSRequest)(
            "POST", self._base + path, headers={"host": self._host, "content-type": "application/json"}, data=body
        )
        cast("Any", SigV4Auth)(credentials, _SIGNED_AS, self._region).add_auth(to_sign)
        return self._message(path, dict(to_sign.headers.items()), body)

    def with_token(self, request: Mapping[str, Any], token: str) -> bytes:
        """Write a request that a bearer token vouches for.

        Raises:
            ModelRejected: the request cannot be written.
            ModelUnavailable: the token holds what no header can.
        """
        headers = {"host": self._host, "content-type": "application/json", "authorization": f"Bearer {token}"}
        return self._message(self._path_of(request), headers, _body_of(request))

    def _path_of(self, request: Mapping[str, Any]) -> str:
        return f"{self._path}/model/{quote(request['modelId'], safe='')}/converse-stream"

    def _message(self, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        target = self._base + path if self._is_forwarded else path
        fields = {**headers, **self._unsigned, "content-length": str(len(body))}
        if not all(value.isascii() and value.isprintable() for value in fields.values()):
            raise ModelUnavailable("The AWS credentials hold characters that cannot be sent. Set them anew.")
        lines = (f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", "")
        return "\r\n".join(lines).encode("ascii") + body


def _body_of(request: Mapping[str, Any]) -> bytes:
    fields = {name: value for name, value in request.items() if name != "modelId"}
    try:
        # Bytes become base64, as botocore has them.
        return msgspec.json.encode(fields)
    except (TypeError, ValueError) as error:
        raise ModelRejected("The request does not fit ConverseStream.") from error
