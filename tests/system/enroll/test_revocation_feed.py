# SPDX-License-Identifier: Apache-2.0
"""Revocation felt everywhere: gateways that follow an authority in another process, with another home."""
import datetime
import fcntl
import json
import os
import re
import shutil
import signal
import ssl
import subprocess

import pytest

from support import metrics
from support.kept import Kept
from support.peers import Credential, PythonClient
from support.process import children, clean_env
from support.program import Server

HELLO = ["--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0"]


class Town:
    """An authority with its service, and machines that know its root and have an identity of it each."""

    def __init__(self, hf, tmp_path):
        self.hf, self.tmp = hf, tmp_path
        hf("init", "ABC Inc.")
        self.service = Server(hf, "authority", "--listen", "127.0.0.1:0")
        self.url = self.service.url
        self.root = hf.home + "/ca/root.pem"

    def identity(self, name, *role):
        self.hf("issue", name, *role)
        folder = "%s/id/%s/" % (self.hf.home, name)
        return Credential(folder + "cert.pem", folder + "key.pem")

    def machine(self, name, *role):
        """A home of its own, with that identity and no list."""
        self.identity(name, *role)
        home = self.tmp / ("home-" + name)
        machine = self.hf.at(home)
        os.makedirs(home / "trust")
        shutil.copy(self.root, home / "trust" / "own.pem")
        shutil.copytree("%s/id/%s" % (self.hf.home, name), home / "id" / name)
        return machine

    def gateway(self, name="gw", *options, role=("--server", "--san", "dns:localhost", "--san", "ip:127.0.0.1"),
                **more):
        machine = self.machine(name, *role)
        return machine.serve("--as", name, *HELLO, "--revocations-from", self.url, *options, **more)

    def kill(self):
        self.service.signal(signal.SIGKILL)
        self.service.wait()

    def restart(self):
        self.service = Server(self.hf, "authority", "--listen", self.url.split("//")[1])

    def revoke(self, name, *more, **kw):
        return self.hf("revoke", name, *more, **kw)

    def asks(self, credential, path="/revocations?after=0&wait=0"):
        argv = ["curl", "-s", "--max-time", "20", "-w", "\n%{http_code}", "--cacert", self.root, self.url + path]
        if credential:
            argv += ["--cert", credential.cert, "--key", credential.key]
        out = subprocess.run(argv, capture_output=True, check=True, env=clean_env(self.hf.home)).stdout.decode()
        body, status = out.rsplit("\n", 1)
        return int(status), json.loads(body)


@pytest.fixture
def town(hf, tmp_path):
    town = Town(hf, tmp_path)
    yield town
    town.service.__exit__()


def alert(port, credential):
    return PythonClient("").get(port, credential).alert


def says(server, words):
    return server.wait_line("err", lambda line: words in line, words)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_revocation_ends_a_live_connection_and_the_next_one_is_refused_with_44(town, version):
    amy, bob = town.identity("amy", "--client"), town.identity("bob", "--client")
    with town.gateway() as gateway, Kept(gateway.port, amy, town.root, version) as kept, \
            Kept(gateway.port, bob, town.root, version) as other:
        town.revoke("amy", "--wait")
        assert alert(gateway.port, amy) == 44
        kept.wait_end()
        assert b"hello" in other.ask(), "who was not revoked stays"
        record = gateway.wait_record()
        assert record["cause"] == "V-REVOKED"


def test_every_subscribed_gateway_feels_it_and_revoke_tells_who(town):
    amy = town.identity("amy", "--client")
    with town.gateway("gw1") as one, town.gateway("gw2", "--workers", "3") as two, \
            Kept(one.port, amy, town.root) as a, Kept(two.port, amy, town.root) as b:
        told = town.hf.json("revoke", "amy", "--wait")
        a.wait_end()
        b.wait_end()
        assert sorted((s["name"], s["confirmed"]) for s in told["subscribers"]) == [("CN=gw1", True), ("CN=gw2", True)]
        assert [alert(s.port, amy) for s in (one, two)] == [44, 44]


def test_resumption_of_a_revoked_client_is_refused(town):
    amy = town.identity("amy", "--client")
    with town.gateway("gw", "--resume", "on", "--workers", "1") as gateway:
        context = PythonClient.context(amy, town.root)
        with Kept(gateway.port, amy, town.root) as kept:
            session = resume(context, gateway.port, None)
            assert resume(context, gateway.port, session) is not None
            town.revoke("amy", "--wait")
            kept.wait_end()
        with pytest.raises(ssl.SSLError, match="(?i)revoked"):
            resume(context, gateway.port, session)


