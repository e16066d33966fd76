# SPDX-License-Identifier: Apache-2.0
"""A list of a million revoked certificates: in DER and PEM, from files and by URL, in every command that takes lists."""
import base64
import datetime
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support import der
from support.peers import Credential, PythonClient
from support.program import Handfast

ENTRIES = 1_000_000
ECDSA_SHA256 = der.seq(der.oid("1.2.840.10045.4.3.2"))


class Town:
    def __init__(self, hf, place):
        self.hf, self.dir = hf, place
        hf("init", "ABC Inc.")
        hf("issue", "localhost", "--server", "--san", "ip:127.0.0.1")
        self.amy, self.bob = self.identity("amy"), self.identity("bob")
        self.root, self.root_list = hf.home + "/ca/root.pem", hf.home + "/ca/root.crl.pem"
        octets = self.make_list(self.serial(self.amy))
        self.der, self.pem = str(place / "list.der"), str(place / "list.pem")
        with open(self.der, "wb") as file:
            file.write(octets)
        with open(self.pem, "wb") as file:
            file.write(b"-----BEGIN X509 CRL-----\n" + base64.encodebytes(octets) + b"-----END X509 CRL-----\n")

    def identity(self, name):
        self.hf("issue", name, "--client")
        folder = "%s/id/%s/" % (self.hf.home, name)
        return Credential(folder + "cert.pem", folder + "key.pem")

    @staticmethod
    def serial(who):
        with open(who.cert, "rb") as file:
            return x509.load_pem_x509_certificate(file.read()).serial_number

    def make_list(self, revoked):
        """Signed by the issuing CA; no library makes one of this size in seconds."""
        with open(self.hf.home + "/ca/issuing.pem", "rb") as file:
            ca = x509.load_pem_x509_certificate(file.read())
        with open(self.hf.home + "/ca/issuing.key", "rb") as file:
            key = serialization.load_pem_private_key(file.read(), None)
        now = datetime.datetime.now(datetime.timezone.utc)
        at = der.moment(now)
        reason = der.seq(der.seq(der.oid("2.5.29.21"), der.tlv(der.OCTETS, b"\x0a\x01\x01")))
        head, tail = b"\x30\x2f\x02\x10\x7f", at + reason
        entries = [head + (n * 2654435761 % 2 ** 120).to_bytes(15, "big") + tail for n in range(ENTRIES - 1)]
        entries.insert(ENTRIES // 3, der.seq(der.integer(revoked), at, reason))
        tbs = der.seq(der.integer(1), ECDSA_SHA256, ca.subject.public_bytes(), der.moment(now - datetime.timedelta(hours=1)),
                      der.moment(now + datetime.timedelta(days=7)), der.seq(*entries),
                      der.tlv(0xA0, der.seq(der.seq(der.oid("2.5.29.20"), der.tlv(der.OCTETS, der.integer(7))))))
        return der.seq(tbs, ECDSA_SHA256, der.bits(key.sign(tbs, ec.ECDSA(hashes.SHA256()))))


@pytest.fixture(scope="module")
def town(binary, tmp_path_factory):
    place = tmp_path_factory.mktemp("large")
    return Town(Handfast(binary, str(place / "home"), cwd=str(place)), place)


@pytest.fixture(scope="module")
def url(town):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            with open(town.der if self.path == "/list.der" else town.pem, "rb") as file:
                octets = file.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, *_):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    yield "http://127.0.0.1:%d" % web.server_port
    web.shutdown()


@pytest.mark.parametrize("form", ["der", "pem"])
def test_verify_finds_one_of_a_million(town, form):
    for who, code in [(town.amy, 1), (town.bob, 0)]:
        told = town.hf("verify", "--ca", town.root, who.cert, "--crl", getattr(town, form), "--crl", town.root_list, exit=code)
        assert ("V-REVOKED" in told.everything) == (code == 1)
        assert "keyCompromise" in told.everything or code == 0


@pytest.mark.parametrize("form", ["der", "pem"])
def test_show_tells_of_the_list(town, form):
    told = town.hf("show", getattr(town, form))
    assert "1000000" in told.stdout and "999" in told.stdout


@pytest.mark.parametrize("form", ["der", "pem"])
def test_verify_fetches_the_list(town, url, form):
    lists = ["--crl", "%s/list.%s" % (url, form), "--crl", town.root_list]
    assert "V-REVOKED" in town.hf("verify", "--ca", town.root, town.amy.cert, *lists, exit=1).everything
    town.hf("verify", "--ca", town.root, town.bob.cert, *lists)


@pytest.mark.parametrize("source", ["der", "pem", "url"])
def test_serve_refuses_who_is_on_the_list_and_nobody_else(town, url, source):
    place = url + "/list.der" if source == "url" else getattr(town, source)
    client = PythonClient(str(town.dir))
    with town.hf.serve("--as", "localhost", "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0", "--ca",
                       town.root, "--crl", place, "--crl", town.root_list, patience=120) as server:
        assert client.get(server.port, town.amy).alert == 44
        assert client.get(server.port, town.bob).status == 200


def test_file_beyond_the_limit_is_refused_with_the_limit_and_what_to_do(town, tmp_path):
    path = tmp_path / "huge.pem"
    with open(path, "wb") as file:
        file.truncate(256 * 1024 * 1024 + 1)
    for argv in (["verify", "--ca", town.root, town.bob.cert, "--crl", path], ["show", path], ["crl", "show", path]):
        told = town.hf.run(*[str(word) for word in argv])
        assert told.code == 3 and "E-LIMIT" in told.stderr, told
        assert "268435456 bytes" in told.stderr and "256 MiB" in told.stderr and "DER" in told.stderr, told
    os.unlink(path)
