"""Start and stop in any order, on every medium, and what can be read meanwhile."""

import logging
import math
import threading

import pytest
from conftest import LASTING, eventually

from interrex import ConfigError, Election, ElectionTimeout, InterrexError, MediumError, Token


def test_a_single_member_leads_and_tells(url, name):
    election = Election(name, url=url, label="me", **LASTING)
    assert (election.role, election.id, election.token, election.term) == ("stopped", None, None, 0)
    assert not election.is_leader()
    with election:
        eventually(election.is_leader)
        assert election.name == name
        assert election.role == "leader"
        assert isinstance(election.token, Token)
        assert election.term == election.token.term > 0
        assert len(election.token.incarnation) == len(election.id) == 32
        assert election.leader == (election.id, "me", election.term, None)
        assert election.guarantee == {"m": "exclusive", "l": "kernel"}.get(url[0], "term")
        eventually(election.members)
        (member,) = election.members()
        assert member[:2] == (election.id, "me")
        assert (member.candidate, member.is_self) == (True, True)
        assert 0 <= member.last_seen < 60
        metrics = election.metrics()
        assert (metrics["elected"], metrics["defeated"]) == (1, 0)
        assert metrics["operations"] > 0
        assert "leader" in election.history()
    assert election.role == "stopped"
    assert not election.is_leader()
    assert election.metrics()["defeated_by"]["stopped"] == 1


def test_start_and_stop_twice_and_again(url, name):
    election = Election(name, url=url, **LASTING)
    election.stop()
    election.start()
    election.start()
    first = election.id
    with election.lead(timeout=20) as leadership:
        term = leadership.term
    election.stop()
    election.stop()
    with election:
        assert election.id != first
        with election.lead(timeout=20) as leadership:
            assert leadership.term > term


def test_stop_in_another_thread_ends_a_wait_to_lead(url, name):
    with Election(name, url=url, candidate=False) as election:
        threading.Timer(0.1, election.stop).start()
        with pytest.raises(InterrexError, match="stopped") as caught, election.lead():
            pass
        assert caught.value.code == "STOPPED"


def test_lead_before_start_says_so(name):
    election = Election(name, url="memory:")
    with pytest.raises(InterrexError, match="stopped"), election.lead():
        pass
    assert election.run(lambda leadership: 1) is None


def test_start_timeout(name):
    election = Election(name, url="redis://127.0.0.1:1", start_timeout=0.2, profile="swift")
    with pytest.raises(ElectionTimeout) as caught:
        election.start()
    assert isinstance(caught.value, TimeoutError)
    assert "start_timeout 0.2 s" in str(caught.value)
    assert election.role == "stopped"
    with pytest.raises(ElectionTimeout):
        election.start()


def test_an_unreachable_medium_is_told_to_the_log(name, caplog):
    election = Election(name, url="redis://127.0.0.1:1", start_timeout=0.5, profile="swift")
    with caplog.at_level(logging.WARNING, "interrex"), pytest.raises(ElectionTimeout):
        election.start()
    assert any("127.0.0.1" in record.getMessage() for record in caplog.records)


def test_a_medium_error_is_an_event_and_a_stop_ends_the_start(name):
    election = Election(name, url="redis://127.0.0.1:1", profile="swift")
    caught = []

    def start():
        try:
            election.start()
        except InterrexError as error:
            caught.append(error)

    events = election.events()
    starter = threading.Thread(target=start)
    starter.start()
    error = next(event.error for event in events if event.kind == "error")
    assert isinstance(error, MediumError)
    assert error.code == "UNREACHABLE"
    election.stop()
    starter.join()
    assert [error.code for error in caught] == ["STOPPED"]


@pytest.mark.parametrize("url", ["memory", "redis"], indirect=True)  # local has but one takeover
def test_members_with_other_settings_are_refused(url, name):
    with Election(name, url=url, takeover="safe", heartbeat=0.05, timeout=1.5) as election:
        eventually(election.is_leader)
        other = Election(name, url=url, takeover="fast", heartbeat=0.05, timeout=1.5)
        other.start()  # one look cannot tell a living leader from a dead one's record
        with pytest.raises(ConfigError) as caught, other.lead(timeout=20):
            pass
        assert caught.value.code == "MISMATCH"
        assert other.role == "stopped"
        assert election.is_leader()


def test_an_observer_sees_the_leader(url, name):
    with (
        Election(name, url=url, label="first", **LASTING) as first,
        Election(name, url=url, candidate=False, **LASTING) as observer,
    ):
        eventually(first.is_leader)
        eventually(lambda: observer.leader is not None)
        assert observer.leader.label == "first"
        assert observer.term == first.term
        assert observer.token is None
        assert not observer.is_leader()


def test_remaining_and_need(url, name):
    with (
        Election(name, url=url, timeout=10) as election,
        election.lead(timeout=20) as leadership,
    ):
        eventually(lambda: election.is_leader(need=1.0))
        assert not election.is_leader(need=3600) or leadership.remaining() == math.inf
        assert leadership.check(need=0.5)
        assert leadership.remaining() > 0
        assert (leadership.remaining() == math.inf) == (election.guarantee == "kernel")
        assert leadership.check(need=1e30) == (leadership.remaining() == math.inf)


def test_stop_ends_though_the_server_is_silent(name, own_redis):
    with Election(name, url=own_redis.url, profile="swift") as election:
        eventually(election.is_leader)
        own_redis.freeze()
        eventually(lambda: not election.is_leader())
    assert election.role == "stopped"
