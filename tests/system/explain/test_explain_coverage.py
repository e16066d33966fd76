# SPDX-License-Identifier: Apache-2.0
"""Nothing of the catalogue is left out: each reason has a scenario that produces it, a long story, a row in the
documentation, and is told apart from every other."""
import re
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from explain_casebook import CASES  # noqa: E402

# What no program on this machine does; other programs' words and the story are all there is.
ELSEWHERE = {
    "N-EKU-FILTER": "Windows, Apple and .NET clients", "N-TOKEN-PSS": "a smartcard without PSS",
    "R-RESUMED-IDENTITY": "other servers; ours judges a resumed client again",
}


@pytest.fixture(scope="module")
def reasons(binary):
    import json
    import subprocess
    return json.loads(subprocess.run([binary, "--json", "explain", "--list"], capture_output=True, check=True).stdout)["reasons"]


# Tests that put words in and read words out: a reason that only they name was never produced.
WORDS_ONLY = {Path(__file__).name, "test_explain_words.py"}


def produced():
    """Ids that a scenario produces: the casebook's, those other live tests name, those of tests/scenarios."""
    ids = {case["cause"] for case in CASES.values()}
    sources = list(HERE.parent.rglob("test_*.py")) + list((HERE.parents[1] / "scenarios").rglob("*.json"))
    sources += list((HERE.parents[1] / "scenarios").rglob("*.yaml"))
    for path in sources:
        if path.name not in WORDS_ONLY:
            ids |= set(re.findall(r'["\s\[]([A-Z]-[A-Z0-9-]+)["\s,\]]', path.read_text(encoding="utf-8")))
    return ids


def test_each_reason_has_a_scenario(reasons):
    ids = {row["id"] for row in reasons}
    missing = ids - produced() - set(ELSEWHERE)
    assert not missing, "reasons without a scenario: %s" % sorted(missing)
    assert set(ELSEWHERE) <= ids and not set(ELSEWHERE) - {row["id"] for row in reasons}


@pytest.mark.parametrize("key", ["arises", "check", "remedy", "handfast", "openssl"])
def test_each_reason_has_a_long_story(reasons, key):
    short = [row["id"] for row in reasons if len(row[key]) < 4]
    assert not short, "no '%s' in the story of %s" % (key, short)


@pytest.mark.parametrize("key", ["id", "sentence", "arises"])
def test_no_two_reasons_are_told_alike(reasons, key):
    seen = {}
    for row in reasons:
        seen.setdefault(row[key].lower(), []).append(row["id"])
    assert not [ids for ids in seen.values() if len(ids) > 1]


def test_the_documentation_has_them_all(reasons):
    text = (HERE.parents[2] / "docs" / "reasons.md").read_text(encoding="utf-8")
    missing = [row["id"] for row in reasons if row["id"] not in text]
    assert not missing
