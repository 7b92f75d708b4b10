"""Python's option values into the texts that the core reads.

Only what Python alone can know is checked here: types, and whether a URL was given at all. Ranges
and names are the core's to judge.
"""

from __future__ import annotations

import math
from typing import Final

from interrex import _json
from interrex._errors import ConfigError

ABSENT: Final = "<$INTERREX_URL, else local:>"
"""The default of ``url``, told apart from every given text by identity."""


def url_text(url: object) -> str | None:
    """Return the URL for the core, None where none was given; refuse a None that was given."""
    if url is ABSENT:
        return None
    if not isinstance(url, str):
        raise ConfigError(
            f"option url: {url!r} is not a URL: leave it out for $INTERREX_URL, or give a text "
            "such as 'redis://localhost'",
            "CONFIG",
        )
    return _plain("url", url)


def text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"option {name}: {value!r} is not a text", "CONFIG")
    return _plain(name, value)


def milliseconds(name: str, value: object) -> str:
    """Return seconds as the text of whole milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"option {name}: {value!r} is not a number of seconds", "CONFIG")
    if 0 < abs(value) < 0.001:
        raise ConfigError(f"option {name}: {value!r} s is less than a millisecond", "CONFIG")
    return str(round(value * 1000))


def number(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"option {name}: {value!r} is not a number", "CONFIG")
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def truth(name: str, value: object) -> str:
    if not isinstance(value, bool):
        raise ConfigError(f"option {name}: {value!r} is neither True nor False", "CONFIG")
    return "true" if value else "false"


def json(name: str, value: object) -> str:
    """Return the value's JSON; what JSON can't carry is a TypeError."""
    return _json.encode(f"option {name}", value).decode()


def _plain(name: str, value: str) -> str:
    if "\0" in value:
        raise ConfigError(f"option {name}: it holds a zero character", "CONFIG")
    return value
