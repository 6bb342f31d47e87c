"""Runs a page's blocks in order, as a newcomer would, against scripted providers in place of the real ones."""

import contextlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable

from clients import HERE, NOTE, node_program, opencode_program, quiet, session
from dialects import KEY, DialectServer, Gemini
from gateway import Gateway
from pages import Block, Page

ROOT = HERE.parents[2]
SECONDS = 120
# Each provider on the pages: the dialect that replaces it, and the key that the pages show for it.
PROVIDERS = {
    "https://api.openai.com/v1": ("openai", "sk-your-openai-key"),
    "https://openrouter.ai/api/v1": ("openai", "sk-or-your-key"),
    "https://api.anthropic.com": ("anthropic", "sk-ant-your-key"),
    "https://generativelanguage.googleapis.com": (Gemini("gemini-2.5-pro"), "your-gemini-key"),
    "http://127.0.0.1:11434": ("ollama", ""),
}
CLIENT_KEY = "your-custom-key"
PROXY = "proxy.example:3128"
STARTS = re.compile(r"(?:cargo run --release -p nexus-server(?: --)?|nexus-server)((?: --.*)?)\n")
# What only a block that asks a model contains.
ASKS = re.compile(r"127\.0\.0\.1:5231/(v1/|ws/)|^(NEXUS_KEY=\S+ )?(codex|opencode|qwen|aider) ", re.MULTILINE)


