"""What an election on PostgreSQL costs while nothing happens, and what a million renewals leave.

Statements are those that ``pg_stat_statements`` counts for a member's own role: a wait for the end
of somebody's presence, of which the first two in line carry out two a second, ends in nothing and
is none. Bytes are the kernel's, of the connections that live throughout.
"""

from __future__ import annotations

import itertools
import math
import os
import re
import subprocess
import time
from collections.abc import Iterator

from harness.failover import BENCH, COMMANDS
from harness.member import Cluster, Member
from harness.postgres import Counters, Postgres, Traffic, postgres
from harness.results import Results, text

START_S = 120
SETTLE_S = 5
SHAPES = [(3, 1), (20, 1), (2, 100), (2, 1000)]  # processes, elections in each
SQL = BENCH.parent / "core/medium/postgres"

# ---- while nothing happens -----------------------------------------------------------------------


def rates(before: Counters, after: Counters, role: str, seconds: float) -> list[float]:
    """Statements, bytes from and bytes to this member, each a second."""
    statements = after.statements.get(role, 0) - before.statements.get(role, 0)
    begun, ended = (counted.traffic.get(role, Traffic()) for counted in (before, after))
    counts = [statements, ended.input - begun.input, ended.output - begun.output]
    if min(counts) < 0:
        counts[1:] = [math.nan, math.nan]  # a connection was made anew, and its bytes are not known
    return [count / seconds for count in counts]


def rows_of_shape(
    processes: int, elections: int, window_s: float, results: Results
) -> list[list[object]]:
    with postgres() as server:
        roles = (f"member{number}" for number in itertools.count())
        log = results.directory / "members.log"

        def start() -> Member:
            command = [*COMMANDS["C"], server.url_as(next(roles)), "steady", str(elections)]
            return Member(command, log=log)

        with Cluster(start) as cluster:
            for number in range(processes):
                member = cluster.add()
                cluster.until(lambda it=member: it.started, START_S, "a member to start")
                if number == 0:
                    leads = lambda it=member: len(it.leading) == elections  # noqa: E731
                    cluster.until(leads, START_S, "to lead all")
            cluster.listen(SETTLE_S)
            cluster.forget()
            before, begun = server.counters(), time.monotonic()
            cluster.listen(window_s)
            after, seconds = server.counters(), time.monotonic() - begun
            lost = sum(sum(member.defeats.values()) for member in cluster.members)
    # The second and third watch the leader; whoever comes after them is only a follower.
    shown = {"leader": "member0", "next in line": "member1"}
    if processes > 3:
        shown["follower"] = f"member{processes - 1}"
    cpu = (after.cpu - before.cpu) / seconds * 100
    rows = []
    for what, role in shown.items():
        measured = rates(before, after, role, seconds)
        case = f"{processes} processes, {elections} elections: {what}"
        results.round(
            section="postgres", case=case, rates=measured, server_cpu_percent=cpu, lost=lost
        )
        rows.append([case, *map(text, measured), text(cpu), lost])
    return rows


def steady(quick: bool, results: Results) -> None:
    window_s = 6 if quick else 20
    rows = []
    for processes, elections in SHAPES:
        rows += rows_of_shape(processes, elections, window_s, results)
        print(" ", *rows[-1], flush=True)
    columns = ["member", "statements/s", "bytes sent/s", "bytes received/s"]
    columns += ["CPU % of the whole server", "lost"]
    results.table(f"PostgreSQL while nothing happens, over {window_s} s", columns, rows)


# ---- a million renewals --------------------------------------------------------------------------


def whole(name: str) -> str:
    """A statement of the medium, with what it includes and the default table."""
    source = (SQL / name).read_text()
    source = re.sub(
        r"^--#include (\S+)$", lambda found: whole(found[1]), source, flags=re.MULTILINE
    )
    return source.replace("{ledger}", "interrex_ledger").replace("{literal}", "'interrex_ledger'")


def renewal(server: Postgres) -> str:
    """The leader's own statement, for pgbench to go on with where the leader was killed."""
    row = server.say("SELECT epoch, incarnation, term, session, process FROM interrex_ledger")
    epoch, incarnation, term, session, process = row.split("|")
    arrays = {"name": "worn", "incarnation": incarnation, "term": term, "session": session}
    values = [f"'{epoch}'"] + [f"'{{{value}}}'" for value in arrays.values()]
    values += ["ARRAY[:beat]", "'{1507500000}'", f"'{{{process}}}'"]
    sql = re.sub(r"--.*", "", whole("renew_one.sql"))
    sql = re.sub(r"\$(\d)", lambda found: values[int(found[1]) - 1], sql)
    return f"\\set beat :beat + 1\n{' '.join(sql.split())};\n"


