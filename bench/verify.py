#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""verify.py HANDFAST [RUNS]: CPU time of `handfast verify` of a chain, process start included, beside `openssl verify`.
Prints least and median of each, and their ratio."""
import shutil
import subprocess
import sys
import tempfile

from spent import in_turns, middle


def main():
    binary, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200
    with tempfile.TemporaryDirectory() as home:
        for words in (["init", "ABC"], ["issue", "localhost", "--server"]):
            subprocess.run([binary, "--home", home] + words, check=True, capture_output=True)
        cert, root, issuing = (home + path for path in ("/id/localhost/cert.pem", "/ca/root.pem", "/ca/issuing.pem"))
        told = in_turns({
            "handfast verify": [binary, "--home", home, "verify", "--ca", root, "--purpose", "server", "--name",
                                "localhost", cert],
            "openssl verify": [shutil.which("openssl"), "verify", "-purpose", "sslserver", "-verify_hostname",
                               "localhost", "-CAfile", root, "-untrusted", issuing, cert],
        }, runs)
    for who, times in told.items():
        print("%-16s least %.2f ms, median %.2f ms of CPU" % (who, times[0], middle(times)))
    print("ratio of the medians %.2f" % (middle(told["handfast verify"]) / middle(told["openssl verify"])))


if __name__ == "__main__":
    main()
