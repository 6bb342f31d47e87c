"""What every test starts from: a real model for the whole run, a fresh gateway for each test."""

import os
import pathlib
import signal
import sys
from collections.abc import Callable, Iterator

import openai
import pytest

from child import Child
from gateway import Gateway

KEY = "sk-nexus-e2e-client-key"
MODEL = "smollm2"
UPSTREAM_KEY = "sk-upstream-e2e-server-key"
HERE = pathlib.Path(__file__).parent
MODEL_START_SECONDS = 120.0


def pytest_configure() -> None:
    # A run that is asked to stop unwinds like one that is interrupted: its processes are ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def binary() -> pathlib.Path:
    path = pathlib.Path(os.environ["NEXUS_SERVER_BIN"])
    assert path.is_file(), f"{path} is not there: build nexus-server first, or use run.sh"
    return path.resolve()


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a real model."""
    log = tmp_path_factory.mktemp("model") / "stderr.log"
    child = Child([sys.executable, str(HERE / "real_llm.py")], log=log)
    try:
        yield child.wait_for_line(r"listening on (http://\S+)", MODEL_START_SECONDS).group(1)
    finally:
        child.end()


@pytest.fixture
def direct(upstream: str) -> Iterator[openai.OpenAI]:
    """The model without the gateway: what the gateway's answers are compared with."""
    with openai.OpenAI(base_url=upstream, api_key="none", max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def start(binary: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Callable[..., Gateway]]:
    """Starts gateways on this test's folder, one after the other; ends what is left of them."""
    started: list[Gateway] = []

    def start(*flags: str) -> Gateway:
        gateway = Gateway(binary, tmp_path, *flags)
        started.append(gateway)
        return gateway

    yield start
    for gateway in started:
        gateway.end()


@pytest.fixture
def gateway(start: Callable[..., Gateway], upstream: str) -> Gateway:
    """A gateway that offers the real model as `MODEL` to `KEY`."""
    gateway = start()
    gateway.register(upstream, key=KEY, model=MODEL, server_key=UPSTREAM_KEY)
    return gateway


@pytest.fixture
def client(gateway: Gateway) -> openai.OpenAI:
    return gateway.client(KEY)
