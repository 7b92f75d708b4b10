"""How long there is no leader: from a signal to the leader until isLeader() is true elsewhere.

Three processes with default options; the signal comes at a random phase; the beginning is read
here, just before kill(), the end by the survivor that leads. Both read CLOCK_MONOTONIC. After a
kill a new process joins before the next round.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass

from harness.member import Cluster, Member, TimedOut, resident_mb, runnable
from harness.postgres import postgres
from harness.results import NEVER, Results, percentile, text
from harness.server import redis

BENCH = pathlib.Path(__file__).absolute().parent.parent
COMMANDS = {
    "C": [str(BENCH.parent / "build/bench/member")],
    "Node": ["node", str(BENCH / "node/member.js")],
    "Python": [sys.executable, str(BENCH / "python/member.py")],
}
PHASE_S = 1.5  # as long as the time-out: every timer of a member has gone round
CAP_S = 30
IN_MEMORY = "/dev/shm"  # where a file that is replaced costs no disk: `tmpfs` below


@dataclass
class Case:
    signal: signal.Signals
    medium: str
    language: str
    rounds: int
    quick: int
    ballast_mb: int = 0
    protocol: str = "lease"

    @property
    def name(self) -> str:
        large = f" +{self.ballast_mb} MB" if self.ballast_mb else ""
        other = f" {self.protocol}" if self.protocol != "lease" else ""
        return f"{self.signal.name} {self.medium}{other} {self.language}{large}"


KILLS = [
    Case(signal.SIGKILL, "redis", "Node", 150, 15),
    Case(signal.SIGKILL, "redis", "Node", 30, 4, ballast_mb=256),
    Case(signal.SIGKILL, "redis", "C", 60, 8),
    Case(signal.SIGKILL, "redis", "Python", 60, 8),
    Case(signal.SIGKILL, "redis", "Node", 60, 8, protocol="quorum"),
    Case(signal.SIGKILL, "redis", "C", 60, 8, protocol="quorum"),
    Case(signal.SIGKILL, "postgres", "Node", 150, 15),
    Case(signal.SIGKILL, "postgres", "Node", 30, 4, ballast_mb=256),
    Case(signal.SIGKILL, "postgres", "C", 60, 8),
    Case(signal.SIGKILL, "postgres", "Python", 60, 8),
    Case(signal.SIGKILL, "local", "Node", 100, 10),
    Case(signal.SIGKILL, "local", "C", 60, 8),
    Case(signal.SIGKILL, "local", "Python", 60, 8),
    Case(signal.SIGKILL, "tmpfs", "Node", 60, 8),
    Case(signal.SIGTERM, "redis", "Node", 100, 10),
    Case(signal.SIGTERM, "postgres", "Node", 100, 10),
    Case(signal.SIGTERM, "local", "Node", 60, 8),
    Case(signal.SIGTERM, "tmpfs", "Node", 60, 8),
]
STOPS = [
    Case(signal.SIGSTOP, "redis", "Node", 30, 4),
    Case(signal.SIGSTOP, "redis", "Node", 30, 4, protocol="quorum"),
    Case(signal.SIGSTOP, "postgres", "Node", 30, 4),
]


def sole_leader(cluster: Cluster) -> Member:
    """The one member that leads, by its own word asked now."""
    cluster.until(lambda: len(cluster.leaders()) == 1, CAP_S, "one leader")
    leader = cluster.leaders()[0]
    answers = cluster.ask(cluster.members)
    yes = [m for m, (_, leading) in zip(cluster.members, answers, strict=True) if leading]
    if yes != [leader]:
        raise RuntimeError(f"{len(yes)} of {len(cluster.members)} members say that they lead")
    return leader


def strike(cluster: Cluster, victim: Member, sig: signal.Signals, cap_s: float = CAP_S) -> float:
    """Signal the leader; milliseconds until another says that it leads, or NEVER."""
    others = [member for member in cluster.members if member is not victim]
    victim.doomed = sig != signal.SIGSTOP
    begun_ns = time.monotonic_ns()
    os.kill(victim.pid, sig)
    try:
        cluster.until(lambda: any(m.leading for m in others), cap_s, "a successor")
    except TimedOut:
        return NEVER
    return (min(min(m.leading.values()) for m in others if m.leading) - begun_ns) / 1e6


def resume(cluster: Cluster, victim: Member) -> bool:
    """Let a stopped member go on; whether it still believed to lead when first asked."""
    victim.leading.clear()  # what it said before it was stopped
    before = len(victim.answers)
    victim.ask()  # waits in its pipe: the first thing that it finds
    os.kill(victim.pid, signal.SIGCONT)
    cluster.until(lambda: len(victim.answers) > before, CAP_S, "an answer after SIGCONT")
    return victim.answers[before][1] > 0


def run_case(
    case: Case, url: str, quick: bool, results: Results
) -> tuple[list[float], list[float]]:
    """Milliseconds of every round, and the victims' resident megabytes."""
    env = {"BALLAST_MB": str(case.ballast_mb), "PROTOCOL": case.protocol}
    command = [*COMMANDS[case.language], url, case.name.replace(" ", "-")]
    times: list[float] = []
    sizes: list[float] = []
    log = results.directory / "members.log"
    with Cluster(lambda: Member(command, env, log)) as cluster:
        for _ in range(3):
            member = cluster.add()
            cluster.until(lambda it=member: it.started, CAP_S, "a member to start")
        for number in range(1, (case.quick if quick else case.rounds) + 1):
            cluster.listen(random.uniform(0, PHASE_S))
            victim = sole_leader(cluster)
            sizes.append(resident_mb(victim.pid))
            company = runnable()
            took_ms = strike(cluster, victim, case.signal)
            times.append(took_ms)
            believed = None
            if case.signal == signal.SIGSTOP:
                cluster.listen(random.uniform(0, PHASE_S))
                believed = resume(cluster, victim)
            else:
                cluster.remove(victim)
                member = cluster.add()
                cluster.until(lambda it=member: it.started, CAP_S, "a new member to start")
            results.round(
                section="failover",
                case=case.name,
                round=number,
                ms=took_ms,
                resident_mb=round(sizes[-1], 1),
                runnable_before=company,
                believed_after_cont=believed,
                defeats=[m.defeats for m in cluster.members if m.defeats],
                trouble=[line for m in cluster.members for line in m.trouble],
            )
            cluster.forget()
            if believed:
                raise RuntimeError("a resumed member believed to lead")
    return times, sizes