class Reader:
    """Runs `page` in `folder`. If no block of it starts a gateway, one runs from the beginning."""

    def __init__(self, page: Page, folder: pathlib.Path, start: Callable[..., Gateway]) -> None:
        self.page = page
        self.start = start
        # The server's folder as well, as for somebody with two terminals.
        self.work = folder
        self.home = folder / "home"
        self.servers: dict[str, DialectServer] = {}
        self.gateway: Gateway | None = None
        self._closing = contextlib.ExitStack()
        for made in (self.home, self.home / "bin", self.home / ".qwen"):
            made.mkdir()
        self._furnish()

    def __enter__(self) -> "Reader":
        text = "".join(block.text for block in self.page.blocks if not is_skipped(block))
        if not any(STARTS.fullmatch(block.text) for block in self.page.blocks):
            self.gateway = self.start("--demo")
            if CLIENT_KEY in text and '"name": "OpenAI"' not in text:
                self._register()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def _furnish(self) -> None:
        """Files and programs that the blocks expect, with telemetry and updates off."""
        (self.work / "note.txt").write_text(NOTE + "\n")
        (self.work / "examples").symlink_to(ROOT / "examples")
        (self.work / "node_modules").symlink_to(HERE / "sdks/node_modules")
        # curl fails if the answer is an error.
        (self.home / ".curlrc").write_text("silent\nshow-error\nfail-with-body\n")
        # `git clone` of the project's address clones this repository.
        git = f'[url "{ROOT}"]\n\tinsteadOf = https://github.com/nexusai/nexusai\n[safe]\n\tdirectory = *\n'
        (self.home / ".gitconfig").write_text(git)
        settings = {"privacy": {"usageStatisticsEnabled": False}, "general": {"disableAutoUpdate": True}}
        (self.home / ".qwen/settings.json").write_text(json.dumps(settings))
        programs = {
            "python": [sys.executable],
            "nexus-server": [os.environ["NEXUS_SERVER_BIN"]],
            "codex": [node_program("codex"), "-c", "analytics.enabled=false", "-c", "check_for_update_on_startup=false"],
            "opencode": [opencode_program()],
            "qwen": [node_program("qwen")],
            "aider": [os.environ.get("NEXUS_AIDER", "")],
        }
        for name, command in programs.items():
            # A script: through a link, Python would not find its packages.
            program = self.home / "bin" / name
            program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
            program.chmod(0o755)

    def _register(self) -> None:
        assert self.gateway is not None
        url = self._stand_in("https://api.openai.com/v1").url
        self.gateway.register(url, key=CLIENT_KEY, model="gpt-4", name="OpenAI", server_key=KEY)

    def _stand_in(self, url: str) -> DialectServer:
        assert url in PROVIDERS, f"no scripted provider stands in for {url}"
        if url not in self.servers:
            server = DialectServer(PROVIDERS[url][0], session(self.work))
            self.servers[url] = self._closing.enter_context(contextlib.closing(server))
        return self.servers[url]

    def _here(self, text: str) -> str:
        """`text` with the addresses and keys of this run."""

        def provider(found: re.Match[str]) -> str:
            return f'"server_url": "{self._stand_in(found[1]).url}"'

        text = re.sub(r'"server_url": "([^"]+)"', provider, text)
        for url, (_, key) in PROVIDERS.items():
            text = text.replace(f'"{key}"', f'"{KEY}"') if url in self.servers and key else text
        if PROXY in text:
            # A scripted provider accepts any CONNECT, and answers through it.
            port = next(iter(self.servers.values())).server.server_port
            text = text.replace(PROXY, f"127.0.0.1:{port}")
        if self.gateway is not None:
            api, admin = address(self.gateway.api_url), address(self.gateway.admin_url)
            text = text.replace("127.0.0.1:5231", api).replace("127.0.0.1:8000", admin)
        return text

    def run(self, block: Block) -> None:
        """Runs the block, or fails: also for a block that nothing can run."""
        if is_skipped(block):
            return
        if block.mark is not None:
            return self._write(block, block.mark[1])
        match block.language:
            case "sh":
                self._shell(block)
            case "python":
                self._python(block)
            case "js":
                file = self.work / f"block-{block.line}.mjs"
                self._ask(block, ["node", str(file)], file)
            case "rust" | "rust,no_run":
                pass  # A doc test of the examples; see `test_rust_is_compiled`.
            case _:
                raise AssertionError(f"{block}: say how to run it, or `<!-- not run: the reason -->` above it")

    def _write(self, block: Block, name: str) -> None:
        match block.language:
            case "toml":
                tomllib.loads(block.text)
            case "json":
                json.loads(block.text)
            case _:
                raise AssertionError(f"{block}: only toml and json can be written to a file")
        path = self.home / name[2:] if name.startswith("~/") else self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._here(block.text), "utf-8")

    def _shell(self, block: Block) -> None:
        if found := STARTS.fullmatch(block.text):
            flags = shlex.split(found[1])
            files = [str(self.work / flag) if (self.work / flag).is_file() else flag for flag in flags]
            if self.gateway is not None:
                self.gateway.stop()
            self.gateway = self.start(*files)
            return
        self._ask(block, ["bash", "-euo", "pipefail", "-c", self._here(block.text)])

    def _python(self, block: Block) -> None:
        python = sys.executable
        if "pydantic_ai" in block.text:
            python = os.environ.get("NEXUS_PYDANTIC_AI_PYTHON", "")
        file = self.work / f"block_{block.line}.py"
        self._ask(block, [python, str(file)], file)

    def _ask(self, block: Block, command: list[str], file: pathlib.Path | None = None) -> None:
        """Runs `command`. If it asks a model, it must leave rows, and all must be completed."""
        if file is not None:
            file.write_text(self._here(block.text), "utf-8")
        before = len(self._rows())
        done = subprocess.run(
            command,
            cwd=self.work,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        refused = [refusal for server in self.servers.values() for refusal in server.refused]
        shown = f"{block}\n{done.stdout[-4000:]}\n--- stderr\n{done.stderr[-4000:]}\n--- refused\n{refused[:2]}"
        assert done.returncode == 0, shown
        assert not refused, shown
        rows = self._rows()
        states = {(row["state"], row["error"]) for row in rows}
        assert states <= {("completed", None)}, f"{states}\n{shown}"
        if file is not None or ASKS.search(block.text):
            assert len(rows) > before, f"no model was asked: {shown}"

    def _rows(self) -> list[dict]:
        return [] if self.gateway is None else self.gateway.rows()

    def _environment(self) -> dict[str, str]:
        own = {
            "PATH": f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": str(self.home / ".gitconfig"),
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
            "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
            "AIDER_ANALYTICS_DISABLE": "true",
            "AIDER_CHECK_UPDATE": "false",
            "AIDER_SHOW_MODEL_WARNINGS": "false",
            "AIDER_YES_ALWAYS": "true",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        if self.gateway is not None:
            own["NEXUS_ADMIN_ADDR"] = address(self.gateway.admin_url)
            own["NEXUS_API_ADDR"] = address(self.gateway.api_url)
        return quiet(self.home) | own


def is_skipped(block: Block) -> bool:
    return block.mark is not None and block.mark[0] == "not run"


def address(url: str) -> str:
    return url.removeprefix("http://")
