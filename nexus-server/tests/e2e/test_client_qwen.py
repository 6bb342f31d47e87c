"""Qwen Code, over chat completions."""

import json

import pytest

from clients import NOTE, Bench, bench, node_program  # noqa: F401
from conftest import KEY


@pytest.mark.parametrize("bench", ["openai", "anthropic", "gemini", "groq"], indirect=True)
def test_session_reads_a_file_and_says_what_is_in_it(bench: Bench) -> None:
    settings = bench.home / ".qwen"
    settings.mkdir()
    quiet = {
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {"disableAutoUpdate": True, "disableUpdateNag": True},
        "security": {"auth": {"selectedType": "openai"}},
    }
    (settings / "settings.json").write_text(json.dumps(quiet))
    told = bench.run(
        [node_program("qwen"), "--auth-type", "openai", "--yolo", "-p", "What does note.txt say?"],
        OPENAI_BASE_URL=f"{bench.gateway.api_url}/v1",
        OPENAI_API_KEY=KEY,
        OPENAI_MODEL=bench.model,
    )
    assert NOTE in told, bench.output
    assert any(NOTE in result for asked in bench.server.asked for result in asked.results)
    bench.check(conversations=1)
