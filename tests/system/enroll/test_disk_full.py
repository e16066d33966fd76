# SPDX-License-Identifier: Apache-2.0
"""The disk under a running authority is full: what cannot be noted is not signed, the service says so and goes on, and
with room again the same commands succeed."""
import os
import subprocess

import pytest

from support.process import Watched
from support.program import Handfast, Server

MACHINES = 12


def may_mount():
    return subprocess.run(["unshare", "-rm", "true"], stdin=subprocess.DEVNULL, capture_output=True,
                          check=False).returncode == 0


needs_mount = pytest.mark.skipif(not may_mount(), reason="no mount namespace of one's own here")

# the home is on a small disk that only this process and its children see
SMALL = """set -e
mount -t tmpfs -o size=4m none "$1"
export HANDFAST_HOME="$1/home"
"$2" init "Small" >/dev/null 2>&1
exec "$2" authority --listen 127.0.0.1:0
"""


class SmallDisk(Server):
    def __init__(self, hf, place):
        Watched.__init__(self, ["unshare", "-rm", "sh", "-c", SMALL, "sh", place, hf.binary], hf.environment())
        self.urls = []
        self.wait_ready(1)
        self.place = "/proc/%d/root%s" % (self.pid, place)
        self.inside = os.path.join(os.path.dirname(place), "inside")
        with open(self.inside, "w") as out:
            out.write("#!/bin/sh\nexec nsenter -t %d -U -m --preserve-credentials '%s' \"$@\"\n" % (self.pid, hf.binary))
        os.chmod(self.inside, 0o700)
        self.there = Handfast(self.inside, place + "/home")

    def fill(self):
        with open(self.place + "/ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"\0" * 4096)
            except OSError:
                pass

    def empty(self):
        os.unlink(self.place + "/ballast")


@pytest.fixture
def small(hf, tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    disk = SmallDisk(hf, str(place))
    with disk:
        yield disk


def states(hf, name):
    return [row["state"] for row in hf.json("list", "--all")["certificates"] if row["name"] == name]


@needs_mount
def test_full_disk_refuses_before_signing_and_no_token_is_lost(small, machine):
    there = small.there
    tokens = {"m%d" % n: there("token", "m%d" % n).stdout.strip() for n in range(MACHINES)}
    nodes = {name: machine() for name in tokens}
    nodes["m0"]("enroll", small.url, "--token", tokens["m0"])
    small.fill()
    refused = []
    for name in list(tokens)[1:]:
        done = nodes[name].run("enroll", small.url, "--token", tokens[name])
        assert done.code in (0, 3), done
        if done.code == 3:
            assert "its log says why" in done.stderr, done
            refused.append(name)
    assert refused, "the disk was never full"
    small.wait_line("err", lambda line: "full" in line or "No space left" in line, "the reason in the log")
    assert small.proc.poll() is None
    got = subprocess.run(["curl", "-s", "--cacert", small.place + "/home/ca/root.pem", small.url + "/ca"], check=True,
                         capture_output=True)
    assert b"BEGIN CERTIFICATE" in got.stdout  # what needs no disk goes on
    small.empty()
    for name in refused:
        assert "valid" not in states(there, name), name
        assert not os.path.exists(nodes[name].home + "/id/" + name)
    for name in refused:
        nodes[name]("enroll", small.url, "--token", tokens[name])
    for name in tokens:
        assert states(there, name).count("valid") == 1, name
    assert {row["state"] for row in there.json("token", "list")["tokens"]} == {"spent"}
    there("audit", "verify")
    assert small.stop() == 0


@needs_mount
def test_renewal_on_a_full_disk_leaves_the_certificate_before_in_use(small, machine):
    there, node = small.there, machine()
    node("enroll", small.url, "--token", there("token", "amy").stdout.strip())
    small.fill()
    codes = [node.run("renew", "amy", "--from", small.url, "--before", "365d").code for _ in range(30)]
    assert 3 in codes, "the disk was never full"
    node("verify", node.home + "/id/amy/cert.pem", "--ca", node.home + "/trust/own.pem", "--purpose", "client")
    small.empty()
    node("renew", "amy", "--from", small.url, "--before", "365d")
    assert states(there, "amy").count("valid") == 2 + codes.count(0)
    there("audit", "verify")
