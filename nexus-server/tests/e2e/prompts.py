"""Requests whose answers are known, from a model that nobody can predict."""

from typing import Any

GREETING = "你好,世界!🦀 今天天气很好。"


def ask(text: str, **parameters: Any) -> dict[str, Any]:
    """A short question, answered the same way each time."""
    return {
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 16,
        "temperature": 0,
        # A cached prompt is computed in other batches, which may round differently.
        "extra_body": {"cache_prompt": False},
    } | parameters


def forced(answer: str, text: str = "说点什么") -> dict[str, Any]:
    """A question to which the model's grammar leaves exactly one answer."""
    return ask(
        text,
        max_tokens=200,
        extra_body={"grammar": f'root ::= "{answer}"', "cache_prompt": False},
    )


def long(tokens: int) -> dict[str, Any]:
    """A question whose answer goes on for exactly so many tokens, at some 50 a second."""
    return ask("Tell me a story.", max_tokens=tokens, extra_body={"ignore_eos": True})
