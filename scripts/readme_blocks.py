#!/usr/bin/env python3
"""Writes the programs in README.md into files, so that they can be run.

Usage: readme_blocks.py MARKDOWN DIRECTORY

The first fenced block of each language becomes DIRECTORY/readme.<suffix>.
"""

import pathlib
import re
import sys

SUFFIXES = {"c": "c", "js": "mjs", "python": "py", "ts": "ts"}


def blocks(text: str) -> dict[str, str]:
    """The first block of each language, by language."""
    found: dict[str, str] = {}
    for language, body in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        found.setdefault(language, body)
    return found


def main(markdown: pathlib.Path, directory: pathlib.Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    found = blocks(markdown.read_text(encoding="utf-8"))
    for language, suffix in SUFFIXES.items():
        if language not in found:
            sys.exit(f"{markdown} has no {language} program")
        (directory / f"readme.{suffix}").write_text(found[language], encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
