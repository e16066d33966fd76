#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ca_kill.py HANDFAST [--every N] [--random N] [--signers N] [--json] - what is left of an authority whose
programs are killed, beside `openssl ca`: a kill at every system call of issue, revoke and crl (strace), kills at
random moments, and many signers at once.  Prints a table; exits 1 when handfast breaks a promise.

The promises: no serial twice; no certificate handed out that the ledger does not know; the ledger opens; the list
parses; the next command works; the audit log holds."""
import argparse
import json
import os
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

CALL = re.compile(r"^(?:\d+ +)?([a-z_0-9]+)\(")
CNF = """[ ca ]
default_ca = own
[ own ]
dir = .
database = ./index.txt
serial = ./serial
new_certs_dir = ./newcerts
certificate = ./ca.pem
private_key = ./ca.key
crlnumber = ./crlnumber
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
unique_subject = no
[ any ]
commonName = supplied
"""


def clean_env(**more):
    env = {name: os.environ[name] for name in ("PATH", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
    env.update(HOME="/", LC_ALL="C.UTF-8", TZ="UTC")
    env.update({name: str(value) for name, value in more.items()})
    return env


def run(argv, **more):
    return subprocess.run([str(arg) for arg in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=120, **more)


def traced(env):
    """LeakSanitizer cannot work below strace."""
    return dict(env, ASAN_OPTIONS=":".join(filter(None, (env.get("ASAN_OPTIONS"), "detect_leaks=0"))))


def system_calls(argv, env, cwd, scratch):
    """[(name, how many)] of one run, in the order of their first appearance."""
    trace = os.path.join(scratch, "trace")
    done = run(["strace", "-f", "-qq", "-o", trace] + list(argv), env=traced(env), cwd=cwd)
    assert done.returncode == 0, done.stderr.decode()
    counts = {}
    with open(trace, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            found = CALL.match(line)
            if found and found.group(1) not in ("execve", "exit_group"):
                counts[found.group(1)] = counts.get(found.group(1), 0) + 1
    return list(counts.items())


def kill_points(calls, every):
    """(name, which one) of every system call, or of every Nth: those that change the disk are never left out."""
    weighty = ("pwrite64", "write", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "fsync", "fdatasync",
               "mkdir", "rmdir", "ftruncate", "fcntl", "flock")
    points, n = [], 0
    for name, count in calls:
        for which in range(1, count + 1):
            n += 1
            if every == 1 or (name in weighty and every <= 3) or n % every == 0:
                points.append((name, which))
    return points


def killed_at(point, argv, env, cwd):
    """Runs until that system call begins; true when it got there."""
    name, which = point
    done = run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + name, "-e",
                "inject=%s:signal=SIGKILL:when=%d" % (name, which)] + list(argv), env=traced(env), cwd=cwd)
    return done.returncode in (-9, 137)


def killed_after(seconds, argv, env, cwd):
    child = subprocess.Popen([str(arg) for arg in argv], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        child.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        return True


class Handfast:
    """A home, and what is promised of it."""

    def __init__(self, binary, scratch):
        self.binary, self.home = str(binary), os.path.join(scratch, "home")
        self.env = clean_env(HANDFAST_HOME=self.home)
        self.broken = []
        self.names = 0
        self("init", "Kill CA")

    def argv(self, *args):
        return [self.binary] + [str(arg) for arg in args]

    def __call__(self, *args, exit=0):
        done = run(self.argv(*args), env=self.env)
        if done.returncode != exit:
            raise AssertionError("%s: exit %d\n%s" % (" ".join(map(str, args)), done.returncode, done.stderr.decode()))
        return done.stdout.decode()

    def new_name(self):
        self.names += 1
        return "k%05d" % self.names

    def on_disk(self):
        """{serial: name} of every certificate that was handed out."""
        found = {}
        ids = os.path.join(self.home, "id")
        for name in sorted(os.listdir(ids)) if os.path.isdir(ids) else []:
            path = os.path.join(ids, name, "cert.pem")
            if not os.path.exists(path):
                continue
            done = run(["openssl", "x509", "-in", path, "-noout", "-serial"])
            if done.returncode != 0:
                self.broken.append("%s is no certificate" % path)
                continue
            serial = done.stdout.decode().strip().split("=")[1].lower().lstrip("0")
            if serial in found:
                self.broken.append("serial %s twice" % serial)
            found[serial] = name
        return found

    def known(self):
        rows = json.loads(self("list", "--all", "--json"))["certificates"]
        serials = [row["serial"] for row in rows]
        if len(set(serials)) != len(serials):
            self.broken.append("a serial stands in the ledger twice")
        return {row["serial"]: row["state"] for row in rows}

    def check_soon(self, what):
        """After each kill, cheap: the ledger opens and is whole, and the list parses."""
        try:
            db = sqlite3.connect("file:%s/ca/ca.db?mode=ro" % self.home, uri=True, timeout=10)
            if db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                self.broken.append("%s: the ledger is damaged" % what)
            db.close()
        except sqlite3.Error as wrong:
            self.broken.append("%s: the ledger does not open: %s" % (what, wrong))
        lists = run(["openssl", "crl", "-in", os.path.join(self.home, "ca/crl.pem"), "-noout", "-CAfile",
                     os.path.join(self.home, "ca/issuing.pem"), "-verify"])
        if lists.returncode != 0:
            self.broken.append("%s: the list does not verify" % what)

    def check(self, what):
        """At the end: every promise."""
        known = self.known()
        for serial, name in self.on_disk().items():
            if known.get(serial) not in ("valid", "revoked"):
                self.broken.append("%s: the ledger does not know %s (%s)" % (what, serial, name))
        for serial, state in self.known().items():
            if state == "intent":
                self.broken.append("%s: the intent of %s was not closed" % (what, serial))
        try:
            self("audit", "verify")
            self("issue", self.new_name(), "--client")
            self("crl")
        except AssertionError as wrong:
            self.broken.append("%s: %s" % (what, wrong))

    def operations(self):
        def revoke():
            name = self.new_name()
            self("issue", name, "--client")
            return self.argv("revoke", name)
        return {"issue": lambda: self.argv("issue", self.new_name(), "--client"), "revoke": revoke,
                "crl": lambda: self.argv("crl")}

    def kill_at_system_calls(self, operation, every, scratch):
        make = self.operations()[operation]
        killed = 0
        for point in kill_points(system_calls(make(), self.env, None, scratch), every):
            if killed_at(point, make(), self.env, None):
                killed += 1
                self.check_soon("%s, killed at %s %d" % ((operation,) + point))
        self.check(operation)
        return killed

    def kill_at_random(self, operation, times, rng):
        make = self.operations()[operation]
        took = []
        for _ in range(5):
            argv = make()
            began = time.monotonic()
            run(argv, env=self.env)
            took.append(time.monotonic() - began)
        median, killed = statistics.median(took), 0
        for _ in range(times):
            killed += killed_after(rng.uniform(0, 1.05) * median, make(), self.env, None)
        self.check_soon(operation)
        self.check(operation)
        return killed

    def many_signers(self, count):
        before = len(self.known())
        children = [subprocess.Popen(self.argv("issue", self.new_name(), "--client"), env=self.env,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(count)]
        failed = 0
        for child in children:
            _, err = child.communicate(timeout=120)
            failed += child.returncode != 0
            if child.returncode != 0:
                self.broken.append("one of %d signers failed: %s" % (count, err.decode()))
        if len(self.known()) != before + count - failed:
            self.broken.append("%d signers at once left %d rows" % (count, len(self.known()) - before))
        self.check("%d signers" % count)
        return failed


class OpensslCa:
    """`openssl ca` as the tutorials have it."""

    def __init__(self, scratch):
        self.template = os.path.join(scratch, "template")
        self.dir = os.path.join(scratch, "openssl-ca")
        self.env = clean_env(OPENSSL_CONF=os.path.join(self.template, "ca.cnf"))
        os.makedirs(os.path.join(self.template, "newcerts"))
        for name, text in (("ca.cnf", CNF), ("index.txt", ""), ("index.txt.attr", "unique_subject = no\n"),
                           ("serial", "1000\n"), ("crlnumber", "01\n")):
            with open(os.path.join(self.template, name), "w", encoding="utf-8") as out:
                out.write(text)
        for argv in (["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ca.key"],
                     ["req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=Kill CA", "-out", "ca.pem", "-days", "30",
                      "-config", "/etc/ssl/openssl.cnf"],
                     ["req", "-new", "-key", "ca.key", "-subj", "/CN=leaf", "-out", "leaf.csr", "-config",
                      "/etc/ssl/openssl.cnf"]):
            done = run(["openssl"] + argv, cwd=self.template)
            assert done.returncode == 0, done.stderr.decode()
        self.reset()
        self.issue("a.pem")
        shutil.copytree(self.dir, self.template, dirs_exist_ok=True)

    def reset(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.copytree(self.template, self.dir)

    def argv(self, operation, out):
        return {"issue": ["openssl", "ca", "-config", "ca.cnf", "-batch", "-notext", "-in", "leaf.csr", "-out", out],
                "revoke": ["openssl", "ca", "-config", "ca.cnf", "-batch", "-revoke", "a.pem"],
                "crl": ["openssl", "ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem"]}[operation]

    def issue(self, out):
        return run(self.argv("issue", out), cwd=self.dir, env=self.env).returncode == 0

    def serials(self, *names):
        found = []
        for name in names:
            done = run(["openssl", "x509", "-in", os.path.join(self.dir, name), "-noout", "-serial"])
            if done.returncode == 0:
                found.append(done.stdout.decode().strip().split("=")[1])
        return found

    def indexed(self):
        try:
            with open(os.path.join(self.dir, "index.txt"), encoding="utf-8") as rows:
                return {row.split("\t")[3] for row in rows if row.count("\t") >= 5}
        except OSError:
            return set()

    def damage(self, operation, told):
        """Counts what is wrong after a kill; the next run tells whether it goes on."""
        handed_out = self.serials("out.pem")
        told["unknown"] += any(serial not in self.indexed() for serial in handed_out)
        if operation == "crl" and os.path.exists(os.path.join(self.dir, "crl.pem")):
            told["torn"] += run(["openssl", "crl", "-in", os.path.join(self.dir, "crl.pem"), "-noout"]).returncode != 0
        elif os.path.exists(os.path.join(self.dir, "out.pem")):
            told["torn"] += not handed_out
        if not self.issue("next.pem"):
            told["stuck"] += 1
        elif handed_out and set(handed_out) & set(self.serials("next.pem")):
            told["twice"] += 1

    def kill_at_system_calls(self, operation, every, scratch):
        told = {"killed": 0, "unknown": 0, "twice": 0, "stuck": 0, "torn": 0}
        self.reset()
        calls = system_calls(self.argv(operation, "out.pem"), self.env, self.dir, scratch)
        for point in kill_points(calls, every):
            self.reset()
            if killed_at(point, self.argv(operation, "out.pem"), self.env, self.dir):
                told["killed"] += 1
                self.damage(operation, told)
        return told

    def many_signers(self, count):
        self.reset()
        children = [subprocess.Popen(self.argv("issue", "s%d.pem" % i), cwd=self.dir, env=self.env,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for i in range(count)]
        failed = sum(child.wait(120) != 0 for child in children)
        serials = self.serials(*["s%d.pem" % i for i in range(count)])
        return failed, len(serials) - len(set(serials)), not self.issue("next.pem")


def table(binary, scratch, every, times, signers):
    rng = random.Random(1)
    own = Handfast(binary, scratch)
    theirs = OpensslCa(scratch)
    print("killed at system calls (every %s):" % ("one" if every == 1 else "%d, and all that write" % every))
    print("  %-9s %8s %8s %8s %8s | %8s %8s %8s %8s %8s" % (
        "", "handfast", "unknown", "twice", "broken", "openssl", "unknown", "twice", "stuck", "torn"))
    for operation in ("issue", "revoke", "crl"):
        before = len(own.broken)
        killed = own.kill_at_system_calls(operation, every, scratch)
        wrong = own.broken[before:]
        told = theirs.kill_at_system_calls(operation, every, scratch)
        print("  %-9s %8d %8d %8d %8d | %8d %8d %8d %8d %8d" % (
            operation, killed, sum("does not know" in row for row in wrong), sum("twice" in row for row in wrong),
            len(wrong), told["killed"], told["unknown"], told["twice"], told["stuck"], told["torn"]), flush=True)
    before, killed = len(own.broken), 0
    for operation in ("issue", "revoke", "crl"):
        killed += own.kill_at_random(operation, -(-times // 3), rng)
    print("killed at random moments: handfast %d of %d killed, %d broken" % (killed, 3 * -(-times // 3), len(own.broken) - before))
    before = len(own.broken)
    failed = own.many_signers(signers)
    theirs_failed, doubles, stuck = theirs.many_signers(signers)
    print("%d signers at once: handfast %d failed, %d broken; openssl ca %d failed, %d serials twice%s" % (
        signers, failed, len(own.broken) - before, theirs_failed, doubles, ", stuck for good" if stuck else ""))
    return own.broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("binary")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--random", type=int, default=200)
    parser.add_argument("--signers", type=int, default=16)
    args = parser.parse_args()
    if not shutil.which("strace"):
        sys.exit("ca_kill.py: strace is missing: apt-get install strace")
    scratch = tempfile.mkdtemp(prefix="ca-kill-")
    try:
        broken = table(os.path.realpath(args.binary), scratch, args.every, args.random, args.signers)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for row in broken[:50]:
        print("BROKEN: " + row)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
