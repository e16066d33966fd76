#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""long_list.py HANDFAST [REPS] - what a revocation list of a million entries (ENTRIES=N: as many) costs a gateway of two
workers, beside one of no entries: to start, to take a new list, memory of each process, and each handshake.

  start      from exec to the line that says it listens: CPU of all its processes
  reload     a new list and `ctl reload`: CPU of all its processes
  memory     proportional set size of supervisor and a worker, after the start (the workers share with the supervisor
             what it has read) and after a reload (each has read it); and the most that the supervisor ever had (RSS)
  first      CPU of the workers for each of the first 100 handshakes: each worker hashes the list once, at the first
  handshake  CPU of the workers for each full TLS 1.3 handshake after those, of clients that are all new: each is looked
             up; and the same to the CPU that the client spent on it, which a loaded machine changes less

Prints medians.  The last line is the cost of a handshake with the long list to that without, by the latter: it should
be near 1."""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

from reload import Reloads, cpu_ms, running

HERE = os.path.dirname(os.path.abspath(__file__))
HANDSHAKES, FIRST = 1500, 100


def memory(pid, file, field):
    """MiB"""
    with open("/proc/%d/%s" % (pid, file)) as text:
        return int(re.search(r"^%s:\s+(\d+) kB" % field, text.read(), re.M).group(1)) / 1024


class Lists(Reloads):
    def build_load(self):
        self.load = self.place + "/mtlsload"
        subprocess.run(["cc", "-O2", "-o", self.load, HERE + "/mtlsload.c", "-lssl", "-lcrypto"], check=True)

    def workers(self):
        return [one["pid"] for one in self.ctl("status")["workers"]]

    def handshakes(self, server, pids, count):
        port = server.urls[0].rsplit(":", 1)[1]
        before = sum(running(pid) for pid in pids)
        done = subprocess.run([self.load, "--connect", "127.0.0.1:" + port, "--servername", "localhost", "--ca",
                               self.home + "/ca/root.pem", "--cert", self.home + "/id/client/cert.pem", "--key",
                               self.home + "/id/client/key.pem", "--mint", self.home + "/ca/issuing.key", "--mode", "full",
                               "--tls", "1.3", "--count", str(count), "--concurrency", "8"], capture_output=True,
                              check=True, text=True)
        spent = (sum(running(pid) for pid in pids) - before) / 1000 / count
        return spent, spent / json.loads(done.stdout)["client_cpu_us_per_op"]

    def round(self):
        found = {}
        server = self.serve()
        found["start, CPU ms"] = cpu_ms(server)
        pids = self.workers()
        found["supervisor, PSS MiB"] = memory(server.child.pid, "smaps_rollup", "Pss")
        found["worker, PSS MiB"] = memory(pids[0], "smaps_rollup", "Pss")
        found["first %d handshakes, CPU us each" % FIRST], _ = self.handshakes(server, pids, FIRST)
        found["handshake, CPU us"], found["handshake, CPU to the client's"] = self.handshakes(server, pids, HANDSHAKES)
        self.run("crl")
        before = cpu_ms(server)
        self.ctl("reload")
        found["reload, CPU ms"] = cpu_ms(server) - before
        found["supervisor after a reload, PSS MiB"] = memory(server.child.pid, "smaps_rollup", "Pss")
        found["worker after a reload, PSS MiB"] = memory(pids[0], "smaps_rollup", "Pss")
        found["supervisor at most, RSS MiB"] = memory(server.child.pid, "status", "VmHWM")
        server.end()
        return found

    def rows(self, reps):
        rounds = [self.round() for _ in range(reps)]
        return {label: statistics.median(one[label] for one in rounds) for label in rounds[0]}


def main():
    reps = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    entries = int(os.environ.get("ENTRIES", "1000000"))
    with tempfile.TemporaryDirectory() as place:
        bench = Lists(argparse.Namespace(binary=sys.argv[1], entries=entries), place)
        bench.build_load()
        bench.identity("localhost", "--server")
        bench.identity("client", "--client")
        bench.run("crl")
        short = bench.rows(reps)
        bench.revoke_many()
        bench.run("crl")
        long = bench.rows(reps)
    print("%-36s %12s %12s" % ("a list of", "0 revoked", "%d" % entries))
    for label, value in short.items():
        print("%-36s %12.2f %12.2f" % (label, value, long[label]))
    ratio = "handshake, CPU to the client's"
    print("%-36s %25.2f" % ("handshake, long to short", long[ratio] / short[ratio]))


if __name__ == "__main__":
    main()
