# SPDX-License-Identifier: Apache-2.0
"""What the authority publishes about revocation, as OpenSSL, GnuTLS, curl and nginx take it."""
import base64
import os
import socket
import subprocess
import urllib.parse

import pytest

from support.peers import Credential, PythonClient, need
from support.ports import free_port
from support.process import SLOW, Watched, clean_env
from support.program import Server

RESPONSE = "application/ocsp-response"


class Publisher:
    """An authority that publishes by plain HTTP."""

    def __init__(self, hf, tmp_path):
        self.hf, self.dir = hf, str(tmp_path)
        self.ca = hf.home + "/ca/"
        hf("init", "ABC Inc.")
        self.service = Server(hf, "authority", "--listen", "127.0.0.1:0", "--publish", "127.0.0.1:0", listeners=2)
        self.tls, self.url = sorted(self.service.urls, reverse=True)
        assert self.url.startswith("http://")

    def identity(self, name, *role):
        self.hf("issue", name, *role)
        folder = "%s/id/%s/" % (self.hf.home, name)
        return Credential(folder + "cert.pem", folder + "key.pem")

    def tool(self, *argv, ok=True):
        need(argv[0])
        done = subprocess.run(argv, capture_output=True, cwd=self.dir, timeout=30 * SLOW, env=clean_env(self.dir))
        text = done.stdout.decode() + done.stderr.decode()
        assert not ok or done.returncode == 0, text
        return text

    def openssl(self, *more, issuer="issuing.pem"):
        return self.tool("openssl", "ocsp", "-issuer", self.ca + issuer, "-CAfile", self.ca + "root.pem", "-url",
                         self.url + "/ocsp", *more)

    def question(self, cert, *more):
        self.tool("openssl", "ocsp", "-issuer", self.ca + "issuing.pem", "-cert", cert, "-reqout", "q.der", *more)
        with open(self.dir + "/q.der", "rb") as file:
            return file.read()

    def http(self, path, body=None, headers=()):
        """(status, {header: value}, body)"""
        host, port = self.url.split("//")[1].split(":")
        with socket.create_connection((host, int(port)), 20 * SLOW) as s:
            rows = ["%s %s HTTP/1.1" % ("GET" if body is None else "POST", path), "Host: x", "Connection: close", *headers]
            if body is not None:
                rows += ["Content-Type: application/ocsp-request", "Content-Length: %d" % len(body)]
            s.sendall("\r\n".join(rows).encode() + b"\r\n\r\n" + (body or b""))
            got = PythonClient.read_all(s)
        head, _, rest = got.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        fields = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        return int(lines[0].split()[1]), fields, rest

    def get(self, question, **more):
        return self.http("/ocsp/" + urllib.parse.quote(base64.b64encode(question).decode(), safe=""), **more)


@pytest.fixture
def town(hf, tmp_path):
    town = Publisher(hf, tmp_path)
    yield town
    town.service.__exit__()


def test_openssl_hears_good_then_revoked_at_once(town):
    amy = town.identity("amy", "--client")
    for nonce in ((), ("-no_nonce",)):
        told = town.openssl("-cert", amy.cert, *nonce)
        assert "Response verify OK" in told and "amy/cert.pem: good" in told and "WARNING" not in told
    town.hf("revoke", "amy", "--reason", "keyCompromise")
    for nonce in ((), ("-no_nonce",)):
        told = town.openssl("-cert", amy.cert, *nonce)
        assert "Response verify OK" in told and "amy/cert.pem: revoked" in told and "keyCompromise" in told


def test_several_at_once_and_serials_that_never_were(town):
    amy, bob = town.identity("amy", "--client"), town.identity("bob", "--client")
    town.hf("revoke", "amy")
    told = town.openssl("-cert", amy.cert, "-cert", bob.cert, "-serial", "0x1234", "-serial", "0")
    assert "amy/cert.pem: revoked" in told and "bob/cert.pem: good" in told
    assert "0x1234: unknown" in told and "0: unknown" in told
    assert "Reason" not in told.split("bob")[0].split("revoked")[1], "unspecified is not said"


def test_issuing_ca_is_answered_for_by_the_root(town):
    assert ": good" in town.openssl("-cert", town.ca + "issuing.pem", issuer="root.pem")


def test_other_issuers_are_not_our_business(town, tmp_path):
    other = town.hf.at(tmp_path / "other")
    other("init", "ABC Inc.")
    amy = town.identity("amy", "--client")
    told = town.tool("openssl", "ocsp", "-issuer", other.home + "/ca/issuing.pem", "-cert", amy.cert, "-url",
                     town.url + "/ocsp", ok=False)
    assert "unauthorized" in told


