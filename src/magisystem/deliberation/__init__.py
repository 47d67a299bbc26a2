"""The life of a deliberation: convene, speak, rule, follow. Everything that awaits, and nothing of any vendor."""
