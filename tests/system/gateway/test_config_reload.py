# SPDX-License-Identifier: Apache-2.0
"""handfast.yaml changes while we serve: what says who is let in is taken without a signal and reaches live
connections and sessions; what has sockets behind it asks for a restart, and then nothing is taken."""
import os
import re
import shutil
import ssl

import pytest
from support.peers import PythonClient
from test_policies import meet, outcome
from upstreams import Script, always
from wire import Wire


class Config:
    """A gateway of a file that is written anew."""

    def __init__(self, hf, town, tmp_path):
        self.hf, self.town, self.path = hf, town, tmp_path / "handfast.yaml"
        self.server = None

    def write(self, text):
        fresh = str(self.path) + ".new"
        with open(fresh, "w") as out:
            out.write("listen: 127.0.0.1:0\nworkers: 1\ncert: %s\nkey: %s\nca: %s\n" % (
                self.town["server"].cert, self.town["server"].key, self.town.ca) + text)
        os.rename(fresh, self.path)

    def start(self, text):
        self.write(text)
        self.server = self.hf.serve("--config", str(self.path))
        return self.server

    def change(self, text, want="reloaded: generation"):
        """Writes it, and waits for what becomes of it; the last line that says so."""
        before = len(self.server.lines["err"])
        self.write(text)
        return self.server.wait_until(
            lambda: next((line for line in self.server.lines["err"][before:] if want in line), None), want)


@pytest.fixture
def config(hf, town, tmp_path):
    made = Config(hf, town, tmp_path)
    yield made
    if made.server:
        made.server.__exit__(None, None, None)


def gone(wire):
    """The server ended it without being asked."""
    try:
        return wire.tls.recv(65536) == b""
    except ConnectionError:
        return True
    except ssl.SSLError as end:
        return "closed" in str(end).lower() or "eof" in str(end).lower()


ANSWER = "respond: text:hello\n"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_new_rule_reaches_live_connections_without_a_signal(config, town, version):
    server = config.start("rules: [allow any]\n" + ANSWER)
    with Wire(server.port, town, cred="bob", version=version) as bob, Wire(server.port, town, version=version) as mail:
        assert bob.ask()[0] == 200 and mail.ask()[0] == 200
        config.change("rules: ['deny cn:bob', allow any]\n" + ANSWER)
        assert gone(bob), "idle, and ended"
        assert mail.ask()[0] == 200
    assert server.wait_record()["cause"] == "A-DENIED"
    assert outcome(server.port, town, "localhost", "bob", version) in ("access denied", "handshake failure")
    config.change("rules: [allow any]\n" + ANSWER)
    assert outcome(server.port, town, "localhost", "bob", version) == 200


def test_a_routes_rule_counts_at_the_next_request(config, town):
    text = "rules: [allow any]\nroutes:\n  - {name: a, path: /a/*, rules: [%s], to: '%s'}\nto: '%s'\n"
    with Script(always(b"in")) as service:
        server = config.start(text % ("allow any", service.url, service.url))
        with Wire(server.port, town) as mail:
            assert mail.ask("/a/x")[0] == 200
            config.change(text % ("'allow cn:bob'", service.url, service.url))
            assert mail.ask("/a/x")[0] == 403
            assert mail.ask("/b")[0] == 200
            config.change(text % ("'allow cn:mail-server'", service.url, service.url))
            assert mail.ask("/a/x")[0] == 200


def test_a_name_gets_a_policy_of_its_own(config, town):
    policy = "policies:\n  - {name: bobs, sni: bobs.test, rules: ['allow cn:bob']}\n"
    server = config.start("rules: [allow any]\n" + ANSWER)
    with Wire(server.port, town, sni="bobs.test") as mail, Wire(server.port, town, sni="other.test") as other:
        assert mail.ask(host="bobs.test")[0] == 200 and other.ask(host="other.test")[0] == 200
        config.change("rules: [allow any]\n" + ANSWER + policy)
        assert gone(mail), "its name has another policy now"
        assert other.ask(host="bobs.test")[0] == 421
        assert other.ask(host="other.test")[0] == 200
    assert outcome(server.port, town, "bobs.test", "mail", "1.3") == "access denied"
    with Wire(server.port, town, cred="bob", sni="bobs.test") as bob:
        assert bob.ask(host="bobs.test")[0] == 200
        config.change("rules: ['deny cn:bob', allow any]\n" + ANSWER)
        assert bob.ask(host="bobs.test") is None or gone(bob), "judged by what is there for the name now"
    assert outcome(server.port, town, "bobs.test", "mail") == 200


