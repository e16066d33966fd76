# SPDX-License-Identifier: Apache-2.0
"""serve --ocsp: the responders of client certificates, on good days and on bad ones."""
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from support.peers import Credential, GnuTLSClient, OpenSSLClient, PythonClient, need
from support.ports import Nobody
from support.process import SLOW, Watched, children, clean_env
from support.program import Server
from support.responder import Responder

HELLO = ["--as", "localhost", "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0"]
VERSIONS = ["1.2", "1.3"]
PYTHON = PythonClient("")


class Town:
    """An authority that answers, a responder in front of it that may misbehave, and clients."""

    def __init__(self, hf, tmp_path):
        self.hf, self.dir = hf, str(tmp_path)
        self.ca = hf.home + "/ca/"
        hf("init", "ABC Inc.")
        self.service = Server(hf, "authority", "--listen", "127.0.0.1:0", "--publish", "127.0.0.1:0", listeners=2)
        self.tls, self.plain = sorted(self.service.urls, reverse=True)
        self.responder = Responder(self.plain + "/ocsp")
        self.root = self.ca + "root.pem"
        hf("issue", "localhost", "--server", "--san", "ip:127.0.0.1")
        # a gateway that knows the CA, not its lists
        self.gateway = hf.at(tmp_path / "gateway")
        os.makedirs(self.gateway.home + "/trust")
        shutil.copy(self.root, self.gateway.home + "/trust/own.pem")
        shutil.copytree(hf.home + "/id/localhost", self.gateway.home + "/id/localhost")

    def identity(self, name, *more):
        self.hf("issue", name, "--client", *more)
        folder = "%s/id/%s/" % (self.hf.home, name)
        return Credential(folder + "cert.pem", folder + "key.pem")

    def named(self, name, url):
        """An identity whose certificate names its responder."""
        path = self.dir + "/%s.ext" % name
        with open(path, "w") as file:
            file.write("authorityInfoAccess = OCSP;URI:%s\n" % url)
        return self.identity(name, "--extfile", path)

    def serve(self, mode, *more, url=True, **options):
        where = ["--ocsp-url", self.responder.url] if url is True else ["--ocsp-url", url] if url else []
        return self.gateway.serve(*HELLO, "--ocsp", mode, *where, *more, **options)

    def openssl(self, *argv):
        need("openssl")
        subprocess.run(["openssl", *argv], check=True, capture_output=True, cwd=self.dir, timeout=60 * SLOW,
                       env=clean_env(self.dir), stdin=subprocess.DEVNULL)


@pytest.fixture
def town(hf, tmp_path):
    town = Town(hf, tmp_path)
    yield town
    town.responder.__exit__()
    town.service.__exit__()


def metric(server, name):
    url = [u for u in server.urls if u.startswith("http:")][0]
    host, port = url.split("//")[1].split("/")[0].split(":")
    with socket.create_connection((host, int(port)), 20 * SLOW) as s:
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        text = PythonClient.read_all(s).decode()
    rows = [line for line in text.splitlines() if line.startswith(name + " ")]
    assert len(rows) == 1, "%s in\n%s" % (name, text)
    return float(rows[0].split()[1])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_good_is_let_in_and_revoked_is_refused(town, mode, version):
    amy, bob = town.identity("amy"), town.identity("bob")
    town.hf("revoke", "amy", "--reason", "keyCompromise")
    with town.serve(mode) as server:
        assert PYTHON.get(server.port, bob, version=version).status == 200
        assert PYTHON.get(server.port, amy, version=version).alert == 44
        record = server.wait_record()
        assert record["cause"] == "V-REVOKED" and record["refused_by"] == "server"
        assert record["alert"]["number"] == 44 and record["alert"]["direction"] == "sent"
        assert "keyCompromise" in json.dumps(record)
        assert PYTHON.get(server.port, bob, version=version).status == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_nobody_is_not_asked_about_where_a_certificate_is_optional(town, version):
    amy, bob = town.identity("amy"), town.identity("bob")
    town.hf("revoke", "amy")
    with town.serve("hard", "--client-auth", "optional") as server:
        assert PYTHON.get(server.port, None, version=version).status == 200
        assert town.responder.asked == 0
        assert PYTHON.get(server.port, bob, version=version).status == 200
        assert PYTHON.get(server.port, amy, version=version).alert == 44
        assert server.wait_record()["cause"] == "V-REVOKED"


