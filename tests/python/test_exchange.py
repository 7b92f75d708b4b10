"""What members tell each other: meta, messages, the published value, over every medium."""

import itertools
import threading
import time

import pytest
from conftest import LASTING, LIMIT, POSTGRES_MESSAGE_MAX, eventually, look_around

from interrex import Election, ElectionTimeout, InterrexError, NotLeaderError, Version

JSON = {"text": 'Grüße, 世界 \0 "', "list": [1, -2.5, True, None, {"deep": [[]]}], "": {}}


@pytest.fixture
def members(place, name):
    """A leader and two followers that know of each other."""
    with Election(name, label="first", meta={"number": 1}, **LASTING, **place) as first:
        eventually(first.is_leader)
        with (
            Election(name, label="second", meta={"number": 2}, **LASTING, **place) as second,
            Election(name, label="third", candidate=False, **LASTING, **place) as third,
        ):
            everybody = (first, second, third)
            look_around(first, second)
            eventually(lambda: all(len(one.members()) == 3 and one.leader for one in everybody))
            yield everybody


@pytest.fixture
def alone(name):
    with Election(name, url="memory:") as election:
        eventually(election.is_leader)
        yield election


def told(events, kind, count=1):
    """The next events of this kind."""
    found = list(itertools.islice((e for e in events if e.kind == kind), count))
    assert len(found) == count
    return found


def refused(code, call, *words):
    with pytest.raises(InterrexError) as caught:
        call()
    assert caught.value.code == code
    for word in words:
        assert word in str(caught.value)
    return caught.value


# ---- meta


def metas(election):
    return {member.label: member.meta for member in election.members()}


def test_every_member_sees_every_meta(members):
    first, second, third = members
    for election in members:
        eventually(
            lambda election=election: (
                metas(election) == {"first": {"number": 1}, "second": {"number": 2}, "third": None}
            )
        )
        assert election.leader.meta == {"number": 1}
    assert [one.meta for one in members] == [{"number": 1}, {"number": 2}, None]
    first.set_meta(JSON, timeout=LIMIT)
    third.set_meta(["observes"], timeout=LIMIT)
    second.set_meta(None, timeout=LIMIT)
    for election in members:
        eventually(
            lambda election=election: (
                metas(election) == {"first": JSON, "second": None, "third": ["observes"]}
            )
        )
        eventually(lambda election=election: election.leader.meta == JSON)
    assert [one.meta for one in members] == [JSON, None, ["observes"]]


def test_a_meta_is_told_by_the_next_start(place, name):
    election = Election(name, **place)
    election.set_meta("before", timeout=LIMIT)
    assert election.meta == "before"
    with election:
        eventually(lambda: [member.meta for member in election.members()] == ["before"])
        election.set_meta("while", timeout=LIMIT)
        assert [member.meta for member in election.members()] == ["while"]
    with election:
        eventually(lambda: [member.meta for member in election.members()] == ["while"])


def test_the_leader_of_an_event_has_its_meta(members):
    first, second, _ = members
    events = second.events(timeout=LIMIT)
    first.transfer(second.id)
    leaders = (event.leader for event in events if event.kind == "leader" and event.leader)
    leader = next(leader for leader in leaders if leader.id == second.id)
    assert leader == (second.id, "second", second.term, {"number": 2})


def test_what_is_read_is_the_readers_own(members):
    first, second, _ = members
    first.publish({"list": []}, timeout=LIMIT)
    eventually(lambda: second.value is not None)
    second.value["list"].append(1)
    second.meta["number"] = 7
    second.members()[0].meta["number"] = 7
    assert second.value == {"list": []}
    assert second.meta == {"number": 2}
    assert second.members()[0].meta == {"number": 1}


def test_rows_are_hashable_whatever_their_meta(members):
    assert len({*members[0].members(), members[0].leader}) == 4


# ---- messages


def test_messages_reach_whom_they_are_for(members):
    first, second, third = members
    heard = [election.events(timeout=LIMIT) for election in members]
    second.send("leader", ["to the leader", JSON])
    third.send("leader", "observers may speak")
    first.send("followers", "to the followers")
    first.send(third.id, "to one")
    second.send("all", "to all")
    second.send(third.id, "to one, too")

    def data(events, count):
        return [(event.data, event.from_id, event.from_leader) for event in events]

    ids = [election.id for election in members]
    to_first = [
        (["to the leader", JSON], ids[1], False),
        ("to all", ids[1], False),
        ("observers may speak", ids[2], False),
    ]
    got = data(told(heard[0], "message", 3), 3)
    assert sorted(got, key=str) == sorted(to_first, key=str)
    assert data(told(heard[1], "message"), 1) == [("to the followers", ids[0], True)]
    to_third = [
        ("to the followers", ids[0], True),
        ("to one", ids[0], True),
        ("to all", ids[1], False),
        ("to one, too", ids[1], False),
    ]
    got = data(told(heard[2], "message", 4), 4)
    assert sorted(got, key=str) == sorted(to_third, key=str)
    # Nothing else was for anybody, nor came back to its sender.
    first.send("followers", "last")
    third.send("leader", "last")
    assert [told(events, "message")[0].data for events in heard] == ["last", "last", "last"]