@pytest.mark.parametrize("mode", ["report", "none"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_from_asking_to_demanding(config, town, version, mode):
    """Botan#5818: a session from before the demand; and connections from before it."""
    text = "rules: [allow any]\nresume: on\nclient-auth: %s\n" + ANSWER
    server = config.start(text % mode)
    contexts = {cred: PythonClient.context(town[cred], None, version=version) for cred in ("none", "foreign", "mail")}
    sessions = {}
    for cred, context in contexts.items():
        status, _, sessions[cred] = meet(context, server.port, "localhost")
        assert status == 200
    with Wire(server.port, town, cred="none", version=version) as nobody:
        assert nobody.ask()[0] == 200
        config.change(text % "require")
        assert gone(nobody), "idle, and ended"
    for cred, context in contexts.items():
        status, reused, _ = meet(context, server.port, "localhost", sessions[cred])
        assert not reused and status == (200 if cred == "mail" else None), cred


@pytest.mark.parametrize("kind", ["tcp", "unix", "websocket"])
def test_streams_from_before_the_demand_end(config, town, tmp_path, kind):
    """What is under way without a certificate ends when one is demanded; who has shown one goes on."""
    def play(peer, number):
        if kind == "websocket":
            peer.head()
            peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        while octets := peer.sock.recv(100):
            peer.send(octets)
    with Script(play, path=str(tmp_path / "s.sock") if kind == "unix" else None) as service:
        to = {"tcp": "tcp://127.0.0.1:%s" % (kind == "tcp" and service.port), "unix": "unix:%s" % (tmp_path / "s.sock"),
              "websocket": service.url}[kind]
        text = "rules: [allow any]\nclient-auth: %s\nto: '" + to + "'\n"
        server = config.start(text % "report")
        with Wire(server.port, town, cred="none") as nobody, Wire(server.port, town, cred="foreign") as foreign, \
                Wire(server.port, town) as mail:
            for wire in (nobody, foreign, mail):
                if kind == "websocket":
                    wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                    assert "101" in wire.head().line
                wire.send(b"hello")
                assert wire.take(5) == b"hello"
            config.change(text % "require")
            assert gone(nobody) and gone(foreign)
            mail.send(b"still")
            assert mail.take(5) == b"still"
        assert {row["cause"] for row in server.records()} == {"A-NOT-ALLOWED"}


def rules_of_every_kind(town):
    cert = town.certs["bob"]
    issuer = town.certs["root"]
    import hashlib
    from cryptography.hazmat.primitives import serialization
    spki = cert.x509.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return ["cn:bob", "o:Zoo", "dns:bob.zoo.test", "dns:*.zoo.test", "uri:spiffe://zoo.test/mail/bob",
            "uri:spiffe://zoo.test/mail/*", "email:bob@zoo.test", "ip:10.1.2.0/24",
            "sha256:" + hashlib.sha256(cert.der).hexdigest(), "spki:" + hashlib.sha256(spki).hexdigest(),
            "cn:bob+o:Zoo", "any"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_every_kind_of_rule_is_asked_before_a_session_is_resumed(config, town, version):
    """Go CVE-2025-68121, go-spiffe#378: what authorises did not run on resumption."""
    text = "rules: [%s'allow any']\nresume: on\n" + ANSWER
    server = config.start(text % "")
    context = PythonClient.context(town["bob"], None, version=version)
    for rule in rules_of_every_kind(town):
        _, _, session = meet(context, server.port, "localhost")
        status, reused, _ = meet(context, server.port, "localhost", session)
        assert status == 200 and reused
        config.change(text % ("'deny %s', " % rule))
        assert meet(context, server.port, "localhost", session)[:2] == (None, False), rule
        config.change(text % "")
        status, reused, _ = meet(context, server.port, "localhost", session)
        assert status == 200, "and back"


@pytest.mark.parametrize("change, key", [
    ("workers: 2\n", "workers"), ("via: x\n", "via"), ("idle-timeout: 3s\n", "idle-timeout"),
    ("routes: [{path: /a, to: 'http://127.0.0.1:1'}]\n", "routes"),
    ("policies: [{name: a, listen: '127.0.0.2:0'}]\n", "listen")])
def test_what_needs_a_restart_is_said_and_nothing_is_taken(config, town, change, key):
    with Script(always(b"in")) as service:
        to = "to: '%s'\n" % service.url
        server = config.start("rules: [allow any]\n" + to)
        if key == "workers":
            text = change
            config.path.write_text("")
            config.write("rules: ['deny any']\n" + to)
            raw = config.path.read_text().replace("workers: 1\n", text)
            config.path.write_text(raw)
            line = server.wait_until(lambda: next((row for row in server.lines["err"] if "refused" in row and key in row), None), key)
        else:
            line = config.change("rules: ['deny any']\n" + to + change, "reload refused")
        assert key in line and "restart" in line and "handfast.yaml" in line
        assert outcome(server.port, town, "localhost", "mail") == 200, "all or nothing"
        config.change("rules: ['deny cn:bob', allow any]\n" + to)
        assert outcome(server.port, town, "localhost", "bob", "1.3") == "access denied"


@pytest.mark.parametrize("text, want", [
    ("rules: [allow anybody]\n", "anybody"), ("ruels: [allow any]\n", "ruels"), ("rules: [allow any\n", "handfast.yaml"),
    ("", "allow"), ("rules: [allow any]\nca: /does/not/exist\n", "'ca'|/does/not/exist|twice"),
    ("rules: [allow any]\npolicies: [{name: p, sni: p.test, ca: /does/not/exist}]\n", "p.*/does/not/exist"),
    ("rules: [allow any]\npolicies: [{name: p, sni: p.test, client-auth: none, tls-min: 1.4}]\n", "1.4")])
def test_a_bad_file_leaves_the_old_one_in_force(config, town, text, want):
    server = config.start("rules: ['allow cn:mail-server']\n" + ANSWER)
    line = config.change(text + ANSWER, "reload refused")
    assert re.search(want, line), line
    assert outcome(server.port, town, "localhost", "mail") == 200
    assert outcome(server.port, town, "localhost", "bob", "1.3") == "access denied"
    config.change("rules: [allow any]\n" + ANSWER)
    assert outcome(server.port, town, "localhost", "bob") == 200


def test_files_named_since_are_watched_too(config, town, tmp_path):
    listed = tmp_path / "new.crl"
    listed.write_bytes(open(town.crl_clean, "rb").read())
    server = config.start("rules: [allow any]\n" + ANSWER)
    config.change("rules: [allow any]\ncrl: %s\n" % listed + ANSWER)
    assert outcome(server.port, town, "localhost", "mail") == 200
    with Wire(server.port, town) as mail:
        assert mail.ask()[0] == 200
        fresh = tmp_path / "next"
        fresh.write_bytes(open(town.crl_mail, "rb").read())
        os.rename(fresh, listed)
        assert gone(mail)
    assert outcome(server.port, town, "localhost", "mail", "1.3") == "certificate revoked"


def test_key_in_a_new_directory_needs_a_restart(config, town, tmp_path_factory):
    """The signer is locked up with the directories that were named at the start; trust comes from the supervisor."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "ca.pem").write_bytes(town.certs["foreign-root"].pem)
    shutil.copy(town["gateway"].cert, elsewhere / "gw.pem")
    shutil.copy(town["gateway"].key, elsewhere / "gw.key")
    server = config.start("rules: [allow any]\n" + ANSWER)
    config.change("rules: [allow any]\npolicies: [{name: p, sni: p.test, ca: %s/ca.pem}]\n" % elsewhere + ANSWER,
                  "reloaded: generation")
    assert outcome(server.port, town, "p.test", "foreign") == 200
    line = config.change("rules: [allow any]\npolicies: [{name: p, sni: p.test, cert: %s/gw.pem, key: %s/gw.key}]\n"
                         % (elsewhere, elsewhere) + ANSWER, "reload refused")
    assert str(elsewhere) in line and "restart" in line
    assert outcome(server.port, town, "localhost", "mail") == 200
    assert outcome(server.port, town, "p.test", "foreign") == 200
