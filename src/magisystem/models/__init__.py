"""Language models (and one that is none) behind one port, `magisystem.deliberation.ports.Model`."""