@pytest.mark.parametrize("client", [OpenSSLClient, GnuTLSClient])
@pytest.mark.parametrize("version", VERSIONS)
def test_clients_of_others_wait_for_the_answer(town, client, version, tmp_path):
    amy, bob = town.identity("amy"), town.identity("bob")
    town.hf("revoke", "amy")
    peer = client(str(tmp_path))
    with town.serve("hard") as server:
        assert peer.get(server.port, bob, ca=town.root, version=version).status == 200
        assert peer.get(server.port, amy, ca=town.root, version=version).alert == 44
        assert server.wait_record()["cause"] == "V-REVOKED"


def test_the_responder_that_the_certificate_names_is_asked(town):
    amy = town.named("amy", town.responder.url)
    with town.serve("hard", url=None) as server:
        assert PYTHON.get(server.port, amy).status == 200
        assert town.responder.asked == 1


def test_https_responder_is_judged_by_the_trust_here(town):
    bob, amy = town.identity("bob"), town.identity("amy")
    town.hf("revoke", "amy")
    with town.serve("hard", url=town.tls + "/ocsp") as server:
        assert PYTHON.get(server.port, bob).status == 200
        assert PYTHON.get(server.port, amy).alert == 44


def test_one_answer_serves_every_connection_of_every_worker(town):
    bob = town.identity("bob")
    with town.serve("hard", "--workers", "2", "--metrics", "127.0.0.1:0", listeners=2) as server:
        for _ in range(12):
            assert PYTHON.get(server.port, bob).status == 200
        assert town.responder.asked == 1
        assert metric(server, 'handfast_ocsp_answers_total{result="good"}') in (1, 2)


@pytest.mark.parametrize("how, words", [("drop", "127.0.0.1"), ("error", "HTTP 500"), ("huge", "too large"),
                                        ("trickle", "too long"), ("hang", "too long"), ("redirect", "HTTP 302"),
                                        ("garbage", "no OCSP response"), ("refusal", "unauthorized")])
@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_responder_without_a_good_answer(town, mode, how, words):
    bob = town.identity("bob")
    other = Responder(town.plain + "/ocsp")
    town.responder.how, town.responder.lead_to = how, other.url
    if how in ("garbage", "refusal"):
        town.responder.how = "canned"
        town.responder.canned = {"garbage": b"<html>", "refusal": b"\x30\x03\x0a\x01\x06"}[how]
    with other, town.serve(mode, "--ocsp-timeout", "1s", "--metrics", "127.0.0.1:0", listeners=2) as server:
        answer = PYTHON.get(server.port, bob)
        server.wait_line("err", lambda line: "OCSP about" in line and "bob" in line and words in line, "the line about it")
        if mode == "soft":
            assert answer.status == 200
            assert metric(server, "handfast_ocsp_soft_total") >= 1 and not server.records()
        else:
            assert answer.alert == 46
            record = server.wait_record()
            assert record["cause"] == "V-OCSP-DOWN" and record["refused_by"] == "server"
            server.wait_until(lambda: metric(server, 'handfast_own_faults_total{cause="V-OCSP-DOWN"}') == 1, "the count")
        assert metric(server, 'handfast_ocsp_answers_total{result="failed"}') == 1
        assert other.asked == 0


def test_dead_responder(town):
    bob = town.identity("bob")
    with Nobody() as dead:
        url = dead.url(path="/")
        with town.serve("soft", url=url) as server:
            assert PYTHON.get(server.port, bob).status == 200
            server.wait_line("err", lambda line: "cannot connect" in line, "the line about it")
        with town.serve("hard", url=url) as server:
            assert PYTHON.get(server.port, bob).alert == 46
            assert server.wait_record()["cause"] == "V-OCSP-DOWN"


