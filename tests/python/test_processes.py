"""Several processes: hand-over, fork, spawn, and the end of the interpreter."""

import multiprocessing
import os
import signal

import pytest
from conftest import LASTING, LIMIT, eventually, look_around

from interrex import Election, ForkedError, LeadershipLost, aio

MEMBER = """
    import signal, sys, time
    from interrex import Election
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    url, name = sys.argv[1:]
    with Election(name, url=url, heartbeat=0.05, timeout=5, label="child") as election:
        with election.lead() as leadership:
            print(leadership.term)
            time.sleep(3600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_another_process_takes_over(programs, shared_url, name, number):
    child = programs(MEMBER, shared_url, name)
    term = int(child.line())
    with Election(name, url=shared_url, **LASTING) as election:
        eventually(lambda: election.leader is not None)
        assert election.leader.label == "child"
        assert not election.is_leader()
        child.signal(number)
        with election.lead(timeout=LIMIT) as leadership:
            assert leadership.term > term
    child.finish(status=0 if number == signal.SIGTERM else -number)


EXITS = {
    "leading": "election.start(); lead = election.lead(); lead.__enter__()",
    "following": "election = Election(name, url=url, candidate=False); election.start()",
    "never started": "",
    "daemon threads wait": """
election.start()
for wait in (lambda: list(election.events()), lambda: election.run(lambda l: time.sleep(3600))):
    threading.Thread(target=wait, daemon=True).start()
    threading.Thread(target=wait, daemon=True).start()
other = Election(name, url=url, candidate=False)
other.start()
threading.Thread(target=lambda: other.lead().__enter__(), daemon=True).start()
time.sleep(0.2)
""",
    "sys.exit in a block": """
with election:
    with election.lead():
        sys.exit(0)
""",
    "an exception in a thread's block": """
threading.excepthook = lambda *_: None
def body():
    with election, election.lead():
        raise KeyError
thread = threading.Thread(target=body)
thread.start(); thread.join()
""",
    "asyncio, left running": """
election = aio.Election(name, url=url, timeout=60)
async def main():
    await election.start()
    await election.wait_leader()
asyncio.run(main())
""",
    "in a reference cycle": """
election.start()
election.me = election
del election
""",
}


@pytest.mark.parametrize("case", EXITS)
def test_the_interpreter_ends_cleanly_and_releases(programs, shared_url, name, case):
    head = "import asyncio, sys, threading, time\nfrom interrex import Election, aio\n"
    head += "url, name = sys.argv[1:]\nelection = Election(name, url=url, timeout=60)\n"
    program = programs(head + EXITS[case], shared_url, name)
    assert program.finish() == ""
    # Far sooner than its timeout would let go.
    with Election(name, url=shared_url) as election, election.lead(timeout=LIMIT) as leadership:
        assert leadership.check()


def in_child(function):
    """The child's exit status: 0 if the function was content."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function()
            status = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def forked(call):
    with pytest.raises(ForkedError) as caught:
        call()
    assert caught.value.code == "FORKED"


def test_a_child_of_a_fork_does_not_lead(url, name):
    with Election(name, url=url, **LASTING) as election:
        stream = election.events()
        with election.lead(timeout=LIMIT) as leadership:

            def look():
                assert not election.is_leader()
                assert not election.is_leader(need=0.1)
                assert not leadership.check()
                assert leadership.remaining() == 0.0
                assert "forked" in repr(election)
                reads = ("role", "id", "token", "term", "leader", "guarantee", "meta", "value")
                for read in reads:
                    forked(lambda read=read: getattr(election, read))
                forked(lambda: election.set_meta(1))
                forked(lambda: election.publish(1))
                forked(lambda: election.send("all", 1))
                for call in ("start", "stop", "members", "metrics", "history", "resign", "events"):
                    forked(getattr(election, call))
                forked(lambda: election.lead())
                forked(lambda: election.run(print))
                forked(lambda: election.transfer("0" * 32))
                forked(election.leader_only()(print))
                forked(lambda: list(stream))

            assert in_child(look) == 0
            assert leadership.check()  # the parent's is not disturbed
            assert election.is_leader()


def test_a_block_that_a_child_leaves_is_lost(shared_url, name):
    with Election(name, url=shared_url, **LASTING) as election:
        eventually(election.is_leader)

        def leave():
            with pytest.raises(LeadershipLost) as caught:
                lead.__exit__(None, None, None)
            assert caught.value.reason == "forked"
            election.__exit__(None, None, None)  # the parent's to stop: nothing happens

        lead = election.lead(timeout=LIMIT)
        with lead as leadership:
            assert in_child(leave) == 0
            assert leadership.check()


