"""The ASGI application: routes, SSE, limits, problem bodies. FastAPI and uvicorn; nothing of any model or store."""
