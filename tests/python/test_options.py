"""Every option is taken, and a bad one is named with its value and the rule."""

import logging
import pickle

import pytest

from interrex import ConfigError, Election, InterrexError, aio


@pytest.mark.parametrize("kind", [Election, aio.Election])
def test_every_option_is_taken(kind, name):
    kind(
        name,
        url="memory:",
        namespace="tests",
        protocol="lease",
        profile="swift",
        heartbeat=0.1,
        timeout=0.5,
        takeover="safe",
        probe=0.05,
        label="somebody",
        candidate=False,
        stall_limit=10,
        drain_limit=1.5,
        start_timeout=3,
        drift=0.01,
        max_members=8,
        create_table=False,
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": None}, ["url", "None"]),
        ({"url": ""}, ["url"]),
        ({"url": 6379}, ["url", "6379"]),
        ({"url": "redsi://localhost"}, ["redsi"]),
        ({"url": "rediss://localhost"}, ["rediss"]),
        ({"url": "memory:\0"}, ["url", "zero"]),
        ({"heartbeat": 0.001}, ["heartbeat", "1", "10"]),
        ({"heartbeat": 0.0001}, ["heartbeat", "0.0001"]),
        ({"heartbeat": "fast"}, ["heartbeat", "fast", "seconds"]),
        ({"heartbeat": float("nan")}, ["heartbeat", "nan"]),
        ({"heartbeat": True}, ["heartbeat", "True"]),
        ({"heartbeat": -1}, ["heartbeat", "-1000"]),
        ({"heartbeat": 1.0, "timeout": 2.0}, ["timeout", "2000", "three heartbeats"]),
        ({"profile": "fast"}, ["profile", "fast"]),
        ({"takeover": "slow"}, ["takeover", "slow"]),
        ({"protocol": "paxos"}, ["protocol", "paxos"]),
        ({"namespace": "x" * 100}, ["namespace"]),
        ({"label": 3}, ["label", "3"]),
        ({"candidate": "no"}, ["candidate", "no", "False"]),
        ({"drift": 0.5}, ["drift", "0.5"]),
        ({"drift": "much"}, ["drift", "much"]),
        ({"max_members": 0}, ["max_members", "0"]),
        ({"max_members": 2.5}, ["max_members", "2.5"]),
        ({"probe": 0.001}, ["probe"]),
        ({"stall_limit": 0.01}, ["stall_limit"]),
        ({"drain_limit": -0.5}, ["drain_limit"]),
        ({"start_timeout": -1}, ["start_timeout"]),
    ],
)
def test_a_bad_option_is_named(name, options, words):
    with pytest.raises(ConfigError) as caught:
        Election(name, **{"url": "memory:", **options})
    for word in words:
        assert word in str(caught.value)
    assert caught.value.code in ("CONFIG", "UNSUPPORTED")
    assert isinstance(caught.value, InterrexError)


@pytest.mark.parametrize("bad", ["", "x" * 129, "line\nbreak", None, 7])
def test_a_bad_name_is_named(bad):
    with pytest.raises(ConfigError, match="name"):
        Election(bad, url="memory:")


def test_credentials_are_never_shown(name):
    with pytest.raises(ConfigError) as caught:
        Election(name, url="redis://ann:secret@localhost:99999")
    assert "secret" not in str(caught.value)
    assert "***" in str(caught.value)


def test_a_misspelt_option_is_named(name):
    with pytest.raises(TypeError, match="heartbaet"):
        Election(name, url="memory:", heartbaet=0.3)


def test_the_environment_names_the_url(name, monkeypatch, tmp_path):
    monkeypatch.setenv("INTERREX_URL", f"local://{tmp_path}/here")
    with Election(name) as election:
        assert election.guarantee == "kernel"
    assert (tmp_path / "here").is_dir()


def test_no_url_at_all_is_local_with_one_warning(name, monkeypatch, tmp_path, caplog):
    monkeypatch.delenv("INTERREX_URL", raising=False)
    monkeypatch.setenv("INTERREX_DIR", str(tmp_path / "default"))
    with caplog.at_level(logging.WARNING, "interrex"), Election(name):
        pass
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "local:" in warnings[0].getMessage()
    assert warnings[0].name == "interrex"


def test_an_empty_environment_is_an_error(name, monkeypatch):
    monkeypatch.setenv("INTERREX_URL", "")
    with pytest.raises(ConfigError, match="INTERREX_URL|url"):
        Election(name)


def test_it_is_made_once(name):
    election = Election(name, url="memory:")
    with pytest.raises(RuntimeError, match="made once"):
        election.__init__(name, url="memory:")


def test_it_cannot_be_pickled(name):
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(Election(name, url="memory:"))


@pytest.mark.parametrize("need", [-1, float("nan")])
def test_a_need_is_a_number_of_seconds(name, need):
    with pytest.raises(ValueError, match="need"):
        Election(name, url="memory:").is_leader(need)


def test_is_leader_has_one_argument(name):
    election = Election(name, url="memory:")
    assert election.is_leader(need=1) is election.is_leader(1.0) is election.is_leader() is False
    for call in (
        lambda: election.is_leader(1, 2),
        lambda: election.is_leader(1, need=1),
        lambda: election.is_leader(ned=1),
        lambda: election.is_leader("1"),
        lambda: election.is_leader(None),
    ):
        with pytest.raises(TypeError):
            call()
