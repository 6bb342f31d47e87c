import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

from dialects.anthropic import Anthropic
from dialects.gemini import Gemini
from dialects.ollama import Ollama
from dialects.openai import OpenAi
from dialects.talk import KEY, Refused, Script, weather

MADE = {"openai": OpenAi, "anthropic": Anthropic, "gemini": Gemini, "ollama": Ollama}

__all__ = ["KEY", "DialectServer"]


class DialectServer:
    """Serves one dialect on a free port until it is closed; counts the tokens that it reported."""

    def __init__(self, dialect: Any, script: Script = weather) -> None:
        self.dialect = dialect = MADE[dialect]() if isinstance(dialect, str) else dialect
        self.script = script
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.refused: list[str] = []
        # What the model was asked, in order.
        self.asked: list[Any] = []
        self.calls = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with outer._lock:
                    try:
                        asked = dialect.asked(self.path, self.headers, body)
                    except (Refused, KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
                        outer.refused.append(f"{error!r} in {json.dumps(body)}")
                        return self.send(400, json.dumps(dialect.refusal(400, str(error))))
                    if "limit me" in asked.told:
                        return self.send(429, json.dumps(dialect.refusal(429, "slow down, please")))
                    said = outer.script(asked)
                    outer.asked.append(asked)
                    for call in said.calls:
                        outer.calls += 1
                        call.id = dialect.id_form.format(outer.calls)
                    outer.prompt_tokens += said.prompt_tokens
                    outer.completion_tokens += said.completion_tokens
                    is_stream = dialect.is_stream(self.path, body)
                    answer = list(dialect.events(said)) if is_stream else json.dumps(dialect.whole(said))
                if is_stream:
                    return self.stream(iter(answer))
                return self.send(200, answer)

            def do_CONNECT(self) -> None:
                """A tunnel, wherever it should lead, ends here: so a provider can have a name that matters."""
                self.send_response(200)
                self.end_headers()
                self.close_connection = False

            def send(self, status: int, text: str) -> None:
                data = text.encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def stream(self, events: Iterator[str]) -> None:
                self.send_response(200)
                self.send_header("content-type", dialect.media)
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for event in events:
                    data = event.encode()
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{self.dialect.base}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
