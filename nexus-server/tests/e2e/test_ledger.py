"""What the ledger says against what the client saw."""

import asyncio
from typing import Any

import openai
import pytest

from conftest import KEY, MODEL, UPSTREAM_KEY
from gateway import AdminError, Gateway
from prompts import ask

FIGURES = ("prompt_tokens", "completion_tokens", "total_tokens")


def spent(usages: list[Any]) -> dict[str, int]:
    return {figure: sum(getattr(usage, figure) for usage in usages) for figure in FIGURES}


def test_totals_are_the_sum_of_what_the_client_saw(gateway: Gateway, client: openai.OpenAI) -> None:
    usages = [
        client.chat.completions.create(model=MODEL, **ask("Name a colour.")).usage,
        client.chat.completions.create(model=MODEL, **ask("说一个颜色")).usage,
    ]
    stream = client.chat.completions.create(
        model=MODEL,
        stream=True,
        stream_options={"include_usage": True},
        **ask("Name an animal."),
    )
    usages.append([chunk.usage for chunk in stream][-1])

    async def at_once() -> list[Any]:
        async with gateway.async_client(KEY) as client:
            calls = (
                client.chat.completions.create(model=MODEL, **ask(f"Count to {n}."))
                for n in range(2, 8)
            )
            return [answer.usage for answer in await asyncio.gather(*calls)]

    usages += asyncio.run(at_once())

    totals = gateway.totals()
    expected = spent(usages)
    assert {figure: totals[figure] for figure in FIGURES} == expected
    assert totals["requests"] == totals["total_rounds"] == len(usages)
    for part in (totals["by_provider"], totals["by_model"]):
        assert {figure: sum(p[figure] for p in part) for figure in FIGURES} == expected


def test_a_failed_request_counts_as_one_without_tokens(
    gateway: Gateway, client: openai.OpenAI
) -> None:
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=MODEL, **ask("Hi", extra_body={"grammar": "?"}))

    totals = gateway.totals()
    assert (totals["requests"], totals["total_rounds"], totals["total_tokens"]) == (1, 0, 0)


def test_a_change_is_in_force_for_the_next_request(gateway: Gateway, client: openai.OpenAI) -> None:
    client.chat.completions.create(model=MODEL, **ask("Hi"))
    provider = gateway.admin("GET", "/providers")["providers"][0]
    model = gateway.admin("GET", f"/providers/{provider['id']}/models")["models"][0]

    gateway.admin("DELETE", f"/provider_models/{model['id']}")
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model=MODEL, **ask("Hi"))

    gateway.admin("DELETE", f"/providers/{provider['id']}")
    with pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(model=MODEL, **ask("Hi"))
    with pytest.raises(AdminError) as gone:
        gateway.admin("GET", f"/providers/{provider['id']}")
    assert gone.value.status == 404

    totals = gateway.totals()
    assert totals["total_rounds"] == 1, "history stays when its provider goes"
    assert totals["by_provider"][0]["provider"] == "local"


def test_no_key_and_no_prompt_is_written_down(gateway: Gateway, client: openai.OpenAI) -> None:
    secret = "canary-7f3a-in-a-prompt"
    client.chat.completions.create(model=MODEL, **ask(secret))
    shown = gateway.admin("GET", "/providers")["providers"][0]
    gateway.stop()

    assert KEY not in str(shown) and UPSTREAM_KEY not in str(shown)
    written = [path for path in gateway.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in written)
    for path in written:
        content = path.read_bytes()
        for word in (KEY, UPSTREAM_KEY, secret):
            assert word.encode() not in content, f"{word} is in {path}"
