#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""verify.py [RUNS]: CPU time of `handfast verify` of a chain, process start included, beside `openssl verify`.

Both in turns, so that what else the machine does is the same for both; user and system time of each process from
wait4(2).  Prints least and median of each, and their ratio."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BINARY = os.environ.get("HANDFAST_BIN", str(Path(__file__).resolve().parents[1] / "build" / "handfast"))


def cpu_ms(argv, nowhere):
    pid = os.posix_spawn(argv[0], argv, {"LC_ALL": "C"}, file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, fd) for fd in (1, 2)])
    _, status, used = os.wait4(pid, 0)
    assert status == 0, argv
    return 1000 * (used.ru_utime + used.ru_stime)


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    nowhere = os.open(os.devnull, os.O_RDWR)
    with tempfile.TemporaryDirectory() as home:
        for words in (["init", "ABC"], ["issue", "localhost", "--server"]):
            subprocess.run([BINARY, "--home", home] + words, check=True, capture_output=True)
        cert, root, issuing = (home + path for path in ("/id/localhost/cert.pem", "/ca/root.pem", "/ca/issuing.pem"))
        sides = {
            "handfast verify": [BINARY, "--home", home, "verify", "--ca", root, "--purpose", "server", "--name",
                                "localhost", cert],
            "openssl verify": [shutil.which("openssl"), "verify", "-purpose", "sslserver", "-verify_hostname",
                               "localhost", "-CAfile", root, "-untrusted", issuing, cert],
        }
        told = {who: [] for who in sides}
        for _ in range(runs):
            for who, argv in sides.items():
                told[who].append(cpu_ms(argv, nowhere))
    middle = {who: sorted(times)[len(times) // 2] for who, times in told.items()}
    for who, times in told.items():
        print("%-16s least %.2f ms, median %.2f ms of CPU" % (who, min(times), middle[who]))
    print("ratio of the medians %.2f" % (middle["handfast verify"] / middle["openssl verify"]))


if __name__ == "__main__":
    main()
