"""lead, run and leader_only: who runs, how it ends, and what is raised."""

import asyncio
import contextlib
import threading
import time

import pytest
from conftest import LASTING, LIMIT, eventually, look_around

from interrex import (
    Election,
    ElectionTimeout,
    InterrexError,
    LeadershipLost,
    NotLeaderError,
)


@pytest.fixture
def pair(url, name):
    """Two members, the first of which leads."""
    with Election(name, url=url, label="first", drain_limit=60, **LASTING) as first:
        eventually(first.is_leader)
        with Election(name, url=url, label="second", **LASTING) as second:
            look_around(first)
            eventually(lambda: len(first.members()) == len(second.members()) == 2)
            yield first, second


@pytest.fixture
def alone(name):
    with Election(name, url="memory:", drain_limit=60, **LASTING) as election:
        eventually(election.is_leader)
        yield election


@pytest.fixture
def stalling(name):
    """A member that steps down when this process says nothing for 0.3 s."""
    with Election(name, url="memory:", stall_limit=0.3, **LASTING) as election:
        yield election


def test_lead_hands_over_on_exit(pair):
    first, second = pair
    with pytest.raises(ElectionTimeout, match=r"0\.05"), second.lead(timeout=0.05):
        pass
    with first.lead(timeout=LIMIT) as leadership:
        assert leadership.check()
        assert not leadership.draining
        assert leadership.token == first.token
        assert "in force" in repr(leadership)
    assert not leadership.check()
    assert leadership.remaining() == 0.0
    assert leadership.draining
    with second.lead(timeout=LIMIT) as taken_over:
        assert taken_over.term > leadership.term
        assert not first.is_leader()


def test_an_exception_of_the_body_resigns_and_passes(alone):
    with pytest.raises(KeyError) as caught, alone.lead(timeout=LIMIT) as leadership:
        raise KeyError("mine")
    assert caught.value.__context__ is None
    eventually(lambda: not leadership.check())
    assert alone.metrics()["defeated_by"]["resigned"] == 1


def test_loss_is_raised_on_exit_with_its_reason(stalling):
    with pytest.raises(LeadershipLost) as caught, stalling.lead(timeout=LIMIT) as leadership:
        time.sleep(1)
        assert not leadership.check()
    assert caught.value.reason == "host-stalled"
    assert caught.value.token == leadership.token
    assert str(leadership.term) in str(caught.value)


def test_an_exception_of_the_body_wins_and_carries_the_loss(stalling):
    with pytest.raises(ZeroDivisionError) as caught, stalling.lead(timeout=LIMIT):
        try:
            time.sleep(1)
            raise KeyError("inner")
        except KeyError:
            _ = 1 / 0
    inner = caught.value.__context__
    assert isinstance(inner, KeyError)
    assert isinstance(inner.__context__, LeadershipLost)
    assert inner.__context__.reason == "host-stalled"


def test_lead_again_after_a_loss(stalling):
    with contextlib.suppress(LeadershipLost), stalling.lead(timeout=LIMIT) as lost:
        time.sleep(1)
    with stalling.lead(timeout=LIMIT) as leadership:
        assert leadership.term > lost.term


def test_resigning_waits_for_the_work_of_others(pair):
    first, second = pair
    entered, over = threading.Event(), threading.Event()
    seen = {}

    def work():
        with first.lead() as leadership:
            entered.set()
            seen["woken"] = leadership.draining.wait(LIMIT)
            seen["leads"] = first.is_leader()
            seen["check"] = leadership.check()
            seen["role"] = first.role
            over.set()

    worker = threading.Thread(target=work)
    worker.start()
    assert entered.wait(LIMIT)
    first.resign()
    assert over.is_set()  # resign returned after the work
    worker.join()
    assert seen == {"woken": True, "leads": False, "check": True, "role": "draining"}
    eventually(second.is_leader)


def test_work_longer_than_the_drain_limit_is_lost(name):
    with (
        Election(name, url="memory:", drain_limit=0.05, **LASTING) as election,
        pytest.raises(LeadershipLost) as caught,
        election.lead(timeout=LIMIT) as leadership,
    ):
        election.resign()
        eventually(lambda: not leadership.check())
    assert caught.value.reason == "resigned"


@pytest.mark.parametrize("ending", ["resign", "stop"])
def test_ending_it_from_inside_returns_at_once_and_is_no_loss(alone, ending):
    with alone.lead(timeout=LIMIT) as leadership:
        getattr(alone, ending)()
        eventually(lambda: leadership.draining)
        assert leadership.check()
    assert not leadership.check()


def test_resigning_without_leading(pair):
    _, second = pair
    for call in (second.resign, lambda: second.transfer(second.id)):
        with pytest.raises(NotLeaderError) as caught:
            call()
        assert caught.value.code == "NOT_LEADER"


