"""Addresses a program listens on. Pure, and without a library: what has to start at once asks here too."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
