# SPDX-License-Identifier: Apache-2.0
"""What the service hears about the client, and what a client cannot make it hear."""
import base64
import hashlib
import json
import re
import urllib.parse

import pytest
from support import look
from upstreams import NginxService, Script, always

FORGED = ["Client-Cert", "Client-Cert-Chain", "X-Forwarded-Client-Cert", "X-SSL-Client-Verify", "X-SSL-Client-CN",
          "X-SSL-Client-DN", "X-SSL-Client-Cert", "X-SSL-Client-S-DN", "X-SSL-Issuer", "X-SSL-Client-SHA1",
          "SSL-Client-Cert", "Ssl-Client-Verify", "SSL_CLIENT_S_DN", "X-Client-Cert", "X-Client-Identity",
          "X-Client-Verify", "X-Client-X5T-S256", "X-Forwarded-Tls-Client-Cert", "X-Forwarded-Tls-Client-Cert-Info",
          "X-Amzn-Mtls-Clientcert", "X-ARR-ClientCert", "X-TLS-Client-CN", "X-SPIFFE-ID", "l5d-client-id",
          "X-Remote-User", "Remote-User", "CF-Client-Cert-Sha256", "TLS-Client-Cert", "XFCC",
          "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded", "X-Real-IP",
          "True-Client-IP", "X-Original-URL", "X-Rewrite-URL", "Proxy", "Remote-Addr", "X-Cluster-Client-IP"]


def twins(name):
    """The ways to write a name that some service reads as the same."""
    return [name, name.lower(), name.upper(), name.replace("-", "_"), name.replace("-", "_").upper(),
            name.replace("-", "."), name.replace("-", "_", 1), "_" + name]


@pytest.mark.parametrize("cred", ["mail", "none"])
@pytest.mark.parametrize("mode", ["rfc9440", "xfcc", "headers", "none", "rfc9440,xfcc,headers"])
def test_no_client_can_forge_its_identity_in_any_spelling(gateway, wire, mode, cred):
    with Script(always()) as service:
        server = gateway("--to", service.url, "--pass-identity", mode, "--client-auth",
                         "optional" if cred == "none" else "require")
        connection = wire(server, cred=cred)
        for name in FORGED:
            for twin in twins(name):
                status, _, _ = connection.ask(fields="%s: forged\r\nX-Mine: kept\r\n%s: forged\r\n" % (twin, twin))
                head = service.head()
                assert status == 200 and "forged" not in head.raw.decode("latin-1"), (twin, head.raw)
                assert head["x-mine"] == "kept"


def test_identity_as_trailers_goes_nowhere(gateway, wire):
    got = []

    def play(peer, number):
        while True:
            head = peer.head()
            while b"0\r\n\r\n" not in peer.rest:
                peer.more()
            got.append(peer.rest)
            peer.rest = b""
            peer.ok()
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        connection.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: Client-Cert\r\n"
                        b"\r\n1\r\na\r\n0\r\nClient-Cert: forged\r\nX_SSL_Client_CN: forged\r\n\r\n")
        assert connection.answer()[0] == 200
        assert got == [b"1\r\na\r\n0\r\n\r\n"]
        assert "trailer" not in service.head()


@pytest.mark.parametrize("spelling", ["Client-Cert", "client-cert", "CLIENT-CERT", "Client_Cert"])
def test_connection_cannot_take_the_true_fields_away(gateway, wire, town, spelling):
    with Script(always()) as service:
        server = gateway("--to", service.url, "--pass-identity", "rfc9440,xfcc,headers")
        connection = wire(server)
        connection.ask(fields="Connection: %s, X-Forwarded-For, Host, X-SSL-Client-Verify, X-Own\r\nX-Own: gone\r\n"
                       "X-Other: kept\r\n" % spelling)
        head = service.head()
        assert head["client-cert"] and head["x-ssl-client-verify"] == "SUCCESS" and head["host"] == "localhost"
        assert head["x-forwarded-for"] == "127.0.0.1" and head["x-other"] == "kept"
        assert "x-own" not in head and "connection" not in head


HOP = ["Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade", "Proxy-Authorization",
       "Proxy-Authenticate", "HTTP2-Settings"]


