"""What is PostgreSQL's alone: who makes the table, passwords and TLS, restarts, no libpq.

What every medium does is tested by the other files, on PostgreSQL too.
"""

import asyncio
import contextlib
import os
import re
import signal
import ssl
import subprocess
import sys
import threading

import pytest
from conftest import LIMIT, PostgresServer, eventually, free_port

import interrex
from interrex import ConfigError, Election, LeadershipLost, MediumError, aio

# So long that only a release, or the end of a presence, can explain a succession.
PATIENT = {"heartbeat": 10, "timeout": 300}

MEMBER = """
    import sys, time
    from interrex import Election
    url, name = sys.argv[1:]
    with Election(name, url=url, heartbeat=10, timeout=300, label="child") as election:
        with election.lead() as leadership:
            print(leadership.term)
            time.sleep(3600)
"""


def trouble(election):
    """The first error that the election tells of, begun in the background."""
    error = next(event.error for event in election.events(timeout=LIMIT) if event.kind == "error")
    assert isinstance(error, MediumError)
    return error


@contextlib.contextmanager
def beginning(election):
    """Starts on a thread of its own, and stops at the end, whether or not it took part."""

    def start():
        with contextlib.suppress(interrex.InterrexError):
            election.start()

    thread = threading.Thread(target=start)
    thread.start()
    try:
        yield
    finally:
        election.stop()
        thread.join()


# ---- leadership


def test_a_killed_leader_is_succeeded_long_before_its_timeout(programs, shared_postgres, name):
    child = programs(MEMBER, shared_postgres.url, name)
    term = int(child.line())
    with Election(name, url=shared_postgres.url, **PATIENT) as election:
        eventually(lambda: election.leader is not None)
        child.signal(signal.SIGKILL)
        with election.lead(timeout=LIMIT) as leadership:
            assert leadership.term > term
    child.finish(status=-signal.SIGKILL)


async def test_in_asyncio_too(programs, shared_postgres, name):
    child = programs(MEMBER, shared_postgres.url, name)
    term = int(await asyncio.to_thread(child.line))
    async with aio.Election(name, url=shared_postgres.url, **PATIENT) as election:
        child.signal(signal.SIGKILL)
        async with election.lead(timeout=LIMIT) as leadership:
            assert leadership.term > term
            await election.publish({"by": "the next"})
    await asyncio.to_thread(child.finish, -signal.SIGKILL)


def test_the_guarantee_follows_the_takeover(shared_postgres, name):
    for takeover, guarantee in [("fast", "term"), ("safe", "exclusive")]:
        where = {"url": shared_postgres.url, "takeover": takeover}
        with Election(f"{name}-{takeover}", **where) as election:
            assert election.guarantee == guarantee


def test_without_fsync_it_is_term(name):
    server = PostgresServer("--no-fsync")
    try:
        with Election(name, url=server.url, takeover="safe") as election:
            assert election.guarantee == "term"
    finally:
        server.end()


# ---- the table


def test_a_table_that_is_nobody_to_make(shared_postgres, name):
    place = {"url": shared_postgres.url, "namespace": "asked", "create_table": False}
    election = Election(name, **place)
    with beginning(election):
        error = trouble(election)
        assert error.code == "FOREIGN"
        assert 'no table "asked_ledger", and create_table is false' in str(error)
        assert "what interrex.schema() prints" in str(error)
        shared_postgres.say(interrex.schema(namespace="asked"))
        eventually(election.is_leader)


def test_the_schema_is_what_psql_takes_under_any_name(shared_postgres, name):
    sql = interrex.schema('My "Own" Schema\'s', namespace='Ünder "quotes"')
    for _ in range(2):
        shared_postgres.say(sql)
    url = f"{shared_postgres.url}?schema=My%20%22Own%22%20Schema's"
    with Election(name, url=url, namespace='Ünder "quotes"', create_table=False) as election:
        eventually(election.is_leader)
    quoted = '"My ""Own"" Schema\'s"."Ünder ""quotes""_ledger"'
    assert shared_postgres.say(f"SELECT name FROM {quoted}") == name


@pytest.mark.parametrize("place", [{"schema": "x" * 64}, {"namespace": ""}, {"namespace": 7}])
def test_a_schema_that_can_not_be(place):
    with pytest.raises(ConfigError, match="namespace"):
        interrex.schema(**place)


def test_the_schema_of_the_default():
    assert interrex.schema() == interrex.schema(None, "interrex")
    assert re.search(r'CREATE TABLE IF NOT EXISTS "interrex_ledger"', interrex.schema())


# ---- servers


