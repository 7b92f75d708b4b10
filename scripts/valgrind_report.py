#!/usr/bin/env python3
"""Prints the errors in a valgrind XML report that are the named object's doing; fails if any are.

Usage: valgrind_report.py REPORT OBJECT

V8 manages memory in ways that valgrind cannot follow, so what it says of node itself proves
nothing. An error is an object's doing if the innermost frame outside the C and C++ run time lies in
it.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

RUN_TIME = re.compile(r"/(vgpreload_[-\w]+|libc|libstdc\+\+|libgcc_s|libm|ld-linux)\b")


def culprit(error: ElementTree.Element) -> str:
    for frame in error.find("stack") or ():
        name = frame.findtext("obj") or ""
        if not RUN_TIME.search(name):
            return name
    return ""


def story(error: ElementTree.Element) -> str:
    what = error.findtext("what") or error.findtext("xwhat/text")
    frames = [
        f"    {frame.findtext('fn', '?')} ({frame.findtext('file') or frame.findtext('obj')}"
        f":{frame.findtext('line', '')})"
        for frame in error.iter("frame")
    ]
    return "\n".join([f"{error.findtext('kind')}: {what}", *frames])


def main(report: str, named: str) -> int:
    errors = list(ElementTree.parse(report).iter("error"))
    ours = [error for error in errors if named in culprit(error)]
    print(*(story(error) for error in ours), sep="\n")
    print(f"valgrind: {len(ours)} of {len(errors)} errors are the doing of {named}")
    return 1 if ours else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