def test_fields_of_one_connection_stay_there_both_ways(gateway, wire):
    fields = b"".join(b"%s: x1y2\r\n" % name.encode() for name in HOP if name not in ("Connection", "HTTP2-Settings"))
    with Script(always(fields=fields + b"Connection: X-Hop\r\nX-Hop: x1y2\r\nX-End: z\r\n")) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        for name in HOP:
            _, head, _ = connection.ask(fields="%s: x1y2\r\nX1Y2: x1y2\r\nX-End: z\r\n" % name)
            seen = service.head()
            assert seen["x-end"] == "z" and head["x-end"] == "z"
            assert name.lower() not in seen
            if name == "Connection":
                assert "x1y2" not in seen
            assert b"x1y2" not in head.raw


@pytest.mark.row(68)
def test_rfc_9440_fields_are_exact(gateway, wire, town):
    with Script(always()) as service:
        server = gateway("--to", service.url)
        assert wire(server).ask()[0] == 200
        head = service.head()
        leaf, issuing = look.certs(town["mail"].cert)[:2]
        from cryptography.hazmat.primitives.serialization import Encoding
        want = ":%s:" % base64.b64encode(leaf.public_bytes(Encoding.DER)).decode()
        assert head["client-cert"] == want
        assert head["client-cert-chain"] == ":%s:" % base64.b64encode(issuing.public_bytes(Encoding.DER)).decode()
        assert not [name for name in head.names if name.startswith("x-ssl") or name == "x-forwarded-client-cert"]


def test_xfcc_is_as_envoy_writes_it(gateway, wire, town):
    with Script(always()) as service:
        server = gateway("--to", service.url, "--pass-identity", "xfcc")
        assert wire(server, cred="bob").ask()[0] == 200
        head = service.head()
        leaf = look.cert(town["bob"].cert)
        from cryptography.hazmat.primitives.hashes import SHA256
        parts = dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|[^;]*)', head["x-forwarded-client-cert"]))
        assert parts["Hash"] == leaf.fingerprint(SHA256()).hex()
        assert parts["Subject"] == '"CN=bob,O=Zoo"'
        assert parts["URI"] == "spiffe://zoo.test/mail/bob" and parts["DNS"] == "bob.zoo.test"
        pem = urllib.parse.unquote(parts["Cert"].strip('"'))
        assert look.certs(pem.encode())[0] == leaf
        assert "client-cert" not in head


