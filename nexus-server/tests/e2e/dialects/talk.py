"""What was asked and what is said, in no protocol's words."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

KEY = "sk-dialect-server-key"


class Refused(Exception):
    """A request that the provider would not take."""


def check(holds: object, why: str) -> None:
    if not holds:
        raise Refused(why)


def only(body: dict[str, Any], *known: str) -> None:
    unknown = set(body) - set(known)
    check(not unknown, f"unknown fields: {sorted(unknown)}")


@dataclasses.dataclass
class Call:
    name: str
    arguments: dict[str, Any]
    # Set where the protocol has one.
    id: str = ""


@dataclasses.dataclass
class Asked:
    """What a script decides by."""

    # Each tool's schema, by name.
    tools: dict[str, Any]
    # What tools returned since the person last said something.
    results: list[str]
    # What the person said last.
    told: str
    # Instructions, which some clients put everything into.
    system: str = ""
    # The schema that the answer has to follow, where the protocol has no other way to force a tool.
    format: Any = None


class Said:
    """What the model says: a text, calls of tools, or both; and what it took."""

    def __init__(self, text: str, calls: list[Call], *, told: str) -> None:
        self.text = text
        self.calls = calls
        self.prompt_tokens = 10 + len(told.split())
        self.completion_tokens = 7 * len(calls) + len(text.split())

    def words(self) -> list[str]:
        return [word + " " for word in self.text.split(" ")][:-1] + self.text.split(" ")[-1:]


Script = Callable[[Asked], Said]


def weather(asked: Asked) -> Said:
    if asked.tools and not asked.results:
        return Said("", [Call("get_weather", {"city": "Paris"})], told=asked.told)
    text = f"The tool says: {asked.results[-1]}" if asked.results else f"You said: {asked.told}"
    return Said(text, [], told=asked.told)


def pieces(call: Call) -> list[str]:
    """A call's arguments, as a stream brings them: with spaces, as many providers write JSON."""
    text = json.dumps(call.arguments)
    middle = len(text) // 2
    return [text[:middle], text[middle:]]


def text_of(content: Any, *kinds: str) -> str:
    """A text, or the texts of a list of parts."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if part.get("type", kinds[0]) in kinds)
    return content or ""
