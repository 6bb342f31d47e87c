import json
import re
from collections.abc import Iterator
from typing import Any

from dialects.talk import KEY, Asked, Said, check, only, pieces, text_of

# https://platform.openai.com/docs/api-reference/chat/create
FIELDS = (
    "audio", "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "messages",
    "metadata", "modalities", "model", "n", "parallel_tool_calls", "prediction", "presence_penalty",
    "prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "response_format", "safety_identifier", "seed",
    "service_tier", "stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools",
    "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
)
# What some providers add to a message and others refuse.
THOUGHTS = ("reasoning", "reasoning_content", "reasoning_details")


class OpenAi:
    """Chat completions. Messages may have fields that nobody knows, as OpenAI lets them."""

    kind = "openai"
    base = "/v1"
    media = "text/event-stream"
    id_form = "call_{}"

    takes_thoughts = True

    def asked(self, path: str, headers: Any, body: dict[str, Any]) -> Asked:
        check(path == f"{self.base}/chat/completions", f"no such path: {path}")
        check(headers["authorization"] == f"Bearer {KEY}", "wrong key")
        only(body, *FIELDS)
        check("max_tokens" not in body or "max_completion_tokens" not in body, "two limits")
        asked, open_calls = Asked({}, [], ""), set()
        check(body["messages"], "messages must not be empty")
        for at, message in enumerate(body["messages"]):
            thoughts = [name for name in THOUGHTS if name in message]
            check(self.takes_thoughts or not thoughts, f"property '{thoughts}' is unsupported")
            content = text_of(message.get("content"), "text")
            role = message["role"]
            check(role == "tool" or not open_calls, f"messages.{at}: a call without its result")
            match role:
                case "assistant":
                    calls = message.get("tool_calls")
                    check(calls is None or calls, f"messages.{at}.tool_calls: too short")
                    check(calls or message.get("content") is not None, f"messages.{at}: content must be a string")
                    for call in calls or []:
                        check(call["type"] == "function" and call["id"], f"messages.{at}: not a call")
                        check(isinstance(json.loads(call["function"]["arguments"]), dict), "arguments are no object")
                        check(call["id"] not in open_calls, f"messages.{at}: an id twice")
                        open_calls.add(call["id"])
                case "tool":
                    check(message["tool_call_id"] in open_calls, f"messages.{at}: a result without a call")
                    open_calls.discard(message["tool_call_id"])
                    asked.results.append(content)
                case "user":
                    check(message.get("content"), f"messages.{at}: content is needed")
                    asked.told, asked.results = content, []
                case _:
                    check(role in ("system", "developer"), f"unknown role: {role}")
                    asked.system += content
        check(not open_calls, "a call without its result")
        for tool in body.get("tools") or []:
            only(tool, "type", "function")
            check(tool["type"] == "function", f"unknown tool: {tool['type']}")
            function = tool["function"]
            only(function, "name", "description", "parameters", "strict")
            check(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", function["name"]), f"tool's name: {function['name']}")
            parameters = function.get("parameters") or {"type": "object"}
            check(parameters["type"] == "object", "schema")
            asked.tools[function["name"]] = parameters
        check("tools" not in body or asked.tools, "tools must not be empty")
        check(asked.tools or not body.get("tool_choice"), "tool_choice needs tools")
        check(asked.tools or "parallel_tool_calls" not in body, "parallel_tool_calls needs tools")
        return asked

    def is_stream(self, path: str, body: dict[str, Any]) -> bool:
        return bool(body.get("stream"))

    def usage(self, said: Said) -> dict[str, Any]:
        total = said.prompt_tokens + said.completion_tokens
        return {
            "prompt_tokens": said.prompt_tokens,
            "completion_tokens": said.completion_tokens,
            "total_tokens": total,
        }

    def whole(self, said: Said) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": None}
        if said.calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
                }
                for call in said.calls
            ]
        finish = "tool_calls" if said.calls else "stop"
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "up"}
        return head | {"choices": [choice], "usage": self.usage(said)}

    def events(self, said: Said) -> Iterator[str]:
        def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
            choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
            return self.event({"choices": [choice], "usage": None})

        yield chunk({"role": "assistant", "content": "" if said.text else None})
        for word in said.words() if said.text else []:
            yield chunk({"content": word})
        for index, call in enumerate(said.calls):
            function = {"name": call.name, "arguments": ""}
            begun = {"index": index, "id": call.id, "type": "function", "function": function}
            yield chunk({"tool_calls": [begun]})
            for piece in pieces(call):
                yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        yield chunk({}, "tool_calls" if said.calls else "stop")
        yield self.event({"choices": [], "usage": self.usage(said)})
        yield "data: [DONE]\n\n"

    def event(self, fields: dict[str, Any]) -> str:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "up"}
        return f"data: {json.dumps(head | fields)}\n\n"

    def refusal(self, status: int, why: str) -> dict[str, Any]:
        kind = "rate_limit_error" if status == 429 else "invalid_request_error"
        return {"error": {"message": why, "type": kind, "param": None, "code": None}}


class Groq(OpenAi):
    """Chat completions where a thought that comes back is refused."""

    base = "/openai/v1"
    takes_thoughts = False
