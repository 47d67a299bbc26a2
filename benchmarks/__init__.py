"""What things cost, measured. Run by hand; no test asserts on time."""
