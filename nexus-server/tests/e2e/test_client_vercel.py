"""The Vercel AI SDK's default model for OpenAI: two turns, with tools and with text beside their calls."""

import json

import pytest

from clients import NOTE, Bench, bench, session  # noqa: F401
from conftest import KEY
from test_sdk_node import SDKS


@pytest.mark.parametrize("bench", ["openai", "anthropic", "gemini", "ollama"], indirect=True)
def test_turns_refer_to_items_by_their_ids(bench: Bench) -> None:
    bench.server.script = session(bench.work, steps=1)
    program = str(SDKS / "vercel_references.mjs")
    told = json.loads(bench.run(["node", program, bench.gateway.api_url, KEY, bench.model]))
    assert NOTE in told["first"] and NOTE in told["second"]
    assert told["steps"] == 2
    bench.check(conversations=None)
