#!/usr/bin/env python3
"""Prints `PASSED FAILED` for one test run, from the report that its tool wrote.

Usage: count.py ctest|pytest|tap|nest FILE
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def ctest(path: str) -> tuple[int, int]:
    """A cmocka program counts as its test functions, any other program as one."""
    passed = failed = 0
    for case in ElementTree.parse(path).iter("testcase"):
        output = case.findtext("system-out") or ""
        good = len(re.findall(r"^\[ +OK \]", output, re.MULTILINE))
        bad = len(set(re.findall(r"^\[ +FAILED +\] (?!\d)(\S+)$", output, re.MULTILINE)))
        if case.get("status") == "run":
            passed += good or 1
        else:
            passed += good
            failed += bad or 1
    return passed, failed


def pytest(path: str) -> tuple[int, int]:
    suite = next(ElementTree.parse(path).iter("testsuite"))
    count = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    failed = count["failures"] + count["errors"]
    return count["tests"] - failed - count["skipped"], failed


def tap(path: str) -> tuple[int, int]:
    """Node's summary comments where there are any, else top-level `ok` and `not ok` lines."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    summary = {key: int(number) for key, number in re.findall(r"^# (\w+) (\d+)$", text, re.M)}
    if "pass" in summary:
        return summary["pass"], summary["fail"] + summary.get("cancelled", 0)
    return len(re.findall(r"^ok\b", text, re.M)), len(re.findall(r"^not ok\b", text, re.M))


def nest(path: str) -> tuple[int, int]:
    """The module's own closing line, else what mocha said before the run broke off."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    closing = re.search(r"^nestjs-module: (\d+) passed, (\d+) failed$", text, re.M)
    if closing:
        return int(closing[1]), int(closing[2])
    passing, failing = (
        sum(map(int, re.findall(rf"^\s*(\d+) {word}\b", text, re.M)))
        for word in ("passing", "failing")
    )
    return passing, failing


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(*{"ctest": ctest, "pytest": pytest, "tap": tap, "nest": nest}[sys.argv[1]](sys.argv[2]))
