"""Thoughts in a history, before providers that refuse them."""

import anthropic
import pytest

from clients import Bench, bench  # noqa: F401
from conftest import KEY

SAID = [
    {"role": "user", "content": "Hello there"},
    {
        "role": "assistant",
        "content": "Hello.",
        "reasoning_content": "Let me think.",
        "reasoning_details": [{"type": "reasoning.text", "text": "Let me think."}],
    },
    {"role": "user", "content": "And again"},
]


@pytest.mark.parametrize("bench", ["groq", "openai", "anthropic"], indirect=True)
def test_thoughts_of_a_chat_go_only_where_they_are_taken(bench: Bench) -> None:
    client = bench.gateway.client(KEY)
    client.chat.completions.create(model=bench.model, messages=SAID)
    assert not bench.server.refused
    bench.output = ""
    bench.check()


@pytest.mark.parametrize("bench", ["anthropic"], indirect=True)
@pytest.mark.parametrize("signature", [""])
def test_thoughts_that_claude_did_not_sign_are_left_out(bench: Bench, signature: str) -> None:
    thought = {"type": "thinking", "thinking": "Let me think.", "signature": signature}
    said = [
        {"role": "user", "content": "Hello there"},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "Hello."}]},
        {"role": "user", "content": "And again"},
    ]
    client = bench.gateway.keep(anthropic.Anthropic(base_url=bench.gateway.api_url, api_key=KEY, max_retries=0))
    client.messages.create(model=bench.model, messages=said, max_tokens=99)
    assert not bench.server.refused
