"""The SDKs for Node, before providers of every dialect. What each does is in `sdks/`."""

import json
import pathlib
import subprocess
from typing import Any

from conftest import KEY, MODEL
from gateway import Gateway
from sdk import dialect  # noqa: F401

SDKS = pathlib.Path(__file__).parent / "sdks"
CHAT = {
    "chat": "You said: Hello there",
    "turns": "You said: And again",
    "stream": "You said: And again",
    "call": {"city": "Paris"},
    "tools": "The tool says: sunny",
}


def run(script: str, gateway: Gateway) -> dict[str, Any]:
    done = subprocess.run(
        ["node", script, gateway.api_url, KEY, MODEL],
        cwd=SDKS,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_openai(dialect: Gateway) -> None:
    said = {"response": "You said: Hello there", "responseStream": "You said: Hello there"}
    tools = {"responseTools": "The tool says: sunny", "limited": [429, True]}
    assert run("openai.mjs", dialect) == CHAT | said | tools


def test_anthropic(dialect: Gateway) -> None:
    assert run("anthropic.mjs", dialect) == CHAT | {"limited": [429, True]}


def test_vercel(dialect: Gateway) -> None:
    told = run("vercel.mjs", dialect)
    assert told == {"chat": CHAT, "responses": CHAT, "messages": CHAT}
