"""The SQL of what a postgres:// election needs, for a migration or an administrator.

The text is the core's; only the names are looked at here.
"""

from __future__ import annotations

from interrex import _interrex, _options
from interrex._errors import ConfigError


def schema(schema: str | None = None, namespace: str = "interrex") -> str:
    """Return the SQL that creates the table of `postgres:` elections; running it again is harmless.

    For ``create_table=False``: run by a migration, or by whoever owns the database.

    Parameters
    ----------
    schema : str, optional
        As the URL's ``?schema=``; the first schema of the search path by default.
    namespace : str, default "interrex"
        As the option; the table is called ``interrex_ledger`` by default.

    Raises
    ------
    ConfigError
        PostgreSQL can not have such names.
    """
    name = None if schema is None else _options.text("schema", schema)
    text = _interrex.schema(name, _options.text("namespace", namespace))
    if text is None:
        raise ConfigError(
            f"schema {schema!r} and namespace {namespace!r} make no table's name in PostgreSQL: "
            "a schema has up to 63 bytes, a namespace 1 to 56",
            "CONFIG",
        )
    return text