def test_certificate_without_a_responder(town):
    bob = town.identity("bob")
    with town.serve("soft", url=None) as server:
        assert PYTHON.get(server.port, bob).status == 200
    with town.serve("hard", url=None) as server:
        assert PYTHON.get(server.port, bob).alert == 46
        assert server.wait_record()["cause"] == "V-OCSP-NONE"


def test_nobody_is_asked_about_strangers_and_those_without_a_right(town, tmp_path):
    elsewhere = town.hf.at(tmp_path / "elsewhere")
    elsewhere("init", "Evil Inc.")
    path = town.dir + "/x.ext"
    with open(path, "w") as file:
        file.write("authorityInfoAccess = OCSP;URI:%s\n" % town.responder.url)
    elsewhere("issue", "amy", "--client", "--extfile", path)
    stranger = Credential(elsewhere.home + "/id/amy/cert.pem", elsewhere.home + "/id/amy/key.pem")
    bob = town.named("bob", town.responder.url)
    with town.gateway.serve("--as", "localhost", "--allow", "cn:nobody", "--respond", "text:hello", "--listen",
                            "127.0.0.1:0", "--ocsp", "hard") as server:
        assert PYTHON.get(server.port, stranger).alert == 48
        assert PYTHON.get(server.port, bob).alert == 49
        assert town.responder.asked == 0


def test_link_local_address_of_a_certificate_is_not_connected_to(town):
    amy = town.named("amy", "http://169.254.169.254/latest/")
    with town.serve("hard", url=None) as server:
        assert PYTHON.get(server.port, amy).alert == 46
        server.wait_line("err", lambda line: "169.254.169.254: the name has no address" in line, "the refusal to connect")


def test_refusal_for_want_of_an_answer_does_not_count_against_the_address(town):
    bob = town.identity("bob")
    town.responder.how = "error"
    with town.serve("hard", "--workers", "1", "--max-failures-per-address", "2") as server:
        for _ in range(4):
            assert PYTHON.get(server.port, bob).alert == 46


@pytest.mark.parametrize("version", VERSIONS)
def test_dropped_clients_hear_nothing_and_reported_ones_are_judged(town, version):
    amy, bob = town.identity("amy"), town.identity("bob")
    town.hf("revoke", "amy")
    with town.serve("hard", "--refuse", "drop") as server:
        assert PYTHON.get(server.port, bob, version=version).status == 200
        answer = PYTHON.get(server.port, amy, version=version)
        assert answer.alert is None and answer.status is None
        assert server.wait_record()["cause"] == "V-REVOKED"
    report = ["--as", "localhost", "--client-auth", "report", "--respond", "verdict", "--listen", "127.0.0.1:0", "--allow",
              "any", "--ocsp", "hard", "--ocsp-url", town.responder.url]
    with town.gateway.serve(*report) as server:
        assert b"CERT_REVOKED" in PYTHON.get(server.port, amy, version=version).body
        assert b"true" in PYTHON.get(server.port, bob, version=version).body


# --- openssl ocsp as the responder ---

class OpenSSLResponder(Watched):
    def __init__(self, town, signer, key, index, *more):
        argv = [need("openssl"), "ocsp", "-port", "0", "-index", index, "-CA", town.ca + "issuing.pem", "-rsigner",
                signer, "-rkey", key, *more]
        super().__init__(argv, clean_env(town.dir), town.dir)

        def port():
            lines = self.lines["out"] + self.lines["err"]
            told = [re.match(r"ACCEPT .*:(\d+) PID", line) for line in lines]
            ready = any("waiting for OCSP client" in line for line in lines)
            return [found.group(1) for found in told if found] if ready else None
        self.url = "http://127.0.0.1:%s" % self.wait_until(port, "the responder to be ready")[0]


