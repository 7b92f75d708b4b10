"""asyncio: nothing blocks, and a body is cancelled on loss as asyncio.timeout cancels."""

import asyncio
import contextlib
import contextvars
import time

import pytest
from conftest import LASTING, LIMIT

from interrex import ElectionTimeout, InterrexError, LeadershipLost, NotLeaderError, aio


async def until(look):
    async with asyncio.timeout(LIMIT):
        while not look():
            await asyncio.sleep(0.005)


@pytest.fixture
async def election(url, name):
    async with aio.Election(name, url=url, drain_limit=0.1, **LASTING) as election:
        yield election


@pytest.fixture
async def alone(name):
    async with aio.Election(name, url="memory:", drain_limit=60, **LASTING) as election:
        yield election


@pytest.fixture
async def losing(name):
    """A member that loses its leadership 0.1 s after it was asked to resign."""
    async with aio.Election(name, url="memory:", drain_limit=0.1, **LASTING) as election:
        yield election


def lose_soon(election):
    """Resigns from outside of the work, which is then over its drain limit."""
    asyncio.get_running_loop().call_later(0.05, election._resign)


async def test_lead_and_hand_over(url, name):
    first = aio.Election(name, url=url, **LASTING)
    second = aio.Election(name, url=url, **LASTING)
    async with first:
        async with first.lead(timeout=LIMIT) as leadership:
            assert first.is_leader()
            assert leadership.check(need=0.01)
            assert not leadership.draining
            async with second:
                with pytest.raises(ElectionTimeout, match=r"0\.05"):
                    await second.lead(timeout=0.05).__aenter__()
                outside = contextvars.Context()
                stopping = asyncio.create_task(first.stop(), context=outside)
                await leadership.draining.wait()
                assert leadership.check()
                assert not first.is_leader()
                assert not stopping.done()
                taken = asyncio.create_task(second.wait_leader(LIMIT))
                await asyncio.sleep(0.05)
                assert not taken.done()
        await stopping
        assert first.role == "stopped"


async def test_a_task_of_the_body_is_inside_of_it_until_the_body_ends(alone):
    ended = asyncio.Event()

    async def child():
        await alone.resign()  # only asks: the body waits for this task
        assert alone.role == "draining"
        await ended.wait()
        await alone.wait_leader(LIMIT)
        token = alone.token
        await alone.resign()  # waits
        assert alone.token != token

    async with alone.lead(timeout=LIMIT):
        task = asyncio.create_task(child())
        await until(lambda: alone.role == "draining")
    ended.set()
    await task


async def test_the_successor_leads(url, name):
    async with aio.Election(name, url=url, **LASTING) as first:
        leadership = await first.wait_leader(LIMIT)
        async with aio.Election(name, url=url, **LASTING) as second:
            await first.stop()
            after = await second.wait_leader(LIMIT)
            assert after.term > leadership.term
            assert not leadership.check()


async def test_a_body_is_cancelled_on_loss(election):
    lose = asyncio.get_running_loop().call_later
    began = time.monotonic()
    with pytest.raises(LeadershipLost) as caught:
        async with election.lead(timeout=LIMIT) as leadership:
            lose(0.05, election._resign)
            await asyncio.sleep(3600)
    assert time.monotonic() - began < LIMIT
    assert caught.value.reason == "resigned"
    assert caught.value.token == leadership.token
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)  # no cancellation is left over


async def test_a_lost_record_cancels(name, own_redis):
    async with aio.Election(name, url=own_redis.url, **LASTING) as election:
        with pytest.raises(LeadershipLost) as caught:
            async with election.lead(timeout=LIMIT):
                own_redis.call("FLUSHALL")
                await asyncio.sleep(3600)
        assert caught.value.reason in ("record-lost", "store-changed", "superseded")


async def test_a_silent_server_cancels(name, own_redis):
    async with aio.Election(name, url=own_redis.url, profile="swift") as election:
        with pytest.raises(LeadershipLost) as caught:
            async with election.lead(timeout=LIMIT):
                own_redis.freeze()
                await asyncio.sleep(3600)
        own_redis.thaw()
        assert caught.value.reason in ("expired", "cut-off", "presence-lost")


