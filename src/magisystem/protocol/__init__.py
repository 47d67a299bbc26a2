"""What is seen on a wire or on disk: events, their values, JSON and SSE form, and the fold. Pure."""
