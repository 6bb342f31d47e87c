import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from dialects.talk import KEY, Asked, Said, check, only

# What a `Schema` has: a subset of OpenAPI's. JSON Schema has a field of its own.
SCHEMA = (
    "type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required",
    "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering",
    "default", "items", "minimum", "maximum",
)
GENERATION = (
    "stopSequences", "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities",
    "candidateCount", "maxOutputTokens", "temperature", "topP", "topK", "seed", "presencePenalty", "frequencyPenalty",
    "responseLogprobs", "logprobs", "thinkingConfig", "imageConfig", "mediaResolution", "speechConfig",
)
SIGNATURE = base64.b64encode(b"a thought of Gemini's").decode()


class Gemini:
    """`generateContent` of `model`. One of the third generation wants its signatures back."""

    kind = "gemini"
    base = ""
    media = "text/event-stream"
    id_form = ""

    def __init__(self, model: str = "up") -> None:
        self.model = model
        self.signs = model.startswith("gemini-3")

    def asked(self, path: str, headers: Any, body: dict[str, Any]) -> Asked:
        method = "streamGenerateContent?alt=sse" if self.is_stream(path, body) else "generateContent"
        check(path == f"/v1beta/models/{self.model}:{method}", f"no such path: {path}")
        check(headers["x-goog-api-key"] == KEY, "wrong key")
        only(body, "contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings")
        config = body.get("generationConfig") or {}
        only(config, *GENERATION)
        check(config.get("maxOutputTokens", 1) > 0, "maxOutputTokens must be positive")
        asked = Asked({}, [], "")
        for part in (body.get("systemInstruction") or {"parts": []})["parts"]:
            asked.system += part["text"]
        self.contents(body["contents"], asked)
        for tool in body.get("tools") or []:
            only(tool, "functionDeclarations")
            for function in tool["functionDeclarations"]:
                only(function, "name", "description", "parameters", "parametersJsonSchema", "behavior")
                check(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}", function["name"]), f"name: {function['name']}")
                if "parameters" in function:
                    self.schema(function["parameters"])
                asked.tools[function["name"]] = function.get("parametersJsonSchema", {})
        has_schema = "responseSchema" in config or "responseJsonSchema" in config
        check(
            self.signs or not (asked.tools and has_schema),
            "Function calling with a response mime type: 'application/json' is unsupported",
        )
        return asked

    def contents(self, contents: list[dict[str, Any]], asked: Asked) -> None:
        role, calls = "", []
        check(contents, "contents is not specified")
        said_last = max(
            (at for at, content in enumerate(contents) if content["role"] == "user" and is_said(content)), default=0
        )
        for at, content in enumerate(contents):
            only(content, "role", "parts")
            check(content["role"] in ("user", "model"), f"Please use a valid role: user, model: {content['role']}")
            check(content["role"] != role, "roles must alternate")
            role = content["role"]
            check(content["parts"], f"contents[{at}].parts must not be empty")
            results = [part["functionResponse"]["name"] for part in content["parts"] if "functionResponse" in part]
            check(
                sorted(results) == sorted(calls if role == "user" else []),
                "the number of function response parts must be equal to that of the function call parts of the "
                "function call turn",
            )
            calls = [part["functionCall"]["name"] for part in content["parts"] if "functionCall" in part]
            if self.signs and calls and at > said_last:
                first = next(part for part in content["parts"] if "functionCall" in part)
                check(
                    first.get("thoughtSignature") == SIGNATURE,
                    f"Function call `{calls[0]}` in the {at}. content block is missing a `thought_signature`",
                )
            for part in content["parts"]:
                only(part, "text", "thought", "thoughtSignature", "functionCall", "functionResponse", "inlineData", "fileData")
                if "functionCall" in part:
                    check(isinstance(part["functionCall"].get("args", {}), dict), "args must be an object")
                elif "functionResponse" in part:
                    response = part["functionResponse"]["response"]
                    check(isinstance(response, dict), "response must be an object")
                    check('"$ref"' not in json.dumps(response), "functionResponse: reference to an unknown part")
                    output = response.get("output") or response.get("result") or response
                    asked.results.append(output if isinstance(output, str) else json.dumps(output))
                elif role == "user" and "text" in part:
                    asked.told, asked.results = part["text"], []
        check(not calls, "a call without its result")

    def schema(self, schema: dict[str, Any]) -> None:
        for word in schema:
            check(word in SCHEMA, f'Unknown name "{word}" at \'tools[0].function_declarations[0].parameters\'')
        for inner in (schema.get("properties") or {}).values():
            self.schema(inner)
        for inner in [schema.get("items"), *(schema.get("anyOf") or [])]:
            if inner:
                self.schema(inner)

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
        parts: list[dict[str, Any]] = [{"text": word} for word in said.words()] if said.text else []
        for index, call in enumerate(said.calls):
            part: dict[str, Any] = {"functionCall": {"name": call.name, "args": call.arguments}}
            if self.signs and index == 0:
                part["thoughtSignature"] = SIGNATURE
            parts.append(part)
        return parts

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


def is_said(content: dict[str, Any]) -> bool:
    return any("text" in part for part in content["parts"])
