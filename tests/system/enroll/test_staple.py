# SPDX-License-Identifier: Apache-2.0
"""OCSP responses that serve hands out with its certificate, and what clients of others make of them."""
import os
import shutil
import subprocess

import pytest

from support.peers import need
from support.process import SLOW, clean_env
from support.program import Server
from support.responder import Responder

HELLO = ["--listen", "127.0.0.1:0", "--client-auth", "none", "--respond", "text:hello"]


class Place:
    def __init__(self, hf, tmp_path):
        self.hf, self.dir, self.ca = hf, str(tmp_path), hf.home + "/ca/"
        hf("init", "ABC Inc.")
        self.service = Server(hf, "authority", "--listen", "127.0.0.1:0", "--publish", "127.0.0.1:0", listeners=2)
        self.ocsp = [url for url in self.service.urls if url.startswith("http:")][0] + "/ocsp"
        hf("issue", "localhost", "--server", "--san", "ip:127.0.0.1")
        self.cert = hf.home + "/id/localhost/cert.pem"
        self.file = self.dir + "/staple.der"

    def tool(self, *argv, ok=True):
        need(argv[0])
        done = subprocess.run(argv, capture_output=True, cwd=self.dir, timeout=30 * SLOW, env=clean_env(self.dir),
                              stdin=subprocess.DEVNULL)
        text = done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace")
        assert not ok or done.returncode == 0, text
        return done.returncode, text

    def fetch(self, cert=None, out=None):
        self.tool("openssl", "ocsp", "-issuer", self.ca + "issuing.pem", "-cert", cert or self.cert, "-url", self.ocsp,
                  "-no_nonce", "-noverify", "-respout", out or self.file)
        return out or self.file

    def status(self, port):
        return self.tool("openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-status", "-CAfile",
                         self.ca + "root.pem")[1]

    def gnutls(self, port):
        return self.tool("gnutls-cli", "--x509cafile", self.ca + "root.pem", "--port", str(port), "localhost", ok=False)[1]

    def curl(self, port, *more):
        return self.tool("curl", "-sS", "--cacert", self.ca + "root.pem", *more, "https://localhost:%d/" % port, ok=False)


@pytest.fixture
def place(hf, tmp_path):
    place = Place(hf, tmp_path)
    yield place
    place.service.__exit__()


def test_curl_cert_status_takes_what_is_stapled(place):
    place.fetch()
    with place.hf.serve("--as", "localhost", *HELLO, "--staple-file", place.file) as server:
        code, told = place.curl(server.port, "--cert-status")
        assert code == 0 and "hello" in told
        assert "OCSP Response Status: successful" in place.status(server.port)


def test_without_a_staple_there_is_none(place):
    with place.hf.serve("--as", "localhost", *HELLO) as server:
        code, told = place.curl(server.port, "--cert-status")
        assert code == 91, told
        assert "no response sent" in place.status(server.port)


@pytest.mark.parametrize("case, words", [("other", "says nothing of this certificate"), ("garbage", "no OCSP response"),
                                         ("missing", "No such file"), ("revoked", "revoked"),
                                         ("changed", "does not verify"), ("error", "unauthorized")])
def test_bad_response_is_told_of_and_not_handed_out(place, case, words):
    place.fetch()
    with open(place.file, "rb") as file:
        good = file.read()
    if case == "other":
        place.hf("issue", "other", "--server")
        place.fetch(place.hf.home + "/id/other/cert.pem")
    elif case == "missing":
        os.unlink(place.file)
    elif case == "revoked":
        place.hf("revoke", "localhost")
        place.fetch()
    else:
        at = good.rindex(b"\x30\x45" if b"\x30\x45" in good[-900:] else b"\x30")
        bad = {"garbage": b"x", "error": b"\x30\x03\x0a\x01\x06",
               "changed": good[:120] + bytes([good[120] ^ 1]) + good[121:]}[case]
        assert at >= 0
        with open(place.file, "wb") as file:
            file.write(bad)
    with place.hf.serve("--as", "localhost", *HELLO, "--staple-file", place.file) as server:
        server.wait_line("err", lambda line: "is not handed out" in line and (words in line or case == "changed"), words)
        assert "no response sent" in place.status(server.port)
        assert "hello" in place.curl(server.port)[1]


def test_new_response_is_handed_out_without_a_signal(place):
    place.fetch()
    with place.hf.serve("--as", "localhost", *HELLO, "--staple-file", place.file, "--workers", "1") as server:
        os.unlink(place.file)
        server.wait_line("err", lambda line: "is not handed out" in line, "the file to be missed")
        server.wait_until(lambda: "no response sent" in place.status(server.port), "no staple")
        shutil.copy(place.fetch(out=place.dir + "/new.der"), place.file)
        server.wait_until(lambda: "successful" in place.status(server.port), "the new one")


