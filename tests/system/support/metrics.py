# SPDX-License-Identifier: Apache-2.0
"""The page of --metrics, read as Prometheus reads it."""
import json
import os
import re
import shutil
import urllib.request

import pytest

SAMPLE = re.compile(r'([a-z_:]+)(?:\{((?:[a-z_0-9]+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9.e+]+)$')
LABEL = re.compile(r'([a-z_0-9]+)="((?:[^"\\\n]|\\.)*)"')


def scrape(door):
    """door: the URL, or a server that listens there last."""
    url = door if isinstance(door, str) else door.urls[-1]
    with urllib.request.urlopen(url + "/metrics", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return answer.read().decode()


def parse(text):
    """{(name, frozenset of labels): value}; a line that is none is a failure."""
    found, types = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types, "told twice: " + name
            types[name] = kind
        elif not line.startswith("# HELP "):
            name, labels, value = SAMPLE.match(line).groups()
            key = (name, frozenset(LABEL.findall(labels or "")))
            assert key not in found, "told twice: " + line
            assert name in types or re.sub("_(bucket|sum|count)$", "", name) in types, line
            found[key] = float(value)
    return found


def value(text, name, **labels):
    return parse(text).get((name, frozenset(labels.items())))


def promtool():
    found = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if not found:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    return found


def names_in(expression):
    return set(re.findall(r"\bhandfast_[a-z_]+", expression))


def alert_names(rules):
    """The metrics that a file of alert rules asks for."""
    lines = (line for line in rules.splitlines() if not line.lstrip().startswith("#"))
    return set().union(*(names_in(line) for line in lines))


def board_names(board):
    """And a dashboard."""
    asked = set().union(*(names_in(target["expr"]) for panel in board["panels"] for target in panel["targets"]))
    return asked.union(*(names_in(json.dumps(one)) for one in board["templating"]["list"]))