def test_responder_certificate_is_made_for_that_and_nothing_else(town):
    town.identity("amy", "--client")
    text = town.tool("openssl", "x509", "-in", town.ca + "ocsp.pem", "-noout", "-text")
    assert "OCSP Signing" in text and "OCSP No Check" in text and "TLS Web" not in text
    assert os.stat(town.ca + "ocsp.key").st_mode & 0o777 == 0o600


def test_responder_certificate_is_renewed_in_place(town):
    amy = town.identity("amy", "--client")
    old = town.tool("openssl", "x509", "-in", town.ca + "ocsp.pem", "-noout", "-serial")
    os.unlink(town.ca + "ocsp.key")
    town.service.reload()
    town.hf("issue", "bob", "--client")

    def renewed():
        return old != town.tool("openssl", "x509", "-in", town.ca + "ocsp.pem", "-noout", "-serial")
    town.service.__exit__()
    town.service = Server(town.hf, "authority", "--listen", "127.0.0.1:0", "--publish", town.url.split("//")[1],
                          listeners=2)
    assert renewed() and "amy/cert.pem: good" in town.openssl("-cert", amy.cert)


def test_answers_that_were_kept_are_judged_by_verify(town, tmp_path):
    """What openssl and ocsptool wrote down, with and without a nonce: as serve --ocsp would take it."""
    amy = town.identity("amy", "--client")
    kept = [str(tmp_path / name) for name in ("openssl.der", "plain.der", "gnutls.der")]

    def ask():
        town.openssl("-cert", amy.cert, "-respout", kept[0])
        town.openssl("-cert", amy.cert, "-no_nonce", "-respout", kept[1])
        town.tool("ocsptool", "--ask=" + town.url + "/ocsp", "--load-cert", amy.cert, "--load-issuer", town.ca + "issuing.pem",
                  "--load-trust", town.ca + "chain.pem", "--outder", "--outfile", kept[2], ok=False)
    ask()
    for path in kept:
        told = town.hf.json("verify", "--ca", town.ca + "root.pem", "--ocsp", path, amy.cert)["results"][0]
        assert told["verdict"]["accepted"] and told["ocsp"]["status"] == "good", path
    town.hf("revoke", "amy", "--reason", "keyCompromise")
    for path in kept:
        os.unlink(path)
    ask()
    for path in kept:
        told = town.hf.json("verify", "--ca", town.ca + "root.pem", "--ocsp", path, amy.cert, exit=1)["results"][0]
        assert told["verdict"]["reason"] == "V-REVOKED" and told["ocsp"]["status"] == "revoked", path


def test_gnutls_accepts_it(town):
    amy = town.identity("amy", "--client")
    argv = ["ocsptool", "--ask=" + town.url + "/ocsp", "--load-cert", amy.cert, "--load-issuer", town.ca + "issuing.pem",
            "--load-trust", town.ca + "chain.pem"]
    told = town.tool(*argv)
    assert "Verifying OCSP Response: Success" in told and "good" in told
    assert "Verifying OCSP Response: Success" in town.tool(*argv, "--nonce")
    town.hf("revoke", "amy")
    assert "revoked" in town.tool(*argv, ok=False)


def test_get_is_cached_as_rfc_5019_says_and_post_gives_the_same(town):
    question = town.question(town.identity("amy", "--client").cert, "-no_nonce")
    status, head, body = town.get(question)
    assert status == 200 and head["content-type"] == RESPONSE and int(head["content-length"]) == len(body)
    assert {"last-modified", "expires", "etag"} <= set(head)
    assert "max-age=3600" in head["cache-control"] and "must-revalidate" in head["cache-control"]
    assert town.get(question)[2] == body, "signed once"
    assert town.http("/ocsp", question)[2] == body
    status, again, rest = town.get(question, headers=["If-None-Match: " + head["etag"]])
    assert status == 304 and rest == b"" and again["etag"] == head["etag"]
    town.hf("revoke", "amy")
    assert town.get(question)[2] != body


def test_nonce_comes_back_and_is_not_cached(town):
    amy = town.identity("amy", "--client")
    one, two = town.question(amy.cert, "-nonce"), town.question(amy.cert, "-nonce")
    assert one != two
    for question in (one, two):
        status, head, body = town.http("/ocsp", question)
        nonce = question[-16:]
        assert status == 200 and head["cache-control"] == "no-store" and nonce in body


