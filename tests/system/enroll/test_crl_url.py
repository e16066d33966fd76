# SPDX-License-Identifier: Apache-2.0
"""--crl URL: lists fetched by the program itself, over http and https."""
import os
import shutil
import socket
import subprocess
import threading

import pytest

from support.peers import Credential, PythonClient
from support.process import SLOW
from support.ports import Silent
from support.program import Server


class Town:
    def __init__(self, hf, tmp_path):
        self.hf, self.dir = hf, tmp_path
        hf("init", "ABC Inc.")
        self.service = Server(hf, "authority", "--listen", "127.0.0.1:0", "--publish", "127.0.0.1:0", listeners=2)
        self.tls, self.plain = sorted(self.service.urls, reverse=True)
        self.root = hf.home + "/ca/root.pem"
        hf("issue", "localhost", "--server", "--san", "ip:127.0.0.1")
        self.amy, self.bob = self.identity("amy"), self.identity("bob")

    def identity(self, name):
        self.hf("issue", name, "--client")
        folder = "%s/id/%s/" % (self.hf.home, name)
        return Credential(folder + "cert.pem", folder + "key.pem")

    def revoke(self, name):
        """The service hears of it by itself; this waits until its list has one more."""
        before = self.entries()
        self.hf("revoke", name)
        self.service.wait_until(lambda: self.entries() == before + 1, "the new list to be given out")

    def entries(self):
        der = subprocess.run(["curl", "-sf", self.plain + "/crl/issuing.crl"], capture_output=True, check=True).stdout
        return subprocess.run(["openssl", "crl", "-inform", "der", "-noout", "-text"], input=der, check=True,
                              capture_output=True).stdout.count(b"Serial Number:")

    def lists(self, base):
        return ["--crl", base + "/crl/issuing.crl", "--crl", base + "/crl/root.pem"]


@pytest.fixture
def town(hf, tmp_path):
    town = Town(hf, tmp_path)
    yield town
    town.service.__exit__()


@pytest.mark.parametrize("scheme", ["plain", "tls"])
def test_verify_and_get_fetch_the_lists(town, scheme):
    base = getattr(town, scheme)
    verify = ["verify", town.amy.cert, "--ca", town.root, *town.lists(base)]
    assert ": OK" in town.hf(*verify).stdout
    town.revoke("amy")
    assert "V-REVOKED" in town.hf(*verify, exit=1).everything
    with town.hf.serve("--as", "localhost", "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0") as s:
        get = ["get", "--as", "bob", "--ca", town.root, *town.lists(base), s.url]
        assert "hello" in town.hf(*get).stdout
        town.revoke("localhost")
        assert "V-REVOKED" in town.hf(*get, exit=1).everything


def test_list_that_cannot_be_had_is_not_passed_over(town):
    verify = ["verify", town.amy.cert, "--ca", town.root, "--crl"]
    for url, words in [(town.plain + "/crl/none.crl", "HTTP 404"), (town.plain + "/ocsp/x", "the revocation list at"),
                       ("http://127.0.0.1:1/x.crl", "cannot connect"), ("http://:/", "host")]:
        told = town.hf.run(*verify, url)
        assert told.code in (2, 3) and words in told.stderr, told


def test_serve_fetches_lists_and_lets_nobody_in_without(town):
    gateway = town.hf.at(town.dir / "gateway")
    os.makedirs(gateway.home + "/trust")
    shutil.copy(town.root, gateway.home + "/trust/own.pem")
    shutil.copytree(town.hf.home + "/id/localhost", gateway.home + "/id/localhost")
    town.revoke("amy")
    argv = ["--as", "localhost", "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0"]
    client = PythonClient("")
    for base in (town.plain, town.tls):
        with gateway.serve(*argv, *town.lists(base)) as server:
            assert client.get(server.port, town.amy).alert == 44
            assert client.get(server.port, town.bob).status == 200
    with gateway.serve(*argv, "--crl", "http://127.0.0.1:1/x.crl") as server:
        server.wait_line("err", lambda line: "the revocation list at http://127.0.0.1:1/x.crl" in line, "the loss")
        assert client.get(server.port, town.bob).alert == 48


class Web:
    """Gives what it is told to give, when `open` is set, and counts."""

    def __init__(self):
        self.open = threading.Event()
        self.open.set()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d/list.crl" % self.socket.getsockname()[1]
        self.body, self.asked = b"", 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                while b"\r\n\r\n" not in peer.recv(65536):
                    pass
                self.asked += 1
                self.open.wait(120 * SLOW)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(self.body) + self.body)


