"""Ctrl-C ends every blocking call at once, and the election is left in order."""

import os
import signal
import threading
import time

import pytest
from conftest import eventually

from interrex import Election

CALLS = {
    "lead": "with election.lead(): pass",
    "run": "election.run(print)",
    "events": "for event in election.events(): pass",
    "draining": "leadership.draining.wait()",
    "resign": "election.resign()",
    "stop": "election.stop()",
}

PROGRAM = """
    import sys, threading, time
    from interrex import Election
    call, url, name = sys.argv[1:]
    waits_to_lead = call in ("lead", "run", "events")
    election = Election(name, url=url, timeout=60, drain_limit=3600, candidate=not waits_to_lead)
    election.start()
    release = threading.Event()
    def work():
        with election.lead() as held:
            begun.append(held)
            release.wait()
    begun = []
    if not waits_to_lead:
        worker = threading.Thread(target=work)
        worker.start()
        while not begun: time.sleep(0.005)
        leadership = begun[0]
    try:
        print("waits")
        {statement}
    except KeyboardInterrupt:
        print("interrupted", time.monotonic_ns())
    release.set()
    election.stop()
    print(election.role)
"""


@pytest.mark.parametrize("call", CALLS)
def test_a_wait_ends(call, programs, shared_redis, name):
    program = programs(PROGRAM.replace("{statement}", CALLS[call]), call, shared_redis.url, name)
    assert program.line() == "waits"
    program.process.send_signal(0)
    wait_a_little()
    program.signal(signal.SIGINT)
    sent = now_ns()
    word, at = program.line().split()
    assert word == "interrupted"
    assert (int(at) - sent) / 1e9 < 10  # the promise is 100 ms; a machine may be busy, not so long
    assert program.finish() == "stopped"


def test_a_start_ends_and_is_undone(programs, name):
    program = programs(
        """
        import sys
        from interrex import Election
        election = Election(sys.argv[1], url="redis://127.0.0.1:1")
        print("waits")
        try:
            election.start()
        except KeyboardInterrupt:
            election.stop()
            print(election.role)
        """,
        name,
    )
    assert program.line() == "waits"
    wait_a_little()
    program.signal(signal.SIGINT)
    out, err = program.process.communicate(timeout=20)
    assert program.process.returncode == 0
    assert out.strip() == "stopped"
    assert "Traceback" not in err  # the log said that the medium is unreachable


def test_the_others_go_on_waiting(programs, name):
    """The thread that drains is interrupted; another takes its place."""
    program = programs(
        """
        import sys, threading
        from interrex import Election
        election = Election(sys.argv[1], url="memory:", candidate=False)
        kinds = []
        events = election.events()
        election.start()
        def collect():
            print("collects")
            for event in events:
                kinds.append(event.kind)
        try:
            print("waits")
            collector = threading.Thread(target=collect)
            threading.Timer(0.2, collector.start).start()
            with election.lead():
                pass
        except KeyboardInterrupt:
            pass
        election.stop()
        collector.join()
        print(kinds[-1])
        """,
        name,
    )
    assert program.line() == "waits"
    assert program.line() == "collects"
    wait_a_little()
    program.signal(signal.SIGINT)
    assert program.finish() == "stopped"


def test_a_signal_handler_that_raises_hands_over(programs, shared_url, name):
    program = programs(
        """
        import signal, sys
        from interrex import Election
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
        with Election(sys.argv[2], url=sys.argv[1], timeout=60) as election:
            with election.lead() as leadership:
                print("leads")
                leadership.draining.wait()
        """,
        shared_url,
        name,
    )
    assert program.line() == "leads"
    program.signal(signal.SIGTERM)
    program.finish(status=3)


class Interrupted(Exception):
    pass


def test_an_event_that_comes_with_a_signal_is_not_lost(name):
    """The handler raises just when the event is handed out."""

    def handler(*_):
        raise Interrupted

    def both():
        wait_a_little(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)
        election.resign()

    previous = signal.signal(signal.SIGUSR1, handler)
    kinds = []
    interrupts = 0
    try:
        with Election(name, url="memory:", timeout=60) as election:
            events = election.events(timeout=2)
            for _ in range(20):
                eventually(election.is_leader)
                thread = threading.Thread(target=both)
                try:
                    thread.start()
                    for event in events:
                        kinds.append(event.kind)
                except Interrupted:
                    interrupts += 1
                thread.join()
            kinds += [event.kind for event in events]
            elected = election.metrics()["elected"]
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert interrupts == 20
    turns = [kind for kind in kinds if kind in ("elected", "draining", "defeated")]
    assert turns == ["elected", "draining", "defeated"] * (elected - 1) + ["elected"]


def wait_a_little(seconds=0.3):
    time.sleep(seconds)


def now_ns():
    return time.monotonic_ns()
