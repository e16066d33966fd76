# SPDX-License-Identifier: Apache-2.0
"""Policies: other certificates, CAs, lists, rules, demands and floors for some names or listeners; and that nothing
crosses from one to another: no request (421), no session."""
import itertools
import json
import re
import socket
import ssl
import subprocess

import pytest
from support.peers import PythonClient
from support.process import SLOW
from upstreams import Script, always, wait_for
from wire import Wire

POLICIES = """
rules: ["allow any"]
resume: %(resume)s
access-log: %(log)s
to: %(to)s
policies:
  - name: partners
    sni: [partners.test, "*.partners.test"]
    ca: %(foreign_ca)s
    rules: ["allow cn:mail-server"]
    cert: %(gateway_cert)s
    key: %(gateway_key)s
  - name: special
    sni: special.partners.test
    rules: ["allow cn:bob"]
  - name: open
    sni: open.test
    client-auth: none
  - name: told
    sni: told.test
    client-auth: report
  - name: maybe
    sni: maybe.test
    client-auth: optional
    rules: ["allow cn:bob"]
  - name: modern
    sni: modern.test
    tls-min: 1.3
  - name: listed
    sni: listed.test
    crl: %(crl)s
  - name: side
    listen: 127.0.0.2:0
    rules: ["deny cn:bob", "allow any"]
  - name: side-open
    listen: 127.0.0.2:0
    sni: open.test
    rules: ["allow cn:bob"]
"""


@pytest.fixture
def service():
    with Script(always(b"in")) as script:
        yield script


@pytest.fixture
def policed(hf, town, tmp_path, service):
    running = []

    def start(resume="off", text=POLICIES, workers=1):
        path = tmp_path / "handfast.yaml"
        path.write_text("listen: 127.0.0.1:0\nworkers: %d\ncert: %s\nkey: %s\nca: %s\n" % (
            workers, town["server"].cert, town["server"].key, town.ca) + text % {
            "resume": resume, "log": tmp_path / "access.log", "to": service.url, "foreign_ca": town.foreign_ca,
            "gateway_cert": town["gateway"].cert, "gateway_key": town["gateway"].key, "crl": town.crl_mail})
        server = hf.serve("--config", str(path), listeners=text.count("listen: 127.0.0.2:0") and 2 or 1)
        running.append(server)
        return server
    yield start
    for server in running:
        server.__exit__(None, None, None)


def side_port(server):
    return next(int(url.rsplit(":", 1)[1]) for url in server.urls if "127.0.0.2" in url)


def outcome(port, town, sni, cred, version=None, host="127.0.0.1", name=None):
    """The status, or "alert N"."""
    try:
        with Wire(port, town, cred=cred, sni=sni, host=host, version=version) as wire:
            wire.send(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % (name or sni or "x").encode())
            got = wire.tls.recv(65536)
            return int(got.split()[1]) if got else "closed"
    except ssl.SSLError as error:
        found = re.search(r"alert ([a-z ]+)", (error.reason or str(error)).replace("_", " ").lower())
        return found.group(1).strip() if found else str(error)
    except ConnectionError:
        return "reset"


MEETINGS = [
    # name, client, what becomes of it under TLS 1.3
    ("localhost", "mail", 200), ("localhost", "bob", 200), ("localhost", "foreign", "unknown ca"),
    ("localhost", "none", "certificate required"), ("unheard-of.test", "mail", 200), (None, "mail", 200),
    (None, "none", "certificate required"),
    ("partners.test", "foreign", 200), ("partners.test", "mail", "unknown ca"),
    ("a.partners.test", "foreign", 200), ("PARTNERS.Test", "foreign", 200), ("a.b.partners.test", "mail", 200),
    ("a.b.partners.test", "foreign", "unknown ca"), ("partners.test.evil.test", "foreign", "unknown ca"),
    ("special.partners.test", "foreign", "unknown ca"), ("special.partners.test", "bob", 200),
    ("special.partners.test", "mail", "access denied"),
    ("open.test", "none", 200), ("open.test", "foreign", 200),
    ("told.test", "none", 200), ("told.test", "foreign", 200), ("told.test", "bob", 200),
    ("maybe.test", "none", 200), ("maybe.test", "bob", 200), ("maybe.test", "mail", "access denied"),
    ("maybe.test", "foreign", "unknown ca"), ("maybe.test", "expired", "certificate expired"),
    ("listed.test", "bob", 200), ("listed.test", "mail", "certificate revoked"),
    ("listed.test", "foreign", "unknown ca"),
]


