# SPDX-License-Identifier: Apache-2.0
"""x509-limbo through `verify --profile strict`: nothing fails but what tests/limbo lists with its reason."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

LIMBO = Path(__file__).resolve().parents[2] / "limbo"


def score(binary, suite):
    told = subprocess.run([LIMBO / "run.sh", binary, "--list"], capture_output=True, text=True, timeout=300,
                          env=dict(os.environ, SUITE=str(suite)))
    last = told.stdout.splitlines()[-1]
    assert told.returncode == 0 and " passed, 0 failed" in last, told.stdout + told.stderr
    return int(last.split()[0])


@pytest.mark.row(42)
def test_strict_profile_meets_every_case_of_limbo(hf):
    assert score(hf.binary, LIMBO / "x509-limbo.json.xz") >= 177


@pytest.mark.row(42)
def test_strict_profile_meets_every_case_with_clients_and_servers_exchanged(hf, tmp_path):
    turned = tmp_path / "clients.json"
    subprocess.run([sys.executable, LIMBO / "turn_roles.py", LIMBO / "x509-limbo.json.xz", turned], check=True, timeout=300)
    assert score(hf.binary, turned) >= 176