def pages(server: Postgres) -> list[int]:
    """Kilobytes of the table, of what lies out of line, and of the index."""
    said = server.say(
        "SELECT pg_relation_size(c.oid) / 1024, pg_relation_size(c.reltoastrelid) / 1024,"
        " pg_relation_size('interrex_ledger_pkey') / 1024"
        " FROM pg_class AS c WHERE c.oid = 'interrex_ledger'::regclass"
    )
    return [int(size) for size in said.split("|")]


def hot_share(server: Postgres) -> float:
    time.sleep(1.5)  # the server gathers its counters once a second
    said = server.say(
        "SELECT n_tup_hot_upd::float / NULLIF(n_tup_upd, 0) FROM pg_stat_user_tables"
        " WHERE relname = 'interrex_ledger'"
    )
    return float(said or 0) * 100


def elect(server: Postgres, results: Results) -> None:
    """A row as a leader makes it; the leader is killed, so that nobody else renews."""
    command = [*COMMANDS["C"], server.url, "worn"]
    with Cluster(lambda: Member(command, log=results.directory / "members.log")) as cluster:
        leader = cluster.add()
        cluster.until(lambda: bool(leader.leading), START_S, "a leader")
        leader.doomed = True


LARGE = (
    "UPDATE interrex_ledger SET value = (SELECT decode(string_agg(md5(random()::text), ''), 'hex')"
    " FROM generate_series(1, 4096)),"
    " value_term = term, value_index = 1, members = (SELECT jsonb_object_agg(md5(i::text),"
    " i || ' ' || md5(random()::text) || ' 1 - member-' || i) FROM generate_series(1, 1000) AS i)"
)


def said_by_pgbench(process: subprocess.Popen[str]) -> Iterator[float]:
    """Milliseconds a call, of each interval, while it shows its progress."""
    assert process.stderr
    for line in process.stderr:
        found = re.search(r"^progress: ([\d.]+) s, .*? lat ([\d.]+) ms", line)
        if found:
            print(f"    {found[1]} s: {found[2]} ms a renewal", flush=True)
            yield float(found[2])


def wear(large: bool, calls: int, results: Results) -> list[object]:
    with postgres("--no-fsync") as server:
        elect(server, results)
        if large:
            server.say(LARGE)
        script = results.directory / "renewal.sql"
        script.write_text(renewal(server))
        before = pages(server)
        words = [str(server.programs / "pgbench"), "-n", "-M", "prepared", "-c", "1", "-P", "10"]
        words += ["-D", "beat=1000", "-t", str(calls), "-f", str(script), server.url]
        env = {**os.environ, "PGOPTIONS": "-c plan_cache_mode=force_generic_plan"}
        done = subprocess.Popen(
            words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        times = list(said_by_pgbench(done))
        if done.wait() != 0 or int(server.say("SELECT beat FROM interrex_ledger")) != 1000 + calls:
            raise RuntimeError("pgbench did not renew as often as it was told")
        after, share = pages(server), hot_share(server)
        vacuums = server.say("SELECT autovacuum_count FROM pg_stat_user_tables")
    case = "1,000 members and a value of 64 KiB" if large else "one member"
    results.round(
        section="wear", case=case, calls=calls, before=before, after=after, ms=times, hot=share
    )
    sizes = [f"{old} to {new}" for old, new in zip(before, after, strict=True)]
    times = times or [0.0]
    return [case, f"{calls:,}", *sizes, f"{share:.2f}", vacuums, text(times[0]), text(times[-1])]


def wears(quick: bool, results: Results) -> None:
    calls = 20_000 if quick else 1_000_000
    rows = [wear(large, calls, results) for large in (False, True)]
    columns = ["row", "renewals", "table KiB", "out of line KiB", "index KiB", "HOT %"]
    columns += ["autovacuums", "first 10 s, ms each", "last 10 s, ms each"]
    results.table("A row that is renewed over and over", columns, rows)
