# SPDX-License-Identifier: Apache-2.0
"""OCSP responses that serve hands out with its certificate, and what clients of others make of them."""
import os
import shutil
import subprocess

import pytest

from support.peers import need
from support.process import SLOW, clean_env
from support.program import Server

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