async def test_a_body_may_clean_up(losing):
    steps = []
    with pytest.raises(LeadershipLost):
        async with losing.lead(timeout=LIMIT) as leadership:
            lose_soon(losing)
            try:
                await asyncio.sleep(3600)
            finally:
                await asyncio.sleep(0)
                steps.append(leadership.check())
    assert steps == [False]


async def test_a_body_that_swallows_the_cancellation_is_told_on_exit(losing):
    with pytest.raises(LeadershipLost):
        async with losing.lead(timeout=LIMIT):
            lose_soon(losing)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
    assert asyncio.current_task().cancelling() == 0


async def test_an_exception_of_the_body_wins_and_carries_the_loss(losing):
    with pytest.raises(KeyError) as caught:
        async with losing.lead(timeout=LIMIT):
            lose_soon(losing)
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError as cancelled:
                raise KeyError("mine") from cancelled
    assert isinstance(caught.value.__context__, asyncio.CancelledError)
    assert isinstance(caught.value.__context__.__context__, LeadershipLost)
    assert asyncio.current_task().cancelling() == 0


async def test_a_cancellation_from_outside_is_never_swallowed(alone):
    started = asyncio.Event()

    async def body():
        async with alone.lead(timeout=LIMIT):
            started.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(body())
    await started.wait()
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    await until(lambda: alone.metrics()["defeated_by"]["resigned"] == 1)


async def test_a_cancellation_from_outside_beside_the_loss(losing):
    started = asyncio.Event()

    async def body():
        async with losing.lead(timeout=LIMIT) as leadership:
            started.set()
            try:
                await asyncio.sleep(3600)
            finally:
                assert not leadership.check()  # lost
                asyncio.current_task().cancel()  # and somebody cancels as well

    task = asyncio.create_task(body())
    await started.wait()
    lose_soon(losing)
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("inner", [True, False])
async def test_timeouts_nest(losing, inner):
    with pytest.raises(TimeoutError if inner else LeadershipLost):
        if inner:
            async with losing.lead(timeout=LIMIT), asyncio.timeout(0.01):
                await asyncio.sleep(3600)
        else:
            async with asyncio.timeout(LIMIT), losing.lead(timeout=LIMIT):
                lose_soon(losing)
                await asyncio.sleep(3600)
    assert asyncio.current_task().cancelling() == 0


async def test_a_task_group_in_the_body_ends_with_it(losing):
    ended = []

    async def child():
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    with pytest.raises(LeadershipLost):
        async with losing.lead(timeout=LIMIT), asyncio.TaskGroup() as group:
            group.create_task(child())
            group.create_task(child())
            lose_soon(losing)
    assert ended == [True, True]


async def test_a_stalled_loop_steps_down(name):
    reached = False
    async with aio.Election(name, url="memory:", timeout=20, stall_limit=2) as election:
        with pytest.raises(LeadershipLost) as caught:
            async with election.lead(timeout=LIMIT):
                await asyncio.sleep(3)  # pulses go on
                assert election.is_leader()
                reached = True
                time.sleep(3)  # noqa: ASYNC251
                await asyncio.sleep(3600)
        assert reached
        assert caught.value.reason == "host-stalled"
        await election.wait_leader(LIMIT)  # the loop runs again


async def test_the_default_stall_limit_is_for_asyncio_alone(name):
    assert aio.Election(name, url="memory:")._stall_limit == 30
    assert aio.Election(name, url="memory:", stall_limit=0)._stall_limit == 0


async def test_run(losing):
    terms = []

    async def body(leadership):
        terms.append(leadership.term)
        if len(terms) == 1:
            lose_soon(losing)
            await asyncio.sleep(3600)
        if len(terms) == 2:
            await losing.resign()  # inside of work: only asks
            return "not while draining"
        return "settled"

    assert await losing.run(body) == "settled"
    assert len(set(terms)) == 3

    async def fails(leadership):
        raise KeyError("mine")

    with pytest.raises(KeyError):
        await losing.run(fails)
    await losing.stop()
    assert await losing.run(body) is None


