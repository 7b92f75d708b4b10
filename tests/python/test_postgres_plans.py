"""What a take-over waits for is planned ahead; what many elections ask at once goes together."""

import pathlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import PostgresServer, eventually

from interrex import Election


@pytest.fixture
def talkative() -> Iterator[PostgresServer]:
    server = PostgresServer("--setting", "log_statement = 'all'")
    yield server
    server.end()


# A follower whose first claim is parsed and planned while nobody leads.
def test_claims_and_releases_are_planned_ahead(talkative: PostgresServer) -> None:
    log = pathlib.Path(talkative.directory, "log")

    def planned() -> set[str]:
        return set(re.findall(r"statement: EXPLAIN EXECUTE (\w+)", log.read_text()))

    with Election("billing", url=talkative.url, candidate=False):
        eventually(lambda: len(planned()) == 3)
        # To be planned is not to be carried out.
        assert talkative.say("SELECT count(*) FROM interrex_ledger WHERE term > 0") == "0"
    assert "ERROR" not in log.read_text()


# Each operation a commit of its own: a process with many elections that never gets through them in
# time, gives the connection up, and begins anew.
def test_many_elections_begin_together(talkative: PostgresServer) -> None:
    log = pathlib.Path(talkative.directory, "log")
    elections = [Election(f"shard-{number}", url=talkative.url) for number in range(100)]
    with ThreadPoolExecutor(len(elections)) as threads:
        list(threads.map(Election.start, elections))
        eventually(lambda: all(election.is_leader() for election in elections))
        said = log.read_text()
        list(threads.map(Election.stop, elections))
    assert re.search(r"statement: EXECUTE interrex_\w+ \(.*\); EXECUTE interrex_", said)
    assert "ERROR" not in said
    assert talkative.say("SELECT count(*) FROM interrex_ledger WHERE session <> ''") == "0"