def test_transfer(pair):
    first, second = pair
    for stranger in ("0" * 31 + "1", "somebody"):
        with pytest.raises(InterrexError) as caught:
            first.transfer(stranger)
        assert caught.value.code == "NO_MEMBER"
    with pytest.raises(TypeError):
        first.transfer(7)
    first.transfer(second.id)
    assert not first.is_leader()
    eventually(second.is_leader)
    assert first.metrics()["defeated_by"]["transferred"] == 1


def test_run_returns_what_the_function_settled(pair):
    first, second = pair
    assert first.run(lambda leadership: leadership.term) > 0
    assert second.run(lambda leadership: leadership.check()) is True


def test_run_goes_on_after_a_loss_until_stopped(stalling):
    terms = []

    def body(leadership):
        terms.append(leadership.term)
        if len(terms) == 1:
            time.sleep(1)  # lost
        elif len(terms) == 2:
            time.sleep(1)
            raise LeadershipLost("told", leadership.token, "expired", None)
        elif len(terms) == 3:
            time.sleep(1)
            stalling.publish("too late")  # which only the leader may
        else:
            stalling.stop()
            return "not while draining"

    assert stalling.run(body) is None
    assert len(terms) == 4
    assert terms == sorted(set(terms))


def test_run_passes_exceptions_on(stalling):
    def fails(leadership):
        raise KeyError("mine")

    with pytest.raises(KeyError):
        stalling.run(fails)

    def fails_late(leadership):
        time.sleep(1)
        raise KeyError("mine")

    with pytest.raises(KeyError) as caught:
        stalling.run(fails_late)
    assert isinstance(caught.value.__context__, LeadershipLost)


def test_leader_only_runs_where_it_leads(pair):
    first, second = pair
    calls = []

    def decorated(election, **options):
        @election.leader_only(**options)
        def job(number, *, double=False):
            """Do it."""
            calls.append(election)
            return number * 2 if double else number

        return job

    assert decorated(first)(4, double=True) == 8
    assert decorated(second)(4) is None
    assert decorated(second, otherwise="elsewhere")(4) == "elsewhere"
    with pytest.raises(NotLeaderError, match="not here"):
        decorated(second, otherwise=NotLeaderError("not here"))(4)
    with pytest.raises(PermissionError):
        decorated(second, otherwise=PermissionError)(4)
    assert calls == [first]
    assert decorated(first).__name__ == "job"
    assert decorated(first).__doc__ == "Do it."


def test_leader_only_counts_as_work(alone):
    entered, leave = threading.Event(), threading.Event()

    @alone.leader_only()
    def job():
        entered.set()
        leave.wait(LIMIT)
        return alone.role

    results = []
    worker = threading.Thread(target=lambda: results.append(job()))
    worker.start()
    assert entered.wait(LIMIT)
    resigned = threading.Thread(target=alone.resign)
    resigned.start()
    eventually(lambda: alone.role == "draining")
    assert job() is None  # nothing new
    leave.set()
    worker.join()
    resigned.join()
    assert results == ["draining"]


def test_leader_only_ends_its_work_after_an_exception(alone):
    @alone.leader_only()
    def fails():
        raise KeyError("mine")

    with pytest.raises(KeyError):
        fails()
    alone.resign()  # would wait for work that never ends
    assert alone.metrics()["defeated"] == 1


def test_leader_only_takes_coroutine_functions(alone):
    @alone.leader_only(otherwise="elsewhere")
    async def job(number):
        await asyncio.sleep(0)
        return number, alone.is_leader()

    assert asyncio.run(job(1)) == (1, True)
    alone.stop()
    assert asyncio.run(job(1)) == "elsewhere"


def test_leader_only_refuses_what_it_cannot_do(alone):
    with pytest.raises(TypeError, match=r"leader_only\(\)"):

        @alone.leader_only
        def bare():
            pass

    with pytest.raises(TypeError, match="generator"):

        @alone.leader_only()
        def generator():
            yield 1


def test_a_lead_of_its_own_inside_of_work(alone):
    @alone.leader_only()
    def job():
        with alone.lead(timeout=LIMIT) as leadership:
            pass
        return leadership.check()

    assert job() is True  # the inner one resigned, and this work still drains
    eventually(lambda: alone.metrics()["defeated"] == 1)


def test_a_stop_right_after_a_lead_leaves_no_row(url, name):
    """The release of the block may still be under way when the stop comes."""
    with Election(name, url=url, candidate=False, **LASTING) as observer:
        for _ in range(5):
            with Election(name, url=url, **LASTING) as election, election.lead(timeout=LIMIT):
                pass
        look_around(observer)
        eventually(lambda: len(observer.members()) == 1)
