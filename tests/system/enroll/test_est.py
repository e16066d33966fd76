# SPDX-License-Identifier: Apache-2.0
"""EST (RFC 7030, RFC 8951) with clients that others wrote: curl with openssl, and strongSwan's pki."""
import base64
import json
import os
import subprocess

import pytest

from support.peers import need
from support.process import clean_env

from .conftest import Authority


class Client:
    def __init__(self, authority, directory):
        self.authority, self.dir = authority, str(directory)

    def openssl(self, *args, input=None):
        return subprocess.run(["openssl", *args], input=input, capture_output=True, check=True, cwd=self.dir).stdout

    def request(self, name, subject="/", *options):
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                     "-keyout", name + ".key", "-out", name + ".csr", *options)
        return self.openssl("req", "-in", name + ".csr", "-outform", "der")

    def curl(self, path, *options, body=None, root=None):
        """(status, headers, body)"""
        argv = ["curl", "-s", "--max-time", "20", "-D", "headers", "-o", "body", "-w", "%{http_code}", "--cacert",
                root or self.authority.root, *options, self.authority.url + "/.well-known/est/" + path]
        if body is not None:
            argv += ["-H", "Content-Type: application/pkcs10", "--data-binary", "@-"]
        for name in ("headers", "body"):
            open(os.path.join(self.dir, name), "w").close()
        done = subprocess.run(argv, input=body or b"", capture_output=True, check=True, cwd=self.dir,
                              env=clean_env(self.dir))
        with open(self.dir + "/headers") as head, open(self.dir + "/body", "rb") as rest:
            return int(done.stdout), head.read().lower(), rest.read()

    def certificates(self, body):
        pem = self.openssl("pkcs7", "-inform", "der", "-print_certs", input=base64.b64decode(body))
        return pem.decode().count("BEGIN CERTIFICATE"), pem

    def enrol(self, name="amy", **more):
        token = self.authority.token(name)
        ident, secret, _ = token.split(".")
        der = self.request(name)
        status, _, body = self.curl("simpleenroll", "-u", ident + ":" + secret, body=base64.b64encode(der), **more)
        assert status == 200, body
        count, pem = self.certificates(body)
        assert count == 1
        with open(self.dir + "/%s.pem" % name, "wb") as out:
            out.write(pem)
        return pem


@pytest.fixture
def client(authority, tmp_path):
    directory = tmp_path / "est"
    directory.mkdir()
    return Client(authority, directory)


def test_cacerts_are_the_root_and_the_issuing_ca_on_one_line(client):
    status, head, body = client.curl("cacerts")
    assert status == 200 and "content-type: application/pkcs7-mime" in head
    assert "content-transfer-encoding: base64" in head
    assert body.endswith(b"\n") and body.count(b"\n") == 1
    count, pem = client.certificates(body)
    assert count == 2 and b"Root CA" in pem and b"Issuing CA" in pem


def test_csrattrs_ask_for_nothing(client):
    assert client.curl("csrattrs")[0] == 204


@pytest.mark.parametrize("form", ["wrapped", "single", "crlf", "pem", "der"])
def test_request_is_read_however_it_is_written(client, authority, form):
    der = client.request("amy", "/CN=amy")
    wrapped = base64.encodebytes(der)
    bodies = {"wrapped": wrapped, "single": base64.b64encode(der), "crlf": wrapped.replace(b"\n", b"\r\n"),
              "pem": open(client.dir + "/amy.csr", "rb").read(), "der": der}
    token = authority.token("amy")
    status, head, body = client.curl("simpleenroll", "-u", "anybody:" + token, body=bodies[form])
    assert status == 200 and "smime-type=certs-only" in head
    count, pem = client.certificates(body)
    assert count == 1 and b"CN = amy" in pem


def test_bearer_and_tls_1_2_are_fine(client, authority):
    token = authority.token("amy")
    body = base64.b64encode(client.request("amy"))
    status, _, _ = client.curl("simpleenroll", "--tls-max", "1.2", "-H", "Authorization: Bearer " + token, body=body)
    assert status == 200


def test_enrolment_without_a_token_is_asked_for_one_each_time(client):
    body = base64.b64encode(client.request("amy"))
    for _ in range(25):
        status, head, _ = client.curl("simpleenroll", body=body)
        assert status == 401 and 'www-authenticate: basic realm="estrealm"' in head


@pytest.mark.parametrize("subject, options, word", [
    ("/CN=bob", (), "amy"),
    ("/O=ABC/CN=amy", (), "amy"),
    ("/CN=amy", ("-addext", "subjectAltName=DNS:payments.corp"), "payments.corp"),
    ("/", ("-addext", "subjectAltName=URI:spiffe://corp/admin"), "spiffe://corp/admin"),
])
def test_request_for_another_name_is_refused_and_the_token_stays_good(client, authority, subject, options, word):
    token = authority.token("amy")
    der = client.request("other", subject, *options)
    status, _, body = client.curl("simpleenroll", "-u", "x:" + token, body=base64.b64encode(der))
    assert status == 403 and json.loads(body)["error"]["code"] == "names"
    assert word in json.loads(body)["error"]["message"]
    status, _, _ = client.curl("simpleenroll", "-u", "x:" + token, body=base64.b64encode(client.request("amy")))
    assert status == 200


