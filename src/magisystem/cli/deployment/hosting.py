"""The page on Amplify Hosting: one upload at a time, whoever makes it."""

import time
from datetime import UTC
from pathlib import Path
from typing import Any

import httpx2
from botocore import exceptions

from magisystem.cli.deployment.account import failing
from magisystem.cli.deployment.wanted import StepFailed

_ENDED = frozenset({"SUCCEED", "FAILED", "CANCELLED"})
_PUBLISH_S = 300.0
_OTHERS_S = 120.0
_PAUSE_S = 1.0


class Hosting:
    """One branch of one app.

    Amplify says of a job neither who made it nor whether they still are there. So an upload that was begun from this
    checkout is noted in ``folder`` until it ends, and that one alone is cancelled where it was interrupted.
    """

    def __init__(
        self,
        amplify: Any,
        app: str,
        branch: str,
        folder: Path,
        *,
        others_s: float = _OTHERS_S,
        pause_s: float = _PAUSE_S,
    ) -> None:
        self._amplify = amplify
        self._place = {"appId": app, "branchName": branch}
        self._note = folder / "upload"
        self._others_s = others_s
        self._pause_s = pause_s

    def publish(self, bundle: bytes) -> None:
        """Put ``bundle``, a zip file, in the place of what the app shows.

        Raises:
            StepFailed: AWS refused, another upload does not end, or ours did not take effect within five minutes.
        """
        with failing("upload the web client"):
            begun = self._begin()
            job = str(begun["jobId"])
            answer = httpx2.put(
                begun["zipUploadUrl"], content=bundle, headers={"content-type": "application/zip"}, timeout=60
            )
            answer.raise_for_status()
            self._amplify.start_deployment(**self._place, jobId=job)
            deadline = time.monotonic() + _PUBLISH_S
            while (status := self._status(job)) not in _ENDED:
                if time.monotonic() > deadline:
                    raise StepFailed(f"The web client was uploaded, but Amplify's job {job} does not end.")
                time.sleep(self._pause_s)
        self._note.unlink(missing_ok=True)
        if status != "SUCCEED":
            raise StepFailed(f"Amplify's job {job} ended as {status}; its page in the console says why.")

    def _begin(self) -> dict[str, Any]:
        """Make a job as soon as no other is under way: Amplify has one at a time, also while one is being cancelled."""
        deadline = time.monotonic() + self._others_s
        while True:
            self._await_others(deadline)
            try:
                begun = self._amplify.create_deployment(**self._place)
            except exceptions.ClientError as error:
                # Somebody else was faster: https://github.com/aws-amplify/amplify-backend/issues/2137
                if "was not finished" not in str(error) or time.monotonic() > deadline:
                    raise
            else:
                self._note.parent.mkdir(parents=True, exist_ok=True)
                self._note.write_text(self._noted(begun["jobId"]))
                return begun

    def _await_others(self, deadline: float) -> None:
        is_stopped = False
        while (job := self._under_way()) is not None:
            number, status = str(job["jobId"]), str(job["status"])
            if not is_stopped and status != "CANCELLING" and self._is_ours(number):
                self._amplify.stop_job(**self._place, jobId=number)
                is_stopped = True
            elif time.monotonic() > deadline:
                raise StepFailed(self._in_the_way(number, status, job))
            else:
                time.sleep(self._pause_s)

    def _in_the_way(self, number: str, status: str, job: dict[str, Any]) -> str:
        app, branch, region = *self._place.values(), self._amplify.meta.region_name
        begun = f"{job['startTime'].astimezone(UTC):%Y-%m-%d %H:%M}"
        return (
            f"Another upload of the web client is under way: Amplify's job {number} of app {app}, begun at {begun} "
            f"UTC, is {status}. It was not begun from this checkout, so it was left alone. Wait until it ends and run "
            "the same command again. If nobody is at it, cancel it before: "
            f"aws amplify stop-job --region {region} --app-id {app} --branch-name {branch} --job-id {number}"
        )

    def _under_way(self) -> dict[str, Any] | None:
        newest = self._amplify.list_jobs(**self._place, maxResults=1)["jobSummaries"]
        return next((job for job in newest if job["status"] not in _ENDED), None)

    def _status(self, job: str) -> str:
        return str(self._amplify.get_job(**self._place, jobId=job)["job"]["summary"]["status"])

    def _is_ours(self, job: str) -> bool:
        return self._note.is_file() and self._note.read_text() == self._noted(job)

    def _noted(self, job: str) -> str:
        return " ".join([*self._place.values(), job])
