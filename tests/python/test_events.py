"""Events: in order, to every iterator, whoever drains."""

import logging
import threading
import time

import pytest
from conftest import LASTING, LIMIT, eventually

from interrex import Election

LIFE = {"started", "elected", "defeated", "stopped"}


def life(events):
    return [event for event in events if event.kind in LIFE]


def test_the_first_iterator_begins_with_the_start(url, name):
    with Election(name, url=url, label="me", **LASTING) as election:
        eventually(election.is_leader)
        token = election.token
        eventually(election.members)
    events = list(election.events(timeout=LIMIT))
    seen = life(events)
    assert [event.kind for event in seen] == ["started", "elected", "defeated", "stopped"]
    assert seen[1].token == seen[2].token == token
    assert seen[2].reason == "stopped"
    leaders = [event.leader for event in events if event.kind == "leader"]
    assert leaders[0].label == "me"
    roles = [(event.previous, event.role) for event in events if event.kind == "role"]
    assert roles[-1][1] == "stopped"
    assert all(before[1] == after[0] for before, after in zip(roles, roles[1:], strict=False))


def test_draining_is_told(name):
    with Election(name, url="memory:", **LASTING) as election:
        events = election.events()
        with election.lead(timeout=LIMIT):
            election.resign()
    seen = [event for event in events if event.kind in {*LIFE, "draining"}][:4]
    assert [event.kind for event in seen] == ["started", "elected", "draining", "defeated"]
    assert [event.reason for event in seen] == [None, None, "resigned", "resigned"]


def test_every_iterator_sees_every_event(url, name):
    election = Election(name, url=url, **LASTING)
    collected = [[] for _ in range(4)]
    threads = [threading.Thread(target=into.extend, args=[election.events()]) for into in collected]
    for thread in threads:
        thread.start()
    with election:
        for _ in range(3):
            with election.lead(timeout=LIMIT):
                pass
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    assert all(into == collected[0] for into in collected)
    kinds = [event.kind for event in life(collected[0])]
    assert kinds.count("elected") == kinds.count("defeated") >= 3
    assert kinds[-1] == "stopped"


def test_a_silence_ends_the_iteration(name):
    with Election(name, url="memory:", candidate=False) as election:
        list(election.events(timeout=0.2))
        began = time.monotonic()
        assert list(election.events(timeout=0.2)) == []
        assert time.monotonic() - began >= 0.19


def test_a_restart_begins_anew(name):
    election = Election(name, url="memory:")
    with election:
        pass
    with election:
        assert next(election.events()).kind in ("started", "role")
    seen = life(election.events())
    assert [event.kind for event in seen][-1] == "stopped"


def test_is_leader_takes_events_if_nobody_waits(name, caplog, own_redis):
    with (
        caplog.at_level(logging.WARNING, "interrex"),
        Election(name, url=own_redis.url, profile="swift") as election,
    ):
        eventually(election.is_leader)
        caplog.clear()
        own_redis.end()
        eventually(lambda: not election.is_leader())
        eventually(lambda: election.is_leader() or caplog.records)
    assert caplog.records[0].name == "interrex"
    assert name in caplog.records[0].getMessage()


def test_an_iterator_may_be_dropped(name):
    election = Election(name, url="memory:")
    dropped = election.events()
    del dropped
    with election:
        pass
    assert life(election.events())[0].kind == "started"


def test_an_iterator_that_nobody_advances_keeps_them(name):
    with Election(name, url="memory:", **LASTING) as election:
        events = election.events()
        for _ in range(5):
            eventually(election.is_leader)
            election.resign()
    kinds = [event.kind for event in life(events)]
    assert kinds.count("elected") == kinds.count("defeated") >= 5


def test_nothing_is_yielded_after_the_end(name):
    election = Election(name, url="memory:")
    events = election.events()
    with election:
        pass
    assert list(events)[-1].kind == "stopped"
    with pytest.raises(StopIteration):
        next(events)
