import json
import re
from collections.abc import Iterator
from typing import Any

from dialects.talk import KEY, Asked, Said, check, only, pieces

FIELDS = (
    "model", "max_tokens", "messages", "system", "stream", "tools", "tool_choice", "temperature", "top_p", "top_k",
    "stop_sequences", "metadata", "thinking", "output_config", "service_tier", "cache_control",
)
BLOCKS = {
    "text": ("text", "cache_control", "citations"),
    "image": ("source", "cache_control"),
    "document": ("source", "title", "context", "citations", "cache_control"),
    "thinking": ("thinking", "signature"),
    "redacted_thinking": ("data",),
    "tool_use": ("id", "name", "input", "cache_control"),
    "tool_result": ("tool_use_id", "content", "is_error", "cache_control"),
}
THOUGHT = "Let me think."


class Anthropic:
    kind = "anthropic"
    base = ""
    media = "text/event-stream"
    id_form = "toolu_{}"

    def asked(self, path: str, headers: Any, body: dict[str, Any]) -> Asked:
        check(path == "/v1/messages", f"no such path: {path}")
        check(headers["x-api-key"] == KEY, "wrong key")
        check(headers["authorization"] is None, "a bearer token beside the key")
        version = headers["anthropic-version"]
        check(version in ("2023-06-01", "2026-10-21"), f"no such version: {version}")
        if version == "2026-10-21":
            check(not {"temperature", "top_p", "top_k"} & set(body), "sampling is not taken any more")
        only(body, *FIELDS)
        limit = body["max_tokens"]
        check(isinstance(limit, int) and limit > 0, "max_tokens: Field required")
        thinks = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
        self.thinks = thinks
        if thinks:
            check(body["thinking"].get("budget_tokens", 0) < limit, "max_tokens must be greater than the budget")
            check(body.get("temperature", 1) == 1, "temperature may only be set to 1 when thinking")
            check("top_k" not in body, "top_k must be unset when thinking")
            choice = (body.get("tool_choice") or {}).get("type", "auto")
            check(choice in ("auto", "none"), "thinking may not be enabled when tool_choice forces tool use")
        asked = Asked({}, [], "")
        asked.system = self.system(body.get("system"))
        self.messages(body["messages"], asked, thinks)
        for tool in body.get("tools") or []:
            only(tool, "name", "description", "input_schema", "cache_control", "type", "strict", "eager_input_streaming")
            check(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool["name"]), f"tool's name: {tool['name']}")
            check(tool["input_schema"]["type"] == "object", "input_schema.type: Field required")
            for word in ("oneOf", "allOf", "anyOf"):
                check(word not in tool["input_schema"], f"input_schema: no {word} at the top level")
            asked.tools[tool["name"]] = tool["input_schema"]
        check(asked.tools or "tool_choice" not in body, "tool_choice may only be given with tools")
        marks = json.dumps(body).count('"cache_control"')
        check(marks <= 4, f"a maximum of 4 blocks with cache_control may be given, found {marks}")
        if schema := ((body.get("output_config") or {}).get("format") or {}).get("schema"):
            self.closed(schema)
        return asked

    def system(self, system: Any) -> str:
        if isinstance(system, list):
            for block in system:
                only(block, "type", "text", "cache_control")
                check(block["text"].strip(), "system: text content blocks must contain non-whitespace text")
            return "".join(block["text"] for block in system)
        return system or ""

    def messages(self, messages: list[dict[str, Any]], asked: Asked, thinks: bool) -> None:
        role, calls, ids = "assistant", [], set()
        for at, message in enumerate(messages):
            only(message, "role", "content")
            check(message["role"] != role, "first message must use the user role, and roles must alternate")
            role = message["role"]
            check(role in ("user", "assistant"), f"unknown role: {role}")
            content = message["content"]
            if isinstance(content, str):
                content = [{"type": "text", "text": content}]
            check(content, f"messages.{at}: all messages must have non-empty content")
            results = [part["tool_use_id"] for part in content if part["type"] == "tool_result"]
            check(sorted(results) == sorted(calls if role == "user" else []), f"messages.{at}: each call needs its result")
            first = [part["type"] for part in content[: len(results)]]
            check(first == ["tool_result"] * len(results), f"messages.{at}: results must come first")
            calls = [part["id"] for part in content if part["type"] == "tool_use"]
            check(not ids & set(calls) and len(set(calls)) == len(calls), f"messages.{at}: tool_use ids must be unique")
            ids |= set(calls)
            begins = content[0]["type"]
            in_step = role == "assistant" and calls and at > max_user_text(messages)
            check(
                not (thinks and in_step) or begins in ("thinking", "redacted_thinking"),
                f"messages.{at}: expected `thinking`, found `{begins}`; when thinking is enabled, a final assistant "
                "message must start with a thinking block",
            )
            for part in content:
                self.block(part, role, asked)
        last = messages[-1]
        if last["role"] == "assistant":
            texts = [last["content"]] if isinstance(last["content"], str) else [b.get("text", "") for b in last["content"]]
            check(texts[-1] == texts[-1].rstrip(), "final assistant content cannot end with trailing whitespace")
        check(not calls, "a call without its result")

    def block(self, part: dict[str, Any], role: str, asked: Asked) -> None:
        kind = part["type"]
        check(kind in BLOCKS, f"unknown block: {kind}")
        only(part, "type", *BLOCKS[kind])
        match kind:
            case "text":
                check(part["text"].strip(), "text content blocks must contain non-whitespace text")
                if role == "user":
                    asked.told, asked.results = part["text"], []
            case "tool_result":
                inner = part.get("content", "")
                check(inner is not None, "tool_result.content")
                texts = [inner] if isinstance(inner, str) else [p.get("text", "") for p in inner]
                asked.results.append("".join(texts))
                self.check_id(part["tool_use_id"])
            case "tool_use":
                check(isinstance(part["input"], dict), "tool_use.input: must be an object")
                self.check_id(part["id"])
            case "thinking":
                check(role == "assistant", "a thought of the user")
                check(part["signature"] == sign(part["thinking"]), "Invalid `signature` in `thinking` block")

    def check_id(self, id: str) -> None:
        check(re.fullmatch(r"[a-zA-Z0-9_-]+", id), f"id: String should match pattern '^[a-zA-Z0-9_-]+$': {id}")

    def closed(self, schema: Any) -> None:
        if isinstance(schema, dict):
            if schema.get("type") == "object":
                check(schema.get("additionalProperties") is False, "output_config: 'additionalProperties' must be false")
            for inner in schema.values():
                self.closed(inner)
        elif isinstance(schema, list):
            for inner in schema:
                self.closed(inner)

    def is_stream(self, path: str, body: dict[str, Any]) -> bool:
        return bool(body.get("stream"))

    def message(self, **fields: object) -> dict[str, Any]:
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "up"}
        return head | {"stop_sequence": None} | fields

    def blocks(self, said: Said) -> list[dict[str, Any]]:
        thought = {"type": "thinking", "thinking": THOUGHT, "signature": sign(THOUGHT)}
        blocks = [thought] if self.thinks else []
        if said.text:
            blocks.append({"type": "text", "text": said.text})
        for call in said.calls:
            blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments})
        return blocks

    def whole(self, said: Said) -> dict[str, Any]:
        usage = {"input_tokens": said.prompt_tokens, "output_tokens": said.completion_tokens}
        stop = "tool_use" if said.calls else "end_turn"
        return self.message(content=self.blocks(said), stop_reason=stop, usage=usage)

    def events(self, said: Said) -> Iterator[str]:
        usage = {"input_tokens": said.prompt_tokens, "output_tokens": 1}
        start = self.message(content=[], stop_reason=None, usage=usage)
        yield self.event("message_start", message=start)
        yield self.event("ping")
        calls = iter(said.calls)
        for index, block in enumerate(self.blocks(said)):
            match block["type"]:
                case "thinking":
                    begun = {"type": "thinking", "thinking": "", "signature": ""}
                    deltas = [
                        {"type": "thinking_delta", "thinking": THOUGHT},
                        {"type": "signature_delta", "signature": block["signature"]},
                    ]
                case "text":
                    begun = {"type": "text", "text": ""}
                    deltas = [{"type": "text_delta", "text": word} for word in said.words()]
                case _:
                    begun = block | {"input": {}}
                    parts = ["", *pieces(next(calls))]
                    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in parts]
            yield self.event("content_block_start", index=index, content_block=begun)
            for delta in deltas:
                yield self.event("content_block_delta", index=index, delta=delta)
            yield self.event("content_block_stop", index=index)
        stop = {"stop_reason": "tool_use" if said.calls else "end_turn", "stop_sequence": None}
        yield self.event("message_delta", delta=stop, usage={"output_tokens": said.completion_tokens})
        yield self.event("message_stop")

    def event(self, name: str, **fields: object) -> str:
        return f"event: {name}\ndata: {json.dumps({'type': name} | fields)}\n\n"

    def refusal(self, status: int, why: str) -> dict[str, Any]:
        kind = "rate_limit_error" if status == 429 else "invalid_request_error"
        return {"type": "error", "error": {"type": kind, "message": why}}


def sign(thought: str) -> str:
    return f"c2lnbmVk{len(thought):04}"


def max_user_text(messages: list[dict[str, Any]]) -> int:
    """Where the person last said something: thoughts of the steps behind it are needed."""
    said = -1
    for at, message in enumerate(messages):
        content = message["content"]
        if message["role"] == "user" and (isinstance(content, str) or any(p["type"] == "text" for p in content)):
            said = at
    return said
