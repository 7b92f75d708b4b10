"""Other packages from npm, three rounds each: SIGKILL of the leader to the next that says it leads.

Each round has three fresh processes and an election of its own, so that all rounds can run at the
same time; nobody joins or leaves but the victim. A round in which nobody leads at first, or nobody
follows, is ``never``: within the cap.
"""

from __future__ import annotations

import pathlib
import random
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from harness.failover import BENCH, COMMANDS, strike
from harness.member import Cluster, Ended, Member, TimedOut, resident_mb
from harness.postgres import postgres
from harness.results import NEVER, Results, text
from harness.server import redis

ROUNDS = 3
CAP_S = 180
PHASE_S = 10  # as long as the longest interval of theirs


@dataclass(frozen=True)
class Peer:
    package: str
    folder: str
    program: str
    server: str
    ours: bool = False


PEERS = [
    Peer("this library, Node", "", "", "PostgreSQL", ours=True),
    Peer("this library, Node", "", "", "Redis", ours=True),
    Peer("nest-leader-election", "nest-leader-election", "member.mjs", "PostgreSQL"),
    Peer(
        "@bonkboykz/nestjs-leader-election",
        "bonkboykz-nestjs-leader-election",
        "member.js",
        "Redis",
    ),
    Peer("safe-redis-leader", "safe-redis-leader", "member.js", "Redis"),
]


def install(folder: pathlib.Path) -> None:
    if (folder / "node_modules/.package-lock.json").exists():
        return
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def one_round(peer: Peer, number: int, port: int, cap_s: float, results: Results) -> list[float]:
    """Seconds from the first process to the first leader, and from the kill to the next."""
    folder = BENCH / "peers" / peer.folder
    command = ["node", peer.program, str(port), f"round{number}"]
    if peer.ours:
        scheme = "redis://" if peer.server == "Redis" else "postgres://postgres@"
        command = [*COMMANDS["Node"], f"{scheme}127.0.0.1:{port}", f"round{number}"]
    log = results.directory / "peers.log"
    resident = 0.0
    leaders = 0
    first_s = next_s = NEVER
    begun = time.monotonic()
    with Cluster(lambda: Member(command, {"NO_COLOR": "1"}, log, folder)) as cluster:
        for _ in range(3):
            member = cluster.add()
            cluster.until(lambda it=member: it.started, 120, "a member to start")
        try:
            cluster.until(lambda: bool(cluster.leaders()), cap_s, "a first leader")
            first_s = time.monotonic() - begun
            cluster.listen(random.uniform(0, PHASE_S))
            cluster.until(lambda: bool(cluster.leaders()), cap_s, "a leader to kill")
            leaders = len(cluster.leaders())
            victim = max(cluster.leaders(), key=lambda member: member.leading[0])
            resident = resident_mb(victim.pid)
            next_s = strike(cluster, victim, signal.SIGKILL, cap_s) / 1e3
        except (TimedOut, Ended):
            pass
    results.round(
        section="peers",
        case=f"{peer.package} ({peer.server})",
        round=number,
        first_leader_s=first_s,
        s=next_s,
        leaders_before=leaders,
        resident_mb=round(resident, 1),
    )
    return [first_s, next_s]


def run(quick: bool, results: Results, meanwhile: Callable[[], None]) -> None:
    """All rounds at once, and `meanwhile` beside them once they have started."""
    cap_s = 60 if quick else CAP_S
    rounds = range(1, (1 if quick else ROUNDS) + 1)
    for peer in (peer for peer in PEERS if not peer.ours):
        install(BENCH / "peers" / peer.folder)
    with redis() as store, postgres() as database:
        for number in rounds:
            database.say(f"CREATE DATABASE round{number}")
        ports = {"Redis": store.port, "PostgreSQL": database.port}

        every = [(peer, number) for peer in PEERS for number in rounds]
        with ThreadPoolExecutor(len(every)) as pool:
            took = {
                (peer, number): pool.submit(
                    one_round, peer, number, ports[peer.server], cap_s, results
                )
                for peer, number in every
            }
            meanwhile()
    rows = []
    for peer in PEERS:
        pairs = [took[peer, number].result() for number in rounds]
        firsts, nexts = (
            ", ".join(text(value) for value in column) for column in zip(*pairs, strict=True)
        )
        rows.append([f"{peer.package} ({peer.server})", firsts, nexts])
    columns = ["package", "first leader after, s", f"SIGKILL to next leader, s (cap {cap_s})"]
    results.table("Other packages at their defaults, every round", columns, rows)
