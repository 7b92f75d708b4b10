"""Real media for the tests: memory, a directory, and servers of our own on free ports."""

import contextlib
import json
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

from interrex import Election

POSTGRES_MESSAGE_MAX = 5901  # bytes: what is left of a NOTIFY's 8000
LIMIT = 20.0  # seconds; for what takes milliseconds: a hang fails, a slow machine does not

# For leaderships that last until somebody ends them: no pause of a busy machine is as long.
LASTING = {"heartbeat": 0.05, "timeout": 5}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """A redis-server in a private directory."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.port = free_port()
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


class PostgresServer:
    """A PostgreSQL server in a private directory, by the program that all languages share."""

    program = pathlib.Path(__file__).parent.parent / "support" / "private_postgres.py"

    def __init__(self, *arguments: str) -> None:
        # It ends its server when this pipe closes, so also when this process is killed.
        self._process = subprocess.Popen(
            [sys.executable, str(self.program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        where = json.loads(self._line())
        self.port: int = where["port"]
        self.directory: str = where["directory"]
        self.url: str = where["url"]
        self.socket_url: str = where["socketUrl"]
        self._psql: str = where["psql"]

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"it ended, {self._process.wait()}"
        return line

    def _obey(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        self._line()

    def say(self, sql: str) -> str:
        """What psql answers: columns separated by |, rows by a line feed."""
        command = [self._psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.directory]
        command += ["-p", str(self.port), "-U", "postgres", "-c", sql, "postgres"]
        said = subprocess.run(command, capture_output=True, text=True)
        assert said.returncode == 0, said.stderr
        return said.stdout.rstrip("\n")

    def kill(self) -> None:
        """SIGKILL to all of its processes; `restart` brings it back, port and data the same."""
        self._obey("kill")

    def shutdown(self) -> None:
        self._obey("shutdown")

    def restart(self) -> None:
        self._obey("restart")

    def freeze(self) -> None:
        self._obey("freeze")

    def thaw(self) -> None:
        self._obey("thaw")

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Program:
    """A Python program of its own, in development mode, with every warning an error."""

    # Ctrl-C interrupts it, though whoever runs the tests may have left it ignored.
    head = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"

    def __init__(self, code: str, *arguments: str) -> None:
        command = [sys.executable, "-X", "dev", "-W", "error", "-c"]
        self.process = subprocess.Popen(
            [*command, self.head + textwrap.dedent(code), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    @contextlib.contextmanager
    def _limited(self) -> Iterator[None]:
        """Kills it if this takes too long: what it has to say ends then."""
        overdue = threading.Timer(LIMIT, self.process.kill)
        overdue.daemon = True
        overdue.start()
        try:
            yield
        finally:
            overdue.cancel()

    def line(self) -> str:
        """The next one that it says; empty where it ended instead, or said nothing for too long."""
        assert self.process.stdout is not None
        with self._limited():
            return self.process.stdout.readline().strip()

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def finish(self, status: int = 0) -> str:
        """What was left to say on stdout, after an exit with this status and a clean stderr."""
        # Not by communicate(): that looks past what reading lines has taken in already.
        with self._limited():
            out, err = self.process.stdout.read(), self.process.stderr.read()
            assert self.process.wait() == status, err
        assert err == ""
        return out.strip()


def eventually(look: Callable[[], object], within: float = LIMIT) -> None:
    deadline = time.monotonic() + within
    while not look():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def look_around(*elections: Election) -> None:
    """Each sees now who is there: a meta, though the same, brings the table of members with it."""
    for election in elections:
        election.set_meta(election.meta, timeout=LIMIT)


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


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.end()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.end()


@pytest.fixture(scope="module")
def secure_postgres() -> Iterator[PostgresServer]:
    """TCP takes TLS and a password only; its URL has both."""
    server = PostgresServer("--secure")
    yield server
    server.end()


@pytest.fixture(params=["memory", "local", "redis", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    """Every medium."""
    return _url(request, tmp_path)


@pytest.fixture(params=["local", "redis", "postgres"])
def shared_url(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    """Every medium that processes share."""
    return _url(request, tmp_path)


def _url(request: pytest.FixtureRequest, tmp_path: pathlib.Path, medium: str | None = None) -> str:
    medium = medium or request.param
    if medium in ("redis", "postgres"):
        server = request.getfixturevalue(f"shared_{medium}")
        assert isinstance(server, RedisServer | PostgresServer)
        return server.url
    return f"local://{tmp_path}/elections" if medium == "local" else "memory:"


PLACES = ["memory lease", "memory quorum", "local lease", "redis lease", "redis quorum"]
PLACES += ["postgres lease"]


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
