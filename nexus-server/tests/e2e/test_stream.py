"""Streamed answers, through OpenAI's own client."""

import asyncio

import openai

from conftest import KEY, MODEL
from gateway import Gateway, eventually
from prompts import GREETING, ask, forced, long

WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def test_a_stream_is_the_upstreams(client: openai.OpenAI, direct: openai.OpenAI) -> None:
    def chunks(of: openai.OpenAI) -> list[tuple[str | None, str | None]]:
        stream = of.chat.completions.create(model=MODEL, stream=True, **ask("Name a colour."))
        # Without a usage chunk: the gateway asks for one, but this client did not.
        return [
            (chunk.choices[0].delta.content, chunk.choices[0].finish_reason) for chunk in stream
        ]

    through = chunks(client)

    assert through == chunks(direct)
    assert len(through) > 2
    assert through[-1][1] is not None


def test_chinese_text_comes_through_whole(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model=MODEL, stream=True, **forced(GREETING))
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream]

    assert "".join(pieces) == GREETING
    assert len(pieces) > 5, "the answer came in one piece"


def test_usage_is_shown_to_who_asks_for_it(gateway: Gateway, client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, **WITH_USAGE, **ask("Name a colour.")
    )
    chunks = list(raw.parse())

    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert all(chunk.usage is None for chunk in chunks[:-1])
    row = gateway.row(raw.headers["x-request-id"])
    assert row["stream"] is True
    assert row["total_tokens"] == chunks[-1].usage.total_tokens


def test_usage_is_on_the_ledger_before_the_client_sees_the_end(
    gateway: Gateway, client: openai.OpenAI
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, stream=True, **ask("Name a colour.")
    )
    for _ in raw.parse():
        pass

    # Read at once, not awaited: the row is settled before the stream's last byte leaves.
    row = gateway.row(raw.headers["x-request-id"])
    assert (row["state"], row["usage_source"]) == ("completed", "reported")
    assert row["completion_tokens"] > 0


def test_pieces_come_as_they_are_made(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model=MODEL, stream=True, **long(64))
    first = next(iter(stream))

    # 64 tokens take this model a second: were the answer held back, nothing would be left to read.
    assert first.choices[0].finish_reason is None
    assert len(list(stream)) > 10


def test_a_stream_that_the_client_closes_is_cancelled(
    gateway: Gateway, client: openai.OpenAI
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, stream=True, **long(1500)
    )
    stream = raw.parse()
    for _, _chunk in zip(range(5), stream):
        pass
    request_id = raw.headers["x-request-id"]
    assert gateway.row(request_id)["state"] == "open"

    stream.close()

    row = eventually(lambda: gateway.row(request_id), lambda row: row["state"] != "open")
    assert row["state"] == "cancelled"
    # The whole answer would have taken half a minute: it was not read to its end.
    assert row["duration_ms"] < 10_000
    # What it cost all the same, counted here.
    assert row["usage_source"] == "estimated"
    assert row["prompt_tokens"] > 0 and row["completion_tokens"] > 0


def test_the_async_client_streams_too(gateway: Gateway) -> None:
    async def text(client: openai.AsyncOpenAI, answer: str) -> str:
        stream = await client.chat.completions.create(model=MODEL, stream=True, **forced(answer))
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async def both() -> list[str]:
        async with gateway.async_client(KEY) as client:
            return await asyncio.gather(text(client, "one two three"), text(client, "四五六"))

    assert asyncio.run(both()) == ["one two three", "四五六"]