def test_lists_that_somebody_else_signed_are_told_of_and_not_taken(town, tmp_path):
    stranger = town.hf.at(tmp_path / "stranger")
    stranger("init", "ABC Inc.")
    web = Web()
    with open(stranger.home + "/ca/crl.pem", "rb") as file:
        web.body = file.read()
    argv = ["--as", "localhost", "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0", "--ca", town.root]
    with town.hf.serve(*argv, "--crl", web.url, "--crl", town.plain + "/crl/root.crl") as server:
        server.wait_line("err", lambda line: "no CA that is trusted here has signed it" in line, "the refusal")
        assert PythonClient("").get(server.port, town.bob).alert == 48
        with open(town.hf.home + "/ca/crl.pem", "rb") as file:
            web.body = file.read()
        server.wait_until(lambda: PythonClient("").get(server.port, town.bob).status == 200, "the right one to be taken")
    web.socket.close()


class Shelf:
    """One list under any path; counts how many are asked for at the same time.  Nobody is answered before `meet` are."""

    def __init__(self, body, meet):
        self.body, self.now, self.most, self.paths = body, 0, 0, set()
        self.lock, self.met = threading.Lock(), threading.Barrier(meet)
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = "http://127.0.0.1:%d/" % self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            threading.Thread(target=self.answer, args=(peer,), daemon=True).start()

    def answer(self, peer):
        with peer:
            head = b""
            while b"\r\n\r\n" not in head:
                head += peer.recv(65536)
            try:
                self.met.wait(60 * SLOW)
            except threading.BrokenBarrierError:
                pass  # the first ones have met; the others need not
            self.met.abort()
            with self.lock:
                self.paths.add(head.split()[1])
                self.now -= 1
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(self.body) + self.body)


def test_gateway_follows_every_shard_there_may_be_a_few_at_a_time(town):
    town.revoke("amy")
    with open(town.hf.home + "/ca/crl.pem", "rb") as file:
        shelf = Shelf(file.read(), 8)
    lists = [word for n in range(256) for word in ("--crl", "%s%d.crl" % (shelf.url, n))]
    argv = ["--as", "localhost", "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0", "--ca", town.root]
    client = PythonClient("")
    with town.hf.serve(*argv, *lists, "--crl", town.plain + "/crl/root.crl") as server:
        assert client.get(server.port, town.amy).alert == 44
        assert client.get(server.port, town.bob).status == 200
        assert len(shelf.paths) == 256 and shelf.most == 8


def test_more_lists_by_url_than_are_followed_are_a_mistake_at_the_first_too_many(town):
    lists = [word for n in range(321) for word in ("--crl", "http://127.0.0.1:1/%d.crl" % n)]
    told = town.hf("serve", "--as", "localhost", "--allow", "any", "--respond", "text:hello", *lists, exit=2)
    assert "follows 320 lists by URL" in told.stderr and "complete list" in told.stderr
    assert "http://127.0.0.1:1/320.crl" in told.stderr and "/319.crl" not in told.stderr.replace("320.crl", "")


def test_hosts_that_never_answer_hold_the_start_up_for_its_deadline_only(town):
    town.revoke("amy")
    late = Web()
    late.open.clear()
    with open(town.hf.home + "/ca/crl.pem", "rb") as file:
        late.body = file.read()
    common = ["--as", "localhost", "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0", "--ca", town.root]
    root = ["--crl", town.plain + "/crl/root.crl"]
    client = PythonClient("")
    with Silent() as one, Silent() as two, Silent() as three:
        # 30 s for each eight of them, if they were waited for
        dead = [silent.url(path="/%d.crl" % n) for n in range(8) for silent in (one, two, three)]
        lists = [word for url in dead for word in ("--crl", url)]
        with town.hf.serve(*common, *root, "--crl", town.plain + "/crl/issuing.crl", *lists, wait=False) as covered, \
                town.hf.serve(*common, *root, "--crl", late.url, *lists, wait=False) as bare:
            for server in (covered, bare):
                server.wait_ready(1, patience=40)
                told = [line for line in server.lines["err"] if "is not here after 15 s" in line]
                assert [url for url in dead if not any("list at %s is" % url in line for line in told)] == []
                assert len(told) == len(dead) + (server is bare), "and none that is here"
            assert client.get(covered.port, town.amy).alert == 44
            assert client.get(covered.port, town.bob).status == 200, "nobody needs the others"
            assert client.get(bare.port, town.bob).alert == 48
            late.open.set()
            bare.wait_line("err", lambda line: "list at %s is there now" % late.url in line, "the late one", 30)
            bare.wait_until(lambda: client.get(bare.port, town.bob).status == 200, "the late one to be in force")
            assert client.get(bare.port, town.amy).alert == 44
    late.socket.close()
