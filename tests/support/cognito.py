"""Amazon Cognito as moto has it, on a port of its own: boto3 makes a user pool there, and gets real tokens from it."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import boto3
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

_PASSWORD = "Correct-horse-1"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a person who has signed in holds."""

    access: str
    id: str


@dataclass(frozen=True, slots=True)
class UserPool:
    """A user pool with one client."""

    discovery_url: str
    client_id: str
    _pool_id: str
    _cognito: Any

    def sign_in(self, person: str) -> Tokens:
        """Sign a new person up and in."""
        self._cognito.admin_create_user(UserPoolId=self._pool_id, Username=person)
        self._cognito.admin_set_user_password(
            UserPoolId=self._pool_id, Username=person, Password=_PASSWORD, Permanent=True
        )
        answer = self._cognito.initiate_auth(
            ClientId=self.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": person, "PASSWORD": _PASSWORD},
        )["AuthenticationResult"]
        return Tokens(answer["AccessToken"], answer["IdToken"])


@dataclass(frozen=True, slots=True)
class Cognito:
    """The service. Its pools sign with one key, so that only the issuer tells their tokens apart."""

    url: str

    def user_pool(self) -> UserPool:
        """Make a user pool."""
        cognito = cast("Any", boto3).client(
            "cognito-idp",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="very-secret",
        )
        pool_id = cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
        client = cognito.create_user_pool_client(
            UserPoolId=pool_id, ClientName="web", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
        )["UserPoolClient"]["ClientId"]
        return UserPool(f"{self.url}/{pool_id}/.well-known/openid-configuration", client, pool_id, cognito)


@contextmanager
def serving_cognito() -> Generator[Cognito]:
    """Serve Cognito in a thread."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Cognito(f"http://{host}:{port}")
    finally:
        server.stop()
