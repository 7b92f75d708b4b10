"""What JSON can't carry is refused where it is given; what is no JSON is logged and dropped."""

import datetime
import decimal
import enum
import json
import logging
import math

import pytest
from conftest import LIMIT, eventually

from interrex import Election, _json, aio


class Colour(enum.IntEnum):
    RED = 1


ROUND = [None, True, False, 0, -1, 2**63, 1.5, 1e300, "", "ü\0\u2028'\"\\", [], {}, {"a": [{}]}]


@pytest.mark.parametrize("value", ROUND, ids=repr)
def test_there_and_back(value):
    back = _json.decode(_json.encode("x", value))
    assert back == value
    assert type(back) is type(value)


def test_the_bytes_are_what_every_language_reads():
    assert _json.encode("x", {"ü": [1, (2, Colour.RED)]}) == '{"ü":[1,[2,1]]}'.encode()


def circular():
    value = []
    value.append({"again": value})
    return value


def nested():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


NO_JSON = {
    "set": ({1}, "set"),
    "bytes": (b"x", "bytes"),
    "object": (object(), "object"),
    "datetime": (datetime.datetime(2000, 1, 1), "datetime"),
    "decimal": ([decimal.Decimal(1)], "Decimal"),
    "nan": (math.nan, "float"),
    "infinity": ({"a": -math.inf}, "float"),
    "key of int": ({"a": [{1: 2}]}, "1 is not a str"),
    "key of None": ({None: 2}, "None is not a str"),
    "key of tuple": ({(1, 2): 2}, "tuple"),
    "half a pair": ("\ud800", "surrogate"),
    "circular": (circular(), "[Cc]ircular"),
    "deep": (nested(), "deep"),
}


@pytest.mark.parametrize("case", NO_JSON)
def test_what_json_cannot_carry(name, case):
    value, word = NO_JSON[case]
    election = Election(name, url="memory:")
    for what, call in (
        ("meta", election.set_meta),
        ("message", lambda value: election.send("all", value)),
        ("value", election.publish),
        ("option meta", lambda value: Election(name, url="memory:", meta=value)),
    ):
        with pytest.raises(TypeError, match=f"^{what}: JSON can't carry.*{word}"):
            call(value)


async def test_what_json_cannot_carry_in_asyncio(name):
    election = aio.Election(name, url="memory:")
    for call in (election.set_meta, election.publish, lambda value: election.send("all", value)):
        with pytest.raises(TypeError, match="JSON can't carry"):
            await call({1})


FOREIGN = [b"", b"\xff", b"{", b"nobody", b"NaN", b"[-Infinity]", b"[" * 60000, b"1 2", b'"\xed"']


@pytest.mark.parametrize("data", FOREIGN, ids=lambda data: repr(data[:12]))
def test_bytes_that_are_no_json(name, caplog, data):
    with (
        caplog.at_level(logging.WARNING, "interrex"),
        Election(name, url="memory:", label="foreign") as foreign,
        Election(name, url="memory:", label="ours", candidate=False) as ours,
    ):
        eventually(lambda: foreign.is_leader() and len(foreign.members()) == 2 and ours.leader)
        events = ours.events(timeout=LIMIT)
        foreign.publish("ours")
        assert next(event for event in events if event.kind == "value").value == "ours"
        foreign._send("all", data)
        foreign._set_meta(data[:4096])
        foreign._publish(data)
        foreign._send("all", b'"ours"')
        heard = []
        for event in events:
            if event.kind in ("message", "value"):
                heard.append((event.data, event.value))
            if event.kind == "message":
                break
        assert heard == [("ours", None)]
        eventually(lambda: ours.value is None)  # it is there, but says nothing
        eventually(lambda: ours._meta_of(foreign.id) == (data[:4096] or None))
        assert ours.leader.meta is None
        assert [member.meta for member in ours.members()] == [None, None]
    texts = {record.getMessage() for record in caplog.records}
    assert all(name in text for text in texts)
    ours_of = [text for text in texts if "is dropped: it is no JSON" in text]
    assert any(f"the message of member {foreign.id or ''}" in text for text in ours_of)
    assert any("the published value of version" in text for text in ours_of)
    if data:
        assert any("the meta of member" in text for text in ours_of)


def test_a_flood_of_foreign_bytes_is_told_once(name, caplog):
    with (
        caplog.at_level(logging.WARNING, "interrex"),
        Election(name, url="memory:") as foreign,
        Election(name, url="memory:", candidate=False) as ours,
    ):
        eventually(lambda: foreign.is_leader() and ours.leader)
        events = ours.events(timeout=LIMIT)
        for _ in range(50):
            foreign._send("all", b"{")
        foreign.send("all", "last", timeout=LIMIT)
        assert next(event.data for event in events if event.kind == "message") == "last"
    assert len([record for record in caplog.records if "no JSON" in record.getMessage()]) == 1


def test_an_encoder_is_not_asked_to_guess():
    """A subclass of dict or list is what it is; keys are looked at wherever they are."""

    class Row(dict):
        pass

    assert json.loads(_json.encode("x", Row(a=[Row(b=1)]))) == {"a": [{"b": 1}]}
    with pytest.raises(TypeError, match="True is not a str"):
        _json.encode("x", ({"deep": [({True: 1},)]},))
