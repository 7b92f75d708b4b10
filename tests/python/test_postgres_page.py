"""The SQL of docs/postgres.md, run as it stands there, on a server on which an election is held."""

import pathlib
import re

from conftest import PostgresServer, eventually

from interrex import Election

PAGE = pathlib.Path(__file__).parents[2] / "docs/postgres.md"


def blocks() -> list[str]:
    return re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def block(word: str) -> str:
    """The first one that has this word in it."""
    return next(sql for sql in blocks() if word in sql)


# A statement with an error in it, or about a column that the table no longer has.
def test_every_statement_of_the_page_runs(own_postgres: PostgresServer) -> None:
    with Election("billing", url=own_postgres.url) as election, election.lead():
        for sql in blocks():
            own_postgres.say(sql)


# A query that runs and says nothing, or something else than the election itself.
def test_the_page_shows_who_leads_and_who_takes_part(own_postgres: PostgresServer) -> None:
    url = own_postgres.url
    with (
        Election("billing", url=url, label="first") as first,
        first.lead() as leadership,
        Election("billing", url=url, label="second one", candidate=False),
    ):
        # Members of one process share its two connections.
        eventually(lambda: len(own_postgres.say(block("pg_stat_activity")).splitlines()) == 2)
        name, label, term, since, present = own_postgres.say(block("AS present")).split("|")
        assert [name, label, term, present] == ["billing", "first", str(leadership.term), "t"]
        assert re.match(r"-?\d\d:\d\d:", since)
        assert own_postgres.say(block("join_number")).splitlines() == [
            "billing|1|t|t|first",
            "billing|2|f|f|second one",
        ]


# Rights that the page says are enough, and are not.
def test_a_role_with_the_rights_of_the_page_leads(own_postgres: PostgresServer) -> None:
    with Election("billing", url=own_postgres.url):  # makes the table, as its owner
        pass
    for sql in blocks():
        if sql.startswith(("CREATE ROLE", "GRANT")):
            own_postgres.say(sql)
    own_postgres.say("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    url = own_postgres.url.replace("//postgres@", "//elections@")
    with (
        Election("billing", url=url, create_table=False) as election,
        election.lead() as leadership,
    ):
        assert leadership.check()
