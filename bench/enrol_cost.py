#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""enrol_cost.py HANDFAST [ROUNDS] - what the authority as a service costs: CPU (user + system) of its process for an
enrolment and for a renewal, durable ledger included, and how many it does in a second with 32 clients.

  enrol    32 connections that stay open, a token and a prepared P-256 request each (EST simpleenroll)
  renew    a connection of its own for each, with the certificate that was just given (mutual TLS 1.3)
  sign     the same number of requests signed at once by `handfast sign`: the floor, without a network

Read the CPU figures and their ratios; the rate is bounded by these clients too, which share the machine."""
import http.client
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from ca_cost import Cost
from ca_kill import clean_env

CLIENTS, EACH = 32, 16
TICK = os.sysconf("SC_CLK_TCK")


def request(name):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])).sign(key, hashes.SHA256())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    return csr.public_bytes(serialization.Encoding.PEM), pem


class Authority:
    def __init__(self, binary, home):
        self.home, self.env = home, dict(clean_env(), HANDFAST_HOME=home)
        self.binary = binary
        self("init", "Bench")
        self.process = subprocess.Popen([binary, "authority", "--listen", "127.0.0.1:0"], env=self.env,
                                        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        line = self.process.stderr.readline().decode()
        while "listening on" not in line:
            if not line:
                raise SystemExit("the authority did not start")
            line = self.process.stderr.readline().decode()
        self.port = int(line.rsplit(":", 1)[1])
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def __call__(self, *args):
        done = subprocess.run([self.binary, *args], env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit("%s: exit %d\n%s" % (args, done.returncode, done.stderr))
        return done.stdout.strip()

    def cpu(self):
        fields = open("/proc/%d/stat" % self.process.pid).read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def rss_mib(self):
        for line in open("/proc/%d/status" % self.process.pid):
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Machine:
    def __init__(self, authority, number):
        self.name = "node-%d" % number
        self.csr, self.key = request(self.name)
        self.next_csr, _ = request(self.name)
        self.token = authority("token", self.name, "--profile", "client")
        self.files = os.path.join(authority.home, self.name + ".pem")


def context(authority, machine=None):
    made = ssl.create_default_context(cafile=authority.home + "/ca/root.pem")
    if machine:
        made.load_cert_chain(machine.files)
    return made


def post(connection, path, body, token=None):
    fields = {"Content-Type": "application/pkcs10"}
    if token:
        fields["Authorization"] = "Bearer " + token
    connection.request("POST", path, body, fields)
    answer = connection.getresponse()
    told = answer.read()
    if answer.status != 200:
        raise SystemExit("%s: %d %s" % (path, answer.status, told.decode(errors="replace")))
    return told


def enrol(authority, machines):
    connection = http.client.HTTPSConnection("127.0.0.1", authority.port, context=context(authority))
    for machine in machines:
        chain = post(connection, "/enroll", machine.csr, machine.token)
        with open(machine.files, "wb") as out:
            out.write(machine.key + chain)
    connection.close()


def renew(authority, machines):
    for machine in machines:
        connection = http.client.HTTPSConnection("127.0.0.1", authority.port, context=context(authority, machine))
        post(connection, "/renew", machine.next_csr)
        connection.close()


def measured(authority, groups, work):
    failed = []

    def run(group):
        try:
            work(authority, group)
        except (SystemExit, OSError) as wrong:
            failed.append(str(wrong))
    threads = [threading.Thread(target=run, args=(group,)) for group in groups]
    cpu, wall = authority.cpu(), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(failed[0])
    count = sum(map(len, groups))
    return 1000 * (authority.cpu() - cpu) / count, count / (time.monotonic() - wall)


def signed(authority, machines):
    folder = os.path.join(authority.home, "requests")
    os.makedirs(folder)
    for machine in machines:
        with open(os.path.join(folder, machine.name + ".csr"), "wb") as out:
            out.write(machine.csr)
    cost = Cost([authority.binary, "-q", "sign", folder, "--profile", "client", "--out", folder + ".out"],
                env=authority.env)
    return 1000 * cost.cpu / len(machines)


def one_round(binary):
    home = tempfile.mkdtemp(prefix="hf-enrol-")
    authority = Authority(binary, home)
    try:
        machines = [Machine(authority, n) for n in range(CLIENTS * EACH)]
        groups = [machines[n::CLIENTS] for n in range(CLIENTS)]
        first = measured(authority, groups, enrol)
        second = measured(authority, groups, renew)
        return (*first, *second, signed(authority, machines), authority.rss_mib())
    finally:
        authority.stop()
        shutil.rmtree(home)


def main():
    binary = os.path.abspath(sys.argv[1])
    rounds = [one_round(binary) for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 3)]
    enrol_ms, enrol_rate, renew_ms, renew_rate, sign_ms, rss = map(statistics.median, zip(*rounds))
    print("The authority as a service, %d clients, %d certificates a round (medians of %d)" % (
        CLIENTS, CLIENTS * EACH, len(rounds)))
    print("  enrolment, connection stays open   %7.2f ms CPU  %8.0f/s" % (enrol_ms, enrol_rate))
    print("  renewal, connection of its own     %7.2f ms CPU  %8.0f/s" % (renew_ms, renew_rate))
    print("  the same requests by `sign`        %7.2f ms CPU  (enrolment is %.1f times that)" % (
        sign_ms, enrol_ms / sign_ms))
    print("  peak memory of the service         %7.1f MiB" % rss)


if __name__ == "__main__":
    main()
