"""Codex, over Responses, as it is installed."""

import json

import pytest

from clients import NOTE, Bench, bench, node_program  # noqa: F401
from conftest import KEY

CONFIG = """
model = "{model}"
model_provider = "nexus"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.nexus]
name = "NexusAI"
base_url = "{url}/v1"
env_key = "NEXUS_KEY"
wire_api = "responses"
"""

# With a name that it knows, Codex offers other tools: `custom` ones, and some in an item of the input.
BENCHES = [
    "openai",
    "anthropic",
    "gemini3",
    "ollama",
    ("openai", "gpt-5.5"),
    ("anthropic", "gpt-5.5"),
    ("gemini", "gpt-6-sol"),
    ("anthropic", "gpt-6-sol"),
]


@pytest.mark.parametrize("bench", BENCHES, indirect=True, ids=lambda bench: "-".join(bench) if isinstance(bench, tuple) else bench)
def test_session_runs_a_command_and_says_what_came(bench: Bench) -> None:
    home = bench.home / ".codex"
    home.mkdir()
    (home / "config.toml").write_text(CONFIG.format(model=bench.model, url=bench.gateway.api_url))
    command = [node_program("codex"), "exec", "--json", "--skip-git-repo-check", "What does note.txt say?"]
    told = bench.run(command, NEXUS_KEY=KEY, CODEX_HOME=str(home))
    events = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    words = [event["item"].get("text", "") for event in events if event["type"] == "item.completed"]
    assert any(NOTE in text for text in words), bench.output
    assert any(event["type"] == "turn.completed" for event in events), bench.output
    assert any(NOTE in result for asked in bench.server.asked for result in asked.results)
    if "apply_patch" in bench.server.asked[0].tools:
        assert (bench.work / "made.txt").read_text() == "made by a patch\n", bench.output
    bench.check(conversations=1)

    # Going on with it is the same conversation.
    more = [node_program("codex"), "exec", "resume", "--last", "--json", "--skip-git-repo-check", "Say it again."]
    bench.run(more, NEXUS_KEY=KEY, CODEX_HOME=str(home))
    bench.check(conversations=1)
