"""A stand-in for what Amplify, Lambda and Bedrock's control plane answer to a deployment, in the shapes of their APIs.

Amplify: a job is made, a zip file is put to an address that came with it, and the job is started; one job at a time.
https://docs.aws.amazon.com/amplify/latest/APIReference/API_CreateDeployment.html
Bedrock: what an inference profile routes to.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetInferenceProfile.html
Lambda: how much may run at once.
https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
"""

import io
import json
import zipfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

_JOB = {"commitId": "", "commitMessage": "", "commitTime": 0, "startTime": 0, "jobArn": "arn:aws:amplify:::job"}


@dataclass
class AwsStandIn:
    """What was uploaded and which jobs there are; ``profiles`` has the models' ARNs of each inference profile."""

    url: str = ""
    profiles: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])
    # Of all that may run at once, and of what no function has reserved; None refuses to say.
    concurrency: tuple[int, int] | None = (1_000, 1_000)
    jobs: dict[str, str] = field(default_factory=dict[str, str])
    uploaded: bytes = b""
    ends_as: str = "SUCCEED"
    # How many times a job that is under way is looked at before it ends.
    looks: int = 0
    # Whether somebody else begins an upload whenever we are about to.
    is_outrun: bool = False

    @property
    def files(self) -> dict[str, bytes]:
        """The files of the zip that was uploaded last."""
        with zipfile.ZipFile(io.BytesIO(self.uploaded)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Answer one request."""
        path = path.partition("?")[0]
        if path == "/2016-08-19/account-settings":
            return self._account_settings()
        if path.startswith("/inference-profiles/"):
            arns = self.profiles.get(path.rpartition("/")[2])
            return (404, _missing(path)) if arns is None else (200, {"models": [{"modelArn": arn} for arn in arns]})
        if method == "PUT":
            self.uploaded = body
            return 200, {}
        place, _, rest = path.partition("/branches/main/")
        return self._of_branch(rest.split("/"), body) if place.startswith("/apps/") else (404, _missing(path))

    def _account_settings(self) -> tuple[int, dict[str, Any]]:
        if self.concurrency is None:
            return 403, {"__type": "AccessDeniedException", "message": "User is not authorized."}
        in_all, unreserved = self.concurrency
        limit = {"ConcurrentExecutions": in_all, "UnreservedConcurrentExecutions": unreserved}
        return 200, {"AccountLimit": limit, "AccountUsage": {"FunctionCount": 1}}

    def _of_branch(self, words: list[str], body: bytes) -> tuple[int, dict[str, Any]]:
        match words:
            case ["deployments"]:
                return self._begun()
            case ["deployments", "start"]:
                number = json.loads(body)["jobId"]
                self.jobs[number] = self.ends_as if self.uploaded else "FAILED"
            case ["jobs"]:
                self._go_on()
                return 200, {"jobSummaries": [self._summary(number) for number in reversed(self.jobs)][:1]}
            case ["jobs", number, "stop"]:
                self.jobs[number] = "CANCELLING"
            case ["jobs", number]:
                return 200, {"job": {"summary": self._summary(number), "steps": []}}
            case _:
                return 404, _missing("/".join(words))
        return 200, {"jobSummary": self._summary(number)}

    def _begun(self) -> tuple[int, dict[str, Any]]:
        number = str(len(self.jobs) + 1)
        if self.is_outrun:
            self.is_outrun = False
            self.jobs[number] = "RUNNING"
        if {"PENDING", "RUNNING", "CANCELLING"} & set(self.jobs.values()):
            return 400, {"__type": "BadRequestException", "message": "The last job(deployment) 1 was not finished."}
        self.jobs[number] = "PENDING"
        return 200, {"jobId": number, "fileUploadUrls": {}, "zipUploadUrl": f"{self.url}/upload"}

    def _go_on(self) -> None:
        """Let what is being cancelled, and what somebody else runs, take a look or two more until it ends."""
        ends = {"CANCELLING": "CANCELLED", "RUNNING": "SUCCEED"}
        under_way = [number for number, status in self.jobs.items() if status in ends]
        if under_way and self.looks:
            self.looks -= 1
        else:
            self.jobs |= {number: ends[self.jobs[number]] for number in under_way}

    def _summary(self, number: str) -> dict[str, Any]:
        return {**_JOB, "jobId": number, "jobType": "MANUAL", "status": self.jobs[number]}


def _missing(path: str) -> dict[str, Any]:
    return {"__type": "ResourceNotFoundException", "message": f"There is no {path}."}


@contextmanager
def aws_stand_in() -> Generator[AwsStandIn]:
    """Serve a stand-in on a port of its own."""
    stand_in = AwsStandIn()

    class Answering(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, answer = stand_in.answer(self.command, self.path, body)
            written = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the library's own names

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        stand_in.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()
