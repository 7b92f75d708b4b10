"""Ctrl-C ends a request's wait at once; what others wait for is not lost with it."""

import contextlib
import signal
import sys
import threading
import time

import pytest
from conftest import LIMIT, eventually

from interrex import Election, ElectionTimeout, Version

CALLS = {
    "publish": "election.publish(1)",
    "set_meta": "election.set_meta(1)",
    "send": "election.send('all', 1)",
    "publish with a timeout": "election.publish(1, timeout=3600)",
}

PROGRAM = """
    import sys, time
    from interrex import Election
    with Election(sys.argv[2], url=sys.argv[1], timeout=60) as election:
        with election.lead():
            before = election.publish("before")
            print("leads")
            sys.stdin.readline()  # the server is frozen
            try:
                print("asks")
                {statement}
            except KeyboardInterrupt:
                print("interrupted", time.monotonic_ns())
            print("goes on", election.publish("after") > before)
            while election._requests:  # a meta goes with a heartbeat
                list(election.events(timeout=0.01))
        print("nothing is left")
"""


@pytest.mark.parametrize("call", CALLS)
def test_a_wait_ends(call, programs, own_redis, name):
    program = programs(PROGRAM.replace("{statement}", CALLS[call]), own_redis.url, name)
    assert program.line() == "leads"
    own_redis.freeze()
    program.tell("frozen")
    assert program.line() == "asks"
    time.sleep(0.3)
    program.signal(signal.SIGINT)
    sent = time.monotonic_ns()
    word, at = program.line().split()
    assert word == "interrupted"
    assert (int(at) - sent) / 1e9 < 10  # the promise is 100 ms; a machine may be busy, not so long
    own_redis.thaw()
    assert program.line() == "goes on True"
    assert program.finish() == "nothing is left"


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("seconds", [0.0003, 0.001, 0.004])
def test_what_others_wait_for_is_not_lost(name, seconds, monkeypatch):
    """The thread that drains is interrupted all the time, wherever it is."""
    # In a finaliser as well, where nobody can take what the handler raises.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    over = False
    interrupts = 0
    failures = []
    counts = [0] * 4

    def handler(*_):
        nonlocal interrupts
        interrupts += 1
        if armed:
            raise Interrupted

    def publish(number):
        try:
            while not over:
                election.publish(number, timeout=LIMIT)
                counts[number] += 1
        except BaseException as error:
            failures.append(error)

    armed = False

    def attempt():
        nonlocal armed
        armed = True
        try:
            for _ in election.events(timeout=0.05):
                election.is_leader()
            election.publish("main", timeout=LIMIT)
        finally:
            armed = False

    previous = signal.signal(signal.SIGALRM, handler)
    with Election(name, url="memory:", timeout=60) as election:
        eventually(election.is_leader)
        threads = [threading.Thread(target=publish, args=[number]) for number in range(4)]
        for thread in threads:
            thread.start()
        signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
        until = time.monotonic() + 3
        while time.monotonic() < until and not failures:
            with contextlib.suppress(Interrupted):
                attempt()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        over = True
        for thread in threads:
            thread.join(LIMIT * 2)
            assert not thread.is_alive()
        assert failures == []
        assert interrupts > 100
        assert min(counts) > 0
        assert election.publish("after", timeout=LIMIT) == Version(*election._value()[0])
        assert len(election._requests) == 0


def test_a_waiter_that_went_away_leaves_nothing(own_redis, name):
    with Election(name, url=own_redis.url, timeout=60) as election:
        eventually(election.is_leader)
        own_redis.freeze()
        for _ in range(20):
            with pytest.raises(ElectionTimeout):
                election.publish(1, timeout=0.001)
        own_redis.thaw()
        assert election.publish(2, timeout=LIMIT).index > 1
        assert election.value == 2
        assert len(election._requests) == 0