def nonce_question(town, octets):
    """A request whose nonce has that many octets, made by hand."""
    plain = town.question(town.identity("amy", "--client").cert, "-no_nonce")

    def der(tag, content):
        size = len(content)
        head = [size] if size < 128 else [0x81, size] if size < 256 else [0x82, size >> 8, size & 255]
        return bytes([tag, *head]) + content
    requests = plain[4:]
    assert plain[1] < 128 and plain[3] < 128
    oid = bytes.fromhex("06092b0601050507300102")
    extension = der(0x30, oid + der(4, der(4, b"n" * octets)))
    return der(0x30, der(0x30, requests + der(0xa2, der(0x30, extension))))


@pytest.mark.parametrize("octets, status", [(0, 1), (1, 0), (32, 0), (128, 0), (129, 1), (1000, 1)])
def test_nonces_are_as_long_as_rfc_9654_allows(town, octets, status):
    body = town.http("/ocsp", nonce_question(town, octets))[2]
    assert (body[:5] == bytes([0x30, 3, 10, 1, 1])) == (status == 1), body[:8]


MALFORMED = bytes([0x30, 3, 10, 1, 1])


@pytest.mark.parametrize("body", [b"", b"x", b"\x30", b"\x30\x80\x00\x00", b"\x30\x03\x30\x01\x30", b"\xff" * 1000,
                                  b"\x30\x84\xff\xff\xff\xff"])
def test_garbage_is_malformed(town, body):
    status, head, answer = town.http("/ocsp", body)
    assert (status, head["content-type"], answer) == (200, RESPONSE, MALFORMED)


def test_garbage_in_the_path_is_malformed_and_too_much_is_refused(town):
    for path in ("x", "%zz", "%", "%4", "====", "a/b/c", ""):
        status, _, answer = town.http("/ocsp/" + path)
        assert answer == MALFORMED or status == 400, path
    status, _, _ = town.http("/ocsp", b"\x30" * 20000)
    assert status == 413


def test_silent_and_half_open_clients_harm_nobody(town):
    amy = town.identity("amy", "--client")
    host, port = town.url.split("//")[1].split(":")
    idle = [socket.create_connection((host, int(port)), 20) for _ in range(40)]
    for n, s in enumerate(idle):
        if n % 3 == 1:
            s.sendall(b"POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n0")
        elif n % 3 == 2:
            s.sendall(b"GET /ocsp/")
    for s in idle[:10]:
        s.close()  # connects and goes: the scan that spins openssl's responder
    assert "amy/cert.pem: good" in town.openssl("-cert", amy.cert)
    for s in idle:
        s.close()


def test_plain_http_gives_lists_and_ocsp_and_nothing_else(town):
    status, head, body = town.http("/crl/issuing.crl")
    assert status == 200 and head["content-type"] == "application/pkix-crl"
    with open(town.dir + "/l.crl", "wb") as file:
        file.write(body)
    told = town.tool("openssl", "crl", "-inform", "der", "-in", "l.crl", "-noout", "-CAfile", town.ca + "issuing.pem")
    assert "verify OK" in told
    status, again, _ = town.http("/crl/issuing.crl", headers=["If-None-Match: W/\"x\", " + head["etag"]])
    assert status == 304 and again["etag"] == head["etag"]
    assert town.http("/crl/issuing.crl", headers=["If-Modified-Since: " + head["last-modified"]])[0] == 304
    assert b"BEGIN X509 CRL" in town.http("/crl/root.pem")[2]
    for path in ("/ca", "/enroll", "/revocations", "/health", "/crl/", "/crl/../ca.db", "/crl/issuing.key", "/"):
        assert town.http(path)[0] in (400, 404), path


def test_plain_http_is_for_this_machine_unless_told(hf):
    hf("init", "ABC Inc.")
    told = hf("authority", "--listen", "127.0.0.1:0", "--publish", "0.0.0.0:0", exit=2)
    assert "--publish-anywhere" in told.stderr
    with Server(hf, "authority", "--listen", "127.0.0.1:0", "--publish", "0.0.0.0:0", "--publish-anywhere", listeners=2):
        pass


