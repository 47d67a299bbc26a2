"""MAGISystem: several AIs deliberate on one question at once, each streaming live; a judge rules.

The package's parts are described in ARCHITECTURE.md. Importing this module imports nothing else.
"""
