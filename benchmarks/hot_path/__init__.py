"""What one token costs on its way through, and how long the first one takes: this server and its alternatives."""
