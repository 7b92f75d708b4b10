"""Member processes, seen from their parent.

A member writes a line per happening, with the moment on CLOCK_MONOTONIC at which it saw it, so that
neither the pipe nor this process adds to a measured time. Lines without the ``@`` are its own:

    @started                    it takes part
    @leader NS INDEX            isLeader() was true
    @defeated NS INDEX REASON   a leadership ended
    @elected-only NS INDEX      an elected event came where isLeader() was false: worth a look
    @answer NS COUNT            to a ``?`` on stdin: for how many elections isLeader() was true then
    @trouble NS TEXT            a warning or an error
"""

from __future__ import annotations

import os
import pathlib
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import IO


class TimedOut(Exception):
    pass


class Ended(Exception):
    """A member ended that nobody had asked to."""


class Member:
    """One process; what it said so far, and what follows from it."""

    def __init__(
        self,
        command: Sequence[str],
        env: dict[str, str] | None = None,
        log: pathlib.Path | None = None,
        cwd: pathlib.Path | None = None,
    ) -> None:
        errors: IO[bytes] | int = log.open("ab") if log else subprocess.DEVNULL
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **(env or {})},
            cwd=cwd,
        )
        assert self.process.stdout
        self.out = self.process.stdout.fileno()
        os.set_blocking(self.out, False)
        self._rest = b""
        self.started = False
        self.leading: dict[int, int] = {}  # index of the election: since when
        self.answers: list[tuple[int, int]] = []
        self.defeats: dict[str, int] = {}  # by reason
        self.trouble: list[str] = []
        self.over = False  # its stdout has ended
        self.doomed = False  # and that is our doing

    @property
    def pid(self) -> int:
        return self.process.pid

    def read(self) -> None:
        """Take what it has written."""
        try:
            data = os.read(self.out, 65536)
        except BlockingIOError:
            return
        if not data:
            self.over = True
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"@"):
                self._take(line[1:].decode().split(" "))

    def _take(self, words: list[str]) -> None:
        match words:
            case ["started", *_]:
                self.started = True
            case ["leader", at, index]:
                self.leading[int(index)] = int(at)
            case ["defeated", _, index, reason]:
                self.leading.pop(int(index), None)
                self.defeats[reason] = self.defeats.get(reason, 0) + 1
            case ["answer", at, count]:
                self.answers.append((int(at), int(count)))
            case [kind, *_]:
                self.trouble.append(f"{kind} {' '.join(words[1:])}")

    def ask(self) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"?")
        self.process.stdin.flush()

    def end(self) -> None:
        """Kill it if it still runs, and forget it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


class Cluster:
    """The members of one election."""

    def __init__(self, start: Callable[[], Member]) -> None:
        self._start = start
        self.members: list[Member] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        for member in list(self.members):
            self.remove(member)
        self._selector.close()

    def add(self) -> Member:
        member = self._start()
        self.members.append(member)
        self._selector.register(member.out, selectors.EVENT_READ, member)
        return member

    def _ignore(self, member: Member) -> None:
        if member.out in self._selector.get_map():
            self._selector.unregister(member.out)

    def remove(self, member: Member) -> None:
        self._ignore(member)
        member.end()
        self.members.remove(member)

    def listen(self, seconds: float) -> None:
        """Take what members write, for that long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._take(left)

    def _take(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            key.data.read()
            if key.data.over:
                self._ignore(key.data)

    def until(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        until = time.monotonic() + seconds
        while not done():
            if any(member.over and not member.doomed for member in self.members):
                raise Ended(f"a member ended by itself, while waiting for {what}: see the log")
            left = until - time.monotonic()
            if left <= 0:
                raise TimedOut(f"{what}: not within {seconds:.0f} s")
            self._take(left)

    def forget(self) -> None:
        """What was lost and complained of so far, while all came in."""
        for member in self.members:
            member.defeats.clear()
            member.trouble.clear()

    def leaders(self) -> list[Member]:
        return [member for member in self.members if member.leading]

    def ask(self, members: Sequence[Member], seconds: float = 10) -> list[tuple[int, int]]:
        """Ask each for how many elections it leads, and when it looked."""
        before = [len(member.answers) for member in members]
        for member in members:
            member.ask()
        self.until(
            lambda: all(len(m.answers) > n for m, n in zip(members, before, strict=True)),
            seconds,
            "an answer",
        )
        return [member.answers[-1] for member in members]


def resident_mb(pid: int) -> float:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def runnable() -> int:
    """How many threads of this machine run or want to: company makes a measurement slow."""
    return int(pathlib.Path("/proc/loadavg").read_text().split()[3].partition("/")[0])


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tcp_connections(pid: int) -> int:
    """Established TCP connections of a process."""
    inodes = set()
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(fd)
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    rows = pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    return sum(row.split()[3] == "01" and row.split()[9] in inodes for row in rows)


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