def test_each_name_has_its_own_cas_rules_lists_and_demands(policed, town, service):
    server = policed()
    for sni, cred, want in MEETINGS:
        assert outcome(server.port, town, sni, cred, "1.3") == want, (sni, cred)
    served = [row[2] for row in MEETINGS].count(200)
    assert service.heads.qsize() == served, "nobody else's request went through"
    causes = {row.get("policy"): row["cause"] for row in server.records()}
    assert causes["special"] == "A-NOT-ALLOWED" or causes["special"] == "V-UNKNOWN-CA"
    assert {"partners", "special", "listed", None} <= set(causes)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_floor_of_a_name_is_decided_before_the_version(policed, town, version):
    server = policed()
    assert outcome(server.port, town, "localhost", "mail", version) == 200
    assert outcome(server.port, town, "modern.test", "mail", version) == (
        200 if version == "1.3" else "protocol version")


def test_floor_of_a_name_may_be_lower_than_the_rest(policed, town):
    server = policed(text="rules: ['allow any']\ntls-min: 1.3\nto: %(to)s\npolicies:\n"
                          "  - {name: old, sni: old.test, tls-min: 1.2}\n")
    assert outcome(server.port, town, "localhost", "mail", "1.2") == "protocol version"
    assert outcome(server.port, town, "old.test", "mail", "1.2") == 200
    assert outcome(server.port, town, "old.test", "mail", "1.3") == 200


def test_each_name_is_answered_with_its_own_certificate(policed, town):
    server = policed()
    for sni, want in (("localhost", "server"), ("x.partners.test", "gateway"), ("open.test", "server"), (None, "server")):
        raw = socket.create_connection(("127.0.0.1", server.port), 10 * SLOW)
        with PythonClient.context(town["mail"], None).wrap_socket(raw, server_hostname=sni) as tls:
            assert tls.getpeercert(True) == town.certs[want].der, sni


def test_a_listener_has_its_own_policy_and_names(policed, town):
    server = policed()
    side = side_port(server)
    for sni, cred, want in (("localhost", "mail", 200), ("localhost", "bob", "access denied"),
                            ("open.test", "bob", 200), ("open.test", "none", "certificate required"),
                            ("partners.test", "foreign", 200), ("partners.test", "bob", "unknown ca")):
        assert outcome(side, town, sni, cred, "1.3", host="127.0.0.2") == want, (sni, cred)
    assert outcome(server.port, town, "open.test", "none", "1.3") == 200


# What Host may say on a connection of a name: Traefik GHSA-5r4w-85f3-pw66 and its kin.
HOSTS = [
    ("partners.test", "partners.test", 200), ("partners.test", "PARTNERS.test", 200),
    ("partners.test", "partners.test.", 200), ("partners.test", "partners.test:443", 200),
    ("partners.test", "a.partners.test", 421), ("partners.test", "localhost", 421),
    ("partners.test", "special.partners.test", 421), ("partners.test", "*.partners.test", 421),
    ("partners.test", "127.0.0.1", 421), ("partners.test", "[::1]", 421), ("partners.test", "other.test", 421),
    ("a.partners.test", "b.partners.test", 421), ("a.partners.test", "A.Partners.Test.", 200),
    ("localhost", "partners.test", 421), ("localhost", "Partners.Test.:8443", 421), ("localhost", "open.test", 421),
    ("localhost", "localhost", 200), ("localhost", "modern.test", 421),
    (None, "anything.test", 200), (None, "127.0.0.1", 200), (None, "localhost", 200),
    (None, "partners.test", 421), (None, "x.partners.test", 421), (None, "X.PARTNERS.test.:1", 421),
    (None, "special.partners.test", 421), (None, "a.b.partners.test", 200), (None, "open.test", 421),
]


def test_host_names_what_the_connection_was_judged_for(policed, town, service):
    server = policed()
    for (sni, host, want), keep in itertools.product(HOSTS, (False, True)):
        cred = "foreign" if sni and "partners" in sni.lower() else "mail"
        with Wire(server.port, town, cred=cred, sni=sni) as wire:
            if keep:
                assert wire.ask("/", host=sni or "x.test")[0] == 200
                service.head()
            assert wire.ask("/", host=host)[0] == want, (sni, host, keep)
            if want == 200:
                service.head()
            else:
                assert service.heads.empty(), (sni, host)
                assert wire.ask("/", host=sni or "x.test")[0] == 200, "the connection goes on"
                service.head()


