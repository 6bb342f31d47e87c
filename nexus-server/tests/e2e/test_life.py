"""Starting, stopping, crashing and starting again."""

import signal
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import openai
import pytest

from conftest import KEY, MODEL
from gateway import STOP_SECONDS, Gateway, eventually
from prompts import ask, long


def test_the_demo_answers_without_network_or_key(start: Callable[..., Gateway]) -> None:
    gateway = start("--demo")

    answer = gateway.client("demo-key").chat.completions.create(
        model="nexus-echo", messages=[{"role": "user", "content": "你好"}]
    )

    assert "你好" in answer.choices[0].message.content
    assert gateway.totals()["total_tokens"] == answer.usage.total_tokens


def test_a_restart_keeps_everything(
    gateway: Gateway, client: openai.OpenAI, start: Callable[..., Gateway]
) -> None:
    client.chat.completions.create(model=MODEL, **ask("Name a colour."))
    before = (gateway.admin("GET", "/providers"), gateway.totals(), gateway.rows())
    gateway.stop()

    again = start()

    assert (again.admin("GET", "/providers"), again.totals(), again.rows()) == before
    again.client(KEY).chat.completions.create(model=MODEL, **ask("Name a colour."))
    assert again.totals()["total_rounds"] == 2


def test_a_drain_lets_an_open_stream_finish(
    gateway: Gateway, client: openai.OpenAI, start: Callable[..., Gateway]
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, stream=True, **long(100)
    )
    stream = raw.parse()
    next(iter(stream))

    gateway.child.send(signal.SIGTERM)
    address = urlsplit(gateway.api_url)
    eventually(lambda: refuses(address.hostname, address.port), bool)
    assert gateway.child.is_running, "it did not wait for the stream"

    assert list(stream)[-1].choices[0].finish_reason == "length"
    assert gateway.child.wait(STOP_SECONDS) == 0
    row = start().row(raw.headers["x-request-id"])
    assert (row["state"], row["completion_tokens"]) == ("completed", 100)


def refuses(host: str | None, port: int | None) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


def test_a_crash_loses_nothing_that_a_client_has_seen(
    gateway: Gateway, client: openai.OpenAI, start: Callable[..., Gateway]
) -> None:
    finished = client.chat.completions.with_raw_response.create(model=MODEL, **ask("Hi"))
    cut = client.chat.completions.with_raw_response.create(model=MODEL, stream=True, **long(500))
    stream = cut.parse()
    next(iter(stream))

    gateway.kill()
    with pytest.raises(openai.APIConnectionError):
        for _ in stream:
            pass

    again = start()
    row = again.row(finished.headers["x-request-id"])
    assert row["state"] == "completed"
    assert row["total_tokens"] == finished.parse().usage.total_tokens
    assert again.row(cut.headers["x-request-id"])["state"] == "interrupted"