def test_a_server_that_comes_late(name):
    url = f"postgres://postgres@127.0.0.1:{free_port()}/postgres"
    with pytest.raises(interrex.InterrexError) as caught:
        Election(name, url=url, start_timeout=0.3).start()
    assert caught.value.code in ("TIMEOUT", "UNREACHABLE")
    server = PostgresServer()
    try:
        server.kill()
        election = Election(name, url=server.url)
        with beginning(election):
            assert trouble(election).code == "UNREACHABLE"
            assert not election.is_leader()
            server.restart()
            eventually(election.is_leader)
    finally:
        server.end()


def test_a_server_that_restarts(own_postgres, name):
    """The epoch is over; who leads next does so by a new incarnation, and has the value."""
    # A record that was held and is vacant is claimed at once under either takeover.
    with Election(f"{name}-safe", url=own_postgres.url) as election, election.lead(timeout=LIMIT):
        pass
    with (
        # Long enough that it still leads when the server is back.
        Election(f"{name}-safe", url=own_postgres.url, takeover="safe", timeout=60) as safe,
        Election(name, url=own_postgres.url, timeout=3) as fast,
    ):
        with pytest.raises(LeadershipLost) as of_safe, safe.lead(timeout=LIMIT):  # noqa: SIM117
            with pytest.raises(LeadershipLost) as of_fast, fast.lead(timeout=LIMIT) as before:
                fast.publish({"kept": True}, timeout=LIMIT)
                own_postgres.kill()
                own_postgres.restart()
                eventually(lambda: not before.check())
                eventually(lambda: not safe.is_leader())
        assert of_fast.value.reason == "presence-lost"
        assert of_safe.value.reason == "store-changed"
        with fast.lead(timeout=LIMIT) as after:
            assert after.term > before.term
            assert after.token.incarnation != before.token.incarnation
            assert fast.value == {"kept": True}


# ---- TLS, beside Python's own ssl


def test_name_authority_and_password_are_looked_at(secure_postgres, name):
    with Election(name, url=secure_postgres.url) as election:
        eventually(election.is_leader)
    strangers = {
        "AUTH": secure_postgres.url.replace("secret@", "not-the-secret@"),
        "UNREACHABLE": secure_postgres.url.replace("localhost", "127.0.0.1"),
    }
    for code, url in strangers.items():
        election = Election(name, url=url)
        with beginning(election):
            error = trouble(election)
            assert error.code == code
            assert "secret" not in str(error)


def test_hundreds_of_connections_in_several_threads(secure_postgres, name):
    failures = []

    def connect(number):
        try:
            for _ in range(25):
                with Election(f"{name}-{number}", url=secure_postgres.url) as election:
                    ssl.create_default_context()
                    assert election.id
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=connect, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_child_of_a_fork_leaves_the_session_alone(secure_postgres, name):
    """Whichever way it ends: a goodbye of TLS or of libpq would end the parent's session."""
    with (
        Election(name, url=secure_postgres.url, **PATIENT) as election,
        election.lead(timeout=LIMIT) as held,
    ):
        reconnects = election.metrics()["reconnects"]
        for ending in (lambda: os._exit(0), sys.exit):
            pid = os.fork()
            if pid == 0:
                try:
                    del held
                    election.__dict__.clear()
                    ending()
                finally:
                    os._exit(0)
            os.waitpid(pid, 0)
        election.publish("still here", timeout=LIMIT)
        assert held.check()
        assert election.metrics()["reconnects"] == reconnects


@pytest.mark.parametrize("end", ["leading", "connecting"])
def test_the_interpreter_ends_under_tls(programs, secure_postgres, name, end):
    code = """
        import sys, threading
        from interrex import Election
        url, name, end, wait = sys.argv[1:]
        election = Election(name, url=url, heartbeat=10, timeout=300)
        if end == "leading":
            election.start()
            lead = election.lead(timeout=20)
            lead.__enter__()
        else:
            starts = threading.Thread(target=election.start, daemon=True)
            starts.start()
            starts.join(float(wait))
    """
    for step in range(5):
        assert programs(code, secure_postgres.url, name, end, str(step / 100)).finish() == ""
    with Election(name, url=secure_postgres.url, **PATIENT) as election:
        eventually(election.is_leader)


# ---- no libpq


def test_a_machine_without_libpq(tmp_path):
    """Every other medium is there, and the error names the package."""
    (tmp_path / "libpq.so.5").touch()  # the loader looks here first, and no further
    code = f"""
from interrex import Election, InterrexError
with Election("x", url="local://{tmp_path}/local") as election, election.lead(timeout=20):
    pass
try:
    Election("x", url="postgres://localhost/x").start()
except InterrexError as error:
    print(error.code, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.match(r"UNSUPPORTED .*libpq5", done.stdout), done.stdout
