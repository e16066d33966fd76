# SPDX-License-Identifier: Apache-2.0
"""Holes that others had (gateway.md, section 4), as far as they concern the way of the bytes."""
import json
import re
import socket
import ssl
import struct
import threading

import pytest
from support import peers
from support.peers import PythonClient
from upstreams import Script, always, wait_for
from wire import Wire


class Pump:
    """TLS over a memory BIO: every byte the client sends goes through `cut`, which gives the pieces to write."""

    def __init__(self, port, town, cut, cred="mail", sni="localhost", version=None):
        self.raw = socket.create_connection(("127.0.0.1", port), 20)
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = PythonClient.context(town[cred], None, version=version)
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=sni)
        self.cut = cut

    def flush(self):
        for piece in self.cut(self.outgoing.read()):
            self.raw.sendall(piece)

    def step(self, what):
        while True:
            try:
                got = what()
                self.flush()
                return got
            except ssl.SSLWantReadError:
                self.flush()
                part = self.raw.recv(65536)
                if not part:
                    self.incoming.write_eof()
                else:
                    self.incoming.write(part)

    def get(self, path="/"):
        self.step(self.tls.do_handshake)
        self.tls.write(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path.encode())
        self.flush()
        got = b""
        while True:
            part = self.step(lambda: self.tls.read(65536))
            if not part:
                return got
            got += part


def records(octets):
    """Handshake records cut into records of one byte each; others, and those under a cipher, as they are."""
    out, sealed = [], False
    while octets:
        kind, version, size = octets[0], octets[1:3], struct.unpack(">H", octets[3:5])[0]
        body, octets = octets[5:5 + size], octets[5 + size:]
        sealed |= kind == 20
        if kind != 22 or sealed:
            out.append(bytes([kind]) + version + struct.pack(">H", size) + body)
            continue
        out += [bytes([kind]) + version + b"\0\1" + body[i:i + 1] for i in range(len(body))]
    return out


