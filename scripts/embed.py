#!/usr/bin/env python3
"""Writes the Lua and SQL files of the media into one C header.

Usage: embed.py OUTPUT [FILE...]

Each file becomes `static const char irx__lua_<name>[]` or `irx__sql_<name>[]`, so that
scripts stay readable in files of their own and the library needs none of them at run time. A line
`--#include FILE` in a script stands for the lines of the file beside it. Without
FILEs, all of core/medium/redis/*.lua and core/medium/postgres/*.sql are taken. The output is left
alone when nothing changed, so that nothing is compiled again.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATTERNS = ("core/medium/redis/*.lua", "core/medium/postgres/*.sql")


def sources() -> list[pathlib.Path]:
    return sorted(path for pattern in PATTERNS for path in ROOT.glob(pattern))


def literal(line: str) -> str:
    escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    # Two question marks could begin a trigraph in a strict C11 compilation.
    escaped = escaped.replace("?", "\\?")
    return f'    "{escaped}\\n"'


def included(path: pathlib.Path) -> list[str]:
    lines = []
    for line in path.read_text(encoding="ascii").splitlines():
        marker, _, name = line.partition("--#include ")
        lines += included(path.parent / name) if name and not marker else [line]
    return lines


def constant(path: pathlib.Path) -> str:
    name = re.sub(r"\W", "_", path.stem)
    lines = [literal(line) for line in included(path)] or ['    ""']
    return f"static const char irx__{path.suffix[1:]}_{name}[] =\n" + "\n".join(lines) + ";\n"


def header(paths: list[pathlib.Path]) -> str:
    parts = [
        "/* Written by scripts/embed.py; not to be edited. */",
        "#ifndef INTERREX_EMBEDDED_H",
        "#define INTERREX_EMBEDDED_H",
        "",
        *(constant(path) for path in paths),
        "#endif",
        "",
    ]
    return "\n".join(parts)


def write(output: pathlib.Path, paths: list[pathlib.Path]) -> None:
    text = header(paths)
    if output.exists() and output.read_text(encoding="ascii") == text:
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="ascii")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    write(pathlib.Path(sys.argv[1]), [pathlib.Path(a) for a in sys.argv[2:]] or sources())
