"""The AWS infrastructure, one module a stack. `topology.build` puts them together."""
