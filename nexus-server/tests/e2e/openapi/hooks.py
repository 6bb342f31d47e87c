"""What makes requests that are made at random come further than the first check. Loaded by schemathesis."""

import atexit
import collections
import json
import os
import pathlib
import zlib
from typing import Any

import schemathesis

MODEL = "nexus-echo"
# The demo's provider and model are the first of their kind.
DEMO = 1
NOBODY = 1_000_000
TIMEOUT = "x-request-timeout-ms"
PATIENT_MS = 60_000
SAID = {"messages": [{"role": "user", "content": "你好"}], "input": "你好"}
answers: collections.Counter[str] = collections.Counter()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    # Whoever deletes the only model that answers learns little about answers.
    changes = case.method in ("PUT", "DELETE")
    if changes and str((case.path_parameters or {}).get("id")) == str(DEMO):
        case.path_parameters["id"] = NOBODY
    # A client that gives a model a millisecond is told 504, and rightly so: here it is patient.
    timeout = str((case.headers or {}).get(TIMEOUT, ""))
    if timeout.isascii() and timeout.isdigit() and 0 < int(timeout) < PATIENT_MS:
        case.headers[TIMEOUT] = str(PATIENT_MS)
    # Nothing is hit by chance: of bodies that name something, half name what is there.
    body = case.body
    if case.method != "POST" or not isinstance(body, dict):
        return
    lot = zlib.crc32(repr(body).encode()) % 4
    if lot < 2:
        return
    if isinstance(body.get("model"), str):
        body["model"] = MODEL
        if lot == 2:
            # And half of these have something to say, so that what comes by chance are the other fields.
            body |= {name: said for name, said in SAID.items() if name in body}
            if case.operation.path.endswith("/messages"):
                body.setdefault("max_tokens", 16)
    if isinstance(body.get("provider_id"), int):
        body["provider_id"] = DEMO


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    answers[f"{case.method} {case.operation.path} {response.status_code}"] += 1


@atexit.register
def tell() -> None:
    pathlib.Path(os.environ["ANSWERS"]).write_text(json.dumps(answers))
