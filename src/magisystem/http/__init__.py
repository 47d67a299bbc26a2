"""The ASGI application: routes, SSE, limits, problem bodies."""