def test_absolute_form_and_two_hosts_do_not_go_around(policed, town, service):
    server = policed()
    with Wire(server.port, town, sni=None) as wire:
        assert wire.ask("https://partners.test/", host="x.test")[0] == 421
    with Wire(server.port, town, sni=None) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: x.test\r\nHost: partners.test\r\n\r\n")
        assert wire.answer()[0] == 400
    assert service.heads.empty()


def test_answers_of_our_own_keep_to_the_name_too(policed, town):
    server = policed(text="rules: ['allow any']\nrespond: identity\npolicies:\n"
                          "  - {name: bobs, sni: bobs.test, rules: ['allow cn:bob']}\n")
    with Wire(server.port, town, sni="localhost") as wire:
        assert wire.ask("/", host="127.0.0.1")[0] == 200
        assert wire.ask("/", host="bobs.test")[0] == 421
        assert wire.ask("/", host="BOBS.test.:1")[0] == 421
    assert outcome(server.port, town, "bobs.test", "bob") == 200


def test_log_and_identity_say_what_was_judged_under_the_name(policed, town, service, tmp_path):
    server = policed()
    assert outcome(server.port, town, "partners.test", "foreign") == 200
    log = tmp_path / "access.log"
    row = wait_for(lambda: log.exists() and log.read_text() and json.loads(log.read_text()), "line in the log")
    assert row["sni"] == "partners.test" and row["policy"] == "partners"
    assert "client-cert" in service.head()
    assert outcome(server.port, town, "told.test", "foreign") == 200
    assert "client-cert" not in service.head(), "reported, not vouched for"


# --- sessions: a session begun under policy i never serves under policy j (CVE-2025-23419 and its kin)

NAMES = ["localhost", "partners.test", "special.partners.test", "open.test", "told.test", "modern.test", "listed.test",
         "a.partners.test", "elsewhere.test"]
CLIENTS = {"partners.test": "foreign", "a.partners.test": "foreign", "special.partners.test": "bob", "open.test": "none",
           "listed.test": "bob"}


def meet(context, port, sni, session=None, host="127.0.0.1", name=None):
    """(status or None, whether it was resumed, the session to offer next)"""
    raw = socket.create_connection((host, port), 20 * SLOW)
    try:
        with context.wrap_socket(raw, server_hostname=sni, session=session) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % (name or sni).encode())
            got = tls.recv(65536)
            return int(got.split()[1]) if got else None, tls.session_reused, tls.session
    except (ssl.SSLError, ConnectionError):
        return None, False, None


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_no_session_crosses_from_one_policy_to_another(policed, town, version):
    server = policed(resume="on")
    for first in NAMES:
        cred = CLIENTS.get(first, "mail")
        if (first, version) == ("modern.test", "1.2"):
            continue
        context = PythonClient.context(town[cred], None, version=version)
        status, reused, session = meet(context, server.port, first)
        assert status == 200 and not reused
        _, again, _ = meet(context, server.port, first, session)
        assert again == (cred != "none" ), first
        for second in NAMES:
            if second == first:
                continue
            fresh = meet(context, server.port, second)
            status, reused, _ = meet(context, server.port, second, session)
            assert not reused, (first, second)
            assert status == fresh[0], (first, second, "judged as if there were no session")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_no_session_crosses_from_one_listener_to_another(policed, town, version):
    """HAProxy 5d5f12376: one certificate, two listeners, the weaker one mints.  Here bob may not come in at the side."""
    server = policed(resume="on")
    side = side_port(server)
    for cred, sni, there in (("bob", "localhost", None), ("mail", "localhost", 200), ("foreign", "partners.test", 200)):
        context = PythonClient.context(town[cred], None, version=version)
        status, _, session = meet(context, server.port, sni)
        assert status == 200
        assert meet(context, server.port, sni, session)[1], "resumed at its own listener"
        status, reused, _ = meet(context, side, sni, session, host="127.0.0.2")
        assert (status, reused) == (there, False), (cred, sni)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_name_counts_on_a_resumed_connection_too(policed, town, service, version):
    """libssl forgets the name of a resumed session of TLS 1.2: Host would then be anybody's."""
    server = policed(resume="on")
    context = PythonClient.context(town["mail"], None, version=version)
    _, _, session = meet(context, server.port, "localhost")
    for name, want in (("partners.test", 421), ("other.test", 421), ("localhost", 200)):
        status, reused, _ = meet(context, server.port, "localhost", session, name=name)
        assert reused and status == want, name


