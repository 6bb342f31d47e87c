"""Providers behind real outbound proxies."""

import pathlib
import urllib.parse
from collections.abc import Callable, Iterator

import openai
import pytest

from conftest import KEY, MODEL
from gateway import Gateway
from outbound import Danted, Tinyproxy, free_port
from prompts import ask


@pytest.fixture
def tinyproxy(tmp_path: pathlib.Path) -> Iterator[Tinyproxy]:
    proxy = Tinyproxy(tmp_path)
    yield proxy
    proxy.stop()


@pytest.fixture
def danted(tmp_path: pathlib.Path) -> Iterator[Danted]:
    proxy = Danted(tmp_path)
    yield proxy
    proxy.stop()


@pytest.fixture
def behind(start: Callable[..., Gateway], upstream: str) -> Callable[[str], Gateway]:
    """Starts a gateway that reaches the real model through proxies."""

    def behind(proxy_url: str) -> Gateway:
        gateway = start()
        gateway.register(upstream, key=KEY, model=MODEL, proxy_url=proxy_url)
        return gateway

    return behind


@pytest.fixture
def port(upstream: str) -> int:
    """The real model's port."""
    port = urllib.parse.urlsplit(upstream).port
    assert port is not None
    return port


def plain(gateway: Gateway) -> str:
    answer = gateway.client(KEY).chat.completions.create(model=MODEL, **ask("Name a colour."))
    return answer.choices[0].message.content or ""


def streamed(gateway: Gateway) -> str:
    stream = gateway.client(KEY).chat.completions.create(
        model=MODEL, stream=True, **ask("Name a colour.")
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream)


def direct_answer(direct: openai.OpenAI) -> str:
    answer = direct.chat.completions.create(model=MODEL, **ask("Name a colour."))
    return answer.choices[0].message.content or ""


def test_chats_go_through_tinyproxy(
    behind: Callable[..., Gateway], tinyproxy: Tinyproxy, port: int, direct: openai.OpenAI
) -> None:
    gateway = behind(tinyproxy.url)
    expected = direct_answer(direct)

    assert plain(gateway) == expected
    tinyproxy.wait_for_tunnel(port)
    assert streamed(gateway) == expected
    assert [row["state"] for row in gateway.rows()] == ["completed", "completed"]
    shown = gateway.admin("GET", "/providers/1")["proxy_url"]
    assert shown == f"http://{Tinyproxy.USER}:***@127.0.0.1:{tinyproxy.port}"


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_chats_go_through_danted(
    behind: Callable[..., Gateway], danted: Danted, port: int, direct: openai.OpenAI, scheme: str
) -> None:
    gateway = behind(danted.url(scheme))
    expected = direct_answer(direct)

    assert streamed(gateway) == expected
    danted.wait_for_tunnel(port)
    assert plain(gateway) == expected
    assert [row["state"] for row in gateway.rows()] == ["completed", "completed"]


def test_wrong_credentials_are_not_gone_around(
    behind: Callable[..., Gateway], tinyproxy: Tinyproxy
) -> None:
    gateway = behind(tinyproxy.url.replace(Tinyproxy.PASSWORD, "wrong"))

    with pytest.raises(openai.InternalServerError) as error:
        plain(gateway)
    assert error.value.status_code == 502
    assert error.value.code == "upstream_unreachable"
    assert "through its proxy" in error.value.message
    assert gateway.rows()[0]["state"] == "failed"


def test_a_living_proxy_takes_over_from_a_dead_one(
    behind: Callable[..., Gateway], tinyproxy: Tinyproxy, danted: Danted, port: int
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    gateway = behind(",".join([nobody, tinyproxy.url, danted.url("socks5h")]))

    assert plain(gateway)
    tinyproxy.wait_for_tunnel(port)

    tinyproxy.stop()
    assert streamed(gateway)
    danted.wait_for_tunnel(port)
    assert plain(gateway)
    assert [row["attempts"] for row in gateway.rows()] == [1, 1, 1]

    danted.stop()
    with pytest.raises(openai.InternalServerError):
        plain(gateway)


def test_grok_goes_by_its_own_pool(
    start: Callable[..., Gateway], danted: Danted, upstream: str, port: int
) -> None:
    gateway = start("--grok-proxies", danted.url("socks5h"))
    gateway.register(upstream, key=KEY, model="grok-local")

    answer = gateway.client(KEY).chat.completions.create(
        model="grok-local", **ask("Name a colour.")
    )

    assert answer.choices[0].message.content
    danted.wait_for_tunnel(port)
