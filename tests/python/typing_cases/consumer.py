"""A program that uses every part of the surface; mypy --strict has nothing to say about it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Literal, assert_type

import interrex
from interrex import Election, Event, Json, Leader, Leadership, Member, Token, Version, aio


def threads() -> None:
    election = Election("typed", url="memory:", heartbeat=0.3, timeout=2, candidate=True)
    with election as same:
        assert_type(same, Election)
        assert_type(election.is_leader(need=0.5), bool)
        assert_type(election.id, str | None)
        assert_type(election.term, int)
        assert_type(election.token, Token | None)
        assert_type(election.leader, Leader | None)
        assert_type(election.members(), list[Member])
        assert_type(election.metrics()["defeated_by"]["cut-off"], int)
        assert_type(election.history(), str)
        if election.role == "draining" or election.guarantee == "kernel":
            election.resign()
        with election.lead(timeout=1.5) as leadership:
            assert_type(leadership, Leadership)
            assert_type(leadership.check(need=0.2), bool)
            assert_type(leadership.remaining(), float)
            assert_type(leadership.token.incarnation, str)
            assert_type(leadership.draining.wait(0.1), bool)
        assert_type(election.run(lambda leadership: leadership.term), int | None)
        for event in election.events(timeout=1):
            assert_type(event, Event)
            if event.kind == "defeated" and event.reason == "cut-off":
                election.transfer("id")

    settings: dict[str, int] = {"rate": 5}
    told = Election("typed", protocol="quorum", meta=settings)
    told.set_meta([settings], timeout=1.5)
    told.send("leader", settings)
    told.send("0" * 32, None, timeout=2)
    assert_type(told.publish(settings), Version)
    assert_type(told.publish(settings, timeout=1) > Version(1, 2), bool)
    assert_type(told.meta, Json)
    rate: int = told.value["rate"]
    metas: list[str] = [member.meta for member in told.members()]
    for event in told.events():
        if event.kind == "message" and event.from_leader:
            told.send(event.from_id or "all", event.data)
        if event.kind == "value":
            assert_type(event.version, Version | None)
    del rate, metas

    @election.leader_only()
    def nothing(number: int) -> str:
        return str(number)

    @election.leader_only(otherwise=0)
    def zero(number: int) -> str:
        return str(number)

    @election.leader_only(otherwise=interrex.NotLeaderError)
    def raises(number: int) -> str:
        return str(number)

    @election.leader_only(otherwise=0)
    async def eventually(number: int) -> str:
        return str(number)

    assert_type(nothing(1), str | None)
    assert_type(zero(1), str | int)
    assert_type(raises(1), str)
    checked: Callable[[int], Coroutine[Any, Any, str | int]] = eventually
    del checked


async def loop() -> None:
    async with aio.Election("typed", url="memory:", stall_limit=0) as election:
        assert_type(election, aio.Election)
        async with election.lead() as leadership:
            assert_type(leadership, aio.Leadership)
            await leadership.draining.wait()
        assert_type(await election.wait_leader(timeout=1), aio.Leadership)

        async def work(leadership: aio.Leadership) -> int:
            return leadership.term

        assert_type(await election.run(work), int | None)
        await election.set_meta({"a": (1, 2)})
        await election.send("followers", "text", timeout=1)
        assert_type(await election.publish(None), Version)
        assert_type((await election.publish(None)).index, int)
        async for event in election.events():
            assert_type(event, Event)

        @election.leader_only()
        async def job(number: int) -> str:
            return str(number)

        assert_type(await job(1), str | None)


def errors() -> None:
    try:
        asyncio.run(loop())
    except interrex.LeadershipLost as lost:
        assert_type(lost.token, Token)
        assert_type(lost.leader, Leader | None)
    except interrex.ElectionTimeout as error:
        as_timeout: TimeoutError = error
        assert_type(error.code, str)
        del as_timeout
    takeover: Literal["fast", "safe"] = "safe"
    Election("typed", takeover=takeover)


def tables() -> None:
    Election("typed", url="postgres://localhost/app", create_table=False)
    aio.Election("typed", url="postgres://localhost/app", create_table=True)
    assert_type(interrex.schema(), str)
    assert_type(interrex.schema(schema=None, namespace="billing"), str)
    assert_type(interrex.schema("app"), str)
