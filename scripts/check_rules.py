#!/usr/bin/env python3
"""Checks the rules of the architecture that a compiler cannot see; fails if one is broken.

Usage: check_rules.py [ROOT]

Comments never count, and the insides of strings only where a rule is about strings. tests/package
plants a violation of every rule and expects to find it here.
"""

import fnmatch
import pathlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

C_LIKE = {".c", ".h", ".cc", ".js", ".mjs", ".cjs", ".ts", ".mts"}
C_TOKENS = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)"""
    r"""|(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)""",
    re.DOTALL,
)
PYTHON_TOKENS = re.compile(
    r"""(?P<comment>\#[^\n]*)"""
    r'''|(?P<string>""".*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')''',
    re.DOTALL,
)


@dataclass
class Rule:
    name: str
    why: str
    where: tuple[str, ...]  # globs, from the root
    forbidden: str  # a regular expression that no line may match
    besides: tuple[str, ...] = ()  # globs of files that may
    within: str = "code"  # or "strings", or "includes"
    allowed: str = field(default=r"(?!)")  # a line that matches this too is fine


MEDIA = ("core/medium/**/*.[ch]",)
NODE = tuple(f"bindings/node/**/*.{suffix}" for suffix in ("cc", "h", "js", "mjs"))
NODE += ("nestjs-module/src/**/*.ts",)
PYTHON = ("bindings/python/**/*.[ch]", "bindings/python/**/*.py")
ENGINE = ("core/engine/*.[ch]", "core/include/interrex_engine.h")

RULES = [
    Rule(
        "one clock",
        "Only core/runtime/clock.c reads a clock; everything else is told the time.",
        where=("core/**/*.[ch]", *NODE, *PYTHON),
        besides=("core/runtime/clock.c",),
        forbidden=r"\b(clock_gettime|gettimeofday|timespec_get|ftime|ev_now|ev_time)\s*\("
        r"|(?<![\w.>])time\s*\(\s*(NULL|nullptr|0|&)"
        r"|\bchrono\s*::|\buv_(hrtime|now)\b"
        r"|\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b"
        r"|\btime\.(time|monotonic|perf_counter|clock_gettime)(_ns)?\b|\bfrom time import\b"
        r"|\bdatetime\.(now|utcnow)\b|\bloop\.time\(",
    ),
    Rule(
        "pure engine: includes",
        "The engine knows the language and itself: no event loop, no system calls, no other layer.",
        where=ENGINE,
        within="includes",
        forbidden=r".",
        allowed=r"<(assert|inttypes|limits|stdarg|stdbool|stddef|stdint|stdio|string)\.h>"
        r'|"(engine/\w+|interrex_engine|interrex_types)\.h"',
    ),
    Rule(
        "pure engine: calls",
        "The engine allocates nothing, prints nothing, draws random numbers from its seed alone.",
        where=ENGINE,
        forbidden=r"\b(malloc|calloc|realloc|free|strdup|strndup|alloca)\s*\("
        r"|\b(printf|fprintf|vfprintf|puts|fputs|fopen|getenv)\s*\("
        r"|\b(rand|random|arc4random|getrandom|getpid)\s*\(|\bev_\w+\s*\(",
    ),
    Rule(
        "media decide nothing: timers",
        "A medium's only timers: a request's deadline, an attempt to connect, the presence watch.",
        where=MEDIA,
        besides=("core/medium/*_watch.c",),  # all that such a file does is the presence watch
        forbidden=r"\bev_timer_(init|set|start|again)\b|\bev_periodic|\btimerfd_|\b[un]*sleep\s*\(",
        allowed=r"\bev_timer_\w+\([^;]*\b(deadline|attempt|watch)\b",
    ),
    Rule(
        "media decide nothing: roles",
        "Who leads, and when to try again, is the engine's decision.",
        where=MEDIA,
        forbidden=r"\bIRX_ROLE_|(?i:retr(y|ies)|back_?off)",
    ),
    Rule(
        "bindings decide nothing: roles",
        "A binding asks the core whether it leads; it does not conclude so from a role.",
        where=NODE + PYTHON,
        forbidden=r"(?i:role\w*(\(\))?\s*[=!]==?\s*(['\"]|IRX_ROLE_))|[=!]=\s*IRX_ROLE_",
    ),
    Rule(
        "bindings decide nothing: retries",
        "A binding neither tries again nor waits before it does; the engine does both.",
        where=NODE + PYTHON,
        forbidden=r"(?i:\bretr(y|ies)|back_?off)|\bsleep\s*\(",
    ),
    Rule(
        "scripts have files of their own",
        "Lua and SQL are text files, embedded at build time, never strings in a program.",
        where=("core/**/*.[ch]", *NODE, *PYTHON),
        within="strings",
        forbidden=r"redis\.p?call|\b(KEYS|ARGV)\[|\bSELECT\b.+\bFROM\b|\bINSERT INTO\b"
        r"|\bUPDATE\b.+\bSET\b|\bDELETE FROM\b|\bCREATE (TABLE|INDEX|SCHEMA)\b",
    ),
]


def view(path: pathlib.Path, within: str) -> list[str]:
    """The lines of a file with all blanked out that a rule of this kind does not look at."""
    text = path.read_text(encoding="utf-8")
    if within == "includes":
        return [
            line.split("#", 1)[1].strip() if re.match(r"\s*#\s*include\b", line) else ""
            for line in text.splitlines()
        ]
    tokens = C_TOKENS if path.suffix in C_LIKE else PYTHON_TOKENS

    def blank(match: re.Match[str]) -> str:
        lines = "\n" * match[0].count("\n")
        if match["comment"]:
            return " " + lines
        # What a string says is left out, that there is one is not.
        return match[0] if within == "strings" else match[0][0] * 2 + lines

    return tokens.sub(blank, text).splitlines()


def violations(root: pathlib.Path) -> Iterator[str]:
    for rule in RULES:
        paths = {path for glob in rule.where for path in root.glob(glob)}
        for path in sorted(paths):
            name = str(path.relative_to(root))
            if any(fnmatch.fnmatch(name, glob) for glob in (*rule.besides, "*/node_modules/*")):
                continue
            for number, line in enumerate(view(path, rule.within), 1):
                if re.search(rule.forbidden, line) and not re.search(rule.allowed, line):
                    yield f"{name}:{number}: {rule.name}: {line.strip()}\n    {rule.why}"


def main(root: pathlib.Path) -> int:
    found = list(violations(root))
    print(*found, sep="\n") if found else print(f"{len(RULES)} rules, no violation")
    return 1 if found else 0


if __name__ == "__main__":
    default = pathlib.Path(__file__).resolve().parent.parent
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default))
