"""The systems this server is measured against, each written as its own guide shows.

They get less work than this server: no votes, no log, no resumption; three sages at once, then a judge who reads the
three statements, streamed as server-sent events. They are asked with ``POST /invocations`` and ``{"question": "…"}``;
every text arrives as ``{"agent": "…", "text": "…"}``, and ``{"complete": true}`` or an event with an ``error`` is the
last. The prompts are the same for all, from ``prompts.json``.
"""