def resume(context, port, session):
    import socket
    raw = socket.create_connection(("127.0.0.1", port), 20)
    with context.wrap_socket(raw, server_hostname="localhost", session=session) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        PythonClient.read_all(tls)
        assert session is None or tls.session_reused
        return tls.session


def test_tunnel_closes_the_way_to_a_server_that_is_revoked(town):
    import socket
    town.identity("srv", "--server", "--san", "dns:localhost", "--san", "ip:127.0.0.1")
    client = town.machine("amy", "--client")
    with town.hf.serve("--as", "srv", *HELLO) as server, \
            Server(client, "tunnel", "--as", "amy", "--to", "localhost:%d" % server.port, "--listen", "127.0.0.1:0",
                   "--revocations-from", town.url) as tunnel:
        with socket.create_connection(("127.0.0.1", tunnel.port), 20) as way:
            way.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"hello" in way.recv(65536)
            town.revoke("srv", "--wait")
            try:
                assert way.recv(65536) == b""
            except ConnectionError:
                pass


def test_revocations_while_the_authority_is_dead_are_felt_when_it_is_back(town):
    amy, bob = town.identity("amy", "--client"), town.identity("bob", "--client")
    with town.gateway() as gateway:
        town.kill()
        says(gateway, "is lost")
        told = town.hf("revoke", "amy", "--wait", exit=3)
        assert "no service of this authority runs" in told.stderr
        with Kept(gateway.port, amy, town.root) as kept:  # nobody has told
            town.restart()
            says(gateway, "is back")
            kept.wait_end()
        assert alert(gateway.port, amy) == 44
        assert PythonClient("").get(gateway.port, bob).status == 200


def test_lost_feed_says_how_long_its_lists_count(town):
    with town.gateway("gw", "--crl-grace", "3h") as gateway:
        town.kill()
        said = gateway.wait_line("err", re.compile(r"is lost.* are good until (\S+), and count until (\S+)$").search, "it")
    until, grace = said.groups()
    apart = datetime.datetime.fromisoformat(grace.rstrip("Z")) - datetime.datetime.fromisoformat(until.rstrip("Z"))
    assert apart == datetime.timedelta(hours=3)


