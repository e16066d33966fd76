#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""explain.py HANDFAST [RUNS]: CPU time of one explanation against a loopback server (openssl s_server), process start
included, without further connections: a client that is let in, one whose certificate has no intermediate, and a
reason's story.  Prints least and median of each."""
import re
import subprocess
import sys
import tempfile

from spent import in_turns, middle

YES_OR_NO = (0, 1)


def begin_server(home, identity):
    server = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", identity + "/cert.pem", "-key",
                               identity + "/key.pem", "-cert_chain", identity + "/cert.pem", "-CAfile",
                               home + "/ca/root.pem", "-Verify", "4", "-verify_return_error", "-www"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in server.stdout:
        found = re.match(r"ACCEPT.*:(\d+)$", line)
        if found:
            return server, found[1]
    raise RuntimeError("openssl s_server has ended")


def main():
    binary, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 31
    with tempfile.TemporaryDirectory() as home:
        for words in (["init", "ABC"], ["issue", "localhost", "--server"], ["issue", "node", "--client"]):
            subprocess.run([binary, "--home", home] + words, check=True, capture_output=True)
        whole, leaf = home + "/id/node/cert.pem", home + "/leaf.pem"
        subprocess.run(["openssl", "x509", "-in", whole, "-out", leaf], check=True)
        server, port = begin_server(home, home + "/id/localhost")
        meet = [binary, "--home", home, "explain", "localhost:" + port, "--connect", "127.0.0.1:" + port, "--one-shot",
                "--ca", home + "/ca/root.pem", "--key", home + "/id/node/key.pem", "--cert"]
        try:
            told = in_turns({"explain, they meet": meet + [whole], "explain, refused": meet + [leaf],
                             "explain REASON": [binary, "explain", "V-NO-INTERMEDIATE"]}, runs, YES_OR_NO)
        finally:
            server.kill()
            server.wait()
    for who, times in told.items():
        print("%-20s least %.2f ms, median %.2f ms of CPU" % (who, times[0], middle(times)))


if __name__ == "__main__":
    main()