def test_name_survives_a_second_hello(policed, town, tmp_path):
    """A HelloRetryRequest asks for the hello again: the policy is still that of the name."""
    server = policed()
    for sni, cred, fine in (("partners.test", "foreign", True), ("partners.test", "mail", False), ("localhost", "mail", True)):
        done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.port, "-servername", sni,
                               "-cert", town[cred].cert, "-cert_chain", town[cred].cert, "-key", town[cred].key, "-groups", "X448:X25519", "-tls1_3", "-quiet",
                               "-ign_eof", "-msg"],
                              input=b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % sni.encode(),
                              capture_output=True, timeout=30 * SLOW, check=False)
        assert done.stdout.count(b"ClientHello") + done.stderr.count(b"ClientHello") >= 2
        assert (b"HTTP/1.1 200" in done.stdout) == fine, (sni, cred)


MISTAKES = [
    ("{name: a}", "server names \\('sni'\\), listeners"),
    ("{name: a, sni: 'x y.test'}", "no server name"), ("{name: a, sni: 10.0.0.1}", "no server name"),
    ("{name: a, sni: '*'}", "no server name"), ("{name: a, sni: '*.*.test'}", "no server name"),
    ("{name: a, sni: 'a*.test'}", "no server name"), ("{name: a, sni: '*.test'}", "no server name"),
    ("{name: a, sni: 'a.test:443'}", "no server name"), ("{name: a, sni: 'a.test.'}", "no server name"),
    ("{name: a, sni: a.test, cleint-auth: none}", "client-auth"), ("{name: a, sni: a.test, to: 'http://127.0.0.1'}", "to"),
    ("{name: a, sni: a.test, client-auth: maybe}", "maybe"), ("{name: a, sni: a.test, rules: [allo any]}", "begins with"),
    ("{name: a, sni: a.test, allow: 'x:y'}", "x"), ("{name: a, sni: a.test, ca: /does/not/exist}", "/does/not/exist"),
    ("{name: a, sni: a.test, tls-min: 1.3, tls-max: 1.2}", "policy 'a'.*--tls-min is above"),
    ("{name: a, sni: a.test, as: x, cert: y}", "policy 'a'.*exclude"),
    ("{name: a, sni: [a.test, A.TEST]}", "twice"),
    ("{name: a, sni: a.test}\n  - {name: b, sni: A.test}", "'a' and 'b' are for the same name"),
    ("{name: a, sni: a.test}\n  - {name: a, sni: b.test}", "two policies are called 'a'"),
    ("{name: a, listen: '127.0.0.1:1'}\n  - {name: b, listen: '127.0.0.1:1'}", "same name at the same listener"),
]


@pytest.mark.parametrize("row", range(len(MISTAKES)))
def test_mistakes_in_policies_are_named(hf, town, tmp_path, row):
    text, want = MISTAKES[row]
    path = tmp_path / "handfast.yaml"
    path.write_text("listen: 127.0.0.1:0\ncert: %s\nkey: %s\nca: %s\nallow: any\nrespond: identity\npolicies:\n  - %s\n" % (
        town["server"].cert, town["server"].key, town.ca, text))
    done = hf.run("serve", "--config", str(path), "--check")
    assert done.code in (1, 2, 3) and re.search(want, done.everything, re.S), str(done)


def test_check_names_the_policy_that_is_wrong(hf, town, tmp_path):
    path = tmp_path / "handfast.yaml"
    path.write_text("listen: 127.0.0.1:0\ncert: %s\nkey: %s\nca: %s\nallow: any\nrespond: identity\npolicies:\n"
                    "  - {name: wrong, sni: a.test, cert: %s, key: %s}\n" % (
                        town["server"].cert, town["server"].key, town.ca, town["mail"].cert, town["mail"].key))
    done = hf("serve", "--config", str(path), "--check", exit=1)
    assert "V-EKU: policy 'wrong'" in done.stdout and "V-CN-ONLY" not in done.stdout.split("policy 'wrong'")[0]


def test_policy_without_certificates_of_its_own_inherits_nothing_half(hf, town, tmp_path):
    """With CAs of its own it has not the file's lists: a list of another CA would be none of its own."""
    path = tmp_path / "handfast.yaml"
    path.write_text("listen: 127.0.0.1:0\ncert: %s\nkey: %s\nca: %s\ncrl: %s\nallow: any\nrespond: identity\npolicies:\n"
                    "  - {name: p, sni: p.test, ca: %s}\n" % (
                        town["server"].cert, town["server"].key, town.ca, town.crl_mail, town.foreign_ca))
    with hf.serve("--config", str(path)) as server:
        assert outcome(server.port, town, "p.test", "foreign") == 200
        assert outcome(server.port, town, "localhost", "mail", "1.3") == "certificate revoked"
