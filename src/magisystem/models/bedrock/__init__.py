"""Amazon Bedrock's ConverseStream, fully async: no thread a stream."""
