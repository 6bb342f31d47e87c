"""Chat over WebSocket in front of a real model, through a client library of Python's."""

import asyncio
import base64
import json
import pathlib
import signal
import subprocess
import sys
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conftest import KEY, MODEL
from gateway import Gateway, eventually
from prompts import ask, long

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples" / "websocket"


def url(gateway: Gateway) -> str:
    return gateway.api_url.replace("http://", "ws://") + "/ws/chat"


def open_socket(gateway: Gateway, key: str = KEY) -> connect:
    return connect(url(gateway), additional_headers={"Authorization": f"Bearer {key}"})


def body(parameters: dict[str, Any]) -> dict[str, Any]:
    """What the SDK would make of them."""
    extra = parameters.pop("extra_body", {})
    return {"model": MODEL} | parameters | extra


async def chat(socket: ClientConnection, id: str, parameters: dict[str, Any]) -> None:
    await socket.send(json.dumps({"type": "chat", "id": id, "request": body(parameters)}))


async def frames(socket: ClientConnection) -> list[dict[str, Any]]:
    """Up to and with the last of a chat."""
    heard = []
    async for message in socket:
        heard.append(json.loads(message))
        if heard[-1]["type"] in ("done", "error"):
            return heard
    raise AssertionError(f"the socket ended behind {heard}")


def words(heard: list[dict[str, Any]]) -> str:
    chunks = [frame["data"]["choices"] for frame in heard if frame["type"] == "chunk"]
    return "".join(choices[0]["delta"].get("content") or "" for choices in chunks if choices)


def test_several_chats_on_one_socket(gateway: Gateway) -> None:
    async def run() -> dict[str, list[dict[str, Any]]]:
        async with open_socket(gateway) as socket:
            for id in ("a", "b", "c"):
                await chat(socket, id, ask("Name a colour."))
            heard: dict[str, list[dict[str, Any]]] = {}
            while sum(chats[-1]["type"] == "done" for chats in heard.values()) < 3:
                frame = json.loads(await socket.recv())
                heard.setdefault(frame["id"], []).append(frame)
            return heard

    heard = asyncio.run(run())

    answers = {words(chat) for chat in heard.values()}
    assert len(answers) == 1 and answers.pop(), "the same question thrice, without chance"
    for chat_frames in heard.values():
        done = chat_frames[-1]
        row = gateway.row(done["request_id"])
        assert (row["state"], row["total_tokens"]) == ("completed", done["usage"]["total_tokens"])
        seqs = [frame["seq"] for frame in chat_frames[:-1]]
        assert seqs == list(range(1, len(seqs) + 1))


def test_cancelling_stops_the_model(gateway: Gateway) -> None:
    async def run() -> list[dict[str, Any]]:
        async with open_socket(gateway) as socket:
            await chat(socket, "a", long(512))
            await socket.recv()
            await socket.send(json.dumps({"type": "cancel", "id": "a"}))
            return await frames(socket)

    assert asyncio.run(run())[-1]["error"]["code"] == "cancelled"
    # Counted behind the client's back: there is nobody left to wait for it.
    [row] = eventually(gateway.rows, lambda rows: rows[0]["state"] != "open")
    assert (row["state"], row["usage_source"]) == ("cancelled", "estimated")
    assert 0 < row["completion_tokens"] < 512


def test_the_short_form(gateway: Gateway) -> None:
    async def run() -> list[dict[str, Any]]:
        key = base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("=")
        protocols = ["nexus.chat.v1", f"nexus.key.{key}"]
        async with connect(url(gateway), subprotocols=protocols) as socket:
            assert socket.subprotocol == "nexus.chat.v1"
            await socket.send(json.dumps({"message": "Name a colour.", "model_name": MODEL}))
            return await frames(socket)

    *messages, done = asyncio.run(run())
    assert done["type"] == "done" and done["usage"]["completion_tokens"] > 0
    texts = [message["content"] for message in messages]
    assert all(later.startswith(earlier) for earlier, later in zip(texts, texts[1:]))


def test_a_chat_outlives_its_socket(gateway: Gateway) -> None:
    async def run() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        async with open_socket(gateway) as socket:
            request = body(ask("Name a colour."))
            frame = {"type": "chat", "id": "a", "request": request, "resumable": True}
            await socket.send(json.dumps(frame))
            accepted = json.loads(await socket.recv())
            first = json.loads(await socket.recv())
            # As a network does it: without a word.
            socket.transport.abort()
        async with open_socket(gateway) as socket:
            resume = {"type": "resume", "id": "a", "request_id": accepted["request_id"]}
            await socket.send(json.dumps(resume | {"after": first["seq"]}))
            return [first, *await frames(socket)], accepted

    heard, accepted = asyncio.run(run())
    assert [frame["seq"] for frame in heard[:-1]] == list(range(1, len(heard)))
    assert heard[-1]["request_id"] == accepted["request_id"]
    assert gateway.row(accepted["request_id"])["state"] == "completed"


def test_a_wrong_key_gets_no_socket(gateway: Gateway) -> None:
    async def run() -> None:
        async with open_socket(gateway, "wrong"):
            pass

    with pytest.raises(InvalidStatus) as refused:
        asyncio.run(run())
    assert refused.value.response.status_code == 401


def test_a_drain_lets_chats_finish(gateway: Gateway) -> None:
    async def run() -> tuple[list[dict[str, Any]], int | None]:
        async with open_socket(gateway) as socket:
            await chat(socket, "a", long(64))
            await socket.recv()
            gateway.child.send(signal.SIGTERM)
            heard = await frames(socket)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            return heard, closed.value.rcvd and closed.value.rcvd.code

    heard, code = asyncio.run(run())
    assert heard[-1]["type"] == "done"
    assert code == 1001
    assert gateway.child.wait(10) == 0


def test_the_example_client(gateway: Gateway) -> None:
    command = [sys.executable, str(EXAMPLES / "client.py"), url(gateway), KEY, MODEL, "Hello!"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert "completion_tokens" in ran.stdout
