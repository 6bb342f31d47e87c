import json
from collections.abc import Iterator
from typing import Any

from dialects.talk import Asked, Said, check, only

MESSAGE = ("role", "content", "images", "thinking", "tool_calls", "tool_name", "tool_call_id")


class Ollama:
    """Ollama's own chat, whose streams are lines of JSON."""

    kind = "ollama"
    base = ""
    media = "application/x-ndjson"
    id_form = ""

    def asked(self, path: str, headers: Any, body: dict[str, Any]) -> Asked:
        check(path == "/api/chat", f"no such path: {path}")
        only(body, "model", "messages", "tools", "stream", "format", "options", "keep_alive", "think", "logprobs", "top_logprobs")
        asked = Asked({}, [], "", format=body.get("format"))
        check(body["messages"], "messages must not be empty")
        for message in body["messages"]:
            only(message, *MESSAGE)
            content = message.get("content") or ""
            # Go's decoder takes a text and nothing else.
            check(isinstance(content, str), "json: cannot unmarshal array into Go struct field .messages.content")
            match message["role"]:
                case "assistant":
                    for call in message.get("tool_calls") or []:
                        only(call, "id", "type", "function")
                        arguments = call["function"]["arguments"]
                        check(isinstance(arguments, dict), "json: cannot unmarshal string into arguments")
                case "tool":
                    asked.results.append(content)
                case "user":
                    asked.told, asked.results = content, []
                case role:
                    check(role == "system", f"unknown role: {role}")
                    asked.system += content
        for tool in body.get("tools") or []:
            check(tool["type"] == "function", f"unknown tool: {tool['type']}")
            asked.tools[tool["function"]["name"]] = tool["function"].get("parameters", {})
        return asked

    def is_stream(self, path: str, body: dict[str, Any]) -> bool:
        return body.get("stream", True)

    def answer(self, message: dict[str, Any], **fields: object) -> dict[str, Any]:
        head = {"model": "up", "created_at": "2026-11-26T10:00:00.000000Z"}
        return head | {"message": {"role": "assistant", "content": ""} | message, "done": False} | fields

    def end(self, said: Said) -> dict[str, object]:
        counts = {"prompt_eval_count": said.prompt_tokens, "eval_count": said.completion_tokens}
        return {"done": True, "done_reason": "stop", "total_duration": 1} | counts

    def calls(self, said: Said) -> list[dict[str, Any]]:
        return [{"function": {"name": call.name, "arguments": call.arguments}} for call in said.calls]

    def whole(self, said: Said) -> dict[str, Any]:
        message: dict[str, Any] = {"content": said.text}
        if said.calls:
            message["tool_calls"] = self.calls(said)
        return self.answer(message, **self.end(said))

    def events(self, said: Said) -> Iterator[str]:
        for word in said.words() if said.text else []:
            yield json.dumps(self.answer({"content": word})) + "\n"
        if said.calls:
            yield json.dumps(self.answer({"tool_calls": self.calls(said)})) + "\n"
        yield json.dumps(self.answer({}, **self.end(said))) + "\n"

    def refusal(self, status: int, why: str) -> dict[str, Any]:
        return {"error": why}
