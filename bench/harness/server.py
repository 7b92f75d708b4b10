"""Private servers on free ports, in directories of their own, stopped by process id."""

from __future__ import annotations

import contextlib
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Redis:
    """A redis-server, and the one connection that its counters are read over."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
            + ["--appendonly", "no", "--dir", str(directory), "--maxclients", "4000"],
            stdout=subprocess.DEVNULL,
        )
        self._socket = self._connect()
        self._input = self._socket.makefile("rb")

    def _connect(self) -> socket.socket:
        until = time.monotonic() + 10
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port))
            except ConnectionRefusedError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def info(self) -> tuple[dict[str, str], int, int]:
        """All that INFO says, and the bytes that asking took: sent, received."""
        request = b"*2\r\n$4\r\nINFO\r\n$3\r\nall\r\n"
        self._socket.sendall(request)
        header = self._input.readline()
        body = self._input.read(int(header[1:]) + 2)
        lines = (line.partition(":") for line in body.decode().splitlines() if ":" in line)
        return {key: value for key, _, value in lines}, len(request), len(header) + len(body)

    def requests(self, seconds: float) -> list[str]:
        """The commands that clients send in that time, without those that scripts call."""
        seen = []
        with socket.create_connection(("127.0.0.1", self.port)) as monitor:
            monitor.sendall(b"MONITOR\r\n")
            until = time.monotonic() + seconds
            rest = b""
            while (left := until - time.monotonic()) > 0:
                monitor.settimeout(left)
                with contextlib.suppress(TimeoutError):
                    *lines, rest = (rest + monitor.recv(1 << 16)).split(b"\r\n")
                    # +1339518083.107412 [0 127.0.0.1:60866] "keys" "*"
                    words = (line.split(b" ") for line in lines if line != b"+OK")
                    seen += [word[3].decode().strip('"') for word in words if word[2] != b"lua]"]
        return seen

    def stop(self) -> None:
        self._input.close()
        self._socket.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


@contextlib.contextmanager
def redis() -> Iterator[Redis]:
    with tempfile.TemporaryDirectory(prefix="interrex-bench-") as directory:
        server = Redis(pathlib.Path(directory))
        try:
            yield server
        finally:
            server.stop()