def test_revoke_killed_before_it_signed_the_list_is_finished_by_the_service(town):
    amy = town.identity("amy", "--client")
    with town.gateway() as gateway, Kept(gateway.port, amy, town.root) as kept:
        with open(town.hf.home + "/ca/crl.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            revoke = subprocess.Popen([town.hf.binary, "revoke", "amy"], env=town.hf.environment(),
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            gateway.wait_until(lambda: town.hf.json("list", "--revoked")["certificates"], "the revocation in the ledger")
            assert revoke.poll() is None
            revoke.kill()
            revoke.communicate()
        kept.wait_end()
        assert alert(gateway.port, amy) == 44


def test_gateway_that_was_never_told_lets_nobody_in_until_it_is(town):
    amy = town.identity("amy", "--client")
    town.kill()
    with town.gateway() as gateway:
        says(gateway, "is not there")
        assert alert(gateway.port, amy) == 48, "it is our list that is missing"
        town.restart()
        says(gateway, "is back")
        gateway.wait_until(lambda: PythonClient("").get(gateway.port, amy).status == 200, "the list in force")


def test_gateway_falls_back_to_its_file_when_the_feed_never_was_there(town):
    amy, bob = town.identity("amy", "--client"), town.identity("bob", "--client")
    town.revoke("amy")
    town.kill()
    with town.gateway("gw", "--crl", town.hf.home + "/ca/crl.pem", "--crl", town.hf.home + "/ca/root.crl.pem") as gateway:
        says(gateway, "is not there")
        assert alert(gateway.port, amy) == 44
        assert PythonClient("").get(gateway.port, bob).status == 200
        town.hf("revoke", "bob")  # the file changes, and is watched
        gateway.wait_until(lambda: alert(gateway.port, bob) == 44, "the file to be read again")


def test_worker_that_dies_comes_back_with_the_lists(town):
    amy = town.identity("amy", "--client")
    with town.gateway("gw", "--workers", "1") as gateway:
        town.revoke("amy", "--wait")
        assert alert(gateway.port, amy) == 44
        gone = children(gateway.pid)
        for pid in gone:
            os.kill(pid, signal.SIGKILL)
        for name in ("hf-worker", "hf-follower", "hf-signer"):
            gateway.wait_until(lambda: set(children(gateway.pid, name)) - set(gone), "a new " + name)
        gateway.wait_until(lambda: alert(gateway.port, amy) == 44, "the list in the new worker")
        assert gateway.url


def test_reload_keeps_what_the_feed_has_told(town):
    amy = town.identity("amy", "--client")
    with town.gateway() as gateway:
        town.revoke("amy", "--wait")
        gateway.reload()
        assert alert(gateway.port, amy) == 44
        bob = town.identity("bob", "--client")
        town.revoke("bob", "--wait")
        assert alert(gateway.port, bob) == 44


def test_revoked_intermediate_is_felt_too(town):
    """The root's list comes by the feed as well: the issuing CA falls, and with it everybody."""
    amy = town.identity("amy", "--client")
    with town.gateway() as gateway, Kept(gateway.port, amy, town.root) as kept:
        serial = [row["serial"] for row in town.hf.json("list", "--all")["certificates"] if row["profile"] == "issuing"]
        town.revoke(serial[0], "--yes")
        kept.wait_end()
        assert alert(gateway.port, amy) == 44


def test_wait_names_who_has_not_confirmed(town):
    town.identity("amy", "--client")
    with town.gateway() as gateway:
        follower = children(gateway.pid, "hf-follower")[0]
        os.kill(follower, signal.SIGSTOP)
        try:
            told = town.hf("revoke", "amy", "--wait", "--wait-time", "1s", exit=1)
        finally:
            os.kill(follower, signal.SIGCONT)
        assert "0 of 1 subscribers" in told.stdout and "NOT in force CN=gw" in told.stdout


def test_feed_is_for_machines_of_the_authority(town, tmp_path):
    amy = town.identity("amy", "--client")
    status, answer = town.asks(None)
    assert status == 403 and answer["error"]["code"] == "certificate-needed"
    stranger = town.hf.at(tmp_path / "stranger")
    stranger("init", "ABC Inc.")
    stranger("issue", "amy", "--client")
    folder = stranger.home + "/id/amy/"
    status, answer = town.asks(Credential(folder + "cert.pem", folder + "key.pem"))
    assert status == 403 and answer["error"]["code"] == "certificate-refused"
    town.revoke("amy")
    status, answer = town.asks(amy)
    assert status == 403 and "revoked" in answer["error"]["message"]


def test_feed_is_ordered_and_resumes(town):
    gw = town.identity("gw", "--server")
    names = ["m%d" % n for n in range(4)]
    serials = {}
    for name in names:
        town.identity(name, "--client")
        serials[name] = town.hf.json("list", "--all")["certificates"][-1]["serial"]
    first = town.asks(gw)[1]
    assert {row["name"] for row in first["lists"]} == {"issuing", "root"}
    for name in names:
        town.revoke(name, "--reason", "keyCompromise")
    _, all_of_them = town.asks(gw, "/revocations?after=%d&wait=20" % first["event"])
    while len(all_of_them["revoked"]) < 4:
        _, all_of_them = town.asks(gw, "/revocations?after=%d&wait=1" % first["event"])
    events = [row["event"] for row in all_of_them["revoked"]]
    assert events == sorted(events) and all_of_them["complete"]
    assert {row["reason"] for row in all_of_them["revoked"]} == {"keyCompromise"}
    _, rest = town.asks(gw, "/revocations?after=%d&wait=0" % events[1])
    assert [row["event"] for row in rest["revoked"]] == events[2:]
    _, nothing = town.asks(gw, "/revocations?after=%d&wait=0" % all_of_them["event"])
    assert nothing["lists"] == [] and nothing["revoked"] == []
    town.kill()
    town.restart()
    _, again = town.asks(gw, "/revocations?after=%d&wait=0" % first["event"])
    assert {row["name"] for row in again["lists"]} >= {"issuing"}


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=1&wait=301", "wait=y", "instance=a/b", "instance="])
def test_questions_that_make_no_sense_are_refused(town, query):
    status, answer = town.asks(town.identity("gw", "--server"), "/revocations?" + query)
    assert status == 400 and answer["error"]["code"] == "request"


def test_mistakes_of_usage_are_named(hf):
    hf("init", "ABC Inc.")
    hf("issue", "gw", "--server")
    for options, words in [(["--revocations-from", "http://ca:8443"], "plain HTTP"),
                           (["--revocations-as", "gw"], "--revocations-from")]:
        told = hf("serve", "--as", "gw", *HELLO, *options, exit=2)
        assert words in told.stderr, told


def test_page_says_until_when_lists_are_good_and_until_when_they_count(town):
    with town.gateway("gw", "--crl-grace", "2h", "--metrics", "127.0.0.1:0", listeners=2) as gateway:
        def until(word):
            return metrics.value(metrics.scrape(gateway), "handfast_revocation_lists_%s_until_seconds" % word)
        gateway.wait_until(lambda: until("good") > 0, "the first list")
        gateway.wait_until(lambda: until("count") == until("good") + 7200, "the grace in it")