def test_a_child_makes_an_election_of_its_own(shared_url, name):
    with Election(name, url=shared_url, label="parent", **LASTING) as election:
        eventually(election.is_leader)
        id = election.id

        def contend():
            with Election(name, url=shared_url, label="child", **LASTING) as own:
                assert own.leader is None or own.leader.label == "parent"
                eventually(lambda: own.leader is not None)
                assert not own.is_leader()
                assert own.id != id

        assert in_child(contend) == 0
        assert election.is_leader()


def test_a_fork_while_other_threads_wait(name):
    import threading

    with Election(name, url="memory:", candidate=False, **LASTING) as election:
        streams = [election.events() for _ in range(3)]
        threads = [threading.Thread(target=list, args=[stream]) for stream in streams]
        for thread in threads:
            thread.start()
        for _ in range(20):
            assert in_child(lambda: (election.is_leader(), forked(election.stop))) == 0
            assert in_child(lambda: election._close()) == 0
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()


def test_a_fork_while_requests_are_under_way(own_redis, name):
    import threading

    with Election(name, url=own_redis.url, timeout=60) as election:
        eventually(election.is_leader)
        own_redis.freeze()
        threads = [threading.Thread(target=election.publish, args=[n]) for n in range(4)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(election._requests) == 4)
        for _ in range(10):
            assert in_child(lambda: forked(lambda: election.publish("child"))) == 0
        own_redis.thaw()
        for thread in threads:
            thread.join(LIMIT)
            assert not thread.is_alive()
        assert election.publish("parent", timeout=LIMIT).index == 5


TELLER = """
    import sys
    from interrex import Election
    url, name, protocol = sys.argv[1:]
    with Election(name, url=url, protocol=protocol, label="child", meta={"pid": 1}) as election:
        events = election.events()
        print("there")
        for event in events:
            if event.kind == "message":
                assert event.from_leader
                election.send("leader", {"echo": event.data}, timeout=20)
                election.set_meta({"heard": event.data}, timeout=20)
                break
        with election.lead() as leadership:
            print(election.value)
            election.publish({"by": "child", "before": election.value}, timeout=20)
            print("published")
            leadership.draining.wait()
"""


def test_processes_tell_each_other(programs, shared_place, name):
    """Messages both ways, a meta, and a value that outlives two leaders, one of them killed."""
    with Election(name, label="parent", **shared_place) as election:
        eventually(election.is_leader)
        events = election.events(timeout=LIMIT)
        child = programs(TELLER, shared_place["url"], name, shared_place["protocol"])
        assert child.line() == "there"
        look_around(election)
        eventually(lambda: len(election.members()) == 2)
        other = next(member for member in election.members() if not member.is_self)
        assert (other.label, other.meta) == ("child", {"pid": 1})
        election.send(other.id, ["hello", "ü"], timeout=LIMIT)
        message = next(event for event in events if event.kind == "message")
        assert (message.data, message.from_id) == ({"echo": ["hello", "ü"]}, other.id)
        heard = {"heard": ["hello", "ü"]}
        eventually(lambda: [m.meta for m in election.members() if not m.is_self] == [heard])
        election.publish("of the parent", timeout=LIMIT)
        election.transfer(other.id)
        assert child.line() == "of the parent"
        assert child.line() == "published"
        eventually(lambda: election.value == {"by": "child", "before": "of the parent"})
        assert election.leader.meta == heard
        child.signal(signal.SIGKILL)
        with election.lead(timeout=LIMIT):
            assert election.value == {"by": "child", "before": "of the parent"}
            election.publish("again of the parent", timeout=LIMIT)
    child.finish(status=-signal.SIGKILL)


def lead_once(url, name, answers):
    with (
        Election(name, url=url, **LASTING) as election,
        election.lead(timeout=LIMIT) as leadership,
    ):
        answers.put(leadership.term)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(shared_url, name, method):
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    with Election(name, url=shared_url, **LASTING) as election:
        with election.lead(timeout=LIMIT) as leadership:
            terms = [leadership.term]
        election.stop()
        for _ in range(2):
            child = context.Process(target=lead_once, args=(shared_url, name, answers))
            child.start()
            terms.append(answers.get(timeout=LIMIT))
            child.join(LIMIT)
            assert child.exitcode == 0
    assert terms == sorted(set(terms))


async def test_asyncio_in_a_child_of_a_fork(name):
    async with aio.Election(name, url="memory:", **LASTING) as election:
        await election.wait_leader(LIMIT)

        def look():
            assert not election.is_leader()
            forked(lambda: election.lead())
            forked(lambda: election.events())

        assert in_child(look) == 0
        assert election.is_leader()
