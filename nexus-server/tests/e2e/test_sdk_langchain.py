"""LangChain's chat models for OpenAI and Anthropic, before providers of every dialect."""

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from conftest import KEY, MODEL
from gateway import Gateway
from sdk import dialect  # noqa: F401


@tool
def get_weather(city: str) -> str:
    """The weather."""
    return f"sunny in {city}"


def model_of(gateway: Gateway, protocol: str) -> BaseChatModel:
    options = {"model": MODEL, "api_key": KEY, "max_retries": 0}
    if protocol == "messages":
        model = ChatAnthropic(base_url=gateway.api_url, max_tokens=99, **options)
        # It has no public name.
        gateway.keep(model._client)
    else:
        is_responses = protocol == "responses"
        model = ChatOpenAI(base_url=f"{gateway.api_url}/v1", use_responses_api=is_responses, **options)
        gateway.keep(model.root_client)
    return model


@pytest.mark.parametrize("protocol", ["chat", "responses", "messages"])
def test_chat_stream_tools_and_more_turns(dialect: Gateway, protocol: str) -> None:
    model = model_of(dialect, protocol)
    said: list = [HumanMessage("Hello there")]
    answer = model.invoke(said)
    assert answer.text == "You said: Hello there"
    assert answer.usage_metadata["output_tokens"] == 4

    said += [answer, HumanMessage("And again")]
    chunks = list(model.stream(said))
    assert "".join(chunk.text for chunk in chunks) == "You said: And again"

    armed = model.bind_tools([get_weather])
    said = [HumanMessage("How is it in Paris?")]
    called = armed.invoke(said)
    (call,) = called.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Paris"})
    said += [called, ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])]
    assert armed.invoke(said).text == "The tool says: sunny in Paris"