def index_of(town, *rows):
    """An index.txt of openssl ca with these certificates: (status, credential)."""
    path = town.dir + "/index.txt"
    with open(path, "w") as file:
        for status, cred in rows:
            told = subprocess.run(["openssl", "x509", "-in", cred.cert, "-noout", "-serial"], capture_output=True,
                                  check=True).stdout.decode()
            serial = told.strip().split("=")[1]
            gone = "260101000000Z" if status == "R" else ""
            file.write("%s\t350101000000Z\t%s\t%s\tunknown\t/CN=x%s\n" % (status, gone, serial, serial))
    return path


def delegated(town):
    """The certificate and key that the authority itself has made for its responder."""
    return town.ca + "ocsp.pem", town.ca + "ocsp.key"


def test_openssl_responder_with_a_delegated_signer(town):
    amy, bob, eve = town.identity("amy"), town.identity("bob"), town.identity("eve")
    with OpenSSLResponder(town, *delegated(town), index_of(town, ("R", amy), ("V", bob)), "-nmin", "5") as responder:
        with town.serve("hard", url=responder.url) as server:
            assert PYTHON.get(server.port, bob).status == 200
            assert PYTHON.get(server.port, amy).alert == 44
            assert PYTHON.get(server.port, eve).alert == 46
            record = server.wait_record(2)
            assert record["cause"] == "V-OCSP-UNKNOWN" and record["refused_by"] == "server"
        with town.serve("soft", url=responder.url) as server:
            assert PYTHON.get(server.port, eve).status == 200


def test_signer_without_the_right_usage_is_not_believed(town):
    bob = town.identity("bob")
    with OpenSSLResponder(town, bob.cert, bob.key, index_of(town, ("V", bob)), "-nmin", "5") as responder:
        with town.serve("hard", url=responder.url) as server:
            assert PYTHON.get(server.port, bob).alert == 46
            server.wait_line("err", lambda line: "has not made a responder" in line, "the reason")


def test_answer_about_another_is_not_believed(town):
    """Old ones, those of the future and those without an end: tests/unit/test_gateway_ocsp.c."""
    amy, bob = town.identity("amy"), town.identity("bob")
    cert, key = delegated(town)
    town.openssl("ocsp", "-index", index_of(town, ("V", amy), ("V", bob)), "-CA", town.ca + "issuing.pem", "-rsigner", cert,
                 "-rkey", key, "-issuer", town.ca + "issuing.pem", "-cert", amy.cert, "-respout", "answer.der", "-noverify",
                 "-no_nonce", "-nmin", "5")
    town.responder.how = "canned"
    with open(town.dir + "/answer.der", "rb") as file:
        town.responder.canned = file.read()
    with town.serve("hard") as server:
        assert PYTHON.get(server.port, bob).alert == 46
        server.wait_line("err", lambda line: "says nothing of this certificate" in line, "the reason")
        assert PYTHON.get(server.port, amy).status == 200


# --- while it goes on ---

def open_connection(server, context, session=None):
    raw = socket.create_connection(("127.0.0.1", server.port), 20 * SLOW)
    return context.wrap_socket(raw, server_hostname="localhost", session=session)


def ask_on(tls):
    tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return tls.recv(4096)


@pytest.mark.parametrize("version", VERSIONS)
def test_live_connection_falls_when_the_answer_turns_revoked(town, version):
    """Answers without an end count for ten seconds, and after half of that another is asked for."""
    bob = town.identity("bob")
    with OpenSSLResponder(town, *delegated(town), index_of(town, ("V", bob))) as before:
        town.responder.behind = before.url
        with town.serve("hard", "--workers", "1", "--resume", "on") as server:
            context = PYTHON.context(bob, version=version)
            with open_connection(server, context) as tls:
                assert b"hello" in ask_on(tls)
                session = tls.session
                town.responder.behind = town.plain + "/ocsp"
                town.hf("revoke", "bob")
                tls.settimeout(60 * SLOW)
                assert tls.recv(4096) == b""
            assert server.wait_record()["cause"] == "V-REVOKED"
            with pytest.raises(ssl.SSLError, match="(?i)revoked"), open_connection(server, context, session) as tls:
                ask_on(tls)


