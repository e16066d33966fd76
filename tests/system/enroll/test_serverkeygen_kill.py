# SPDX-License-Identifier: Apache-2.0
"""kill -9 at each system call between a request for a key and its answer: the token is not burnt, whoever asks again
gets key and certificate, and the ledger knows every certificate that anybody has.  As bench/ca_kill.py does it for
commands: strace kills where a call begins."""
import os
import re
import shutil
import signal
import subprocess

import pytest

from support.process import Watched, clean_env

from .conftest import Authority
from .test_est import Client
from .test_serverkeygen import ON, ask, parts, public_of, write_policy

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
# what changes the disk or speaks to the client; sqlite reads and locks between them
CALLS = ("openat", "pwrite64", "write", "fdatasync", "fsync", "ftruncate", "link", "rename", "unlink", "writev", "sendmsg",
         "sendto")
LEAKS_OFF = {"ASAN_OPTIONS": ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "detect_leaks=0")))}
ONE_STORE_THREAD = {"UV_THREADPOOL_SIZE": "1", **LEAKS_OFF}  # strace counts for each thread by itself


class Strace(Watched):
    """Follows a service that is at rest; ends when that does."""

    def __init__(self, pid, trace, calls, *options):
        super().__init__(["strace", "-f", "-o", trace, "-e", "trace=" + calls, *options, "-p", str(pid)], clean_env("/"))
        self.ready(lambda: self.wait_line("err", lambda line: " attached" in line, "strace to be attached"))


class Mortal:
    """An authority that dies in the middle of a request, and comes back."""

    def __init__(self, hf, tmp_path):
        hf("init", "ABC Inc.")
        write_policy(hf, ON)
        self.authority, self.trace = Authority(hf), str(tmp_path / "trace")
        self.client = Client(self.authority, tmp_path)
        self.requests = 0
        self.start()

    def start(self):
        self.server = self.authority.start(env=ONE_STORE_THREAD)

    def request(self, *options):
        """One request with a token of its own, traced: (name, token, request, what curl got or None)."""
        self.requests += 1
        name = "m%d" % self.requests
        token, der = self.authority.token(name), self.client.request(name)
        secret = self.authority.hf.home + "/ca/serverkeygen.secret"
        if os.path.exists(secret):
            os.unlink(secret)  # the first key of an authority, each time: its making is among the points
        calls = options[0] if options else ",".join(CALLS)
        with Strace(self.server.pid, self.trace, calls, *options[1:]) as strace:
            try:
                answer = ask(self.client, token, der)
            except subprocess.CalledProcessError:
                answer = None
            if answer:
                strace.signal(signal.SIGKILL)  # who is alive is let go
            strace.wait()
        return name, token, der, answer

    def points(self):
        """[(call, which of them)] of one request, in order."""
        assert self.request()[3][0] == 200  # all threads are there
        assert self.request()[3][0] == 200
        seen, points = {}, []
        with open(self.trace) as lines:
            for thread, call in re.findall(r"^(\d+) +(\w+)\(", lines.read(), re.M):
                seen[thread, call] = seen.get((thread, call), 0) + 1
                points.append((call, seen[thread, call]))
        return list(dict.fromkeys(points))[:-1]  # the last one is TLS's goodbye

    def kill_at(self, call, which):
        return self.request(call, "-e", "inject=%s:signal=SIGKILL:when=%d" % (call, which))


@pytest.fixture
def mortal(hf, tmp_path):
    mortal = Mortal(hf, tmp_path)
    yield mortal
    mortal.server.__exit__()


def test_a_kill_at_each_system_call_of_a_request_burns_no_token_and_leaves_no_certificate_unknown(mortal, hf):
    killed, before, after = 0, 0, 0
    for point in mortal.points():
        name, token, der, first = mortal.kill_at(*point)
        if not first:
            assert mortal.server.wait() == -signal.SIGKILL, point
            killed += 1
            mortal.start()
        state = {row["name"]: row["state"] for row in hf.json("token", "list")["tokens"]}[name]
        before, after = before + (state == "open"), after + (state == "spent")
        check_given(mortal, name, token, der, first, point)
    assert killed >= 30 and before >= 10 and after >= 3, (killed, before, after)
    assert mortal.server.stop() == 0
    hf("audit", "verify")


def check_given(mortal, name, token, der, first, point):
    """Key and certificate come, the same as those that came, and are the only ones of that name that count."""
    status, head, body = ask(mortal.client, token, der)
    assert status == 200, (point, body)
    assert not first or first[2] == body, point
    key, cert = parts(mortal.client, head, body)
    assert public_of(mortal.client, key=key) == public_of(mortal.client, cert=cert), point
    rows = mortal.authority.issued(name)
    valid = [row["serial"] for row in rows if row["state"] == "valid"]
    shown = mortal.client.openssl("x509", "-noout", "-serial", input=cert).decode().strip().lower().split("=")[1]
    assert valid == [shown.lstrip("0")], (point, rows)
    assert {row["state"] for row in rows} <= {"valid", "abandoned"}, (point, rows)
