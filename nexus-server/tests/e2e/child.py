"""A child process whose standard output is waited for, and which is always ended."""

import contextlib
import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence


class Child:
    """Runs `command`. Standard output is read line by line; standard error goes into a file. With
    `own_group` whatever it starts is of its group, and ended with it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: pathlib.Path,
        cwd: pathlib.Path | None = None,
        env: Mapping[str, str] | None = None,
        own_group: bool = False,
    ) -> None:
        self.name = pathlib.Path(command[0]).name
        self.log = log
        self._own_group = own_group
        self._lines: queue.Queue[str | None] = queue.Queue()
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                encoding="utf-8",
                start_new_session=own_group,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for_line(self, pattern: str, within: float) -> re.Match[str]:
        """The first line not yet read that matches. Fails with the log when it does not come."""
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                raise AssertionError(f"{self.name} ended before {pattern!r}:\n{self._tail()}")
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"{self.name}: no {pattern!r} within {within} s:\n{self._tail()}")

    def _tail(self) -> str:
        return self.log.read_text("utf-8", "replace")[-4000:]

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait(self, within: float) -> int:
        """The exit status. Fails with the log when the process goes on."""
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.name} still ran after {within} s:\n{self._tail()}"
            ) from None

    def end(self) -> None:
        """Ends it for certain, however it was left. Safe to call twice."""
        if self._own_group:
            # Once: the number may be another group's later.
            self._own_group = False
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        elif self.is_running:
            self._process.kill()
        self._process.wait()
        self._reader.join(timeout=5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
