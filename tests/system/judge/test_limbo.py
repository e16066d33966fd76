# SPDX-License-Identifier: Apache-2.0
"""x509-limbo through `verify --profile strict`: nothing fails but what tests/limbo lists with its reason."""
import subprocess
from pathlib import Path

import pytest

LIMBO = Path(__file__).resolve().parents[2] / "limbo"


@pytest.mark.row(42)
def test_strict_profile_meets_every_case_of_limbo(hf):
    told = subprocess.run([LIMBO / "run.sh", hf.binary, "--list"], capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stdout + told.stderr
    assert ", 0 failed" in told.stdout.splitlines()[-1], told.stdout
