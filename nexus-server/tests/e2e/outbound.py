"""Real outbound proxies on free loopback ports: Debian's tinyproxy and dante-server."""

import os
import pathlib
import shutil
import socket

from child import Child

START_SECONDS = 15.0

# Debian keeps servers where only root's PATH looks.
SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def free_port() -> int:
    """A port that nobody has just now: neither program can be told to take any."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class OutboundProxy:
    """Started when made, by the user who runs the tests; what it writes lands in `folder`."""

    def __init__(self, folder: pathlib.Path, package: str, program: str, *, ready: str) -> None:
        path = shutil.which(program, path=SEARCHED)
        assert path is not None, f"{program} is missing: apt-get install {package}"
        self.port = free_port()
        config = folder / f"{program}-{self.port}.conf"
        config.write_text(self.config(), "utf-8")
        self.child = Child(
            [path, *self.flags(config)],
            log=folder / f"{program}.log",
            cwd=folder,
            env=os.environ | {"TMPDIR": str(folder)},
            own_group=True,
        )
        try:
            self.child.wait_for_line(ready, START_SECONDS)
        except BaseException:
            self.stop()
            raise

    def config(self) -> str:
        raise NotImplementedError

    def flags(self, config: pathlib.Path) -> list[str]:
        raise NotImplementedError

    def wait_for_tunnel(self, port: int) -> None:
        """Waits until it says that it has led somebody to `port`."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ends it with the processes that it has made, which may outlive it otherwise."""
        self.child.end()


class Tinyproxy(OutboundProxy):
    """HTTP's CONNECT, for whoever shows a user and a password."""

    USER = "nexus"
    PASSWORD = "tiny-e2e-password"

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder, "tinyproxy", "tinyproxy", ready="Accepting connections")

    @property
    def url(self) -> str:
        return f"http://{self.USER}:{self.PASSWORD}@127.0.0.1:{self.port}"

    def config(self) -> str:
        return (
            f"Port {self.port}\n"
            "Listen 127.0.0.1\n"
            "Timeout 600\n"
            "MaxClients 100\n"
            f"BasicAuth {self.USER} {self.PASSWORD}\n"
        )

    def flags(self, config: pathlib.Path) -> list[str]:
        return ["-d", "-c", str(config)]

    def wait_for_tunnel(self, port: int) -> None:
        self.child.wait_for_line(rf"CONNECT \S+:{port} ", START_SECONDS)
        self.child.wait_for_line("Established connection", START_SECONDS)


class Danted(OutboundProxy):
    """SOCKS 5, without credentials: it takes those of the machine's own users only."""

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder, "dante-server", "danted", ready="running")

    def url(self, scheme: str) -> str:
        return f"{scheme}://127.0.0.1:{self.port}"

    def config(self) -> str:
        return (
            "logoutput: stdout\n"
            f"internal: 127.0.0.1 port = {self.port}\n"
            "external: 127.0.0.1\n"
            "clientmethod: none\n"
            "socksmethod: none\n"
            "client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }\n"
            "socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 log: connect }\n"
        )

    def flags(self, config: pathlib.Path) -> list[str]:
        return ["-f", str(config), "-p", str(config.with_suffix(".pid")), "-N", "1"]

    def wait_for_tunnel(self, port: int) -> None:
        self.child.wait_for_line(rf"tcp/connect .*127\.0\.0\.1\.{port}$", START_SECONDS)
