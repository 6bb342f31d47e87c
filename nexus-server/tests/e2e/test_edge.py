"""Clients that hold connections and do nothing with them, and an honest one between them."""

import http.client
import json
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from gateway import Gateway, eventually

CONNECTIONS = 1000
# Each mode of slowhttptest that concerns a server without ranges. It has no flag for a key, but for the
# value of `Accept`, behind which a line more can stand.
KEYED = "application/json\r\nAuthorization: Bearer demo-key"
MODES = {
    "headers": ["-H", "-i", "10", "-u", "/v1/models"],
    "body": ["-B", "-i", "100", "-s", "8192", "-u", "/v1/chat/completions", "-m", KEYED],
    "read": ["-X", "-n", "1", "-z", "5", "-w", "1", "-y", "100", "-k", "5", "-u", "/v1/models", "-m", KEYED],
}
# Longer than the server bears any of them.
ATTACK_SECONDS = 60
MEASURED_SECONDS = 15.0
# The server waits 30 s for a head, for a body and for the next request.
BORNE_SECONDS = 30.0


@contextmanager
def attack(gateway: Gateway, folder: pathlib.Path) -> Iterator[None]:
    """Runs all modes at once."""
    running = []
    try:
        for name, flags in MODES.items():
            flags = [gateway.api_url + flag if flag.startswith("/v1") else flag for flag in flags]
            size = ["-c", str(CONNECTIONS), "-r", "500", "-l", str(ATTACK_SECONDS)]
            with (folder / f"slow-{name}.log").open("wb") as log:
                command = ["slowhttptest", *size, *flags]
                running.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=folder))
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def sockets(gateway: Gateway) -> int:
    """How many files and sockets the gateway has open."""
    return len(list(pathlib.Path(f"/proc/{gateway.child.pid}/fd").iterdir()))


def chat(gateway: Gateway) -> float:
    """One chat over a connection of its own; how many seconds it took."""
    body = json.dumps({"model": "nexus-echo", "messages": [{"role": "user", "content": "你好"}]})
    headers = {"authorization": "Bearer demo-key", "content-type": "application/json"}
    address = urlsplit(gateway.api_url)
    started = time.monotonic()
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    try:
        connection.request("POST", "/v1/chat/completions", body.encode(), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    took = time.monotonic() - started
    assert answer.status == 200, text
    assert "你好" in json.loads(text)["choices"][0]["message"]["content"]
    return took


def test_slow_clients_disturb_nobody_and_are_let_go(
    start: Callable[..., Gateway], tmp_path: pathlib.Path
) -> None:
    gateway = start("--demo")
    chat(gateway)
    quiet = sockets(gateway)

    with attack(gateway, tmp_path):
        everyone = len(MODES) * CONNECTIONS
        # Some of those who read slowly are through early.
        eventually(lambda: sockets(gateway), lambda open: open > 0.9 * everyone, within=15)
        took, until = [], time.monotonic() + MEASURED_SECONDS
        while time.monotonic() < until:
            took.append(chat(gateway))
            # The machine has work to do besides: what is measured is how long one waits, not how many.
            time.sleep(0.005)
        took.sort()
        assert took[len(took) * 99 // 100] < 0.25, f"of {len(took)} chats: {took[-20:]}"

        eventually(lambda: sockets(gateway), lambda open: open < quiet + 50, within=BORNE_SECONDS)
        chat(gateway)

    requests = gateway.totals()["requests"]
    assert requests == len(took) + 2, "a body that never came was counted"
    gateway.stop()
