"""opencode, over each of the three protocols that it speaks."""

import json

import pytest

from clients import NOTE, Bench, bench, opencode_program  # noqa: F401
from conftest import KEY

PACKAGES = {
    "chat": ("@ai-sdk/openai-compatible", "/v1"),
    "messages": ("@ai-sdk/anthropic", "/v1"),
    "responses": ("@ai-sdk/openai", "/v1"),
}


@pytest.mark.parametrize(
    ("bench", "protocol"),
    [("openai", "chat"), ("anthropic", "chat"), ("gemini3", "messages"), ("ollama", "responses")],
    indirect=["bench"],
)
def test_session_reads_a_file_and_says_what_is_in_it(bench: Bench, protocol: str) -> None:
    package, path = PACKAGES[protocol]
    options = {"baseURL": f"{bench.gateway.api_url}{path}", "apiKey": KEY}
    name = f"nexus/{bench.model}"
    config = {
        "$schema": "https://opencode.ai/config.json",
        "provider": {
            "nexus": {"npm": package, "name": "NexusAI", "options": options, "models": {bench.model: {"name": bench.model}}}
        },
        "model": name,
        "small_model": name,
        "share": "disabled",
        "autoupdate": False,
    }
    (bench.work / "opencode.json").write_text(json.dumps(config))
    told = bench.run(
        [opencode_program(), "run", "What does note.txt say?"],
        OPENCODE_DISABLE_AUTOUPDATE="1",
        OPENCODE_DISABLE_MODELS_FETCH="1",
        OPENCODE_DISABLE_LSP_DOWNLOAD="1",
        OPENCODE_DISABLE_DEFAULT_PLUGINS="1",
    )
    assert NOTE in told, bench.output
    assert any(NOTE in result for asked in bench.server.asked for result in asked.results)
    # The title is asked for in the session's own name.
    bench.check()
