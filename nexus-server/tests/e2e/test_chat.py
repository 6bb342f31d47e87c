"""Whole answers, through OpenAI's own client."""

import asyncio
import socket
import uuid
from collections.abc import Callable

import openai
import pytest

from conftest import KEY, MODEL
from gateway import Gateway
from prompts import GREETING, ask, forced


def test_an_answer_is_the_upstreams(client: openai.OpenAI, direct: openai.OpenAI) -> None:
    question = ask("Name a colour.")

    through = client.chat.completions.create(model=MODEL, **question)
    expected = direct.chat.completions.create(model=MODEL, **question)

    assert through.choices[0].message.content == expected.choices[0].message.content
    assert through.choices[0].finish_reason == expected.choices[0].finish_reason
    assert through.usage == expected.usage
    # A field that no OpenAI type knows: llama.cpp's timings.
    assert through.model_extra is not None
    assert through.model_extra["timings"]["predicted_n"] == expected.model_extra["timings"]["predicted_n"]


def test_chinese_text_comes_through_whole(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, **forced(GREETING))

    assert answer.choices[0].message.content == GREETING


def test_rounds_of_a_named_conversation_are_counted_together(
    gateway: Gateway, client: openai.OpenAI
) -> None:
    messages = [{"role": "user", "content": "My name is Ada."}]
    seen = []
    for text in ("What is my name?", "Spell it."):
        answer = client.chat.completions.create(
            model=MODEL,
            **ask("", messages=messages),
            extra_headers={"x-conversation-id": "ada-1"},
        )
        seen.append(answer.usage.total_tokens)
        messages.append({"role": "assistant", "content": answer.choices[0].message.content})
        messages.append({"role": "user", "content": text})

    conversation = gateway.admin("GET", "/stats/conversation/ada-1")
    assert conversation["rounds"] == 2
    assert conversation["total_tokens"] == sum(seen)
    assert [row["total_tokens"] for row in conversation["requests"]] == seen
    assert gateway.totals()["total_conversations"] == 1


def test_many_at_once_get_their_own_answers(gateway: Gateway) -> None:
    words = ["alpha", "beta", "gamma", "delta", "一", "二"]

    async def answers() -> list[str | None]:
        async with gateway.async_client(KEY) as client:
            calls = (client.chat.completions.create(model=MODEL, **forced(w)) for w in words)
            return [a.choices[0].message.content for a in await asyncio.gather(*calls)]

    assert asyncio.run(answers()) == words
    assert gateway.totals()["total_rounds"] == len(words)


def test_every_answer_says_which_request_it_was(gateway: Gateway, client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model=MODEL, **ask("Hi"))

    request_id = raw.headers["x-request-id"]
    assert uuid.UUID(request_id).version == 7
    assert raw.headers["x-conversation-id"]
    assert raw.headers["x-nexus-provider"] == "local"
    row = gateway.row(request_id)
    assert row["conversation_id"] == raw.headers["x-conversation-id"]
    assert (row["state"], row["usage_source"]) == ("completed", "reported")
    assert row["total_tokens"] == raw.parse().usage.total_tokens


def test_the_key_sees_its_models(client: openai.OpenAI) -> None:
    assert [(model.id, model.owned_by) for model in client.models.list()] == [(MODEL, "local")]


def test_a_wrong_key_is_refused(gateway: Gateway) -> None:
    with pytest.raises(openai.AuthenticationError) as refused:
        gateway.client("sk-not-a-key").chat.completions.create(model=MODEL, **ask("Hi"))

    assert refused.value.code == "invalid_api_key"
    assert refused.value.request_id


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="no-such-model", **ask("Hi"))

    assert refused.value.code == "model_not_found"


def test_the_upstreams_refusal_reaches_the_client_as_it_is(
    gateway: Gateway, client: openai.OpenAI, direct: openai.OpenAI
) -> None:
    nonsense = ask("Hi", extra_body={"grammar": "root := !"})

    with pytest.raises(openai.BadRequestError) as expected:
        direct.chat.completions.create(model=MODEL, **nonsense)
    with pytest.raises(openai.BadRequestError) as through:
        client.chat.completions.create(model=MODEL, **nonsense)

    assert through.value.body == expected.value.body
    row = gateway.row(through.value.request_id)
    assert (row["state"], row["status"]) == ("failed", 400)


def test_a_provider_that_is_gone_is_passed_over(
    start: Callable[..., Gateway], upstream: str
) -> None:
    gateway = start()
    # Bound and never listening: nobody else can take the port, and a connection is refused.
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{gone.getsockname()[1]}/v1"
        gateway.register(dead, key=KEY, model=MODEL, name="gone", priority=0)
        gateway.register(upstream, key=KEY, model=MODEL, name="local", priority=1)

        raw = gateway.client(KEY).chat.completions.with_raw_response.create(
            model=MODEL, **ask("Hi")
        )

    assert raw.headers["x-nexus-provider"] == "local"
    row = gateway.row(raw.headers["x-request-id"])
    assert (row["state"], row["provider"], row["attempts"]) == ("completed", "local", 2)
