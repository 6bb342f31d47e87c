"""What the tests of all SDKs share: a gateway before a provider of each dialect, and the tool."""

from collections.abc import Callable, Iterator

import pytest

from conftest import KEY, MODEL, UPSTREAM_KEY
from dialects import DIALECTS, KEY as DIALECT_KEY, DialectServer
from gateway import Gateway

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "A city's name."}},
    "required": ["city"],
}


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest, start: Callable[..., Gateway]) -> Iterator[Gateway]:
    """A gateway before a provider of each dialect. At the end the ledger has what the provider told."""
    server = DialectServer(request.param)
    try:
        gateway = start()
        provider = gateway.admin(
            "POST",
            "/providers",
            {
                "name": "scripted",
                "kind": request.param,
                "server_url": server.url,
                "server_key": DIALECT_KEY,
                "personalized_key": KEY,
            },
        )
        model = {"provider_id": provider["id"], "model_name": MODEL, "upstream_model": "up"}
        gateway.admin("POST", "/provider_models", model)
        yield gateway
        assert not server.refused
        totals = gateway.totals()
        told = (server.prompt_tokens, server.completion_tokens)
        assert (totals["prompt_tokens"], totals["completion_tokens"]) == told
        sources = {row["usage_source"] for row in gateway.rows() if row["state"] == "completed"}
        assert sources <= {"reported"} or all("count" in row["operation"] for row in gateway.rows())
    finally:
        server.close()


@pytest.fixture(params=["openai", "anthropic", "all"])
def real(request: pytest.FixtureRequest, start: Callable[..., Gateway], upstream: str) -> Gateway:
    """A gateway before the real model, spoken to as chat completions, as Messages, or as its client does."""
    gateway = start()
    fields: dict[str, object] = {"kind": request.param, "server_key": UPSTREAM_KEY}
    if request.param == "all":
        protocols = ["chat", "messages", "responses"]
        fields = {"kind": "openai", "protocols": protocols, "server_key": UPSTREAM_KEY}
    gateway.register(upstream, key=KEY, model=MODEL, **fields)
    return gateway
