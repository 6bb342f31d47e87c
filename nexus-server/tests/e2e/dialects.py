"""An upstream that speaks a provider's own protocol, and is as strict about it as the provider is.

It calls the tool `get_weather` when that is offered, tells the result when there is one, and else says what it was
told. What the provider would refuse it refuses, in the provider's words.
"""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

CITY = {"city": "Paris"}
KEY = "sk-dialect-server-key"


class Refused(Exception):
    """A request that the provider would not take."""


def check(holds: object, why: str) -> None:
    if not holds:
        raise Refused(why)


def only(body: dict[str, Any], *known: str) -> None:
    unknown = set(body) - set(known)
    check(not unknown, f"unknown fields: {sorted(unknown)}")


class Said:
    """What the model says: a text, or a call of the tool; and what it took."""

    def __init__(self, *, offered: bool, result: str | None, told: str) -> None:
        self.calls = offered and result is None
        self.text = f"The tool says: {result}" if result is not None else f"You said: {told}"
        self.prompt_tokens = 10 + len(told.split())
        self.completion_tokens = 7 if self.calls else len(self.text.split())

    def words(self) -> list[str]:
        return [word + " " for word in self.text.split()][:-1] + self.text.split()[-1:]


class OpenAi:
    kind = "openai"
    base = "/v1"

    def said(self, path: str, headers: Any, body: dict[str, Any]) -> Said:
        check(path == "/v1/chat/completions", f"no such path: {path}")
        check(headers["authorization"] == f"Bearer {KEY}", "wrong key")
        result, told, open_calls = None, "", set()
        for message in body["messages"]:
            content = message.get("content")
            if isinstance(content, list):
                content = "".join(part.get("text", "") for part in content)
            match message["role"]:
                case "assistant":
                    open_calls = {call["id"] for call in message.get("tool_calls") or []}
                case "tool":
                    check(message["tool_call_id"] in open_calls, "a result without a call")
                    open_calls.discard(message["tool_call_id"])
                    result = content
                case "user":
                    check(not open_calls, "a call without its result")
                    told, result = content, None
                case role:
                    check(role in ("system", "developer"), f"unknown role: {role}")
        tools = body.get("tools") or []
        check(all(tool["function"]["parameters"]["type"] == "object" for tool in tools), "schema")
        return Said(offered=bool(tools), result=result, told=told)

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
        message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": None}
        if said.calls:
            function = {"name": "get_weather", "arguments": json.dumps(CITY)}
            call = {"id": "call_1", "type": "function", "function": function}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        finish = "tool_calls" if said.calls else "stop"
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "up"}
        return head | {"choices": [choice], "usage": self.usage(said)}

    def events(self, said: Said) -> Iterator[str]:
        def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
            choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
            return self.event({"choices": [choice], "usage": None})

        yield chunk({"role": "assistant", "content": None if said.calls else ""})
        if said.calls:
            function = {"name": "get_weather", "arguments": ""}
            call = {"index": 0, "id": "call_1", "type": "function", "function": function}
            yield chunk({"tool_calls": [call]})
            for piece in ('{"city"', ': "Paris"}'):
                yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        else:
            for word in said.words():
                yield chunk({"content": word})
        yield chunk({}, "tool_calls" if said.calls else "stop")
        yield self.event({"choices": [], "usage": self.usage(said)})
        yield "data: [DONE]\n\n"

    def event(self, fields: dict[str, Any]) -> str:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "up"}
        return f"data: {json.dumps(head | fields)}\n\n"

    def refusal(self, status: int, why: str) -> dict[str, Any]:
        kind = "rate_limit_error" if status == 429 else "invalid_request_error"
        return {"error": {"message": why, "type": kind, "param": None, "code": None}}


class Anthropic:
    kind = "anthropic"
    base = ""

    def said(self, path: str, headers: Any, body: dict[str, Any]) -> Said:
        check(path == "/v1/messages", f"no such path: {path}")
        check(headers["x-api-key"] == KEY, "wrong key")
        check(headers["authorization"] is None, "a bearer token beside the key")
        version = headers["anthropic-version"]
        check(version in ("2023-06-01", "2026-10-21"), "no such version")
        if version == "2026-10-21":
            check(not {"temperature", "top_p", "top_k"} & set(body), "sampling is not taken any more")
        only(
            body, "model", "max_tokens", "messages", "system", "stream", "tools", "tool_choice",
            "temperature", "top_p", "top_k", "stop_sequences", "metadata", "thinking", "output_config",
            "service_tier",
        )
        check(isinstance(body["max_tokens"], int), "max_tokens: Field required")
        result, told, role, calls = None, "", "assistant", set()
        for message in body["messages"]:
            only(message, "role", "content")
            check(message["role"] != role, "roles must alternate")
            role = message["role"]
            check(role in ("user", "assistant"), f"unknown role: {role}")
            content = message["content"]
            if isinstance(content, str):
                content = [{"type": "text", "text": content}]
            check(content, "content must not be empty")
            results = {part["tool_use_id"] for part in content if part["type"] == "tool_result"}
            check(results == (calls if role == "user" else set()), "each call needs its result")
            calls = {part["id"] for part in content if part["type"] == "tool_use"}
            for part in content:
                match part["type"]:
                    case "text" if role == "user":
                        check(part["text"], "text must not be empty")
                        told, result = part["text"], None
                    case "tool_result":
                        inner = part["content"]
                        result = inner if isinstance(inner, str) else inner[0]["text"]
                    case "tool_use":
                        check(isinstance(part["input"], dict), "input must be an object")
                    case kind:
                        check(kind in ("text", "thinking", "image"), f"unknown block: {kind}")
        tools = body.get("tools") or []
        check(all(tool["input_schema"]["type"] == "object" for tool in tools), "input_schema")
        return Said(offered=bool(tools), result=result, told=told)

    def is_stream(self, path: str, body: dict[str, Any]) -> bool:
        return bool(body.get("stream"))

    def message(self, **fields: object) -> dict[str, Any]:
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "up"}
        return head | {"stop_sequence": None} | fields

    def whole(self, said: Said) -> dict[str, Any]:
        block = {"type": "text", "text": said.text}
        if said.calls:
            block = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": CITY}
        usage = {"input_tokens": said.prompt_tokens, "output_tokens": said.completion_tokens}
        stop = "tool_use" if said.calls else "end_turn"
        return self.message(content=[block], stop_reason=stop, usage=usage)

    def events(self, said: Said) -> Iterator[str]:
        usage = {"input_tokens": said.prompt_tokens, "output_tokens": 1}
        start = self.message(content=[], stop_reason=None, usage=usage)
        yield self.event("message_start", message=start)
        yield self.event("ping")
        block: dict[str, Any] = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": word} for word in said.words()]
        if said.calls:
            block = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
            pieces = ("", '{"city"', ': "Paris"}')
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        yield self.event("content_block_start", index=0, content_block=block)
        for delta in deltas:
            yield self.event("content_block_delta", index=0, delta=delta)
        yield self.event("content_block_stop", index=0)
        stop = {"stop_reason": "tool_use" if said.calls else "end_turn", "stop_sequence": None}
        yield self.event("message_delta", delta=stop, usage={"output_tokens": said.completion_tokens})
        yield self.event("message_stop")

    def event(self, name: str, **fields: object) -> str:
        return f"event: {name}\ndata: {json.dumps({'type': name} | fields)}\n\n"

    def refusal(self, status: int, why: str) -> dict[str, Any]:
        kind = "rate_limit_error" if status == 429 else "invalid_request_error"
        return {"type": "error", "error": {"type": kind, "message": why}}


