# SPDX-License-Identifier: Apache-2.0
"""What the checks in tools/ share: finding files, reading C without its comments, and the frame of a
check: run over the tree, or with --selftest over small trees that must pass or must fail."""
import os
import re
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Problem:
    def __init__(self, path, line, text):
        self.path, self.line, self.text = path, line, text

    def __str__(self):
        where = "%s:%d" % (self.path, self.line) if self.line else self.path
        return "%s: %s" % (where, self.text)


def files(root, folders, suffixes):
    """Paths below `folders` relative to root, sorted."""
    found = []
    for folder in folders:
        for base, dirs, names in os.walk(os.path.join(root, folder)):
            dirs[:] = sorted(d for d in dirs if d not in ("__pycache__",) and not d.startswith("build"))
            for name in names:
                if name.endswith(suffixes):
                    found.append(os.path.relpath(os.path.join(base, name), root))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def strip(text, strings=True):
    """The C text with comments (and, with strings, the insides of literals) blanked; lines stay."""

    def blank(m):
        token = m.group(0)
        if token[0] == "/":
            return re.sub(r"[^\n]", " ", token)
        if not strings or token[0] == "'":
            return token
        return '"' + " " * (len(token) - 2) + '"'

    # An #include names a file in quotes: that is kept.
    return "\n".join(TOKEN.sub(blank, text).split("\n")) if strings else TOKEN.sub(blank, text)


def includes(text):
    """(line number, path, quoted?) of each #include."""
    for number, line in enumerate(strip(text, strings=False).split("\n"), 1):
        m = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if m:
            yield number, m.group(2), m.group(1) == '"'


def calls(code, names):
    """(line number, name) of each call of one of names in stripped code; members and longer names
    do not count."""
    pattern = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(names))
    for number, line in enumerate(code.split("\n"), 1):
        for m in pattern.finditer(line):
            yield number, m.group(1)


def string_literals(text):
    """(line number, contents) of each string literal outside comments."""
    for m in TOKEN.finditer(text):
        if m.group(0)[0] == '"':
            yield text.count("\n", 0, m.start()) + 1, m.group(0)[1:-1]


class Case:
    """A small tree for --selftest: {path: text}, and a part of each message that must come out."""

    def __init__(self, title, tree, expect=()):
        self.title, self.tree, self.expect = title, tree, expect


def selftest(check, cases):
    failed = 0
    for case in cases:
        with tempfile.TemporaryDirectory() as root:
            for path, text in case.tree.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as f:
                    f.write(text)
            found = [str(p) for p in check(root)]
        wrong = [e for e in case.expect if not any(e in f for f in found)]
        if wrong or (not case.expect and found):
            failed += 1
            print("selftest: %s: want %r, have %r" % (case.title, list(case.expect), found))
    good = sum(1 for c in cases if not c.expect)
    if good == 0 or good == len(cases):
        failed += 1
        print("selftest: there must be a tree that passes and one that fails")
    return failed


def main(name, check, cases):
    if sys.argv[1:] == ["--selftest"]:
        failed = selftest(check, cases)
        print("%s: selftest: %d cases, %d failed" % (name, len(cases), failed))
        sys.exit(1 if failed else 0)
    problems = check(ROOT)
    for p in problems:
        print(p)
    print("%s: %s" % (name, "%d problems" % len(problems) if problems else "ok"))
    sys.exit(1 if problems else 0)
