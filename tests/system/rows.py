#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""rows.py [-v]: which rows of the mission table have a test (pytest.mark.row) and which have none."""
import ast
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LATER = set()
WANTED = set(range(1, 94)) - LATER


def rows_of(path):
    """{row: [test, …]} of one file, read without running it."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "row":
                for arg in mark.args:
                    found.setdefault(arg.value, []).append("%s::%s" % (path.relative_to(HERE), node.name))
    return found


def all_rows():
    found = {}
    for path in sorted(HERE.rglob("test_*.py")):
        for row, tests in rows_of(path).items():
            found.setdefault(row, []).extend(tests)
    return found


def main():
    found = all_rows()
    if "-v" in sys.argv:
        for row in sorted(found):
            for test in found[row]:
                print("%3d  %s" % (row, test))
    missing = sorted(WANTED - set(found))
    print("%d of %d rows have a test%s" % (len(WANTED) - len(missing), len(WANTED),
                                          "; without one: %s" % missing if missing else ""))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