def test_request_cannot_make_itself_a_ca(client, authority):
    token = authority.token("amy")
    der = client.request("amy", "/CN=amy", "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
                         "keyUsage=keyCertSign")
    status, _, body = client.curl("simpleenroll", "-u", "x:" + token, body=base64.b64encode(der))
    text = client.openssl("x509", "-noout", "-text", input=client.certificates(body)[1])
    assert status == 200 and b"CA:FALSE" in text and b"Certificate Sign" not in text


def test_retry_with_the_same_key_gets_the_same_certificate_and_another_key_nothing(client, authority):
    token = authority.token("amy")
    body = base64.b64encode(client.request("amy"))
    first = client.curl("simpleenroll", "-u", "x:" + token, body=body)
    assert client.curl("simpleenroll", "-u", "x:" + token, body=body)[2] == first[2]
    other = base64.b64encode(client.request("other"))
    status, _, answer = client.curl("simpleenroll", "-u", "x:" + token, body=other)
    assert status == 403 and json.loads(answer)["error"]["code"] == "token-spent"
    assert len(authority.issued("amy")) == 1


def test_broken_requests_and_weak_keys_are_refused(client, authority):
    token = authority.token("amy")
    der = bytearray(client.request("amy"))
    der[-3] ^= 1
    client.openssl("req", "-new", "-newkey", "rsa:1024", "-nodes", "-subj", "/", "-keyout", "w.key", "-out", "w.csr")
    weak = client.openssl("req", "-in", "w.csr", "-outform", "der")
    for body, status in [(bytes(der), 400), (b"garbage!", 400), (b"", 400), (weak, 403)]:
        got = client.curl("simpleenroll", "-u", "x:" + token, body=base64.b64encode(body) if body else b"")
        assert got[0] == status, got
    assert authority.hf.json("token", "list")["tokens"][0]["state"] == "open"


def test_reenrolment_is_by_the_old_certificate(client, authority):
    client.enrol()
    body = base64.b64encode(client.request("new", "/CN=amy"))
    status, _, answer = client.curl("simplereenroll", "--cert", "amy.pem", "--key", "amy.key", body=body)
    assert status == 200 and b"CN = amy" in client.certificates(answer)[1]
    assert len(authority.issued("amy")) == 2
    again = base64.b64encode(client.request("third", "/CN=amy"))
    status, _, answer = client.curl("simplereenroll", "--cert", "amy.pem", "--key", "amy.key", body=again)
    assert status == 403 and json.loads(answer)["error"]["code"] == "certificate-superseded"
    assert client.curl("simplereenroll", body=again)[0] == 403


def pki(client, *args, input=None, check=True):
    need("pki")
    return subprocess.run(["pki", *args], input=input, capture_output=True, check=check, cwd=client.dir, timeout=60,
                          env=clean_env(client.dir))


def test_strongswan_fetches_the_ca_enrols_and_enrols_again(client, authority):
    need("pki")
    pki(client, "--estca", "--url", authority.url, "--cacert", authority.root, "--caout", "ca.pem", "--outform", "pem")
    found = [name for name in os.listdir(client.dir) if name.startswith("ca")]
    assert found, os.listdir(client.dir)
    authority_token = authority.token("amy")
    ident, secret, _ = authority_token.split(".")
    der = client.request("amy", "/CN=amy")
    made = pki(client, "--est", "--url", authority.url, "--in", "amy.csr", "--cacert", authority.root, "--cacert",
               authority.hf.home + "/ca/issuing.pem", "--userpass", ident + ":" + secret, "--outform", "pem")
    assert der and b"BEGIN CERTIFICATE" in made.stdout, made.stderr
    with open(client.dir + "/amy.pem", "wb") as out:
        out.write(made.stdout)
    client.request("new", "/CN=amy")
    again = pki(client, "--est", "--url", authority.url, "--in", "new.csr", "--cacert", authority.root, "--cacert",
                authority.hf.home + "/ca/issuing.pem", "--cert", "amy.pem", "--key", "amy.key", "--outform", "pem")
    assert b"BEGIN CERTIFICATE" in again.stdout and again.stdout != made.stdout
    assert len(authority.issued("amy")) == 2


def cacerts(authority, *fields):
    line = ["curl", "-s", "--cacert", authority.root, authority.url + "/.well-known/est/cacerts"]
    return subprocess.run([*line, *fields], capture_output=True, text=True, check=True).stdout


def test_clients_that_read_lines_get_lines_and_others_one(hf):
    hf("init", "ABC Inc.")
    authority = Authority(hf)
    with authority.start("--est-wrapped", "libest", "--est-wrapped", "OldRouter/1"):
        one = cacerts(authority)
        assert one.count("\n") == 1
        for agent in ("libest client 1.0", "OldRouter/1.2"):
            lines = cacerts(authority, "-A", agent).split("\n")
            assert max(map(len, lines)) == 64 and "".join(lines) == one.strip()
        assert cacerts(authority, "-A", "a libest").count("\n") == 1
        # what OpenSSL's decoder without the flag for a single line can read
        bag = subprocess.run(["openssl", "base64", "-d"], input="\n".join(lines).encode(), capture_output=True,
                             check=True).stdout
        assert bag == base64.b64decode(one)