def test_nginx_asks_it_about_client_certificates(town):
    nginx = need("nginx")
    server = town.identity("srv", "--server", "--san", "dns:localhost")
    amy, bob = town.identity("amy", "--client"), town.identity("bob", "--client")
    town.hf("revoke", "amy")
    port = free_port()
    conf = town.dir + "/nginx.conf"
    with open(conf, "w") as file:
        file.write("""daemon off; master_process off; pid %(dir)s/nginx.pid; error_log stderr info;
events { worker_connections 64; }
http { access_log off; client_body_temp_path %(dir)s/b; proxy_temp_path %(dir)s/p; fastcgi_temp_path %(dir)s/f;
uwsgi_temp_path %(dir)s/u; scgi_temp_path %(dir)s/s;
server { listen 127.0.0.1:%(port)d ssl; ssl_certificate %(cert)s; ssl_certificate_key %(key)s;
ssl_client_certificate %(ca)schain.pem; ssl_verify_client on; ssl_verify_depth 3; ssl_ocsp leaf;
ssl_ocsp_responder %(url)s/ocsp; location / { return 200 "hello\\n"; } } }
""" % {"dir": town.dir, "port": port, "cert": server.cert, "key": server.key, "ca": town.ca, "url": town.url})
    with Watched([nginx, "-c", conf, "-p", town.dir], clean_env(town.dir)) as peer:
        client = PythonClient(town.dir)
        peer.wait_until(lambda: client.get(port, bob).status == 200, "nginx to let bob in")
        assert client.get(port, amy).status == 400, "nginx answers 400 to a revoked client"


def test_cas_that_a_rollover_replaced_are_still_answered_for(town):
    amy = town.identity("amy", "--client")
    with open(town.ca + "issuing.pem") as file:
        old = file.read()
    with open(town.dir + "/old.pem", "w") as file:
        file.write(old)
    town.hf("init", "--rollover")
    town.service.reload()
    bob = town.identity("bob", "--client")
    town.service.__exit__()
    town.service = Server(town.hf, "authority", "--listen", "127.0.0.1:0", "--publish", town.url.split("//")[1],
                          listeners=2)
    for cert, issuer in ((amy, town.dir + "/old.pem"), (bob, town.ca + "issuing.pem")):
        told = town.tool("openssl", "ocsp", "-issuer", issuer, "-CAfile", town.ca + "root.pem", "-url", town.url + "/ocsp",
                         "-cert", cert.cert)
        assert "cert.pem: good" in told and "Response verify OK" in told
    number, = os.listdir(town.ca + "before")
    assert town.http("/crl/before-%s.crl" % number)[0] == 200


def policy(town, text):
    with open(town.ca + "policy.yaml", "w") as file:
        file.write(text)


def extensions(town, name):
    return town.tool("openssl", "x509", "-in", "%s/id/%s/cert.pem" % (town.hf.home, name), "-noout", "-text")


def test_leaves_name_list_and_responder_by_policy_and_short_ones_none(town):
    policy(town, """revocation:
  crl: %(url)s/crl/issuing.crl
  ocsp: %(url)s/ocsp
  none_under: 7d
""" % {"url": town.url})
    town.hf("issue", "amy", "--client")
    town.hf("issue", "brief", "--client", "--days", "2")
    text = extensions(town, "amy")
    assert "URI:%s/crl/issuing.crl" % town.url in text and "OCSP - URI:%s/ocsp" % town.url in text
    assert "2.5.29.56" not in text and "noRevAvail" not in text
    text = extensions(town, "brief")
    assert town.url not in text and ("2.5.29.56" in text or "No Revocation Available" in text)
    amy = "%s/id/amy/cert.pem" % town.hf.home
    # openssl finds the responder and the list by itself
    place = town.tool("openssl", "x509", "-in", amy, "-noout", "-ocsp_uri").strip()
    assert ": good" in town.tool("openssl", "ocsp", "-issuer", town.ca + "issuing.pem", "-CAfile", town.ca + "root.pem",
                                 "-cert", amy, "-url", place)
    argv = ["openssl", "verify", "-crl_check", "-crl_download", "-CAfile", town.ca + "root.pem", "-untrusted",
            town.ca + "issuing.pem", amy]
    assert "OK" in town.tool(*argv)
    town.hf("revoke", "amy")

    def refused():
        done = subprocess.run(argv, capture_output=True, text=True)
        return "certificate revoked" in done.stdout + done.stderr
    # the list that was given out a moment ago is looked at again within a second
    town.service.wait_until(refused, "the new list to be given out")
    shown = town.hf("policy", "show").stdout
    policy(town, shown)
    assert town.hf("policy", "show").stdout == shown


@pytest.mark.parametrize("text, words", [
    ("crl: https://ca.test/x.crl", "http://"), ("crl: ldap://ca.test/", "http://"), ("ocsp: http://", "http://"),
    ("crl: 'http://a/,URI:http://b'", "http://"), ("ocsp: \"http://a/\\nx\"", "http://"), ("none_under: -1", "duration"),
    ("list: http://a/", "list")])
def test_policies_that_name_no_place_are_refused(town, text, words):
    policy(town, "revocation:\n  %s\n" % text)
    told = town.hf.run("policy", "check", town.ca + "policy.yaml")
    assert told.code != 0 and words in told.everything, told
