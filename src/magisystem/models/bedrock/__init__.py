"""Amazon Bedrock: ConverseStream as a Strands model provider, without a thread a stream.

`runtime` holds the connection, `model` speaks Strands' language, `sampling` knows what which model refuses. Importing
this package loads neither Strands nor an AWS SDK: `runtime` loads its SDK on first use, and `model` is imported by
whoever speaks through it, since it is a subclass of Strands' own.
"""

from magisystem.models.bedrock.runtime import BedrockRuntime
from magisystem.models.bedrock.sampling import SamplingFields, sampling_fields

__all__ = ["BedrockRuntime", "SamplingFields", "sampling_fields"]