def test_messages_of_a_sender_keep_their_order(members):
    first, second, third = members
    heard = second.events(timeout=LIMIT)
    senders = [
        threading.Thread(target=lambda e=e: [e.send("all", n) for n in range(100)])
        for e in (first, third)
    ]
    for sender in senders:
        sender.start()
    events = told(heard, "message", 200)
    for sender in senders:
        sender.join(LIMIT)
        assert not sender.is_alive()
    for sender in (first, third):
        assert [e.data for e in events if e.from_id == sender.id] == list(range(100))


def test_a_message_to_nobody(members):
    first, second, _ = members
    refused("STATE", lambda: first.send("leader", 1), "this member leads")
    refused("NO_MEMBER", lambda: first.send("0" * 31 + "1", 1), "members()")
    refused("NO_MEMBER", lambda: first.send("leaders", 1), "'leader', 'followers', 'all'")
    refused("NO_MEMBER", lambda: first.send("é" * 32, 1), "hexadecimal")
    gone = second.id
    second.stop()
    eventually(lambda: len(first.members()) == 2)
    refused("NO_MEMBER", lambda: first.send(gone, 1))


def test_without_a_leader_nobody_hears(name):
    with Election(name, url="memory:", candidate=False) as election:
        refused("NO_MEMBER", lambda: election.send("leader", 1), "no leader")


@pytest.mark.parametrize("to", [None, 7, b"all", ["all"], "a\0ll"])
def test_whom_a_message_is_for_is_a_text(alone, to):
    with pytest.raises(TypeError, match="to: "):
        alone.send(to, 1)


# ---- the published value


def test_everybody_receives_the_value(members):
    heard = [election.events(timeout=LIMIT) for election in members]
    first, second, third = members
    assert [one.value for one in members] == [None, None, None]
    versions = [first.publish(value, timeout=LIMIT) for value in (JSON, [], None, 0, "last")]
    assert first.value == "last"
    assert versions == sorted(set(versions))
    assert versions[0] > Version(first.term, 0)
    assert all(version.term == first.term for version in versions)
    for election, events in zip(members, heard, strict=True):
        eventually(lambda election=election: election.value == "last")
        got = []
        while not got or got[-1] != (versions[-1], "last"):
            (event,) = told(events, "value")
            got.append((event.version, event.value))
        # The newest waits; what it replaced may have been left out.
        assert [version for version, _ in got] == sorted({version for version, _ in got})
        assert set(map(str, got)) <= set(
            map(str, zip(versions, [JSON, [], None, 0, "last"], strict=True))
        )
    for election in (second, third):
        with pytest.raises(NotLeaderError):
            election.publish("not by a follower")
    assert first.value == "last"


def test_the_next_leader_inherits_the_value(members, place, name):
    first, second, _ = members
    before = first.publish({"step": 1}, timeout=LIMIT)
    first.transfer(second.id)
    eventually(second.is_leader)
    assert second.value == {"step": 1}
    with pytest.raises(NotLeaderError):
        first.publish("no longer")
    assert second.publish({"step": 2}, timeout=LIMIT) > before
    eventually(lambda: first.value == {"step": 2})
    with Election(name, label="late", candidate=False, **place) as late:
        eventually(lambda: late.value == {"step": 2})


# ---- sizes, and what JSON has no form for


def send_to_all(election, value):
    election.send("all", value)


