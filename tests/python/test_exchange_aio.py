"""What members tell each other, in asyncio: awaited, and safe to cancel."""

import asyncio
import itertools
import time

import pytest
from conftest import LASTING, LIMIT, POSTGRES_MESSAGE_MAX

from interrex import ElectionTimeout, InterrexError, NotLeaderError, Version, aio


async def until(look):
    async with asyncio.timeout(LIMIT):
        while not look():
            await asyncio.sleep(0.005)


async def told(events, kind, count=1):
    found = []
    async for event in events:
        if event.kind == kind:
            found.append(event)
            if len(found) == count:
                return found
    raise AssertionError(found)


@pytest.fixture
async def members(place, name):
    """A leader and a follower that know of each other."""
    async with aio.Election(name, label="first", meta={"number": 1}, **LASTING, **place) as first:
        await first.wait_leader(LIMIT)
        async with aio.Election(name, label="second", **LASTING, **place) as second:
            await first.set_meta(first.meta)  # and sees at once who is there
            await until(lambda: all(len(one.members()) == 2 for one in (first, second)))
            await until(lambda: second.leader)
            yield first, second


async def test_meta(members, place):
    first, second = members
    assert (first.meta, second.meta) == ({"number": 1}, None)
    assert second.leader.meta == {"number": 1}
    await second.set_meta(["ü"], timeout=LIMIT)
    await until(lambda: {row.label: row.meta for row in first.members()}["second"] == ["ü"])
    await first.set_meta(None)
    await until(lambda: second.leader.meta is None)
    assert (first.meta, second.meta) == (None, ["ü"])


async def test_before_a_start_and_after_a_stop(place, name):
    election = aio.Election(name, **place)
    await election.set_meta("before", timeout=LIMIT)
    assert election._watched is None  # nothing of the loop is held
    async with election:
        await until(lambda: [row.meta for row in election.members()] == ["before"])
    await asyncio.gather(*(election.set_meta(n, timeout=LIMIT) for n in range(5)))
    assert election._watched is None
    assert election.meta == 4
    async with election:
        await until(lambda: [row.meta for row in election.members()] == [4])


async def test_messages(members):
    first, second = members
    heard = [election.events(timeout=LIMIT) for election in members]
    await second.send("leader", {"from": "second"})
    await first.send("followers", 1)
    await first.send(second.id, 2)
    await asyncio.gather(*(first.send("all", n) for n in range(3, 50)))
    (event,) = await told(heard[0], "message")
    assert (event.data, event.from_id, event.from_leader) == ({"from": "second"}, second.id, False)
    got = await told(heard[1], "message", 49)
    assert [event.data for event in got] == list(range(1, 50))
    assert {(event.from_id, event.from_leader) for event in got} == {(first.id, True)}


async def test_publish(members, place, name):
    first, second = members
    heard = second.events(timeout=LIMIT)
    assert (first.value, second.value) == (None, None)
    versions = await asyncio.gather(*(first.publish([n], timeout=LIMIT) for n in range(30)))
    assert versions == sorted(set(versions))
    assert all(isinstance(version, Version) for version in versions)
    assert first.value == [29]
    await until(lambda: second.value == [29])
    while (event := (await told(heard, "value"))[0]).version != versions[-1]:
        assert event.value == [versions.index(event.version)]
    assert event.value == [29]
    with pytest.raises(NotLeaderError):
        await second.publish("not by a follower")
    await first.transfer(second.id)
    await second.wait_leader(LIMIT)
    assert second.value == [29]
    assert await second.publish("next") > versions[-1]
    await until(lambda: first.value == "next")


async def test_every_error(members, place, name):
    first, second = members
    limit = POSTGRES_MESSAGE_MAX if place["url"].startswith("postgres") else 65536

    async def refused(code, call, *words):
        with pytest.raises(InterrexError) as caught:
            await call
        assert caught.value.code == code
        assert all(word in str(caught.value) for word in words)

    await refused("STATE", first.send("leader", 1), "this member leads")
    await refused("NO_MEMBER", first.send("0" * 31 + "1", 1), "members()")
    await refused("NO_MEMBER", first.send("everybody", 1), "'all'")
    await refused("TOO_LARGE", first.send("all", "x" * (limit - 1)), str(limit), str(limit + 1))
    await refused("TOO_LARGE", first.publish("x" * 65535), "65536", "65537")
    await refused("TOO_LARGE", first.set_meta("x" * 4095), "4096", "4097")
    with pytest.raises(TypeError, match="to: "):
        await first.send(None, 1)
    stopped = aio.Election(name, url="memory:")
    await refused("STOPPED", stopped.send("all", 1))
    await refused("NOT_LEADER", stopped.publish(1))


