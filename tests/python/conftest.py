"""Real media for the tests: memory, a directory, and a redis-server of our own on a free port."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

LIMIT = 20.0  # seconds; for what takes milliseconds: a hang fails, a slow machine does not


class RedisServer:
    """A redis-server in a private directory."""

    def __init__(self, directory: pathlib.Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--dir", str(directory), "--logfile", "log"]
        self._process = subprocess.Popen(command)
        eventually(lambda: self.call("PING") == "+PONG")

    def call(self, *words: str) -> str | None:
        """The first line of the answer; None where nobody answers."""
        request = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(f"*{len(words)}\r\n{request}".encode())
                return connection.makefile("r", newline="\r\n").readline().rstrip()
        except OSError:
            return None

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.thaw()
        self._process.kill()
        self._process.wait()


class Program:
    """A Python program of its own, in development mode, with every warning an error."""

    def __init__(self, code: str, *arguments: str) -> None:
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(code)]
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def finish(self, status: int = 0) -> str:
        """What was left to say on stdout, after an exit with this status and a clean stderr."""
        # Not by communicate(): that looks past what reading lines has taken in already.
        overdue = threading.Timer(LIMIT, self.process.kill)
        overdue.daemon = True
        overdue.start()
        out, err = self.process.stdout.read(), self.process.stderr.read()
        assert self.process.wait() == status, err
        overdue.cancel()
        assert err == ""
        return out.strip()


def eventually(look: Callable[[], object], within: float = LIMIT) -> None:
    deadline = time.monotonic() + within
    while not look():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.end()


@pytest.fixture
def own_redis(tmp_path: pathlib.Path) -> Iterator[RedisServer]:
    """For tests that freeze, empty or kill it."""
    server = RedisServer(tmp_path)
    yield server
    server.end()


@pytest.fixture(params=["memory", "local", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    """Every medium."""
    return _url(request, tmp_path)


@pytest.fixture(params=["local", "redis"])
def shared_url(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    """Every medium that processes share."""
    return _url(request, tmp_path)


def _url(request: pytest.FixtureRequest, tmp_path: pathlib.Path, medium: str | None = None) -> str:
    medium = medium or request.param
    if medium == "redis":
        server = request.getfixturevalue("shared_redis")
        assert isinstance(server, RedisServer)
        return server.url
    return f"local://{tmp_path}/elections" if medium == "local" else "memory:"


PLACES = ["memory lease", "memory quorum", "local lease", "redis lease", "redis quorum"]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> dict[str, str]:
    """Every medium under every protocol that it has, as options."""
    return _place(request, tmp_path)


@pytest.fixture(params=[place for place in PLACES if "memory" not in place])
def shared_place(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> dict[str, str]:
    """Those of them that processes share."""
    return _place(request, tmp_path)


def _place(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> dict[str, str]:
    medium, protocol = request.param.split()
    return {"url": _url(request, tmp_path, medium), "protocol": protocol}


@pytest.fixture
def name() -> str:
    """An election that no other test has."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def programs() -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(code: str, *arguments: str) -> Program:
        started.append(Program(code, *arguments))
        return started[-1]

    yield start
    for program in started:
        if program.process.poll() is None:
            program.process.kill()
        program.process.communicate()
