"""Pydantic AI over one protocol: two turns with a tool, and an answer of a given type. Writes what came as JSON."""

import json
import pathlib
import sys

import pydantic
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

base, key, name, face = sys.argv[1:]


class Found(pydantic.BaseModel):
    words: str
    count: int


match face:
    case "chat":
        model = OpenAIChatModel(name, provider=OpenAIProvider(base_url=f"{base}/v1", api_key=key))
    case "responses":
        model = OpenAIResponsesModel(name, provider=OpenAIProvider(base_url=f"{base}/v1", api_key=key))
    case _:
        model = AnthropicModel(name, provider=AnthropicProvider(base_url=base, api_key=key))

agent = Agent(model, instructions="You read notes.")


@agent.tool_plain
def read_note(name: str) -> str:
    """Reads a note."""
    return pathlib.Path(name).read_text()


first = agent.run_sync("What does note.txt say?")
second = agent.run_sync("And again?", message_history=first.all_messages())
# Its default is a tool that has to be called.
typed = Agent(model, output_type=Found).run_sync("Say three words").output
print(json.dumps({"first": first.output, "second": second.output, "typed": typed.model_dump()}))
