"""OpenAI's own client, before providers of every dialect: chat completions and Responses."""

import json
from collections.abc import Callable

import openai
import pytest

from conftest import KEY, MODEL
from gateway import Gateway
from sdk import WEATHER, dialect, real  # noqa: F401

TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather.", "parameters": WEATHER}}
RESPONSES_TOOL = {"type": "function", "name": "get_weather", "description": "The weather.", "parameters": WEATHER}


def test_chat(dialect: Gateway) -> None:
    client = dialect.client(KEY)
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello there"}]
    answer = client.chat.completions.create(model=MODEL, messages=messages)
    assert answer.choices[0].message.content == "You said: Hello there"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens == 4
    messages += [answer.choices[0].message, {"role": "user", "content": "And again"}]
    again = client.chat.completions.create(model=MODEL, messages=messages)
    assert again.choices[0].message.content == "You said: And again"
    assert dialect.totals()["total_conversations"] == 1


def test_stream(dialect: Gateway) -> None:
    events = dialect.client(KEY).chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Hello there"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(events)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "You said: Hello there"
    assert chunks[-1].usage.completion_tokens == 4


@pytest.mark.parametrize("is_stream", [False, True])
def test_tools(dialect: Gateway, is_stream: bool) -> None:
    client = dialect.client(KEY)
    messages = [{"role": "user", "content": "How is it in Paris?"}]
    if is_stream:
        with client.chat.completions.stream(model=MODEL, messages=messages, tools=[TOOL]) as events:
            for _ in events:
                pass
            answer = events.get_final_completion()
    else:
        answer = client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    said = choice.message.model_dump(exclude_none=True, exclude={"parsed"})
    for tool_call in said["tool_calls"]:
        tool_call["function"].pop("parsed_arguments", None)
    messages += [said, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    told = client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
    assert told.choices[0].message.content == "The tool says: sunny"


def test_responses(dialect: Gateway) -> None:
    client = dialect.client(KEY)
    answer = client.responses.create(model=MODEL, instructions="Be kind.", input="Hello there")
    assert answer.output_text == "You said: Hello there"
    assert answer.status == "completed"
    assert answer.usage.output_tokens == 4
    said = [{"role": "user", "content": "Hello there"}, *answer.output, {"role": "user", "content": "And again"}]
    again = client.responses.create(model=MODEL, input=said)
    assert again.output_text == "You said: And again"


def test_responses_streamed(dialect: Gateway) -> None:
    with dialect.client(KEY).responses.stream(model=MODEL, input="Hello there") as events:
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        final = events.get_final_response()
    assert "".join(deltas) == final.output_text == "You said: Hello there"
    assert len(deltas) > 1
    assert final.usage.output_tokens == 4


@pytest.mark.parametrize("is_stream", [False, True])
def test_responses_with_tools(dialect: Gateway, is_stream: bool) -> None:
    client = dialect.client(KEY)
    said: list = [{"role": "user", "content": "How is it in Paris?"}]
    if is_stream:
        with client.responses.stream(model=MODEL, input=said, tools=[RESPONSES_TOOL]) as events:
            answer = events.get_final_response()
    else:
        answer = client.responses.create(model=MODEL, input=said, tools=[RESPONSES_TOOL])
    (call,) = [item for item in answer.output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})
    items = [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output]
    said += [*items, {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}]
    told = client.responses.create(model=MODEL, input=said, tools=[RESPONSES_TOOL])
    assert told.output_text == "The tool says: sunny"


def test_errors_keep_their_words(dialect: Gateway) -> None:
    client = dialect.client(KEY)
    with pytest.raises(openai.RateLimitError, match="slow down, please"):
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "limit me"}])
    with pytest.raises(openai.RateLimitError, match="slow down, please"):
        client.responses.create(model=MODEL, input="limit me")
    with pytest.raises(openai.AuthenticationError):
        dialect.client("wrong").responses.create(model=MODEL, input="hi")
    with pytest.raises(openai.BadRequestError, match="previous_response_id"):
        client.responses.create(model=MODEL, input="hi", previous_response_id="resp_1")


def test_a_real_model_answers(real: Gateway) -> None:
    client = real.client(KEY)
    question = [{"role": "user", "content": "Name a colour."}]
    answer = client.chat.completions.create(model=MODEL, messages=question, max_tokens=12, temperature=0)
    assert answer.choices[0].message.content
    response = client.responses.create(
        model=MODEL, input="Name a colour.", max_output_tokens=12, temperature=0
    )
    assert response.output_text
    told = answer.usage.total_tokens + response.usage.total_tokens
    assert real.totals()["total_tokens"] == told


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_a_real_models_words_are_told_as_they_come(
    start: Callable[..., Gateway], upstream: str, kind: str
) -> None:
    gateway = start()
    gateway.register(upstream, key=KEY, model=MODEL, kind=kind, server_key="none")
    events = gateway.client(KEY).responses.create(
        model=MODEL, input="Name a colour.", max_output_tokens=12, temperature=0, stream=True
    )
    told = list(events)
    words = [event.delta for event in told if event.type == "response.output_text.delta"]
    assert len(words) > 3
    assert [event.sequence_number for event in told] == list(range(len(told)))
    # It was as long as it may be.
    assert told[-1].type == "response.incomplete"
    assert told[-1].response.output_text == "".join(words)
    assert gateway.totals()["total_tokens"] == told[-1].response.usage.total_tokens
