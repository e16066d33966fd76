#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""growth.py BUILD/handfast [--idle 100,1000,10000] [--clients 1,1000] [--rules 1,100] [--handshakes 4000]

How the cost of our server grows, one worker, full TLS 1.3 handshakes with P-256 (mtlsload):
  idle      PSS for each idle connection, and the CPU of a reload that has to judge every one of them again (the
            sweep), less that of a reload that finds nobody
  clients   CPU of a handshake when so many clients take turns; every one is new to the server once
  rules     CPU of a handshake when the rule that lets the client in is the last of so many
CPU is user + system of the server's processes, in the last column per unit of the row.  What is flat stays so from
row to row; a sweep is not: it touches every connection once, on purpose."""
import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

from reload import cpu_ms
from revocation import Process

HERE = os.path.dirname(os.path.abspath(__file__))


def numbers(text):
    return [int(word) for word in text.split(",")]


class Growth:
    def __init__(self, binary, place):
        self.binary, self.place = os.path.abspath(binary), place
        self.pki = place + "/pki"
        subprocess.run([HERE + "/peers.sh", "--pki-only", self.pki], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.server = None
        self.load = place + "/mtlsload"
        subprocess.run(["cc", "-O2", "-o", self.load, HERE + "/mtlsload.c", "-lssl", "-lcrypto"], check=True)

    def serve(self, rules=1):
        options = [arg for number in range(rules - 1) for arg in ("--allow", "cn:nobody-%d+o:Nowhere" % number)]
        self.server = Process([self.binary, "serve", "--cert", self.pki + "/ec/server-chain.pem", "--key",
                        self.pki + "/ec/server.key", "--ca", self.pki + "/ec/root.pem", *options, "--allow", "any",
                        "--respond", "text:ok", "--workers", "1", "--listen", "127.0.0.1:0", "--idle-timeout", "3600",
                        "--reload", "signal", "--admin", "unix:" + self.place + "/admin"], self.place)
        return self.server

    def end(self):
        """Whatever was measured and did not come to its end."""
        if self.server is not None and self.server.child.poll() is None:
            self.server.end()

    def ctl(self, *words):
        done = subprocess.run([self.binary, "--json", "ctl", *words, "--admin", self.place + "/admin"], check=True,
                              capture_output=True)
        return json.loads(done.stdout)

    def connections(self):
        return sum(worker["connections"] for worker in self.ctl("status")["workers"])

    def come(self, server, mode, count, *more):
        """mtlsload, as a running process."""
        port = server.urls[0].rsplit(":", 1)[1]
        ec = self.pki + "/ec/"
        return subprocess.Popen([self.load, "--connect", "127.0.0.1:" + port, "--ca", ec + "root.pem", "--cert",
                                 ec + "client-chain.pem", "--key", ec + "client.key", "--servername", "gw.test",
                                 "--server-parent", str(server.child.pid), "--mode", mode, "--tls", "1.3", "--count",
                                 str(count), "--concurrency", "16", "--max-seconds", "300", *more],
                                stdout=subprocess.PIPE, text=True)

    @staticmethod
    def told(load):
        text = load.communicate()[0]
        told = json.loads(text)
        if load.returncode != 0 or told["fail"]:
            sys.exit("mtlsload: %s" % text)
        return told

    def reload_ms(self, server):
        before = cpu_ms(server)
        self.ctl("reload")
        return cpu_ms(server) - before

    def idle(self, count):
        server = self.serve()
        self.told(self.come(server, "idle", 16, "--hold", "0"))
        alone = min(self.reload_ms(server) for _ in range(5))
        load = self.come(server, "idle", count, "--hold", "20")
        deadline = time.monotonic() + 200
        while self.connections() < count:
            if time.monotonic() > deadline or load.poll() is not None:
                sys.exit("only %d of %d connections came" % (self.connections(), count))
            time.sleep(0.1)
        swept = min(self.reload_ms(server) for _ in range(3))
        still = self.connections()
        told = self.told(load)
        server.end()
        if still < count:
            sys.exit("%d of %d connections lived through the sweeps" % (still, count))
        sweep = max(swept - alone, 0)
        print("idle     %6d connections   PSS %6.0f bytes each   sweep %7.1f ms CPU, %5.2f us each" % (
            count, told["server"]["pss_bytes_per_conn"], sweep, sweep * 1000 / count), flush=True)

    def handshakes(self, label, clients, rules, count):
        server = self.serve(rules)
        self.told(self.come(server, "full", 200))
        more = ["--mint", self.pki + "/ec/inter.key", "--clients", str(clients)] if clients > 1 else []
        told = self.told(self.come(server, "full", count, *more))
        server.end()
        mine, theirs = told["server"]["cpu_us_per_op"], told["client_cpu_us_per_op"]
        print("%-8s %6d               %6.0f us CPU a handshake     srv/cli %.3f" % (
            label, rules if label == "rules" else clients, mine, mine / theirs), flush=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--idle", type=numbers, default=[100, 1000, 10000])
    parser.add_argument("--clients", type=numbers, default=[1, 1000])
    parser.add_argument("--rules", type=numbers, default=[1, 100])
    parser.add_argument("--handshakes", type=int, default=4000)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if max(options.idle + [0]) + 100 > hard:
        sys.exit("%d connections need as many descriptors: ulimit -n says %d" % (max(options.idle), hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if not shutil.which("cc"):
        sys.exit("growth.py needs cc")
    with tempfile.TemporaryDirectory() as place:
        growth = Growth(options.binary, place)
        try:
            for count in options.idle:
                growth.idle(count)
            for clients in options.clients:
                growth.handshakes("clients", clients, 1, options.handshakes)
            for rules in options.rules:
                growth.handshakes("rules", 1, rules, options.handshakes)
        finally:
            growth.end()


if __name__ == "__main__":
    main()