def test_must_staple_without_one_is_a_mistake(place, tmp_path):
    extfile = tmp_path / "ext"
    extfile.write_text("tlsfeature = status_request\n")
    place.hf("issue", "must", "--server", "--san", "dns:localhost", "--extfile", extfile)
    told = place.hf("serve", "--as", "must", *HELLO, "--check", exit=1)
    assert "F-MUST-STAPLE" in told.stdout
    place.fetch(place.hf.home + "/id/must/cert.pem")
    assert "F-MUST-STAPLE" not in place.hf("serve", "--as", "must", *HELLO, "--check", "--staple-file",
                                           place.file).stdout


# --- fetched ---

@pytest.fixture
def named(place):
    """A server's certificate that names its responder, which passes questions on to the authority."""
    with Responder(place.ocsp) as responder:
        place.responder = responder
        place.named = lambda name, *lines: named_identity(place, responder, name, *lines)
        place.named("web")
        yield place


def named_identity(place, responder, name, *lines):
    path = place.dir + "/%s.ext" % name
    with open(path, "w") as file:
        file.write("\n".join(["authorityInfoAccess = OCSP;URI:%s" % responder.url, *lines]) + "\n")
    place.hf("issue", name, "--server", "--san", "dns:localhost", "--san", "ip:127.0.0.1", "--extfile", path)
    return place.hf.home + "/id/%s/cert.pem" % name


def test_fetched_staple_is_taken_by_openssl_curl_and_gnutls(named):
    with named.hf.serve("--as", "web", *HELLO, "--staple", "--workers", "2") as server:
        # whoever comes first has it, from either worker
        assert "OCSP Response Status: successful" in named.status(server.port)
        for _ in range(8):
            assert "Cert Status: good" in named.status(server.port)
        assert named.curl(server.port, "--cert-status")[0] == 0
        told = named.gnutls(server.port)
        assert "OCSP status request" in told and "The certificate is trusted" in told, told
    assert named.responder.asked == 1  # once for both workers


def test_ready_waits_for_the_staple_and_not_for_ever(named):
    named.responder.how = "hang"
    argv = ["--as", "web", *HELLO, "--staple", "--workers", "2"]
    with named.hf.serve(*argv, "--ocsp-timeout", "60", wait=False) as server:
        server.wait_until(lambda: named.responder.asked > 0, "the question")
        assert not any("listening on" in line for line in server.lines["err"])
        named.responder.how = "pass"
        named.responder.free.set()
        server.wait_ready(1)
        assert "Cert Status: good" in named.status(server.port)
    # one that stays silent costs the time that it may take, and the server runs without
    named.responder.how, named.responder.asked = "hang", 0
    named.responder.free.clear()
    with named.hf.serve(*argv, "--ocsp-timeout", "1") as server:
        assert any("OCSP about our own certificate" in line for line in server.lines["err"])
        assert "no response sent" in named.status(server.port)
        assert "hello" in named.curl(server.port)[1]


def test_staple_outlives_its_responder_and_comes_back_with_it(named):
    argv = ["--as", "web", *HELLO, "--staple", "--workers", "1"]
    with named.hf.serve(*argv) as server:
        server.wait_until(lambda: "successful" in named.status(server.port), "the staple")
        named.responder.how = "error"
        assert "successful" in named.status(server.port)
        server.reload()
        assert "successful" in named.status(server.port)
    with named.hf.serve(*argv) as server:
        server.wait_line("err", lambda line: "OCSP about our own certificate" in line and "HTTP 500" in line, "the failure")
        assert "no response sent" in named.status(server.port)
        assert "hello" in named.curl(server.port)[1]
        named.responder.how = "pass"
        server.wait_until(lambda: "successful" in named.status(server.port), "the staple", 40)


def test_next_staple_is_there_before_the_one_before_ends(named):
    """Answers without an end count for ten seconds here: half of that, and another is fetched."""
    from enroll.test_client_ocsp import OpenSSLResponder
    serial = named.tool("openssl", "x509", "-in", named.hf.home + "/id/web/cert.pem", "-noout", "-serial")[1]
    index = named.dir + "/index.txt"
    with open(index, "w") as file:
        file.write("V\t350101000000Z\t\t%s\tunknown\t/CN=x\n" % serial.strip().split("=")[1])
    with OpenSSLResponder(named, named.ca + "ocsp.pem", named.ca + "ocsp.key", index) as responder:
        named.responder.behind = responder.url
        with named.hf.serve("--as", "web", *HELLO, "--staple", "--workers", "1") as server:
            server.wait_until(lambda: "successful" in named.status(server.port), "the staple")
            server.wait_until(lambda: named.responder.asked >= 3, "the third", 60)
            assert "successful" in named.status(server.port)