def test_responder_that_hangs_holds_up_nobody_else(town):
    bob = town.identity("bob")
    clients = [town.identity("client-%d" % i) for i in range(20)]
    with town.serve("hard", "--workers", "1", "--ocsp-timeout", "30s", "--handshake-timeout", "60") as server:
        assert PYTHON.get(server.port, bob).status == 200
        town.responder.how = "hang"
        threads, answers = [], []

        def wait(cred):
            answers.append(PYTHON.get(server.port, cred, version="1.2").status)
        for i in range(200):
            threads.append(threading.Thread(target=wait, args=(clients[i % len(clients)],)))
            threads[-1].start()
        server.wait_until(lambda: town.responder.asked >= 17, "the responder to be asked")
        assert not answers
        for _ in range(20):
            assert PYTHON.get(server.port, bob).status == 200
        assert not answers
        town.responder.how = "pass"
        town.responder.free.set()
        for thread in threads:
            thread.join(60 * SLOW)
        assert answers == [200] * 200


def test_client_that_leaves_while_its_responder_hangs(town):
    bob = town.identity("bob")
    town.responder.how = "hang"
    with town.serve("hard", "--workers", "1", "--ocsp-timeout", "30s") as server:
        for version in VERSIONS:
            with socket.create_connection(("127.0.0.1", server.port), 20 * SLOW) as raw:
                raw.settimeout(0.2)
                before = town.responder.asked
                with pytest.raises((OSError, ssl.SSLError)):
                    tls = PYTHON.context(bob, version=version).wrap_socket(raw, server_hostname="localhost")
                    tls.recv(1)
            server.wait_until(lambda: town.responder.asked >= max(1, before), "the question")
        town.responder.how = "pass"
        town.responder.free.set()
        server.wait_until(lambda: PYTHON.get(server.port, bob).status == 200, "bob to be let in")


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_are_resumed_only_while_the_answer_is_good(town, version):
    bob = town.identity("bob")
    with town.serve("hard", "--workers", "1", "--resume", "on") as server:
        context = PYTHON.context(bob, version=version)
        with open_connection(server, context) as tls:
            assert b"hello" in ask_on(tls)
            session = tls.session
        with open_connection(server, context, session) as tls:
            assert b"hello" in ask_on(tls)
            assert tls.session_reused
    assert town.responder.asked == 1


def test_follower_that_dies_is_replaced_and_the_question_asked_again(town):
    bob = town.identity("bob")
    town.responder.how = "hang"
    with town.serve("hard", "--workers", "1", "--ocsp-timeout", "30s") as server:
        answers = []
        thread = threading.Thread(target=lambda: answers.append(PYTHON.get(server.port, bob).status))
        thread.start()
        server.wait_until(lambda: town.responder.asked == 1, "the question")
        (follower,) = children(server.pid, "hf-follower")
        os.kill(follower, 9)
        server.wait_line("err", lambda line: "another starts in 1 s" in line, "the loss to be noticed")
        town.responder.how = "pass"
        thread.join(60 * SLOW)
        assert answers == [200]


# --- options ---

@pytest.mark.parametrize("argv, words", [(["--ocsp-url", "http://x/"], "--ocsp-url needs --ocsp"),
                                         (["--ocsp", "hard", "--ocsp-url", "ldap://x/"], "--ocsp-url"),
                                         (["--ocsp", "sometimes"], "sometimes"),
                                         (["--ocsp", "hard", "--client-auth", "none"], "asks for none")])
def test_mistakes_are_told_at_the_start(town, argv, words):
    told = town.gateway.run("serve", *HELLO, *argv)
    assert told.code == 2 and words in told.stderr, told


