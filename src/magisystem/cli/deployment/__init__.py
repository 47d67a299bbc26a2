"""Bringing the system into an AWS account: what is wanted, what it needs first, the steps, and the calls they make.

The stacks are in the checkout's `deploy/` folder and are the CDK's business; here stands what goes around them.
"""
