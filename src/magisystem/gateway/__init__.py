"""The relay from whoever asks to AgentCore Runtime: authenticates, calls the data plane, streams, resumes.

It starts at once: no module of it loads agents, models, records or pydantic (held by import-linter), and what is heavy
and needed (HTTP client, AWS's signatures, tokens) loads after its port is open.
"""