def test_policies_ask_each_in_its_way(town, tmp_path):
    bob = town.identity("bob")
    config = tmp_path / "handfast.yaml"
    text = """as: localhost
listen: [127.0.0.1:0]
respond: text:hello
rules: [allow any]
ocsp: off
policies:
  - name: strict
    sni: [strict.example]
    ocsp: hard
    ocsp-url: %s
""" % town.responder.url
    config.write_text(text)
    town.responder.how = "error"
    with town.gateway.serve("--config", str(config)) as server:
        assert PYTHON.get(server.port, bob, name="localhost").status == 200
        assert town.responder.asked == 0
        assert PYTHON.get(server.port, bob, name="strict.example").alert == 46
        assert server.wait_record()["policy"] == "strict"
        config.write_text(text.replace("hard", "soft"))
        server.wait_until(lambda: PYTHON.get(server.port, bob, name="strict.example").status in (200, 421),
                          "the softer policy to be taken")


# --- before anybody connects ---

def config(town, text):
    path = town.dir + "/dry.yaml"
    with open(path, "w") as file:
        file.write("listen: 127.0.0.1:0\nas: localhost\nallow: any\nrespond: identity\n" + text)
    return path


def test_rules_say_whom_serve_would_ask(town):
    amy, bob = town.identity("amy"), town.named("bob", "http://127.0.0.1:9/from-the-certificate")
    path = config(town, "ocsp: hard\nocsp-url: %s\n" % town.responder.url)
    told = town.gateway("rules", "--config", path, amy.cert).stdout
    assert "would be asked at %s (ocsp-url)" % town.responder.url in told and "ocsp hard" in told
    path = config(town, "ocsp: soft\n")
    told = town.gateway.json("rules", "--config", path, bob.cert)["meetings"][0]
    assert told["ocsp"] == {"mode": "soft", "url": "http://127.0.0.1:9/from-the-certificate", "source": "certificate"}
    assert "nobody would be asked" in town.gateway("rules", "--config", path, amy.cert).stdout
    path = config(town, "ocsp: hard\n")
    told = town.gateway.json("rules", "--config", path, amy.cert, exit=1)["meetings"][0]
    assert told["verdict"]["reason"] == "V-OCSP-NONE" and not told["let_in"] and told["ocsp"]["url"] is None
    assert town.responder.asked == 0
    path = config(town, "")
    assert town.gateway.json("rules", "--config", path, amy.cert)["meetings"][0]["ocsp"] is None


def test_check_says_where_it_would_ask_and_whether_anybody_is_there(town):
    with town.serve("hard", url=None) as server:  # the same, done
        assert PYTHON.get(server.port, town.identity("amy")).alert == 46
        assert server.wait_record()["cause"] == "V-OCSP-NONE"
    told = town.gateway.json("serve", "--config", config(town, "ocsp: hard\n"), "--check")
    assert [(row["id"], row["severity"]) for row in told["findings"] if "OCSP" in row["id"]] == [("V-OCSP-NONE", "info")]
    path = config(town, "ocsp: hard\nocsp-url: %s\n" % town.responder.url)
    told = town.gateway.json("serve", "--config", path, "--check")
    assert not [row for row in told["findings"] if "OCSP" in row["id"]]
    with Nobody() as gone:
        url = gone.url(path="/ocsp")
        path = config(town, "ocsp: soft\nocsp-url: %s\npolicies:\n  - {name: p, sni: p.test, ocsp: hard, ocsp-url: %s}\n"
                      % (town.responder.url, url))
        told = town.gateway.json("serve", "--config", path, "--check", exit=1)
        found = [row for row in told["findings"] if row["id"] == "V-OCSP-DOWN"]
        assert len(found) == 1 and found[0]["severity"] == "warning" and url in found[0]["text"] and told["would_start"]
        assert "policy 'p'" in found[0]["text"] and "refused until" in found[0]["text"]
        found = town.gateway.json("doctor", "--config", path, exit=1)["findings"]
        assert [row for row in found if url in str(row)]
