#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""reload.py HANDFAST [ROUNDS] - what it costs to start the server and to have it read everything anew: CPU of the
supervisor, the signer and two workers together, and wall time.

  start    from exec to the line that says it listens; with nobody on the revocation list, and with 10,000
           (ENTRIES=N: as many)
  reload   with 10,000: a new list and `ctl reload`, until every worker has said that it is there

Prints least and median of each, beside its bar where there is one, and says OVER where the median misses it."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from revocation import Bench, Process

START_BAR, RELOAD_BAR = 30, 50  # milliseconds
TICK = os.sysconf("SC_CLK_TCK")


def running(pid):
    """Nanoseconds on a CPU of all its threads, which /proc/PID/stat has in ticks of ten milliseconds only."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task)) as file:
            total += int(file.read().split()[0])
    return total


def cpu_ms(process):
    """Of itself and its children; of those that have ended too."""
    pid = process.child.pid
    with open("/proc/%d/stat" % pid) as file:
        ended = sum(int(n) for n in file.read().rsplit(")", 1)[1].split()[13:15])
    return ended * 1000 / TICK + sum(running(one) for one in [pid] + process.children()) / 1e6


class Reloads(Bench):
    def serve(self):
        return Process([self.binary, "serve", "--as", "localhost", "--allow", "any", "--respond", "text:ok", "--workers",
                        "2", "--listen", "127.0.0.1:0", "--admin", "unix:" + self.place + "/admin"], self.home)

    def ctl(self, *words):
        done = subprocess.run([self.binary, "--json", "ctl", *words, "--admin", self.place + "/admin"], check=True,
                              capture_output=True, env={"HANDFAST_HOME": self.home})
        return json.loads(done.stdout)

    def starts(self, rounds, revoked, bar):
        cpu, wall = [], []
        for _ in range(rounds):
            server = self.serve()
            cpu.append(cpu_ms(server))
            wall.append(server.ready * 1000)
            server.end()
        tell("start, CPU", revoked, cpu, bar)
        tell("start, wall", revoked, wall, bar)

    def reloads(self, rounds, revoked):
        cpu, wall = [], []
        server = self.serve()
        first = self.ctl("status")["generation"]
        for _ in range(rounds):
            self.run("crl")
            before, began = cpu_ms(server), time.monotonic()
            self.ctl("reload")
            wall.append((time.monotonic() - began) * 1000)
            cpu.append(cpu_ms(server) - before)
        done = self.ctl("status")["generation"] - first
        server.end()
        if done != rounds:
            sys.exit("%d reloads were asked for, and %d took place" % (rounds, done))
        tell("reload, CPU", revoked, cpu, RELOAD_BAR)
        tell("reload, wall", revoked, wall, None)


def tell(label, revoked, times, bar):
    median = statistics.median(times)
    held = "" if bar is None else " (must: %d)%s" % (bar, " OVER" if median > bar else "")
    print("%-12s %6d revoked  least %6.1f ms, median %6.1f ms%s" % (label, revoked, min(times), median, held))


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    entries = int(os.environ.get("ENTRIES", "10000"))
    with tempfile.TemporaryDirectory() as place:
        bench = Reloads(argparse.Namespace(binary=sys.argv[1], entries=entries), place)
        bench.identity("localhost", "--server")
        bench.identity("client", "--client")
        bench.starts(rounds, 0, START_BAR)
        bench.revoke_many()
        bench.run("crl")
        bench.starts(rounds, entries, None)
        bench.reloads(rounds, entries)


if __name__ == "__main__":
    main()