def test_renewed_certificate_has_its_own_staple(named):
    with named.hf.serve("--as", "web", *HELLO, "--staple", "--workers", "1") as server:
        server.wait_until(lambda: "successful" in named.status(server.port), "the staple")
        before = named.tool("openssl", "x509", "-in", named.hf.home + "/id/web/cert.pem", "-noout", "-serial")[1]
        named.hf("renew", "web", "--before", "365d")
        after = named.tool("openssl", "x509", "-in", named.hf.home + "/id/web/cert.pem", "-noout", "-serial")[1]
        assert before != after
        serial = "Serial Number: " + after.strip().split("=")[1]
        server.wait_until(lambda: serial in named.status(server.port), "the staple of the new one", 30)


def test_revoked_certificate_gets_no_staple(named):
    named.hf("revoke", "web")
    with named.hf.serve("--as", "web", *HELLO, "--staple") as server:
        server.wait_line("err", lambda line: "our own certificate" in line and "it is revoked" in line, "the line about it")
        assert "no response sent" in named.status(server.port)


def test_must_staple_without_its_responder_is_told_as_our_own_fault(named):
    named.named("must", "tlsfeature = status_request")
    named.responder.how = "error"
    assert "F-MUST-STAPLE" not in named.hf("serve", "--as", "must", *HELLO, "--staple", "--check").stdout
    with named.hf.serve("--as", "must", *HELLO, "--staple", "--workers", "1") as server:
        server.wait_line("err", lambda line: "our own fault" in line and "must-staple" in line, "the line about it")
        assert "The certificate is trusted" not in named.gnutls(server.port)
        named.responder.how = "pass"
        server.wait_line("err", lambda line: "has its OCSP response" in line, "the other one", 40)
        assert "successful" in named.status(server.port)
        assert "The certificate is trusted" in named.gnutls(server.port)


@pytest.mark.parametrize("where", ["here", "at the authority"])
def test_must_staple_and_its_responder_survive_a_renewal(named, where):
    cert = named.named("must", "tlsfeature = status_request")
    url = [url for url in named.service.urls if url.startswith("https:")][0]
    with open(cert) as file:
        before = file.read()
    named.hf("renew", "must", "--before", "365d", *(["--from", url] if where != "here" else []))
    with open(cert) as file:
        assert file.read() != before
    told = named.tool("openssl", "x509", "-in", cert, "-noout", "-text")[1]
    assert "status_request" in told and named.responder.url in told
    with named.hf.serve("--as", "must", *HELLO, "--staple", "--workers", "1") as server:
        server.wait_until(lambda: "The certificate is trusted" in named.gnutls(server.port), "the staple it must have")


def test_each_policy_has_the_staple_of_its_own_certificate(named, tmp_path):
    other = named.named("other", "# another")
    config = tmp_path / "handfast.yaml"
    config.write_text("""as: web
listen: [127.0.0.1:0]
client-auth: none
respond: text:hello
staple: true
policies:
  - name: other
    sni: [other.example]
    as: other
""")
    serials = {}
    for name, cert in (("localhost", named.hf.home + "/id/web/cert.pem"), ("other.example", other)):
        serials[name] = named.tool("openssl", "x509", "-in", cert, "-noout", "-serial")[1].strip().split("=")[1]
    with named.hf.serve("--config", config) as server:
        for name, serial in serials.items():
            def told():
                return named.tool("openssl", "s_client", "-connect", "127.0.0.1:%d" % server.port, "-status", "-servername",
                                  name, "-CAfile", named.ca + "root.pem")[1]
            server.wait_until(lambda: "Serial Number: %s" % serial in told(), "the staple of " + name)


@pytest.mark.parametrize("case", ["no responder", "two ways"])
def test_staple_that_cannot_be_fetched_is_told_at_the_start(place, case):
    if case == "two ways":
        told = place.hf.run("serve", "--as", "localhost", *HELLO, "--staple", "--staple-file", place.file)
        assert told.code == 2 and "exclude each other" in told.stderr
        return
    with place.hf.serve("--as", "localhost", *HELLO, "--staple") as server:
        server.wait_line("err", lambda line: "names no OCSP responder" in line, "the line about it")
        assert "no response sent" in place.status(server.port)
