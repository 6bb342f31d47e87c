"""A nexus-server process on free ports, in a folder of its own, and its admin API."""

import contextlib
import json
import os
import pathlib
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import openai

from child import Child

T = TypeVar("T")


class Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)

START_SECONDS = 15.0
STOP_SECONDS = 40.0


class AdminError(Exception):
    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body.decode('utf-8', 'replace')}")
        self.status = status
        self.body = body


class Gateway:
    """Started when made. The settings are the defaults but for the ports: everything that it keeps
    lands in `folder`, and a second gateway on the same folder goes on where the first one stopped."""

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path, *flags: str) -> None:
        self.folder = folder
        self._clients = contextlib.ExitStack()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("NEXUS_")}
        any_port = ["--admin-addr", "127.0.0.1:0", "--api-addr", "127.0.0.1:0"]
        self.child = Child(
            [str(binary), *any_port, *flags],
            log=folder / "stderr.log",
            cwd=folder,
            env=inherited,
        )
        try:
            self.admin_url = self._address("admin")
            self.api_url = self._address("api")
        except BaseException:
            self.child.end()
            raise

    def _address(self, port: str) -> str:
        line = self.child.wait_for_line(rf"^{port} listening on (http://\S+)", START_SECONDS)
        return line.group(1)

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """The decoded answer, `None` for an empty one. Raises `AdminError` for an error status."""
        request = urllib.request.Request(
            self.admin_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise AdminError(error.code, error.read()) from None
        return json.loads(text) if text else None

    def register(self, upstream: str, *, key: str, model: str, **fields: object) -> dict[str, Any]:
        """Adds a provider at `upstream` with one model; returns the provider."""
        provider = {"name": "local", "server_url": upstream, "server_key": ""} | fields
        made = self.admin("POST", "/providers", provider | {"personalized_key": key})
        self.admin(
            "POST", "/provider_models", {"provider_id": made["id"], "model_name": model}
        )
        return made

    def client(self, key: str) -> openai.OpenAI:
        # Without the client's own retries, which would hide what the gateway does.
        return self.keep(
            openai.OpenAI(base_url=f"{self.api_url}/v1", api_key=key, max_retries=0, timeout=60)
        )

    def keep(self, client: C) -> C:
        """Closes `client` when the gateway is ended. Left to Python's collector, a client that is part of
        a cycle may lose its sockets before it is asked to close them, in the middle of another test."""
        self._clients.callback(client.close)
        return client

    def async_client(self, key: str) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            base_url=f"{self.api_url}/v1", api_key=key, max_retries=0, timeout=60
        )

    def totals(self) -> dict[str, Any]:
        """All sums, without the time of the question."""
        totals = self.admin("GET", "/stats/total")
        del totals["now"]
        return totals

    def rows(self) -> list[dict[str, Any]]:
        """The ledger's rows, newest first."""
        return self.admin("GET", "/stats/requests?limit=200")["requests"]

    def row(self, request_id: str) -> dict[str, Any]:
        return next(row for row in self.rows() if row["request_id"] == request_id)

    def stop(self) -> None:
        """Asks it to drain, and checks that it ends well."""
        self.child.send(signal.SIGTERM)
        assert self.child.wait(STOP_SECONDS) == 0, self.child.log.read_text()

    def kill(self) -> None:
        """Ends it as a crash would."""
        self.child.send(signal.SIGKILL)
        self.child.wait(STOP_SECONDS)

    def end(self) -> None:
        """Ends it for certain, and its clients. Safe to call twice."""
        self._clients.close()
        self.child.end()


def eventually(read: Callable[[], T], holds: Callable[[T], bool], within: float = 5.0) -> T:
    """What `read` returned when it first held; fails with what it last returned."""
    deadline = time.monotonic() + within
    while not holds(value := read()):
        assert time.monotonic() < deadline, f"still {value!r} after {within} s"
        time.sleep(0.02)
    return value
