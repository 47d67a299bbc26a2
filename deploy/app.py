"""What `cdk synth` and `cdk deploy` run: the stacks of one topology. The context of the command line says which.

It reads no environment and looks nothing up, so that synthesis needs neither credentials nor a network.
"""

from aws_cdk import App

from infrastructure.plan import read_plan
from infrastructure.topology import build

app = App(analytics_reporting=False)
build(app, read_plan(app.node.try_get_context))
app.synth()
