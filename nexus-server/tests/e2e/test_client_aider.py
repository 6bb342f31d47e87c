"""Aider, over chat completions and Messages: it edits a file until the command that checks it is content."""

import os
import pathlib
import subprocess

import pytest

from clients import NOTE, Bench, bench  # noqa: F401
from conftest import KEY
from dialects import Asked, Said

# It has an environment of its own: it pins what it depends on, down to old versions.
AIDER = os.environ.get("NEXUS_AIDER", "")

SWITCHES = [
    "--yes-always", "--no-pretty", "--no-stream", "--no-check-update", "--no-show-model-warnings", "--analytics-disable",
    "--no-gitignore", "--no-show-release-notes", "--no-detect-urls", "--no-suggest-shell-commands", "--map-tokens", "0",
    "--edit-format", "diff",
]  # fmt: skip


def edit(before: str, after: str) -> str:
    return f"note.txt\n```\n<<<<<<< SEARCH\n{before}\n=======\n{after}\n>>>>>>> REPLACE\n```\n"


class Author:
    """Writes what does not pass the check first, and then what does."""

    def __init__(self) -> None:
        self.edits = [
            edit(NOTE, NOTE.replace("noon", "dawn")),
            edit(NOTE.replace("noon", "dawn"), NOTE.replace("noon", "dusk")),
        ]

    def __call__(self, asked: Asked) -> Said:
        if "commit message" in asked.system or "commit message" in asked.told:
            return Said("docs: change the hour", [], told=asked.told)
        return Said(self.edits.pop(0), [], told=asked.told)


@pytest.mark.parametrize(
    ("bench", "face", "stream"),
    [("openai", "openai", True), ("ollama", "openai", False), ("anthropic", "anthropic", True), ("gemini", "anthropic", False)],
    indirect=["bench"],
)
def test_session_edits_a_file_until_its_check_passes(bench: Bench, face: str, stream: bool) -> None:
    bench.server.script = Author()
    git(bench.work, "init", "--quiet")
    git(bench.work, "add", ".")
    git(bench.work, "commit", "--quiet", "-m", "Start")
    url = bench.gateway.api_url
    told = bench.run(
        [
            AIDER, "--model", f"{face}/{bench.model}", *(flag for flag in SWITCHES if not (stream and flag == "--no-stream")),
            "--auto-test", "--test-cmd", "grep dusk note.txt || (echo it says: $(cat note.txt); exit 1)",
            "--message", "Make it dusk in note.txt.", "note.txt",
        ],  # fmt: skip
        OPENAI_API_BASE=f"{url}/v1",
        OPENAI_API_KEY=KEY,
        ANTHROPIC_API_BASE=url,
        ANTHROPIC_BASE_URL=url,
        ANTHROPIC_API_KEY=KEY,
        LITELLM_LOCAL_MODEL_COST_MAP="True",
        GIT_CONFIG_GLOBAL=str(bench.home / "none"),
        GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@a.example", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@a.example",
    )  # fmt: skip
    assert (bench.work / "note.txt").read_text() == NOTE.replace("noon", "dusk") + "\n", bench.output
    assert "Applied edit to note.txt" in told, bench.output
    assert any("it says: the harbour master signs at dawn" in asked.told for asked in bench.server.asked)
    assert "change the hour" in git(bench.work, "log", "--format=%s")
    bench.check(conversations=None)


def git(folder: pathlib.Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@a.example", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout
