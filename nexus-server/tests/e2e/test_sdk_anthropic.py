"""Anthropic's own client, before providers of every dialect."""

import anthropic
import pytest

from conftest import KEY, MODEL
from gateway import Gateway
from sdk import WEATHER, dialect, real  # noqa: F401

TOOL = {"name": "get_weather", "description": "The weather.", "input_schema": WEATHER}


def client_of(gateway: Gateway, key: str = KEY) -> anthropic.Anthropic:
    return gateway.keep(
        anthropic.Anthropic(base_url=gateway.api_url, api_key=key, max_retries=0, timeout=60)
    )


def asked(text: str) -> list[dict]:
    return [{"role": "user", "content": text}]


def test_messages(dialect: Gateway) -> None:
    client = client_of(dialect)
    messages = asked("Hello there")
    answer = client.messages.create(model=MODEL, max_tokens=99, system="Be kind.", messages=messages)
    assert answer.content[0].text == "You said: Hello there"
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens == 4
    messages += [{"role": "assistant", "content": answer.content}, *asked("And again")]
    again = client.messages.create(model=MODEL, max_tokens=99, system="Be kind.", messages=messages)
    assert again.content[0].text == "You said: And again"
    assert dialect.totals()["total_conversations"] == 1


def test_stream(dialect: Gateway) -> None:
    with client_of(dialect).messages.stream(model=MODEL, max_tokens=99, messages=asked("Hello there")) as events:
        words = list(events.text_stream)
        final = events.get_final_message()
    assert "".join(words) == "You said: Hello there"
    assert len(words) > 1
    assert final.usage.output_tokens == 4
    assert final.stop_reason == "end_turn"


@pytest.mark.parametrize("is_stream", [False, True])
def test_tools(dialect: Gateway, is_stream: bool) -> None:
    client = client_of(dialect)
    messages = asked("How is it in Paris?")
    request = {"model": MODEL, "max_tokens": 99, "tools": [TOOL]}
    if is_stream:
        with client.messages.stream(messages=messages, **request) as events:
            answer = events.get_final_message()
    else:
        answer = client.messages.create(messages=messages, **request)
    assert answer.stop_reason == "tool_use"
    (call,) = [block for block in answer.content if block.type == "tool_use"]
    assert (call.name, call.input) == ("get_weather", {"city": "Paris"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    said = [block.model_dump(exclude_none=True) for block in answer.content]
    messages += [{"role": "assistant", "content": said}, {"role": "user", "content": [result]}]
    told = client.messages.create(messages=messages, **request)
    assert told.content[0].text == "The tool says: sunny"


def test_errors_keep_their_words(dialect: Gateway) -> None:
    with pytest.raises(anthropic.RateLimitError, match="slow down, please") as limited:
        client_of(dialect).messages.create(model=MODEL, max_tokens=9, messages=asked("limit me"))
    assert limited.value.body["error"]["type"] == "rate_limit_error"
    with pytest.raises(anthropic.AuthenticationError):
        client_of(dialect, "wrong").messages.create(model=MODEL, max_tokens=9, messages=asked("hi"))
    with pytest.raises(anthropic.NotFoundError):
        client_of(dialect).messages.create(model="nobody", max_tokens=9, messages=asked("hi"))


def test_tokens_are_counted(real: Gateway) -> None:
    counted = client_of(real).messages.count_tokens(model=MODEL, messages=asked("Name a colour."))
    assert 3 < counted.input_tokens < 100


def test_a_real_model_answers(real: Gateway) -> None:
    client = client_of(real)
    question = {"model": MODEL, "max_tokens": 12, "messages": asked("Name a colour.")}
    answer = client.messages.create(**question)
    with client.messages.stream(**question) as events:
        final = events.get_final_message()
    assert answer.content[0].text
    assert final.content[0].text
    totals = real.totals()
    assert totals["completion_tokens"] == answer.usage.output_tokens + final.usage.output_tokens
