"""Where the static web client lies: an Amplify app. `magi deploy` uploads the bundle and its `config.json` to it."""

import json
import re

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_amplify as amplify
from constructs import Construct

from infrastructure.identity import sign_in_host
from infrastructure.plan import Plan
from magisystem.http.web import PAGES, SAFETY, content_policy

BRANCH = "main"
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"
_TWO_YEARS = "max-age=63072000; includeSubDomains"


class Web(Stack):
    """Nothing of the page is secret; what it may do is said by its headers, as on a server of ours (http/web.py)."""

    def __init__(self, scope: Construct, plan: Plan) -> None:
        super().__init__(
            scope,
            "Web",
            stack_name=f"{plan.name}-web",
            env={"account": plan.account, "region": plan.region},
            description="MAGISystem: the web client",
        )
        app = amplify.CfnApp(
            self,
            "App",
            name=plan.name,
            description="The web client of MAGISystem",
            platform="WEB",
            custom_headers=custom_headers(plan),
            custom_rules=[
                amplify.CfnApp.CustomRuleProperty(source=source, target=target, status=status)
                for source, target, status in rewrites()
            ],
        )
        branch = amplify.CfnBranch(
            self, "Branch", app_id=app.attr_app_id, branch_name=BRANCH, stage="PRODUCTION", enable_auto_build=False
        )
        self.origin = f"https://{BRANCH}.{app.attr_default_domain}"
        CfnOutput(self, "AppId", value=app.attr_app_id)
        CfnOutput(self, "BranchName", value=branch.branch_name)
        CfnOutput(self, "WebUrl", value=self.origin)


def rewrites() -> list[tuple[str, str, str]]:
    """Give source, target and status: each page's path gives the page, and so does a path with nothing, as 404."""
    paths = [re.sub(r"\{\w+\}", "<*>", page) for page in PAGES if page != "/"]
    return [*((path, "/index.html", "200") for path in paths), ("/<*>", "/index.html", "404")]


def custom_headers(plan: Plan) -> str:
    """Give the headers in Amplify's own format; JSON is YAML."""
    safety = {
        **{name.title(): value for name, value in SAFETY.items()},
        "Content-Security-Policy": content_policy(sources(plan)),
        "Strict-Transport-Security": _TWO_YEARS,
    }
    # Patterns that overlap have each header once: which would win is not documented.
    asked = ["/index.html", "/config.json", *(re.sub(r"\{\w+\}", "*", page) for page in PAGES)]
    patterns = {
        "**/*": safety,
        "/assets/*": {"Cache-Control": _FOR_EVER},
        **{pattern: {"Cache-Control": _ASK_FIRST} for pattern in asked},
    }
    document = [
        {"pattern": pattern, "headers": [{"key": key, "value": value} for key, value in headers.items()]}
        for pattern, headers in patterns.items()
    ]
    return json.dumps({"customHeaders": document})


def sources(plan: Plan) -> tuple[str, ...]:
    """Give what the page may connect to besides its own origin.

    The function URL's own name cannot stand here: the function knows the pool's client, the client knows the page's
    address, and that is this app's. So every function URL of the region may be reached by these headers, and the page
    that `magi deploy` uploads names the one (a policy in the page, which browsers apply as well).
    """
    issuer = f"https://cognito-idp.{plan.region}.amazonaws.com"
    if plan.topology == "lambda":
        backend = (f"https://*.lambda-url.{plan.region}.on.aws",)
    else:
        host = f"bedrock-agentcore.{plan.region}.amazonaws.com"
        backend = (f"https://{host}", f"wss://{host}")
    return (*backend, issuer, f"https://{sign_in_host(plan)}")
