"""What an election costs while nothing happens: the server's work, and the members' own.

The counters are Redis's and the kernel's, read twice; what our own INFO takes is left out exactly.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.failover import COMMANDS
from harness.member import Cluster, Member, cpu_seconds, open_files, resident_mb, tcp_connections
from harness.postgres import postgres
from harness.results import Results, text
from harness.server import Redis, redis

START_S = 120
SETTLE_S = 5


def start(cluster: Cluster, count: int) -> None:
    for _ in range(count):
        member = cluster.add()
        cluster.until(lambda it=member: it.started, START_S, "a member to start")


# ---- the server's side ---------------------------------------------------------------------------


@dataclass
class Counters:
    at: float
    calls: dict[str, int]  # by command
    input: int
    output: int
    cpu: float

    @staticmethod
    def read(server: Redis) -> tuple[Counters, int, int]:
        info, sent, received = server.info()
        calls = {
            key.removeprefix("cmdstat_"): int(re.search(r"calls=(\d+)", value)[1])
            for key, value in info.items()
            if key.startswith("cmdstat_")
        }
        bytes_in, bytes_out = (int(info[f"total_net_{way}_bytes"]) for way in ("input", "output"))
        cpu = cpu_seconds(server.pid)
        return Counters(time.monotonic(), calls, bytes_in, bytes_out, cpu), sent, received


def server_row(
    protocol: str, members: int, processes: int, window_s: float, results: Results
) -> list[object]:
    with redis() as server:
        command = [*COMMANDS["C"], server.url, "steady", "1", str(members // processes)]
        env = {"PROTOCOL": protocol}
        log = results.directory / "members.log"
        with Cluster(lambda: Member(command, env, log)) as cluster:
            start(cluster, processes)
            cluster.listen(SETTLE_S)
            cluster.forget()
            before, _, received = Counters.read(server)
            cluster.listen(window_s)
            after, sent, _ = Counters.read(server)
            requests = server.requests(window_s / 2)
            troubles = [line for member in cluster.members for line in member.trouble]
            defeats = sum(sum(member.defeats.values()) for member in cluster.members)
    seconds = after.at - before.at
    # The first reading's reply and the second's request fall between the two.
    rates = {
        name: (count - before.calls.get(name, 0)) / seconds
        for name, count in after.calls.items()
        if name != "info" and count > before.calls.get(name, 0)
    }
    requests_per_second = len(requests) / (window_s / 2)
    bytes_in = (after.input - before.input - sent) / seconds
    bytes_out = (after.output - before.output - received) / seconds
    cpu = (after.cpu - before.cpu) / seconds * 100
    results.round(
        section="steady",
        protocol=protocol,
        members=members,
        processes=processes,
        seconds=seconds,
        requests_per_second=requests_per_second,
        requests={name: requests.count(name) for name in set(requests)},
        commands_per_second=rates,
        bytes_in_per_second=bytes_in,
        bytes_out_per_second=bytes_out,
        server_cpu_percent=cpu,
        defeats=defeats,
        trouble=troubles,
    )
    values = [
        text(value)
        for value in (requests_per_second, sum(rates.values()), bytes_in, bytes_out, cpu)
    ]
    values += [text(bytes_out / members), str(defeats)]
    return [f"{protocol}, {members} in {processes} processes", *values]


# Members and processes. What the store pushes it sends once to a process, however many members are
# there; so members in one process each show what the network carries, and members in few what they
# themselves ask and answer.
SHAPES = {
    "lease": [(3, 3), (20, 20), (100, 10), (1000, 10)],
    "quorum": [(3, 3), (5, 5), (20, 20), (100, 100), (100, 10), (500, 10), (1000, 10)],
}


def steady(quick: bool, results: Results) -> None:
    window_s = 6 if quick else 20
    rows = [
        server_row(protocol, members, processes, window_s, results)
        for protocol, shapes in SHAPES.items()
        for members, processes in shapes
    ]
    columns = ["members of one election", "requests/s", "commands/s, scripts' own included"]
    columns += ["bytes in/s", "bytes out/s", "server CPU %", "bytes out/s a member", "lost"]
    results.table(f"Redis while nothing happens, over {window_s} s", columns, rows)


# ---- a process's side ----------------------------------------------------------------------------


@contextlib.contextmanager
def place(medium: str) -> Iterator[tuple[str, Callable[[], float]]]:
    """A URL, and the seconds of CPU that the server behind it has used."""
    if medium == "redis":
        with redis() as server:
            yield server.url, lambda: cpu_seconds(server.pid)
    elif medium == "postgres":
        with postgres() as database:
            yield database.url, database.cpu_seconds
    else:
        with tempfile.TemporaryDirectory(prefix="interrex-bench-") as directory:
            yield f"local://{directory}", lambda: 0.0


def process_rows(
    medium: str, language: str, elections: int, window_s: float, results: Results
) -> list[list[object]]:
    """Two processes with the same elections: the first leads all, the second none."""
    with place(medium) as (url, server_cpu):
        command = [*COMMANDS[language], url, "scale", str(elections)]
        log = results.directory / "members.log"
        with Cluster(lambda: Member(command, log=log)) as cluster:
            start(cluster, 1)
            leader = cluster.members[0]
            cluster.until(lambda: len(leader.leading) == elections, START_S, "to lead all")
            start(cluster, 1)
            cluster.listen(SETTLE_S)
            answers = cluster.ask(cluster.members)
            before = [cpu_seconds(member.pid) for member in cluster.members]
            server_before = server_cpu()
            begun = time.monotonic()
            cluster.listen(window_s)
            seconds = time.monotonic() - begun
            after = [cpu_seconds(member.pid) for member in cluster.members]
            server_percent = (server_cpu() - server_before) / seconds * 100
            rows = []
            leader, follower = cluster.members
            for i, member in enumerate(cluster.members):
                sample = {
                    "leads": answers[i][1],
                    "cpu_percent": (after[i] - before[i]) / seconds * 100,
                    "server_cpu_percent": server_percent,
                    "resident_mb": resident_mb(member.pid),
                    "connections": tcp_connections(member.pid),
                    "files": open_files(member.pid),
                }
                case = f"{medium} {language}, {elections} elections"
                results.round(section="scale", case=case, **sample, **woes(member))
                shown = [text(v) if isinstance(v, float) else v for v in sample.values()]
                rows.append([case, *shown, "", ""])
            moved_ms = take_over(cluster, leader, follower, elections)
            results.round(section="scale", case=case, take_over_ms=moved_ms)
            rows[1][-2:] = [text(moved_ms[0]), text(moved_ms[-1])]
    return rows


def woes(member: Member) -> dict[str, object]:
    """What a member lost and complained of. A machine that stalls for a second shows here."""
    return {
        "defeats": member.defeats,
        "troubles": len(member.trouble),
        "first_trouble": member.trouble[:1],
    }


def take_over(cluster: Cluster, leader: Member, follower: Member, elections: int) -> list[float]:
    """SIGKILL of the process that leads all to each isLeader() of the other, in milliseconds."""
    leader.doomed = True
    begun_ns = time.monotonic_ns()
    os.kill(leader.pid, signal.SIGKILL)
    cluster.until(lambda: len(follower.leading) == elections, START_S, "to lead all")
    return sorted((at_ns - begun_ns) / 1e6 for at_ns in follower.leading.values())


def scale(quick: bool, results: Results) -> None:
    window_s = 4 if quick else 15
    rows = []
    cases = [("redis", "C"), ("redis", "Node"), ("postgres", "C"), ("postgres", "Node")]
    for medium, language in [*cases, ("local", "C")]:
        for elections in (1, 100, 1000):
            rows += process_rows(medium, language, elections, window_s, results)
    columns = ["process", "leads", "CPU % of a core", "of the server, for both", "resident MB"]
    columns += ["TCP connections"]
    columns += ["open files", "first taken over, ms", "last"]
    results.table(f"A process with many elections, over {window_s} s", columns, rows)


# ---- the machine ---------------------------------------------------------------------------------


def machine() -> str:
    memory = pathlib.Path("/proc/meminfo").read_text().split()[1]
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    kernel = pathlib.Path("/proc/sys/kernel/osrelease").read_text().split(".")[:2]
    return f"{cores} cores, {int(memory) / 1e6:.0f} GB of memory, Linux {'.'.join(kernel)}"
