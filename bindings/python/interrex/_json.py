"""Values as members exchange them: JSON in UTF-8, which every language's binding reads.

What JSON has no form for is refused where it is given, rather than changed on the way; a tuple
alone becomes a list. What comes in was written by others and need not be JSON.
"""

from __future__ import annotations

import json
from typing import Never

from interrex._types import Json


def encode(what: str, value: Json) -> bytes:
    """Return the bytes of ``value``; a TypeError says what in it JSON can't carry."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        _refuse_keys(value)
        return text.encode()
    except RecursionError as error:
        raise TypeError(f"{what}: JSON can't carry what is nested so deep") from error
    except UnicodeEncodeError as error:
        raise TypeError(f"{what}: JSON can't carry half of a surrogate pair in a str") from error
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what}: JSON can't carry this value: {error}") from error


def decode(data: bytes) -> Json:
    """Return the value that ``data`` is the JSON of; a ValueError says why it is none."""
    try:
        return json.loads(data.decode(), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _refuse_keys(value: Json) -> None:
    """Refuse keys that `json` would turn into other ones: 1 into "1", None into "null"."""
    ahead = [value]
    while ahead:
        value = ahead.pop()
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, str):
                    raise TypeError(f"{key!r} is not a str, as keys have to be")
            ahead.extend(value.values())
        elif isinstance(value, list | tuple):
            ahead.extend(value)


def _refuse_constant(word: str) -> Never:
    raise ValueError(f"{word} is no JSON")
