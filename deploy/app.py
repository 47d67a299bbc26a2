"""What `cdk synth` and `cdk deploy` run: the stacks of one topology. The context of the command line says which.

It reads no environment and looks nothing up, so that synthesis needs neither credentials nor a network.
"""

import sys

from aws_cdk import App

from infrastructure.models import ModelNotDeployable
from infrastructure.plan import PlanInvalid, read_plan
from infrastructure.topology import build

app = App(analytics_reporting=False)
try:
    plan = read_plan(app.node.try_get_context)
except (PlanInvalid, ModelNotDeployable) as error:
    sys.exit(f"error: {error}")
for model in plan.models:
    if model.assumed:
        sys.stderr.write(
            f"warning: where {model.profile} routes to was not asked of the account; it is assumed to be "
            f"{', '.join(model.assumed)}. Calls that go elsewhere are refused: allow bedrock:GetInferenceProfile to "
            "whoever deploys, and it is asked.\n"
        )
build(app, plan)
app.synth()
