#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lint.py MANDOC PAGE…: every page must pass mandoc -T lint without a warning."""
import subprocess
import sys

failed = 0
for page in sys.argv[2:]:
    run = subprocess.run([sys.argv[1], "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
    # pages of other commands are installed beside this one, not yet on this machine
    lines = [line for line in run.stdout.splitlines() if "referenced manual not found" not in line]
    if lines or run.returncode not in (0, 1):
        failed += 1
        print("\n".join(lines) or f"{page}: mandoc ended with {run.returncode}")
print(f"{len(sys.argv) - 2 - failed} passed, {failed} failed")
sys.exit(1 if failed or len(sys.argv) < 3 else 0)
