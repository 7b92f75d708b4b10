"""A private PostgreSQL server, as the tests have it, and what it and the kernel count.

The tests' own program starts and ends it; here are the settings of a server that works (its
commits go to disk) and the counters. Every member that is counted by itself logs in under a role of
its own, since that is what ``pg_stat_statements`` tells statements apart by.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.member import cpu_seconds

PROGRAM = pathlib.Path(__file__).absolute().parents[2] / "tests/support/private_postgres.py"
SETTINGS = ["shared_buffers = '128MB'", "shared_preload_libraries = 'pg_stat_statements'"]
SETTINGS += ["pg_stat_statements.track_utility = on", "log_checkpoints = off"]


@dataclass
class Traffic:
    """What was received from and sent to clients."""

    input: int = 0
    output: int = 0


@dataclass
class Counters:
    """Read once; statements and bytes by role."""

    statements: dict[str, int] = field(default_factory=dict)
    traffic: dict[str, Traffic] = field(default_factory=dict)
    cpu: float = 0.0


def counted(name: str, line: str) -> int:
    found = re.search(rf"\b{name}:(\d+)", line)
    return int(found[1]) if found else 0


class Postgres:
    def __init__(self, options: list[str]) -> None:
        words = [sys.executable, str(PROGRAM), "--max-connections", "300", *options]
        for setting in SETTINGS:
            words += ["--setting", setting]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("no PostgreSQL server; what it said is above")
        described = json.loads(line)
        self.port = int(described["port"])
        self.url = str(described["url"])
        self.directory = pathlib.Path(described["directory"])
        self.programs = pathlib.Path(described["psql"]).parent
        self.say("CREATE EXTENSION pg_stat_statements")

    @property
    def pid(self) -> int:
        return int((self.directory / "data/postmaster.pid").read_text().split("\n")[0])

    def url_as(self, role: str) -> str:
        """Of a role of its own; made where it is missing, with all rights."""
        if self.say(f"SELECT count(*) FROM pg_roles WHERE rolname = '{role}'") == "0":
            self.say(f"CREATE ROLE {role} LOGIN SUPERUSER")
        return self.url.replace("//postgres@", f"//{role}@")

    def say(self, sql: str) -> str:
        words = [str(self.programs / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, self.url]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()

    def cpu_seconds(self) -> float:
        """Of all processes of the server: those that run, and those that have ended."""
        pid = self.pid
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ended = sum(int(fields[number]) for number in (13, 14)) / 100
        total = cpu_seconds(pid) + ended
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in children:
            with contextlib.suppress(FileNotFoundError):
                total += cpu_seconds(int(child))
        return total

    def sessions(self) -> dict[int, str]:
        """The role behind each client's port."""
        rows = self.say("SELECT client_port, usename FROM pg_stat_activity WHERE client_port > 0")
        pairs = (row.split("|") for row in rows.splitlines())
        return {int(port): role for port, role in pairs}

    def traffic(self) -> dict[str, Traffic]:
        """By role, of the connections that are open, as the kernel counted them."""
        roles = self.sessions()
        words = ["ss", "-tniHO", "state", "established", f"( sport = :{self.port} )"]
        said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        found: dict[str, Traffic] = {}
        for line in said.splitlines():
            # 0 0 127.0.0.1:5432 127.0.0.1:42254 ... bytes_sent:1610 ... bytes_received:9277
            port = re.search(r"\S:\d+\s+\S+:(\d+)\s", line)
            role = roles.get(int(port[1])) if port else None
            if role is not None:
                of_role = found.setdefault(role, Traffic())
                of_role.output += counted("bytes_sent", line)
                of_role.input += counted("bytes_received", line)
        return found

    def counters(self) -> Counters:
        rows = self.say(
            "SELECT r.rolname, sum(s.calls) FROM pg_stat_statements AS s"
            " JOIN pg_roles AS r ON r.oid = s.userid GROUP BY 1"
        )
        return Counters(
            {role: int(calls) for role, calls in (row.split("|") for row in rows.splitlines())},
            self.traffic(),
            self.cpu_seconds(),
        )

    def stop(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def postgres(*options: str) -> Iterator[Postgres]:
    server = Postgres(list(options))
    try:
        yield server
    finally:
        server.stop()
