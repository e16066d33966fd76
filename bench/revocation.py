#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""revocation.py BUILD/handfast [--gateways 10] [--connections 1000] [--rounds 20] [--entries 1000000] [--asks 3000]
              [--parts ocsp,close,list,shards] [--shards 64]

What revocation costs and how long it takes, on loopback:
 - OCSP responses per CPU second of the responder, beside `openssl ocsp` on the same questions;
 - a list of many entries: to build, to check by a gateway that follows the authority;
 - as many entries in shards: the list of one of them after a revocation in it, beside the complete one;
 - from `revoke` returning to the live connection of the revoked client being closed, on each of several gateways
   that each hold many other connections.
CPU is user + system of the process that is measured, so that a loaded machine changes little; latency is wall time."""
import argparse
import base64
import glob
import os
import re
import resource
import selectors
import shutil
import socket
import sqlite3
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

READY = re.compile(r"handfast: listening on (\S+)")


class Process:
    def __init__(self, argv, home, listeners=1):
        env = {"HANDFAST_HOME": home, "PATH": os.environ["PATH"], "LC_ALL": "C"}
        self.began = time.monotonic()
        self.child = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.urls = []
        while len(self.urls) < listeners:
            line = self.child.stderr.readline()
            if not line:
                sys.exit("%s ended" % argv)
            found = READY.match(line)
            if found:
                self.urls.append(found.group(1))
        self.ready = time.monotonic() - self.began

    def cpu(self):
        """User and system seconds of it and its children that live."""
        ticks = 0
        for pid in [self.child.pid] + self.children():
            with open("/proc/%d/stat" % pid) as file:
                ticks += sum(int(n) for n in file.read().rsplit(")", 1)[1].split()[11:13])
        return ticks / os.sysconf("SC_CLK_TCK")

    def children(self):
        with open("/proc/%d/task/%d/children" % (self.child.pid, self.child.pid)) as file:
            return [int(word) for word in file.read().split()]

    def rss(self):
        """MiB of itself and each child."""
        sizes = []
        for pid in [self.child.pid] + self.children():
            with open("/proc/%d/status" % pid) as file:
                sizes.append(int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) // 1024)
        return sizes

    def end(self):
        self.child.terminate()
        self.child.stderr.close()
        self.child.wait()


class Bench:
    def __init__(self, options, place):
        self.options, self.place, self.home = options, place, place + "/home"
        self.contexts = {}  # by the folder of the identity
        self.binary = os.path.abspath(options.binary)
        self.run("init", "Bench")

    def run(self, *args):
        """(wall seconds, cpu seconds, MiB at most)"""
        env = {"HANDFAST_HOME": self.home, "PATH": os.environ["PATH"]}
        began = time.monotonic()
        child = subprocess.Popen([self.binary, *args], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        text = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit("%s: %s" % (args, text.decode()))
        return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024

    def identity(self, name, *role):
        self.run("issue", name, *role)
        return self.home + "/id/%s/" % name

    def authority(self):
        return Process([self.binary, "authority", "--listen", "127.0.0.1:0", "--publish", "127.0.0.1:0"], self.home, 2)

    def gateway(self, name, url):
        self.identity(name, "--server", "--san", "dns:localhost", "--san", "ip:127.0.0.1")
        home = self.place + "/" + name
        os.makedirs(home + "/trust")
        shutil.copy(self.home + "/ca/root.pem", home + "/trust/own.pem")
        shutil.copytree(self.home + "/id/" + name, home + "/id/" + name)
        return Process([self.binary, "serve", "--as", name, "--allow", "any", "--respond", "text:hello", "--workers", "1",
                        "--idle-timeout", "3600", "--listen", "127.0.0.1:0", "--revocations-from", url], home)

    # --- OCSP ---

    def question(self, nonce):
        out = self.place + "/q.der"
        subprocess.run(["openssl", "ocsp", "-issuer", self.home + "/ca/issuing.pem", "-cert",
                        self.home + "/id/amy/cert.pem", "-reqout", out, "-nonce" if nonce else "-no_nonce"], check=True,
                       capture_output=True)
        with open(out, "rb") as file:
            return file.read()

    def ask(self, port, message, keep):
        """Asks again and again; keep: on one connection."""
        got = None
        for n in range(self.options.asks):
            if n == 0 or not keep:
                s = socket.create_connection(("127.0.0.1", port))
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.sendall(message)
            got = s.recv(65536)
            while keep and b"\r\n\r\n" not in got:
                got += s.recv(65536)
            if not keep:
                while s.recv(65536):
                    pass
                s.close()
        return got

    def ocsp(self):
        self.identity("amy", "--client")
        service = self.authority()
        port = int(service.urls[1].rsplit(":", 1)[1])
        plain, nonce = self.question(False), self.question(True)
        get = ("GET /ocsp/%s HTTP/1.1\r\nHost: x\r\n\r\n" %
               urllib.parse.quote(base64.b64encode(plain).decode(), safe="")).encode()
        post = b"POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\nContent-Length: %d\r\n%s\r\n"
        rows = [("GET, kept answer, one connection", get, True),
                ("GET, kept answer, a connection each", get.replace(b"Host: x", b"Host: x\r\nConnection: close"), False),
                ("POST with nonce, signed, one connection", post % (len(nonce), b"") + nonce, True),
                ("POST with nonce, signed, a connection each",
                 post % (len(nonce), b"Connection: close\r\n") + nonce, False)]
        for label, message, keep in rows:
            before = service.cpu()
            self.ask(port, message, keep)
            spent = service.cpu() - before
            print("ocsp  handfast       %-44s %7.0f responses per CPU second" % (label, self.options.asks / max(spent, 0.01)))
        service.end()
        self.openssl_ocsp(post % (len(nonce), b"Connection: close\r\n") + nonce)

    def openssl_ocsp(self, message):
        with open(self.place + "/index.txt", "w") as file:
            file.write("")
        ca = self.home + "/ca/"
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        child = subprocess.Popen(["openssl", "ocsp", "-index", self.place + "/index.txt", "-port", str(port), "-CA",
                                  ca + "issuing.pem", "-rsigner", ca + "ocsp.pem", "-rkey", ca + "ocsp.key", "-ignore_err"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        child.kill()  # a connection that says nothing has spun it: begin again
        child.wait()
        child = subprocess.Popen(child.args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)

        def cpu():
            with open("/proc/%d/stat" % child.pid) as file:
                return sum(int(n) for n in file.read().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")
        before = cpu()
        self.ask(port, message.replace(b"POST /ocsp HTTP/1.1", b"POST / HTTP/1.0"), False)
        print("ocsp  openssl ocsp   %-44s %7.0f responses per CPU second" %
              ("POST with nonce, signed, a connection each", self.options.asks / max(cpu() - before, 0.01)))
        child.kill()
        child.wait()

    # --- a long list ---

    def revoke_many(self, shards=0):
        """Clients that are revoked, as many as --entries, straight into the ledger; over so many shards."""
        store = sqlite3.connect(self.home + "/ca/ca.db")
        issuer = store.execute("SELECT issuer FROM certificate WHERE profile = 'client' LIMIT 1").fetchone()[0]
        now = int(time.time())
        store.executemany("INSERT INTO certificate (issuer, serial, state, name, profile, subject, sans, asked_at, not_before, "
                          "not_after, revoked_at, reason, shard) VALUES (?, ?, 2, 'x', 'client', '', '', ?, ?, ?, ?, 1, ?)",
                          ((issuer, b"\x7f" + n.to_bytes(15, "big"), now, now, now + 86400 * 30, now - n // 100,
                            1 + n % shards if shards else 0)
                           for n in range(self.options.entries)))
        store.commit()
        store.close()

    def long_list(self):
        self.revoke_many()
        wall, cpu, rss = self.run("crl")
        size = os.stat(self.home + "/ca/crl.pem").st_size
        print("list  %d entries, %.1f MB of PEM: built, signed and written in %.2f s (CPU %.2f s), %d MiB at most" %
              (self.options.entries, size / 1e6, wall, cpu, rss))
        service = self.authority()
        print("list  the authority's service is ready with it after %.2f s, %d MiB" % (service.ready, service.rss()[0]))
        gateway = self.gateway("long", service.urls[0])
        print("list  a gateway that follows it is ready after %.2f s (CPU %.2f s), MiB of supervisor, follower, worker: %s" %
              (gateway.ready, gateway.cpu(), gateway.rss()))
        gateway.end()
        service.end()

    # --- lists in shards ---

    def make_stale(self, shard):
        """As a revocation leaves the list of its shard: without an entry, and one of its pages to be made again."""
        store = sqlite3.connect(self.home + "/ca/ca.db")
        store.execute("UPDATE crl SET stale = 1 WHERE shard = ?", (shard,))
        store.execute("UPDATE revoked_page SET fresh = 0 WHERE id = (SELECT max(id) FROM revoked_page WHERE shard = ?)", (shard,))
        store.commit()
        store.close()

    def sharded(self):
        count = self.options.shards
        with open(self.home + "/ca/policy.yaml", "w", encoding="utf-8") as policy:
            policy.write("revocation: { crl: 'http://lists.test/{ca}-{shard}.crl', shards: %d }\n" % count)
        self.identity("amy", "--client")
        self.revoke_many(count)
        _, first, _ = self.run("crl")
        _, again, _ = self.run("crl")
        nothing, one, both = [], [], []
        for n in range(9):
            nothing.append(1000 * self.run("renew", "--all")[1])
            self.make_stale(1 + n % count)
            one.append(1000 * self.run("renew", "--all")[1])
            self.identity("r%d" % n, "--client")
            both.append(1000 * self.run("revoke", "r%d" % n)[1])
        path = glob.glob(self.home + "/ca/shards/*-1.pem")[0]
        print("shard %d entries in %d lists of %.0f kB of PEM, all of them and the complete one: CPU %.2f s, again %.2f s" %
              (self.options.entries, count, os.stat(path).st_size / 1e3, first, again))
        print("shard one list after a revocation in it: CPU %.1f ms; the revocation with its list and the complete one: %.0f ms" %
              (min(one) - min(nothing), statistics.median(both)))  # the least of each: a small difference of noisy ones

    # --- from revoke to closed ---

    def connect(self, port, folder):
        if folder not in self.contexts:
            context = self.contexts[folder] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(self.home + "/ca/root.pem")
            context.load_cert_chain(folder + "cert.pem", folder + "key.pem")
        tls = self.contexts[folder].wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
        tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"hello" in tls.recv(4096)
        return tls

    def latency(self):
        service = self.authority()
        gateways = [self.gateway("gw%d" % n, service.urls[0]) for n in range(self.options.gateways)]
        ports = [int(g.urls[0].rsplit(":", 1)[1]) for g in gateways]
        others = self.identity("others", "--client")
        crowd = [self.connect(port, others) for port in ports for _ in range(self.options.connections)]
        took, before_return = [], 0
        for n in range(self.options.rounds):
            victim = self.identity("victim%d" % n, "--client")
            lives = [self.connect(port, victim) for port in ports]
            ended = {}
            looking = selectors.DefaultSelector()
            for tls in lives:
                tls.setblocking(False)
                looking.register(tls, selectors.EVENT_READ)
            child = subprocess.Popen([self.binary, "revoke", "victim%d" % n], env={"HANDFAST_HOME": self.home},
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            returned = None
            while len(ended) < len(lives) or returned is None:
                for key, _ in looking.select(0.001):
                    try:
                        over = key.fileobj.recv(4096) == b""
                    except ssl.SSLWantReadError:
                        continue
                    except OSError:
                        over = True
                    if over:
                        ended[key.fileobj] = time.monotonic()
                        looking.unregister(key.fileobj)
                if returned is None and child.poll() is not None:
                    returned = time.monotonic()
            for at in ended.values():
                before_return += at <= returned
                took.append(max(at - returned, 0) * 1000)
            for tls in lives:
                tls.close()
        took.sort()
        print("close %d gateways with %d other connections each, %d revocations: median %.1f ms, 95 %% %.1f ms, maximum "
              "%.1f ms after revoke returned (%d of %d were closed before it did)" %
              (len(gateways), self.options.connections, self.options.rounds, statistics.median(took),
               took[len(took) * 95 // 100], took[-1], before_return, len(took)))
        alive = sum(1 for tls in crowd if is_alive(tls))
        print("close %d of the %d other connections are still there" % (alive, len(crowd)))
        for tls in crowd:
            tls.close()
        for gateway in gateways:
            gateway.end()
        service.end()


def is_alive(tls):
    tls.setblocking(False)
    try:
        return tls.recv(1) != b""
    except ssl.SSLWantReadError:
        return True
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("binary")
    for name, default in (("gateways", 10), ("connections", 1000), ("rounds", 20), ("entries", 1000000), ("asks", 3000),
                          ("shards", 64)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--parts", default="ocsp,close,list,shards")
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(options, place)
        for part, measure in (("ocsp", bench.ocsp), ("close", bench.latency), ("list", bench.long_list)):
            if part in options.parts.split(","):
                measure()
    if "shards" in options.parts.split(","):
        with tempfile.TemporaryDirectory() as place:
            Bench(options, place).sharded()


if __name__ == "__main__":
    main()
