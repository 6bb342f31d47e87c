"""Pydantic AI, over each of the three protocols: tools, and an answer of a given type, which it has forced."""

import json
import os

import pytest

from clients import HERE, NOTE, Bench, bench  # noqa: F401
from conftest import KEY
from dialects import Asked, Call, Said

# It has an environment of its own: it wants an older version of Anthropic's SDK.
PYTHON = os.environ.get("NEXUS_PYDANTIC_AI_PYTHON", "")


def script(asked: Asked) -> Said:
    typed = {"words": asked.told, "count": 3}
    if asked.format:
        return Said(json.dumps(typed), [], told=asked.told)
    if "final_result" in asked.tools:
        return Said("", [Call("final_result", typed)], told=asked.told)
    if asked.results:
        return Said(f"The note says: {asked.results[-1]}", [], told=asked.told)
    return Said("I will look.", [Call("read_note", {"name": "note.txt"})], told=asked.told)


@pytest.mark.parametrize(
    ("bench", "face"),
    [("openai", "chat"), ("anthropic", "responses"), ("gemini", "messages"), ("ollama", "chat"), ("anthropic", "messages")],
    indirect=["bench"],
)
def test_session_calls_a_tool_and_gives_what_was_asked_for(bench: Bench, face: str) -> None:
    bench.server.script = script
    program = str(HERE / "clients/pydantic_ai_session.py")
    told = json.loads(bench.run([PYTHON, program, bench.gateway.api_url, KEY, bench.model, face]))
    assert NOTE in told["first"] and NOTE in told["second"]
    assert told["typed"] == {"words": "Say three words", "count": 3}
    assert sum(NOTE in result for asked in bench.server.asked for result in asked.results) >= 2
    bench.check(conversations=None)