CUTS = {
    "byte by byte": lambda octets: [octets[i:i + 1] for i in range(len(octets))],
    "records of one byte": lambda octets: [b"".join(records(octets))],
    "records of one byte, byte by byte": lambda octets: [bytes([b]) for b in b"".join(records(octets))],
    "in two": lambda octets: [octets[:7], octets[7:]],
}


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("cut", sorted(CUTS))
def test_hello_in_pieces_is_the_same_hello(gateway, town, tmp_path, cut, version):
    """Traefik CVE-2026-32305: the name was lost with the split, and with it the demand for a certificate."""
    log = tmp_path / "log"
    with Script(always(b"in")) as service:
        server = gateway("--to", service.url, "--access-log", str(log))
        got = Pump(server.port, town, CUTS[cut], version=version).get()
        assert got.startswith(b"HTTP/1.1 200") and got.endswith(b"in")
        row = wait_for(lambda: log.exists() and log.read_text() and json.loads(log.read_text()), "line in the log")
        assert row["sni"] == "localhost" and row["identity"] == "dns:mail.zoo.test"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            Pump(server.port, town, CUTS[cut], cred="none", version=version).get()
        server.wait_record()
        assert service.heads.qsize() == 1


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_plaintext_before_or_inside_the_handshake_reaches_nobody(gateway, town, version):
    """nginx CVE-2026-1642, Python CVE-2023-40217."""
    request = b"GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with Script(always()) as service:
        server = gateway("--to", service.url, "--handshake-timeout", "1")
        for before in (0, 5, 100):
            raw = socket.create_connection(("127.0.0.1", server.port), 20)
            outgoing = ssl.MemoryBIO()
            tls = PythonClient.context(town["mail"], None, version=version).wrap_bio(
                ssl.MemoryBIO(), outgoing, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                tls.do_handshake()
            hello = outgoing.read()
            raw.sendall(hello[:before] + request)
            raw.settimeout(20)
            got = b""
            try:
                while True:
                    part = raw.recv(65536)
                    if not part:
                        break
                    got += part
            except OSError:
                pass
            assert b"200 OK" not in got
            raw.close()
        assert service.heads.empty() and service.connections == 0


def test_data_behind_the_hello_before_the_finish_is_not_taken(gateway, town):
    """Application data of nobody, right behind a ClientHello, and then the end."""
    with Script(always()) as service:
        server = gateway("--to", service.url)
        raw = socket.create_connection(("127.0.0.1", server.port), 20)
        outgoing = ssl.MemoryBIO()
        tls = PythonClient.context(town["mail"], None).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        text = b"GET /early HTTP/1.1\r\nHost: localhost\r\n\r\n"
        raw.sendall(outgoing.read() + b"\x17\x03\x03" + struct.pack(">H", len(text)) + text)
        raw.shutdown(socket.SHUT_WR)
        raw.settimeout(20)
        try:
            while raw.recv(65536):
                pass
        except OSError:
            pass
        assert service.connections == 0


EVIL = {
    "CR LF in the CN": "admin\r\nX-SSL-Client-Verify: SUCCESS",
    "NUL in the CN": "admin\0.evil.test",
    "quotes in the CN": 'a"b\\c,O=Admin',
    "UTF-8 in the CN": "J\u00fcrgen \u202e\u2028x",
    "a long CN": "x" * 64,
    "a semicolon in the CN": "a;Hash=0;URI=spiffe://admin",
}


@pytest.mark.parametrize("kind", sorted(EVIL))
def test_names_in_certificates_cannot_leave_their_field(hf, town, wire, tmp_path, kind):
    """Envoy CVE-2025-66220, HAProxy 449133cba: NUL, CR and LF in what is matched, logged and passed on."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID
    import datetime
    issuing_key = serialization.load_pem_private_key(town.certs["issuing"].key_pem, None)
    issuing = x509.load_pem_x509_certificate(town.certs["issuing"].pem)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.utcnow()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, EVIL[kind])])
    leaf = (x509.CertificateBuilder().subject_name(name).issuer_name(issuing.subject).public_key(key.public_key())
            .serial_number(4711).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]), False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("evil.zoo.test")]), False)
            .sign(issuing_key, hashes.SHA256()))
    cert, keyfile = tmp_path / "evil.pem", tmp_path / "evil.key"
    cert.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + town.certs["issuing"].pem)
    keyfile.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()))
    cast = {"evil": peers.Credential(str(cert), str(keyfile))}
    with Script(always()) as service:
        with hf.serve(*town.serve_args, "--allow", "any", "--workers", "1", "--to", service.url, "--pass-identity",
                      "rfc9440,xfcc,headers") as server:
            try:
                status = Wire(server.port, cast, cred="evil").ask()
            except OSError:
                status = None
            if status is None:
                # Refused already: the names are the reason.
                assert "NAME" in server.wait_record()["cause"] or "SAN" in server.wait_record()["cause"]
                return
            head = service.head()
            assert status[0] == 200 and head["x-ssl-client-verify"] == "SUCCESS"
            for field in ("x-ssl-client-cn", "x-ssl-client-dn", "x-forwarded-client-cert"):
                assert all(" " <= c <= "~" for c in head[field]), head[field]
            parts = re.findall(r'(?:^|;)(\w+)=("(?:[^"\\]|\\.)*"|[^;"]*)', head["x-forwarded-client-cert"])
            assert [key for key, _ in parts] == ["Hash", "Cert", "Subject", "DNS"]


def test_identity_is_the_verified_leafs_whatever_else_was_sent(hf, town, wire, tmp_path):
    """Keycloak CVE-2023-2422: an extra certificate in the chain was taken for the client's."""
    both = tmp_path / "both.pem"
    mail = open(town["mail"].cert, "rb").read()
    both.write_bytes(mail + open(town["bob"].cert, "rb").read() + open(town["foreign"].cert, "rb").read())
    cast = {"evil": peers.Credential(str(both), town["mail"].key)}
    with Script(always()) as service:
        with hf.serve(*town.serve_args, "--allow", "any", "--workers", "1", "--to", service.url, "--pass-identity",
                      "rfc9440,headers") as server:
            assert Wire(server.port, cast, cred="evil").ask()[0] == 200
            head = service.head()
            assert head["x-ssl-client-cn"] == "mail-server"
            assert head["client-cert-chain"].count(":") == 2, "only the issuing CA, not what else was sent"


def test_client_that_leaves_at_any_point_harms_nobody(gateway, wire, town):
    """nginx CVE-2026-40701: the connection closed while something was awaited."""
    go = threading.Event()

    def play(peer, number):
        head = peer.head()
        if head.line.split()[1] == "/wait":
            go.wait(10)
        peer.ok()
        peer.eof()
    with Script(play) as service:
        server = gateway("--to", service.url)
        request = b"POST /wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n0123456789"
        for size in (1, 20, len(request) - 10, len(request) - 5, len(request)):
            for how in ("fin", "rst"):
                connection = wire(server)
                connection.send(request[:size])
                if how == "rst":
                    connection.tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.tls.close()
        go.set()
        assert wire(server).ask()[0] == 200
        assert "cannot start" not in server.text() and "replaced" not in server.text()


def test_clients_that_never_finish_their_hello_leave_the_others_alone(gateway, wire):
    with Script(always()) as service:
        server = gateway("--to", service.url, "--handshake-timeout", "1")
        stuck = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
        for one in stuck:
            one.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert wire(server).ask()[0] == 200
        for one in stuck:
            one.settimeout(10)
            try:
                while one.recv(100):
                    pass
            except ConnectionError:
                pass
        assert wire(server).ask()[0] == 200
