#!/usr/bin/env python3
"""Prints the errors in a valgrind XML report that have a frame in the named object; fails if any.

Usage: valgrind_report.py REPORT OBJECT
"""

import sys
import xml.etree.ElementTree as ElementTree


def frames(error: ElementTree.Element) -> list[str]:
    return [
        f"{frame.findtext('obj', '?')}: {frame.findtext('fn', '?')}"
        f" ({frame.findtext('file', '?')}:{frame.findtext('line', '?')})"
        for frame in error.iter("frame")
    ]


def main(report: str, named: str) -> int:
    errors = list(ElementTree.parse(report).iter("error"))
    ours = [error for error in errors if any(named in frame for frame in frames(error))]
    for error in ours:
        what = error.findtext("what") or error.findtext("xwhat/text")
        print(f"{error.findtext('kind')}: {what}", *frames(error), sep="\n    ")
    print(f"valgrind: {len(ours)} of {len(errors)} errors have a frame in {named}")
    return 1 if ours else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
