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
build(app, plan)
app.synth()