@pytest.mark.parametrize(
    ("call", "limit"),
    [(Election.set_meta, 4096), (send_to_all, 65536), (Election.publish, 65536)],
    ids=["meta", "message", "value"],
)
def test_the_largest_passes_and_a_larger_one_names_the_limit(members, place, call, limit):
    if call is send_to_all and place["url"].startswith("postgres"):
        limit = POSTGRES_MESSAGE_MAX
    first, second, _ = members
    heard = second.events(timeout=LIMIT)
    call(first, "x" * (limit - 2))
    too_large = refused("TOO_LARGE", lambda: call(first, "x" * (limit - 1)))
    assert str(limit) in str(too_large)
    assert str(limit + 1) in str(too_large)
    refused("TOO_LARGE", lambda: call(first, "ü" * (limit // 2)))
    if limit == 4096:
        eventually(lambda: len(second.leader.meta or "") == limit - 2)
        assert len(first.meta) == limit - 2
    else:
        event = next(e for e in heard if e.data or e.value)
        assert len(event.data or event.value) == limit - 2


def test_a_meta_that_is_too_large_is_no_option(name):
    with pytest.raises(InterrexError, match=r"meta.*4096"):
        Election(name, url="memory:", meta="x" * 4096)


# ---- requests


def test_timeouts(own_redis, name):
    with (
        Election(name, url=own_redis.url, profile="wide", timeout=30) as first,
        Election(name, url=own_redis.url, profile="wide", timeout=30) as second,
    ):
        eventually(lambda: first.is_leader() and len(first.members()) == 2)
        first.publish("before")
        own_redis.freeze()
        for call in (
            lambda: first.publish("frozen", timeout=0.1),
            lambda: first.set_meta("frozen", timeout=0.1),
            lambda: first.send(second.id, "frozen", timeout=0.1),
        ):
            began = time.monotonic()
            with pytest.raises(ElectionTimeout, match=r"0\.1 s.*may still") as caught:
                call()
            assert isinstance(caught.value, TimeoutError)
            assert 0.09 < time.monotonic() - began < 5
        own_redis.thaw()
        first.publish("after", timeout=LIMIT)
        eventually(lambda: second.value == "after")
        eventually(lambda: first.is_leader() and not first._requests)  # though nobody waits


def test_stopped(place, name):
    election = Election(name, **place)
    refused("STOPPED", lambda: election.send("all", 1))
    with pytest.raises(NotLeaderError):
        election.publish(1)
    assert election.value is None
    assert election.meta is None
    with election:
        eventually(election.is_leader)
        election.publish("kept", timeout=LIMIT)
    refused("STOPPED", lambda: election.send("all", 1))
    with pytest.raises(NotLeaderError):
        election.publish(1)


def test_what_is_under_way_ends_with_a_stop(own_redis, name):
    ends = []

    def publish():
        try:
            election.publish("frozen")
        except InterrexError as error:
            ends.append(error.code)

    with Election(name, url=own_redis.url) as election:
        eventually(election.is_leader)
        own_redis.freeze()
        threads = [threading.Thread(target=publish) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        election.stop()
        for thread in threads:
            thread.join(LIMIT)
            assert not thread.is_alive()
    assert len(ends) == 4
    assert len(election._requests) == 0


def test_many_threads_at_once(members):
    """Each is told of its own, whoever drains."""
    first, second, third = members
    versions = []
    failures = []
    over = threading.Event()

    def guarded(work, times):
        try:
            for n in range(times):
                work(n)
        except BaseException as error:
            failures.append(error)

    def drain():
        while not over.is_set():
            for _ in first.events(timeout=0.01):
                pass

    works = [
        *[lambda n: versions.append(first.publish(n, timeout=LIMIT))] * 6,
        *[lambda n: first.send("all", n, timeout=LIMIT)] * 3,
        lambda n: first.send(second.id, n, timeout=LIMIT),
        lambda n: n % 8 == 0 and first.set_meta(n, timeout=LIMIT),  # goes with a heartbeat
        lambda n: (first.is_leader(), first.value, first.meta, first.members(), first.leader),
    ]
    threads = [threading.Thread(target=guarded, args=[work, 25]) for work in works]
    drains = [threading.Thread(target=guarded, args=[lambda _: drain(), 1]) for _ in range(3)]
    for thread in (*threads, *drains):
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    over.set()
    for thread in drains:
        thread.join(LIMIT)
        assert not thread.is_alive()
    assert failures == []
    assert len(set(versions)) == 6 * 25
    eventually(lambda: third.value == first.value)
    assert first.meta == 24
    assert len(first._requests) == 0


def test_more_than_can_be_under_way(own_redis, name):
    with Election(name, url=own_redis.url, timeout=30) as election:
        eventually(election.is_leader)
        own_redis.freeze()
        for _ in range(1024):
            election._publish(b"1")  # as if so many threads waited
        full = refused("FULL", lambda: election.publish(2, timeout=LIMIT))
        assert "1024" in str(full)
        own_redis.thaw()
        eventually(lambda: election.is_leader() and election.value == 1)
        assert election.publish(2, timeout=LIMIT) > Version(0, 0)


def test_metrics_count_messages(members):
    first, second, third = members
    before = first.metrics()
    first.send("followers", 1, timeout=LIMIT)
    assert first.metrics()["messages_sent"] > before["messages_sent"]
    eventually(lambda: second.metrics()["messages_received"] > 0)
    assert third.metrics()["messages_dropped"] == 0
