"""The ASGI application: routes, SSE, limits, problem bodies. Starlette and uvicorn; nothing of any model or store."""
