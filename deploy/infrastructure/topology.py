"""Which stacks a topology has, and in which order they need each other."""

from aws_cdk import App, Tags

from infrastructure.gateway import Gateway
from infrastructure.identity import Identity
from infrastructure.observability import Observability
from infrastructure.plan import Plan
from infrastructure.registry import Registry
from infrastructure.runtime import Runtime
from infrastructure.web import Web


def build(app: App, plan: Plan) -> None:
    """Add the stacks of ``plan`` to ``app``.

    The page's address comes first, because the pool and the gateway must know it; then who may sign in; then what they
    reach.
    """
    registry = Registry(app, plan)
    web = Web(app, plan)
    identity = Identity(app, plan, web.origin)
    runtime = Runtime(app, plan, identity)
    # By name only, so that a new image needs no change of the registry's stack.
    runtime.add_stack_dependency(registry)
    gateway = Gateway(app, plan, identity, runtime, web.origin) if plan.topology == "lambda" else None
    Observability(app, plan, runtime, gateway)
    Tags.of(app).add("application", f"magisystem-{plan.name}")
