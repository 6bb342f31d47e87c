"""Requests made at random from each port's own document: schemathesis finds no fault and nothing that is not told."""

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable

from gateway import Gateway

HERE = pathlib.Path(__file__).parent / "openapi"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
LONGEST_SECONDS = 240


def run(url: str, folder: pathlib.Path, *flags: str) -> dict[str, int]:
    """Runs schemathesis against the document at `url`. How often there was which answer, such as
    `GET /healthz 200`."""
    answers = folder / "answers.json"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
        *("--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{url}/openapi.json", "--checks", ",".join(CHECKS)),
        *("--phases", "examples,coverage,fuzzing,stateful", "--suppress-health-check", "all"),
        *("--continue-on-failure", "--request-timeout", "20", "--generation-deterministic"),
        *flags,
    ]
    hooks = {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), "ANSWERS": str(answers)}
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | hooks,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    return json.loads(answers.read_text())


def test_the_admin_port_answers_as_its_document_says(
    start: Callable[..., Gateway], tmp_path: pathlib.Path
) -> None:
    gateway = start("--demo")
    answers = run(gateway.admin_url, tmp_path, "--max-examples", "60")
    # It came through to what the routes are for.
    for answer in (
        "DELETE /providers/{id} 204",
        "GET /providers/{id}/upstream_models 502",
        "GET /stats/conversation/{id} 200",
        "POST /playground/chat 200",
        "POST /provider_models 201",
        "POST /providers 201",
        "POST /providers/{id}/test 200",
        "PUT /provider_models/{id} 200",
        "PUT /providers/{id} 200",
    ):
        assert answers.get(answer), answers
    gateway.stop()


def test_the_llm_port_answers_as_its_document_says(
    start: Callable[..., Gateway], tmp_path: pathlib.Path
) -> None:
    gateway = start("--demo")
    key = ("--header", "Authorization: Bearer demo-key")
    answers = run(gateway.api_url, tmp_path, "--max-examples", "60", *key)
    for path in ("/chat/completions", "/messages", "/messages/count_tokens", "/responses"):
        for name in (path, f"/v1{path}"):
            assert answers.get(f"POST {name} 200"), answers
    gateway.stop()