def row(case: Case, times: list[float], sizes: list[float]) -> list[str]:
    shares = (0, 0.5, 0.9, 0.99, 1)
    values = [text(percentile(times, share)) for share in shares]
    never = str(times.count(NEVER))
    return [case.name, f"{percentile(sizes, 0.5):.0f}", str(len(times)), *values, never]


def run(cases: list[Case], heading: str, quick: bool, results: Results) -> None:
    rows = []
    with contextlib.ExitStack() as stack:

        def directory(parent: str | None = None) -> str:
            made = tempfile.TemporaryDirectory(prefix="interrex-bench-", dir=parent)
            return f"local://{stack.enter_context(made)}"

        urls = {"redis": stack.enter_context(redis()).url, "local": directory()}
        urls["postgres"] = stack.enter_context(postgres()).url
        if os.path.isdir(IN_MEMORY):
            urls["tmpfs"] = directory(IN_MEMORY)
        for case in cases:
            if case.medium not in urls:
                print(f"  {case.name}: not measured, there is no {IN_MEMORY}")
                continue
            rows.append(row(case, *run_case(case, urls[case.medium], quick, results)))
            print(" ", *rows[-1], flush=True)
    columns = ["signal, medium, protocol unless lease, process", "victim MB", "rounds"]
    columns += ["min ms", "median", "p90", "p99", "max", "never"]
    results.table(heading, columns, rows)