async def test_leader_only(alone, losing):
    await alone.wait_leader(LIMIT)

    @alone.leader_only(otherwise="elsewhere")
    async def job(number):
        await asyncio.sleep(0)
        return number

    @alone.leader_only()
    def plain():
        return alone.role

    assert await job(3) == 3
    assert plain() == "leader"
    assert alone.is_leader()  # it did not resign
    await alone.stop()
    assert await job(3) == "elsewhere"
    assert plain() is None


async def test_leader_only_is_cancelled_on_loss(losing):
    await losing.wait_leader(LIMIT)

    @losing.leader_only()
    async def job():
        await asyncio.sleep(3600)

    lose_soon(losing)
    with pytest.raises(LeadershipLost):
        await job()


async def test_events(election):
    leader = asyncio.create_task(anext(e async for e in election.events() if e.kind == "elected"))
    event = await asyncio.wait_for(leader, LIMIT)
    assert event.token == election.token
    await election.resign()
    assert [e async for e in aio.Election("x", url="memory:").events(timeout=0.05)] == []
    events = election.events()
    await election.stop()
    kinds = [event.kind async for event in events]
    assert kinds[-1] == "stopped"
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_resign_and_transfer_need_a_leader(name):
    async with aio.Election(name, url="memory:", candidate=False) as observer:
        with pytest.raises(NotLeaderError):
            await observer.resign()
        with pytest.raises(NotLeaderError):
            await observer.transfer(observer.id)
        with pytest.raises(ElectionTimeout):
            await observer.wait_leader(timeout=0.05)


async def test_stopped_says_so(name):
    election = aio.Election(name, url="memory:", candidate=False)
    await election.stop()
    with pytest.raises(InterrexError, match="stopped"):
        await election.wait_leader()
    async with election:
        waiting = asyncio.create_task(election.wait_leader())
        await asyncio.sleep(0)
    with pytest.raises(InterrexError, match="stopped"):
        await waiting
    async with election:
        assert election.role != "stopped"


async def test_start_timeout_and_cancelled_start(name):
    unreachable = "redis://127.0.0.1:1"
    with pytest.raises(ElectionTimeout):
        await aio.Election(name, url=unreachable, start_timeout=0.2).start()
    election = aio.Election(name, url=unreachable)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(election.start(), 0.1)
    await election.stop()
    assert election.role == "stopped"


def test_one_loop_after_another(name):
    election = aio.Election(name, url="memory:", **LASTING)

    async def once():
        async with election, election.lead(timeout=LIMIT) as leadership:
            return leadership.term

    async def left_running():
        await election.start()

    assert asyncio.run(once()) < asyncio.run(once())
    asyncio.run(left_running())
    asyncio.run(once())


async def test_transfer(url, name):
    async with aio.Election(name, url=url, **LASTING) as first:
        await first.wait_leader(LIMIT)
        async with aio.Election(name, url=url, **LASTING) as second:
            await first.set_meta(first.meta)  # and sees at once who is there
            await until(lambda: len(first.members()) == 2)
            with pytest.raises(InterrexError) as caught:
                await first.transfer("0" * 31 + "1")
            assert caught.value.code == "NO_MEMBER"
            await first.transfer(second.id)
            assert not first.is_leader()
            await second.wait_leader(LIMIT)
            assert first.metrics()["defeated_by"]["transferred"] == 1


async def test_run_goes_on_when_the_body_says_lost(losing):
    terms = []

    async def body(leadership):
        terms.append(leadership.term)
        if len(terms) > 1:
            return len(terms)
        lose_soon(losing)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise LeadershipLost("told", leadership.token, "expired", None) from None

    assert await losing.run(body) == 2


async def test_lead_on_a_stopped_election(name):
    election = aio.Election(name, url="memory:")
    with pytest.raises(InterrexError, match="stopped"):
        async with election.lead():
            pass
    assert "stopped" in repr(election)


async def test_draining_is_a_truth_value(alone):
    async with alone.lead(timeout=LIMIT) as leadership:
        draining = leadership.draining
        assert not draining
        assert "False" in repr(draining)
        await alone.resign()
        await draining.wait()
        assert draining.is_set()
        assert "in force" in repr(leadership)
    assert "over" in repr(leadership)
