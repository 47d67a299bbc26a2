"""The relay from a Lambda Function URL to AgentCore Runtime."""
