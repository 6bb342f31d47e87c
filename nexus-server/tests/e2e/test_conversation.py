"""Conversations that nobody names, and their messages, through OpenAI's own client."""

from collections.abc import Callable

import openai

from conftest import KEY, MODEL
from gateway import Gateway
from prompts import ask


def say(client: openai.OpenAI, messages: list[dict], stream: bool) -> tuple[str, str]:
    """Sends the messages; returns the answer, put together, and the conversation's id."""
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, stream=stream, **ask("", messages=messages)
    )
    answer = raw.parse()
    if stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
    else:
        text = answer.choices[0].message.content
    return text, raw.headers["x-conversation-id"]


def test_a_chat_that_goes_on_is_one_conversation_across_a_restart(
    upstream: str, start: Callable[..., Gateway]
) -> None:
    gateway = start("--archive-messages")
    gateway.register(upstream, key=KEY, model=MODEL)
    messages = [{"role": "user", "content": "My name is Ada. 你好!"}]
    seen = []
    for stream, text in ((False, "What is my name?"), (True, "Spell it."), (False, "Thanks.")):
        answer, conversation = say(gateway.client(KEY), messages, stream)
        seen.append(conversation)
        messages.append({"role": "assistant", "content": answer})
        messages.append({"role": "user", "content": text})
        if stream:
            gateway.stop()
            gateway = start("--archive-messages")

    assert len(set(seen)) == 1
    found = gateway.admin("GET", f"/stats/conversation/{seen[0]}")
    assert found["rounds"] == 3
    assert [line["messages"] for line in found["messages"]] == [messages[:1], messages[:3], messages[:5]]
    replies = [line["reply"][0]["content"] for line in found["messages"]]
    assert replies == [messages[index]["content"] for index in (1, 3, 5)]


def test_the_same_opening_twice_is_two_conversations(client: openai.OpenAI) -> None:
    opening = [{"role": "user", "content": "Name a colour."}]
    (first, one), (second, two) = (say(client, opening, False) for _ in range(2))

    assert first == second
    assert one != two
