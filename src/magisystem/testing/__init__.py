"""What users of a port need to test with: contract suites, a scripted model, a manual clock."""
