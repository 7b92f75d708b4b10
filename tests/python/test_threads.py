"""Many threads on one election, and many elections one after the other."""

import gc
import os
import resource
import threading
import weakref

import pytest
from conftest import LASTING, LIMIT, eventually

from interrex import Election


def test_many_threads(url, name):
    """Everything at once, while leadership comes and goes."""
    over = threading.Event()
    failures = []

    with Election(name, url=url, **LASTING) as election:

        @election.leader_only()
        def job():
            return election.role

        def guarded(work):
            try:
                while not over.is_set():
                    work()
            except BaseException as error:
                failures.append(error)

        def lead():
            with election.lead(timeout=LIMIT) as leadership:
                assert leadership.term > 0

        works = [
            election.is_leader,
            lambda: election.is_leader(need=0.01),
            lambda: (election.role, election.term, election.token, election.leader, election.id),
            election.members,
            election.metrics,
            election.history,
            job,
            lead,
            lambda: list(election.events(timeout=0.01)),
        ]
        threads = [threading.Thread(target=guarded, args=[work]) for work in works * 2]
        for thread in threads:
            thread.start()
        eventually(lambda: election.metrics()["elected"] >= 5 or failures)
        over.set()
        for thread in threads:
            thread.join(LIMIT)
            assert not thread.is_alive()
    assert failures == []


def test_threads_that_wait_to_lead_take_turns(url, name):
    inside = []

    def work():
        with election.lead(timeout=LIMIT) as leadership:
            inside.append(leadership.term)

    with Election(name, url=url, **LASTING) as election:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
            assert not thread.is_alive()
    assert len(inside) == 8


def test_many_elections_in_a_process(url, name):
    elections = [Election(f"{name}-{i}", url=url, profile="wide") for i in range(50)]
    for election in elections:
        election.start()
    for election in elections:
        eventually(election.is_leader)
    assert threading.active_count() < 10
    for election in elections:
        election.stop()


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.timeout(400)  # each is six commits or more, to a disk that others may use
def test_nothing_leaks(url, name):
    """200 elections come and go: neither descriptors nor memory stay behind."""
    # It keeps the loop thread and its connections.
    keeper = Election(f"{name}-keeper", url=url, **LASTING)

    def once(i):
        with Election(f"{name}-{i % 4}", url=url, **LASTING) as election:
            events = election.events()
            election._event_fd()
            with election.lead(timeout=LIMIT):
                election.publish(["x" * 10000, i], timeout=LIMIT)
                election.send("all", "x" * 5000, timeout=LIMIT)
                assert election.value[1] == i
        for event in events:
            assert event.kind
        return weakref.ref(election)

    with keeper:
        for i in range(50):
            once(i)
        gc.collect()
        before, kib_before = descriptors(), resident_kib()
        gone = [once(i) for i in range(200)]
        gc.collect()
        assert all(reference() is None for reference in gone)
        assert descriptors() <= before + 2
        assert resident_kib() - kib_before < 4096
    del keeper
    gc.collect()


def test_dropping_is_closing(url, name):
    """An election that nobody refers to is closed, and its thread ends with the last one."""
    before = descriptors()
    threads = len(os.listdir("/proc/self/task"))
    election = Election(name, url=url, **LASTING)
    election.start()
    eventually(election.is_leader)
    del election
    gc.collect()
    assert descriptors() <= before
    assert len(os.listdir("/proc/self/task")) <= threads


def resident_kib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 1024
