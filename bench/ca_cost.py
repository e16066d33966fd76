#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ca_cost.py HANDFAST [ROUNDS] - CPU (user + system) of an authority's work, side by side in one run.

Every figure is the median of ROUNDS rounds in which all candidates take turns, so that a busy machine slows all of
them alike: read the ratios.  Certificates in the store beforehand are rows of the right size with random serials
and hashes, put there without signatures."""
import hashlib
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

from ca_kill import CNF, clean_env

BULK, FEW, REVOKED, DAY = 500, 3, 100000, 86400
SIZES = [0, 10000, 100000] + ([1000000] if os.environ.get("BENCH_MILLION") == "1" else [])
UNUSUAL = 500000  # from this size on, `openssl ca` is run once: seconds a certificate


class Cost:
    """CPU seconds of one command."""

    def __init__(self, argv, env=None, cwd=None):
        child = subprocess.Popen([str(arg) for arg in argv], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        err = child.stderr.read()
        child.stderr.close()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise SystemExit("%s: exit %d\n%s" % (" ".join(map(str, argv)), child.returncode, err.decode()))
        self.cpu = used.ru_utime + used.ru_stime


def peak_mib(argv, env=None, cwd=None):
    """Peak memory; by time(1), since a child of ours starts with the size of this interpreter.  None without it."""
    if not os.path.exists("/usr/bin/time"):
        return None
    done = subprocess.run(["/usr/bin/time", "-f", "%M"] + [str(arg) for arg in argv], env=env, cwd=cwd, check=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return int(done.stderr.split()[-1]) / 1024


def median(values):
    return statistics.median(values)


def show(label, unit, *cells):
    print("  %-44s %s" % (label, "  ".join("%s %s" % (name, ("%8.2f" % value) if value is not None else "       -")
                                          for name, value in cells)) + "  " + unit, flush=True)


def verify_us():
    """What one P-256 verification costs at this moment: the yardstick of how busy the machine is."""
    told = subprocess.run(["openssl", "speed", "-seconds", "1", "ecdsap256"], stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    return 1e6 / float(told.split()[-1])


def make_requests(folder, count):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID
    os.makedirs(folder)
    for i in range(count):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node-%05d.abc.test" % i)])
        csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        with open(os.path.join(folder, "node-%05d.csr" % i), "wb") as out:
            out.write(csr.public_bytes(serialization.Encoding.PEM))


class Handfast:
    def __init__(self, binary, home, inbox, size, revoked=0):
        self.binary, self.home = binary, home
        self.env = clean_env(HANDFAST_HOME=home)
        self.inbox = inbox
        self.round = 0
        self.cost("init", "Bench CA")
        self.cost("sign", os.path.join(inbox, "node-00000.csr"), "--profile", "client")
        if size:
            self.fill(size, revoked)

    def cost(self, *args):
        return Cost([self.binary] + list(args), self.env)

    def peak(self, *args):
        return peak_mib([self.binary] + list(args), self.env)

    def fill(self, size, revoked):
        db = sqlite3.connect(os.path.join(self.home, "ca/ca.db"))
        issuer, der = db.execute("SELECT issuer, der FROM certificate ORDER BY id DESC LIMIT 1").fetchone()
        now = int(time.time())

        def rows():
            for i in range(size):
                serial = bytes([1]) + os.urandom(15)
                gone = i < revoked
                yield (issuer, serial, 2 if gone else 1, "bulk-%07d" % i, "client", "/CN=bulk-%07d" % i, "", now, now,
                       now + DAY * (1 + i % 700), now - i if gone else None, i % 3 if gone else None, os.urandom(32), der)
        db.execute("BEGIN")
        db.executemany("INSERT INTO certificate (issuer, serial, state, name, profile, subject, sans, asked_at, "
                       "not_before, not_after, revoked_at, reason, sha256, der) "
                       "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", rows())
        last, = db.execute("SELECT max(id) FROM audit").fetchone()
        db.executemany("INSERT INTO audit (id, at, action, issuer, serial, detail, actor, hash) "
                       "VALUES (?, ?, 'issue', ?, ?, ?, 'bench', ?)",
                       ((last + 1 + i, now, issuer, os.urandom(16), "client %s bulk-%07d" % (os.urandom(32).hex(), i),
                         os.urandom(32)) for i in range(size)))
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()

    def sign(self, *more):
        self.round += 1
        out = os.path.join(self.home, "out%d" % self.round)
        cost = self.cost("sign", self.inbox, "--profile", "client", "--out", out, *more)
        assert len(os.listdir(out)) == BULK  # kept: ext4 goes to great lengths not to use a deleted inode again
        return cost.cpu / BULK


class OpensslCa:
    def __init__(self, folder, inbox, size, revoked=0):
        self.dir, self.inbox = folder, inbox
        self.env = clean_env(OPENSSL_CONF=os.path.join(folder, "ca.cnf"))
        self.round = 0
        os.makedirs(os.path.join(folder, "newcerts"))
        for name, text in (("ca.cnf", CNF), ("index.txt.attr", "unique_subject = no\n"), ("serial", "0F000000\n"),
                           ("crlnumber", "01\n")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(text)
        with open(os.path.join(folder, "index.txt"), "w", encoding="utf-8") as out:
            for i in range(size):
                state = "R\t360101000000Z\t251101000000Z" if i < revoked else "V\t360101000000Z\t"
                out.write("%s\t%s\tunknown\t/CN=bulk-%07d\n" % (state, hashlib.md5(b"%d" % i).hexdigest().upper(), i))
        for argv in (["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ca.key"],
                     ["req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=Bench CA", "-out", "ca.pem", "-days", "365",
                      "-config", "/etc/ssl/openssl.cnf"]):
            Cost(["openssl"] + argv, cwd=folder)

    def sign(self):
        self.round += 1
        csr = os.path.join(self.inbox, "node-%05d.csr" % (self.round % BULK))
        return Cost(["openssl", "ca", "-config", "ca.cnf", "-batch", "-notext", "-in", csr, "-out", "out.pem"],
                    self.env, self.dir).cpu

    def x509(self):
        return Cost(["openssl", "x509", "-req", "-in", os.path.join(self.inbox, "node-00001.csr"), "-CA", "ca.pem", "-CAkey",
                     "ca.key", "-CAcreateserial", "-out", "x509.pem", "-days", "30"], clean_env(), self.dir).cpu

    GENCRL = ("openssl", "ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem")

    def gencrl(self):
        return Cost(self.GENCRL, self.env, self.dir)


def cfssl(ca):
    if not shutil.which("cfssl"):
        return None
    return Cost(["cfssl", "sign", "-ca", "ca.pem", "-ca-key", "ca.key", os.path.join(ca.inbox, "node-00001.csr")],
                clean_env(), ca.dir).cpu


def issuing(binary, scratch, inbox, rounds):
    print("one certificate from a prepared P-256 request, milliseconds of CPU (handfast: of %d in bulk, ledger and files "
          "durable):" % BULK)
    pairs = [(size, Handfast(binary, os.path.join(scratch, "home%d" % size), inbox, size),
              OpensslCa(os.path.join(scratch, "ca%d" % size), inbox, size)) for size in SIZES]
    bulk, theirs = {size: [] for size in SIZES}, {size: [] for size in SIZES}
    threads, plain, other = [], [], []
    for _ in range(rounds):
        for size, own, ca in pairs:
            bulk[size].append(own.sign())
            if size < UNUSUAL or not theirs[size]:
                theirs[size] += [ca.sign() for _ in range(1 if size >= UNUSUAL else FEW)]
        threads.append(pairs[0][1].sign("--jobs", "2"))
        plain += [pairs[0][2].x509() for _ in range(FEW)]
        other += [cfssl(pairs[0][2]) for _ in range(FEW)]
    for size in SIZES:
        show("%d certificates in the store" % size, "ms", ("handfast", 1000 * median(bulk[size])),
             ("openssl ca", 1000 * median(theirs[size])))
    show("0 in the store", "ms", ("handfast --jobs 2", 1000 * median(threads)), ("openssl x509 -req", 1000 * median(plain)),
         ("cfssl sign", 1000 * median(other) if other[0] is not None else None))
    size, own, ca = pairs[-1]
    show("peak memory, %d in the store" % size, "MiB", ("handfast sign of %d" % BULK, own.peak(
        "sign", inbox, "--profile", "client", "--out", os.path.join(own.home, "peak"))),
         ("openssl ca of one", peak_mib(["openssl", "ca", "-config", "ca.cnf", "-batch", "-notext", "-in", os.path.join(
             inbox, "node-00000.csr"), "-out", "out.pem"], ca.env, ca.dir)))
    return pairs


def one_shot(own, scratch, rounds):
    print("one key and certificate by one command line, milliseconds of CPU:")
    ours, theirs = [], []
    ca = os.path.join(scratch, "ca0")
    for i in range(rounds * FEW):
        ours.append(own.cost("issue", "shot-%d" % i, "--client").cpu)
        request = Cost(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/CN=shot", "-keyout", "shot.key", "-out", "shot.csr"], clean_env(), ca).cpu
        certificate = Cost(["openssl", "x509", "-req", "-in", "shot.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                            "-CAcreateserial", "-out", "shot.pem"], clean_env(), ca).cpu
        theirs.append(request + certificate)
    show("issue", "ms", ("handfast", 1000 * median(ours)), ("openssl req + x509", 1000 * median(theirs)))


def listing(pairs, rounds):
    print("what expires within 30 days (4 %), milliseconds of CPU:")
    for size, own, _ in pairs:
        if size:
            costs = [own.cost("list", "--expiring", "30d") for _ in range(rounds)]
            first = [own.cost("list", "--expiring", "30d", "--limit", "100") for _ in range(rounds)]
            show("list --expiring 30d over %d" % size, "ms", ("all", 1000 * median([cost.cpu for cost in costs])),
                 ("first 100", 1000 * median([cost.cpu for cost in first])),
                 ("peak MiB", own.peak("list", "--expiring", "30d")))


def revoking(binary, scratch, inbox, rounds):
    print("a revocation list of %d, milliseconds of CPU:" % REVOKED)
    own = Handfast(binary, os.path.join(scratch, "homecrl"), inbox, REVOKED, REVOKED)
    theirs = OpensslCa(os.path.join(scratch, "cacrl"), inbox, REVOKED, REVOKED)
    ours, others, read = [], [], []
    for _ in range(rounds):
        ours.append(own.cost("crl"))
        others.append(theirs.gencrl())
        read.append(Cost(["openssl", "crl", "-in", os.path.join(own.home, "ca/crl.pem"), "-noout", "-CAfile",
                          os.path.join(own.home, "ca/issuing.pem"), "-verify"]).cpu)
    show("crl, the first after them all", "ms", ("handfast", 1000 * ours[0].cpu))
    show("crl", "ms", ("handfast", 1000 * median([cost.cpu for cost in ours])),
         ("openssl ca -gencrl", 1000 * median([cost.cpu for cost in others])),
         ("openssl crl, reading it", 1000 * median(read)))
    show("peak memory", "MiB", ("handfast", own.peak("crl")),
         ("openssl ca -gencrl", peak_mib(theirs.GENCRL, theirs.env, theirs.dir)))


def main():
    binary, rounds = os.path.realpath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    scratch = tempfile.mkdtemp(prefix="ca-cost-")
    try:
        print("one P-256 verification costs %.0f us at this moment (45 on an idle core of the machine this was made on)"
              % verify_us())
        inbox = os.path.join(scratch, "inbox")
        make_requests(inbox, BULK)
        pairs = issuing(binary, scratch, inbox, rounds)
        one_shot(pairs[0][1], scratch, rounds)
        listing(pairs, rounds)
        revoking(binary, scratch, inbox, rounds)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