def test_x_ssl_client_fields_and_rfc_8705_thumbprint(gateway, wire, town):
    with Script(always()) as service:
        server = gateway("--to", service.url, "--pass-identity", "headers")
        assert wire(server, cred="bob").ask()[0] == 200
        head = service.head()
        leaf = look.cert(town["bob"].cert)
        from cryptography.hazmat.primitives.serialization import Encoding
        digest = hashlib.sha256(leaf.public_bytes(Encoding.DER)).digest()
        assert head["x-client-x5t-s256"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert head["x-ssl-client-sha256"] == digest.hex()
        assert head["x-ssl-client-verify"] == "SUCCESS"
        assert head["x-ssl-client-dn"] == "CN=bob,O=Zoo" and head["x-ssl-client-cn"] == "bob"
        assert head["x-client-identity"] == "uri:spiffe://zoo.test/mail/bob"
        assert "dns:bob.zoo.test" in head["x-ssl-client-san"] and "email:bob@zoo.test" in head["x-ssl-client-san"]
        assert int(head["x-ssl-client-serial"], 16) == leaf.serial_number
        assert look.certs(urllib.parse.unquote(head["x-ssl-client-cert"]).encode())[0] == leaf
        for name in ("x-ssl-issuer", "x-ssl-client-notbefore", "x-ssl-client-notafter"):
            assert head[name]


def test_report_mode_says_why_there_is_no_identity(hf, town, wire):
    with Script(always()) as service:
        with hf.serve(*town.serve_args, "--client-auth", "report", "--workers", "1", "--to", service.url,
                      "--pass-identity", "rfc9440,xfcc,headers") as server:
            for cred, want in (("none", "NONE"), ("expired", "FAILED:V-EXPIRED"), ("mail", "SUCCESS")):
                assert wire(server, cred=cred).ask(fields="Client-Cert: forged\r\nX-SSL-Client-Verify: SUCCESS\r\n")[
                    0] == 200
                head = service.head()
                assert head["x-ssl-client-verify"] == want
                assert ("client-cert" in head) == ("x-forwarded-client-cert" in head) == (want == "SUCCESS")
                assert b"forged" not in head.raw


def test_nobody_under_optional_has_no_fields_but_that_there_is_none(gateway, wire):
    with Script(always()) as service:
        server = gateway("--client-auth", "optional", "--to", service.url, "--pass-identity", "rfc9440,xfcc,headers")
        for cred, want in (("none", "NONE"), ("mail", "SUCCESS"), ("none", "NONE")):
            assert wire(server, cred=cred).ask(fields="Connection: X-SSL-Client-Verify, Client-Cert\r\n")[0] == 200
            head = service.head()
            assert head["x-ssl-client-verify"] == want
            for name in ("client-cert", "x-forwarded-client-cert", "x-ssl-client-dn", "x-client-identity"):
                assert (name in head) == (cred == "mail"), name
        assert service.connections == 1


def test_each_client_has_its_own_fields_over_one_connection_to_the_service(gateway, wire, town):
    with Script(always()) as service:
        server = gateway("--to", service.url, "--pass-identity", "headers")
        connections = {name: wire(server, cred=name) for name in ("mail", "bob", "rsa")}
        for _ in range(3):
            for name, connection in connections.items():
                assert connection.ask()[0] == 200
                assert service.head()["x-ssl-client-serial"] == "%x" % look.cert(town[name].cert).serial_number
        assert service.connections == 1


def test_forwarded_fields_are_ours(gateway, wire):
    with Script(always()) as service:
        server = gateway("--to", service.url, "--via", "gw1")
        _, head, _ = wire(server).ask(host="localhost:123")
        seen = service.head()
        assert seen["x-forwarded-for"] == "127.0.0.1" and seen["x-forwarded-proto"] == "https"
        assert seen["x-forwarded-host"] == seen["host"] == "localhost:123"
        assert seen["forwarded"] == 'for=127.0.0.1;host="localhost:123";proto=https'
        assert seen["via"] == head["via"] == "1.1 gw1"
        server = gateway("--to", service.url, "--forwarded", "none")
        assert wire(server).ask()[0] == 200
        seen = service.head()
        assert not [name for name in seen.names if "forwarded" in name or name == "via"]


def test_forwarded_brackets_an_ipv6_client(hf, town, wire):
    with Script(always()) as service:
        args = ["--listen", "[::1]:0"] + town.serve_args[2:]
        with hf.serve(*args, "--allow", "any", "--to", service.url) as server:
            assert wire(server, host="::1").ask()[0] == 200
            head = service.head()
            assert head["forwarded"].startswith('for="[::1]";') and head["x-forwarded-for"] == "::1"


def test_nginx_behind_sees_the_certificate(gateway, wire, town, tmp_path):
    nginx = NginxService(str(tmp_path))
    try:
        server = gateway("--to", nginx.url)
        body = wire(server).ask("/who", fields="Client_Cert: x\r\nclient-cert: forged\r\n")[2].decode()
        der = base64.b64decode(body.strip(":"))
        assert hashlib.sha256(der).hexdigest() == look.openssl(
            "x509", "-in", town["mail"].cert, "-noout", "-fingerprint", "-sha256").strip().split("=")[1].replace(
                ":", "").lower()
    finally:
        nginx.stop()


@pytest.mark.parametrize("sni,host,status", [
    ("localhost", "localhost", 200), ("localhost", "LOCALHOST", 200), ("localhost", "localhost:8443", 200),
    ("localhost", "localhost.", 200), ("localhost", "LocalHost.:1", 200), ("localhost", "other.test", 421),
    ("localhost", "localhost.evil.test", 421), ("localhost", "127.0.0.1", 421), ("localhost", "[::1]", 421),
    ("localhost", "*.localhost", 421), (None, "anything.test", 200), ("localhost", "", 200)])
def test_host_must_be_the_name_of_the_connection(gateway, wire, sni, host, status):
    with Script(always()) as service:
        server = gateway("--to", service.url)
        connection = wire(server, sni=sni)
        assert connection.ask(host=host)[0] == status
        # The name is compared for each request, in whatever form it comes.
        if sni:
            assert connection.ask("https://other.test/", host="localhost")[0] == 421
            assert connection.ask("https://localhost/", host="other.test")[0] == 200


def test_upstream_fields_of_the_log_name_nobody_else(gateway, wire, tmp_path):
    log = tmp_path / "log"
    with Script(always()) as service:
        server = gateway("--to", service.url, "--access-log", str(log))
        connection = wire(server)
        assert connection.ask("/a", host="other.test")[0] == 421
        assert connection.ask("/b")[0] == 200
        from upstreams import wait_for
        rows = wait_for(lambda: log.exists() and log.read_text().count("\n") == 2 and [
            json.loads(row) for row in log.read_text().splitlines()], "two lines")
        assert [(row["status"], row["target"]) for row in rows] == [(421, "/a"), (200, "/b")]
        assert rows[0]["error"] and "error" not in rows[1]


# --- names that an operator gives ---

NAMED = ["--pass-identity", "rfc9440,headers", "--identity-name", "X-SSL-Client-DN=Ssl.Subject",
         "--identity-name", "client-cert=Peer-Certificate", "--identity-name", "X-SSL-Client-Verify=Who-Vouches"]


def test_fields_bear_the_names_that_were_given(gateway, wire, town):
    with Script(always()) as service:
        server = gateway("--to", service.url, *NAMED)
        assert wire(server, cred="bob").ask()[0] == 200
        head = service.head()
        assert head["ssl.subject"] == "CN=bob,O=Zoo" and head["who-vouches"] == "SUCCESS"
        assert head["peer-certificate"].startswith(":MII") and head["client-cert-chain"].startswith(":MII")
        assert head["x-ssl-client-cn"] == "bob", "the others keep theirs"
        assert not {"client-cert", "x-ssl-client-dn", "x-ssl-client-verify"} & set(head.names)


def test_names_that_were_given_cannot_be_forged(gateway, wire):
    with Script(always()) as service:
        server = gateway("--to", service.url, *NAMED)
        connection = wire(server)
        for name in ("Ssl.Subject", "Peer-Certificate", "Who-Vouches", "X-SSL-Client-DN", "Client-Cert"):
            for twin in twins(name):
                status, _, _ = connection.ask(fields="%s: forged\r\nX-Mine: kept\r\n%s: forged\r\n" % (twin, twin))
                head = service.head()
                assert status == 200 and "forged" not in head.raw.decode("latin-1"), (twin, head.raw)
                assert head["x-mine"] == "kept"
        connection.ask(fields="Connection: Who-Vouches, Peer_Certificate\r\nPeer-Certificate-2: mine\r\n")
        head = service.head()
        assert head["who-vouches"] == "SUCCESS" and "peer-certificate" in head and head["peer-certificate-2"] == "mine"


def test_report_mode_says_so_under_the_name_that_was_given(hf, town, wire):
    with Script(always()) as service:
        with hf.serve(*town.serve_args, "--client-auth", "report", "--to", service.url, "--workers", "1", *NAMED) as server:
            assert wire(server, cred="expired").ask(fields="Who_Vouches: SUCCESS\r\n")[0] == 200
            head = service.head()
            assert head["who-vouches"] == "FAILED:V-EXPIRED" and "ssl.subject" not in head
            assert "who_vouches" not in head


@pytest.mark.parametrize("word, said", [("X-SSL-Client-D=A", "did you mean X-SSL-Client-DN"), ("X-SSL-Client-DN=Host", "something else"),
                                        ("X-SSL-Client-DN=Cookie", "something else")])
def test_names_that_cannot_be_given_are_told(hf, town, word, said):
    done = hf("serve", *town.serve_args, "--allow", "any", "--to", "http://127.0.0.1:1", "--identity-name", word, exit=2)
    assert said in done.stderr