async def test_timeouts_and_cancellation(own_redis, name):
    async with aio.Election(name, url=own_redis.url, timeout=60) as election:
        await election.wait_leader(LIMIT)
        before = await election.publish("before")
        own_redis.freeze()
        calls = [
            lambda **limit: election.publish("frozen", **limit),
            lambda **limit: election.set_meta("frozen", **limit),
            lambda **limit: election.send("all", "frozen", **limit),
        ]
        for call in calls:
            began = time.monotonic()
            with pytest.raises(ElectionTimeout, match=r"0\.05 s.*may still"):
                await call(timeout=0.05)
            with pytest.raises(TimeoutError) as caught:
                async with asyncio.timeout(0.05):
                    await call()
            assert not isinstance(caught.value, ElectionTimeout)
            task = asyncio.create_task(call())
            await asyncio.sleep(0.01)
            task.cancel("enough")
            with pytest.raises(asyncio.CancelledError, match="enough"):
                await task
            assert time.monotonic() - began < 5
        waiting = asyncio.create_task(election.publish("waits"))
        await asyncio.sleep(0.01)
        assert len(election._waiters) == 1
        own_redis.thaw()
        # What was cancelled may have been done; what goes on is not disturbed.
        assert (await waiting).index == before.index + 4
        await until(lambda: not election._requests)
        assert election.value == "waits"
        assert election.meta == "frozen"
    assert not election._waiters


async def test_a_stop_ends_what_is_under_way(own_redis, name):
    async with aio.Election(name, url=own_redis.url) as election:
        await election.wait_leader(LIMIT)
        own_redis.freeze()
        under_way = [asyncio.create_task(election.publish(n)) for n in range(4)]
        under_way.append(asyncio.create_task(election.set_meta(1)))
        await asyncio.sleep(0.05)
        await election.stop()
        ends = await asyncio.gather(*under_way, return_exceptions=True)
        assert all(isinstance(end, InterrexError) for end in ends), ends
        assert not election._requests
        assert election._watched is None


async def test_a_body_publishes_until_it_is_cancelled(name):
    """Leadership is lost amid a publish: the body ends as at any other await."""
    published = []
    async with aio.Election(name, url="memory:", profile="swift", drain_limit=0.1) as election:

        async def body(leadership):
            for n in itertools.count():
                published.append(await election.publish(n))
                if n == 20:
                    asyncio.get_running_loop().call_soon(election._resign)
                await asyncio.sleep(0)

        running = asyncio.create_task(election.run(body))
        await until(lambda: len({version.term for version in published}) >= 3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert published == sorted(set(published))


async def test_what_is_refused_after_a_loss_is_the_loss(name):
    """The loss need not have cancelled the body yet when it asks for what only a leader may."""
    terms = []
    async with aio.Election(name, url="memory:", drain_limit=0.05) as first:
        await first.wait_leader(LIMIT)
        async with aio.Election(name, url="memory:") as second:

            async def body(leadership):
                terms.append(leadership.term)
                if len(terms) == 1:
                    await until(lambda: len(first.members()) == 2)
                    first._resign()
                    time.sleep(0.5)  # no cancellation gets through, and the second takes over
                    await first.publish("too late")
                return "done"

            running = asyncio.create_task(first.run(body))
            await until(second.is_leader)
            await second.stop()
            assert await asyncio.wait_for(running, LIMIT) == "done"
    assert len(terms) == 2


def test_one_loop_after_another(name):
    election = aio.Election(name, url="memory:")

    async def once():
        await election.set_meta("outside")
        async with election, election.lead(timeout=LIMIT):
            return await election.publish("inside")

    assert asyncio.run(once()) < asyncio.run(once())
