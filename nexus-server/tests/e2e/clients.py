"""Coding agents and other programs as people install them, before scripted providers that refuse what real ones do."""

import contextlib
import dataclasses
import os
import pathlib
import platform
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conftest import KEY
from dialects import KEY as DIALECT_KEY, Asked, Call, DialectServer, Gemini, Groq, Said
from gateway import Gateway

HERE = pathlib.Path(__file__).parent
NODE_MODULES = HERE / "clients/node_modules"
NOTE = "the harbour master signs at noon"
SESSION_SECONDS = 120
PATCH = "*** Begin Patch\n*** Add File: made.txt\n+made by a patch\n*** End Patch\n"

# Which tools of these clients read a file and run a command, with the arguments for each: by the tool's name.
TOOLS: dict[str, Callable[[pathlib.Path], dict[str, Any]]] = {
    # Codex
    "exec_command": lambda folder: {"cmd": "cat note.txt", "workdir": str(folder)},
    "shell_command": lambda folder: {"command": "cat note.txt", "workdir": str(folder)},
    "shell": lambda folder: {"command": ["cat", "note.txt"], "workdir": str(folder)},
    "apply_patch": lambda folder: {"input": PATCH},
    # Of the models that write programs to call tools.
    "functions__exec": lambda folder: {"input": 'text(await tools.exec_command({cmd: "cat note.txt"}))'},
    # opencode
    "read": lambda folder: {"filePath": str(folder / "note.txt")},
    # Qwen Code
    "read_file": lambda folder: {"file_path": str(folder / "note.txt"), "absolute_path": str(folder / "note.txt")},
    # Of a program of one's own.
    "read_note": lambda folder: {"name": "note.txt"},
}


def quiet(home: pathlib.Path) -> dict[str, str]:
    """An environment with nothing of this machine's set-up, and nothing that would call home."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".data"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_STATE_HOME": str(home / ".state"),
        "TERM": "dumb",
        "NO_COLOR": "1",
        "CI": "1",
        "DO_NOT_TRACK": "1",
    }


@dataclasses.dataclass
class Bench:
    """A gateway before one scripted provider, and a folder for a client to work in."""

    gateway: Gateway
    server: DialectServer
    model: str
    work: pathlib.Path
    home: pathlib.Path

    def run(self, command: list[str], *, stdin: str | None = None, **env: str) -> str:
        """Runs a client to its end; gives what it wrote to its standard output."""
        done = subprocess.run(
            command,
            cwd=self.work,
            env=quiet(self.home) | env,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=SESSION_SECONDS,
        )
        shown = f"{done.stdout[-4000:]}\n--- stderr\n{done.stderr[-4000:]}\n--- refused\n{self.server.refused[:2]}"
        assert done.returncode == 0, shown
        assert not self.server.refused, shown
        self.output = shown
        return done.stdout

    def check(self, *, conversations: int | None = 1) -> None:
        """What holds after every session: all was answered, counted as the provider did, and belongs together."""
        rows = self.gateway.rows()
        assert rows, self.output
        assert {row["state"] for row in rows} == {"completed"}, [(row["state"], row["error"]) for row in rows]
        assert {row["usage_source"] for row in rows} == {"reported"}
        totals = self.gateway.totals()
        reported = (self.server.prompt_tokens, self.server.completion_tokens)
        assert (totals["prompt_tokens"], totals["completion_tokens"]) == reported
        assert len(rows) == len(self.server.asked)
        if conversations is not None:
            held: dict[str, int] = {}
            for row in rows:
                held[row["conversation_id"]] = held.get(row["conversation_id"], 0) + 1
            assert len(held) == conversations, held


def session(folder: pathlib.Path, *, steps: int = 1) -> Callable[[Asked], Said]:
    """A model that uses the tools that it knows, one after the other, and then says what stands in the note."""

    def script(asked: Asked) -> Said:
        known = [name for name in TOOLS if name in asked.tools]
        if known and len(asked.results) < steps:
            name = known[min(len(asked.results), len(known) - 1)]
            call = Call(name, TOOLS[name](folder))
            return Said("I will look at the note.", [call], told=asked.told)
        if known:
            found = NOTE if any(NOTE in result for result in asked.results) else f"nothing of {asked.results}"
            return Said(f"The note says: {found}", [], told=asked.told)
        return Said("A short title", [], told=asked.told)

    return script


@pytest.fixture
def bench(
    request: pytest.FixtureRequest, start: Callable[..., Gateway], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """For `bench` parametrised by a dialect's name, or `(dialect, model)` with the name that clients use."""
    dialect, model = request.param if isinstance(request.param, tuple) else (request.param, "nexus-model")
    work = tmp_path_factory.mktemp("work")
    (work / "note.txt").write_text(NOTE + "\n")
    upstream_model = "up"
    if dialect == "gemini3":
        upstream_model = "gemini-3-pro-preview"
        dialect = Gemini(upstream_model)
    if dialect == "groq":
        dialect = Groq()
    with contextlib.closing(DialectServer(dialect, session(work, steps=2))) as server:
        gateway = start()
        register(gateway, server, model, upstream_model)
        yield Bench(gateway, server, model, work, tmp_path_factory.mktemp("home"))


def register(gateway: Gateway, server: DialectServer, model: str, upstream_model: str) -> None:
    fields = {"name": "scripted", "kind": server.dialect.kind, "server_url": server.url}
    if isinstance(server.dialect, Groq):
        # What is left out there goes by the host's name, which the tunnel need not resolve.
        proxy = f"http://127.0.0.1:{server.server.server_port}"
        fields |= {"server_url": f"http://api.groq.com{server.dialect.base}", "proxy_url": proxy}
    keys = {"server_key": DIALECT_KEY, "personalized_key": KEY}
    provider = gateway.admin("POST", "/providers", fields | keys)
    registered = {"provider_id": provider["id"], "model_name": model, "upstream_model": upstream_model}
    gateway.admin("POST", "/provider_models", registered)


def node_program(name: str) -> str:
    return str(NODE_MODULES / ".bin" / name)


def opencode_program() -> str:
    """The program itself: the package's script would have to be run after the install to find it."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
    # What is called baseline runs on processors without AVX2, too.
    names = [f"opencode-linux-{machine}-baseline", f"opencode-linux-{machine}"]
    found = [path for name in names if (path := NODE_MODULES / name / "bin/opencode").is_file()]
    assert found, f"opencode is not installed for {machine}"
    return str(found[0])