class Gemini:
    kind = "gemini"
    base = ""

    def said(self, path: str, headers: Any, body: dict[str, Any]) -> Said:
        method = "streamGenerateContent?alt=sse" if self.is_stream(path, body) else "generateContent"
        check(path == f"/v1beta/models/up:{method}", f"no such path: {path}")
        check(headers["x-goog-api-key"] == KEY, "wrong key")
        only(body, "contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings")
        result, told, role, calls = None, "", "", []
        for content in body["contents"]:
            only(content, "role", "parts")
            check(content["role"] in ("user", "model"), f"unknown role: {content['role']}")
            check(content["role"] != role, "roles must alternate")
            role = content["role"]
            for part in content["parts"]:
                if "functionCall" in part:
                    calls.append(part["functionCall"]["name"])
                elif "functionResponse" in part:
                    check(part["functionResponse"]["name"] in calls, "a response without a call")
                    response = part["functionResponse"]["response"]
                    check(isinstance(response, dict), "response must be an object")
                    result = response.get("output") or json.dumps(response)
                elif role == "user":
                    told, result = part["text"], None
        tools = body.get("tools") or []
        declared = [f for tool in tools for f in tool.get("functionDeclarations", [])]
        return Said(offered=bool(declared), result=result, told=told)

    def is_stream(self, path: str, body: dict[str, Any]) -> bool:
        return ":streamGenerateContent" in path

    def answer(self, said: Said, parts: list[dict[str, Any]], finish: str | None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        usage = {
            "promptTokenCount": said.prompt_tokens,
            "candidatesTokenCount": said.completion_tokens,
            "totalTokenCount": said.prompt_tokens + said.completion_tokens,
        }
        head = {"modelVersion": "up", "responseId": "r1", "usageMetadata": usage}
        return head | {"candidates": [candidate]}

    def parts(self, said: Said) -> list[dict[str, Any]]:
        if said.calls:
            return [{"functionCall": {"name": "get_weather", "args": CITY}}]
        return [{"text": word} for word in said.words()]

    def whole(self, said: Said) -> dict[str, Any]:
        return self.answer(said, self.parts(said), "STOP")

    def events(self, said: Said) -> Iterator[str]:
        for part in self.parts(said):
            yield f"data: {json.dumps(self.answer(said, [part], None))}\r\n\r\n"
        last = self.answer(said, [{"text": ""}], "STOP")
        yield f"data: {json.dumps(last)}\r\n\r\n"

    def refusal(self, status: int, why: str) -> dict[str, Any]:
        word = "RESOURCE_EXHAUSTED" if status == 429 else "INVALID_ARGUMENT"
        return {"error": {"code": status, "message": why, "status": word}}


DIALECTS = {dialect.kind: dialect for dialect in (OpenAi(), Anthropic(), Gemini())}


class DialectServer:
    """Serves one dialect on a free port until it is closed; counts the tokens that it told."""

    def __init__(self, kind: str) -> None:
        self.dialect = dialect = DIALECTS[kind]
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.refused: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                try:
                    said = dialect.said(self.path, self.headers, body)
                except (Refused, KeyError, TypeError, IndexError) as error:
                    outer.refused.append(f"{error!r} in {json.dumps(body)}")
                    return self.send(400, json.dumps(dialect.refusal(400, str(error))))
                if "limit me" in said.text:
                    return self.send(429, json.dumps(dialect.refusal(429, "slow down, please")))
                outer.prompt_tokens += said.prompt_tokens
                outer.completion_tokens += said.completion_tokens
                if dialect.is_stream(self.path, body):
                    return self.stream(dialect.events(said))
                return self.send(200, json.dumps(dialect.whole(said)))

            def send(self, status: int, text: str) -> None:
                data = text.encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def stream(self, events: Iterator[str]) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for event in events:
                    data = event.encode()
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{self.dialect.base}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
