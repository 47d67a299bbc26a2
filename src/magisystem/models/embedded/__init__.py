"""The embedded advisor: deterministic, rule-based, no language model; it works with no network and no key."""
