# SPDX-License-Identifier: Apache-2.0
"""`handfast get` against real foreign servers that demand, ask for, or ignore a client certificate."""
import json
import os
import socket

import pytest
from cryptography.hazmat.primitives import serialization
from support import look, zoo
from support.peer_servers import NodeServer, OpenSSLServer, PythonServer
from support.peers import Credential
from support.ports import Nobody

VERSIONS = ["1.2", "1.3"]


def get(hf, town, server, who=None, *more, path="/", host="localhost", **kw):
    argv = ["get", "--ca", town.ca]
    if who:
        argv += ["--cert", town[who].cert, "--key", town[who].key]
    return hf.run(*argv, *more, "https://%s:%d%s" % (host, server.port, path), **kw)


def meets(server, hf, town, who, version, *more):
    told = get(hf, town, server, who, "--tls-min", version, "--tls-max", version, *more)
    return told


@pytest.mark.row(82, 99)
def test_client_speaks_with_and_without_certificate_to_a_server_that_asks(hf, town, session_dir):
    with NodeServer(session_dir, town["server"], town.ca, "request") as server:
        assert json.loads(get(hf, town, server, "mail").out)["mTLSValid"] is True
        told = json.loads(get(hf, town, server).out)
        assert (told["mTLSValid"], told["reason"]) == (False, "UNABLE_TO_GET_ISSUER_CERT")
        told = json.loads(get(hf, town, server, "expired").out)
        assert told["reason"] == "CERT_HAS_EXPIRED"


@pytest.mark.row(83)
def test_method_path_header_and_body_arrive(hf, town, session_dir, tmp_path):
    with NodeServer(session_dir, town["server"], town.ca) as server:
        told = json.loads(get(hf, town, server, "mail", "-X", "PUT", "-H", "X-Colour: blue", "-d", "a=b",
                              path="/invoice/7?x=1").out)
        assert (told["method"], told["url"], told["body"]) == ("PUT", "/invoice/7?x=1", "a=b")
        assert told["headers"]["x-colour"] == "blue" and told["cn"] == "mail-server"
        assert told["host"] == "localhost:%d" % server.port
        (tmp_path / "body").write_bytes(b"from a file\n" * 5000)
        told = json.loads(get(hf, town, server, "mail", "-d", "@%s" % (tmp_path / "body")).out)
        assert told["method"] == "POST" and told["body"] == "from a file\n" * 5000


@pytest.mark.row(84, 86)
def test_body_goes_to_stdout_and_headers_when_asked(hf, town, session_dir, tmp_path):
    with NodeServer(session_dir, town["server"], town.ca, body="Hello, secure world!", type="text/plain") as server:
        told = get(hf, town, server, "mail")
        assert (told.code, told.out) == (0, b"Hello, secure world!")
        told = get(hf, town, server, "mail", "-i")
        assert told.stdout.startswith("HTTP/1.1 200 OK")
        assert "content-type: text/plain" in told.stdout.lower()
        assert told.stdout.endswith("\r\n\r\nHello, secure world!")
        told = get(hf, town, server, "mail", "-o", tmp_path / "out")
        assert told.out == b"" and (tmp_path / "out").read_bytes() == b"Hello, secure world!"


@pytest.mark.row(84, 86)
def test_json_result_has_status_body_and_the_session(hf, town, session_dir):
    with NodeServer(session_dir, town["server"], town.ca, body="ok") as server:
        told = hf.json("get", "--ca", town.ca, "--cert", town["mail"].cert, "--key", town["mail"].key,
                       "https://localhost:%d/" % server.port)
        assert told["status"] == 200
        assert told["body"] == "ok"


@pytest.mark.row(84, 85)
def test_json_of_a_refusal_has_the_code(hf, town, session_dir):
    with OpenSSLServer(session_dir, town["server"], town.ca) as server:
        told = hf.run("--json", "get", "--ca", town.ca, "https://localhost:%d/" % server.port)
    assert told.code == 1
    text = json.dumps(told.json())
    assert "116" in text or "certificate_required" in text


@pytest.mark.row(86)
def test_http_error_is_a_failure_only_with_fail(hf, town, session_dir):
    with NodeServer(session_dir, town["server"], town.ca) as server:
        assert get(hf, town, server, "mail", path="/status/404").code == 0
        told = get(hf, town, server, "mail", "--fail", path="/status/404")
        assert told.code == 1 and "404" in told.stderr


def test_chunked_large_and_close_delimited_bodies_are_whole(hf, town, session_dir):
    with NodeServer(session_dir, town["server"], town.ca) as server:
        assert get(hf, town, server, "mail", path="/chunked").out == b"one two three\n"
        assert get(hf, town, server, "mail", path="/large").out == b"x" * 3000000
    with OpenSSLServer(session_dir, town["server"], town.ca) as server:
        told = get(hf, town, server, "mail")
        assert b"</HTML>" in told.out.upper()


@pytest.mark.row(81)
@pytest.mark.parametrize("form", ["pkcs8", "sec1", "encrypted", "combined", "combined-key-first", "p12", "der"])
def test_credentials_are_read_in_every_form(hf, town, session_dir, tmp_path, form):
    cert, key = town.certs["mail"], town.certs["mail"].key
    issuing = town.certs["issuing"]
    chain, argv = cert.pem + issuing.pem, []
    (tmp_path / "c.pem").write_bytes(chain)
    (tmp_path / "pass").write_text("s3cret\n")
    if form == "pkcs8":
        (tmp_path / "k.pem").write_bytes(zoo.pem_key(key))
    elif form == "sec1":
        (tmp_path / "k.pem").write_bytes(zoo.pem_key(key, serialization.PrivateFormat.TraditionalOpenSSL))
    elif form == "encrypted":
        (tmp_path / "k.pem").write_bytes(zoo.pem_key(key, passphrase=b"s3cret"))
        argv = ["--passphrase-file", tmp_path / "pass"]
    elif form == "der":
        (tmp_path / "k.pem").write_bytes(key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    if form.startswith("combined"):
        argv = ["--cert", town.combined("mail", form.endswith("first"))]
    elif form == "p12":
        from cryptography.hazmat.primitives.serialization import pkcs12
        (tmp_path / "m.p12").write_bytes(pkcs12.serialize_key_and_certificates(
            b"mail", key, cert.x509, [issuing.x509], serialization.BestAvailableEncryption(b"s3cret")))
        argv = ["--cert", tmp_path / "m.p12", "--passphrase-file", tmp_path / "pass"]
    else:
        argv = ["--cert", tmp_path / "c.pem", "--key", tmp_path / "k.pem"] + argv
    for path in tmp_path.iterdir():
        if path.is_file():
            path.chmod(0o600)
    with OpenSSLServer(session_dir, town["server"], town.ca) as server:
        told = hf.run("get", "--ca", town.ca, *argv, "https://localhost:%d/" % server.port)
    assert told.code == 0, told


@pytest.mark.row(38)
def test_wrong_or_missing_passphrase_is_told_before_any_packet(hf, town, tmp_path):
    (tmp_path / "k.pem").write_bytes(zoo.pem_key(town.certs["mail"].key, passphrase=b"s3cret"))
    (tmp_path / "k.pem").chmod(0o600)
    (tmp_path / "pass").write_text("wrong\n")
    for more, word in (([], "encrypted"), (["--passphrase-file", tmp_path / "pass"], "passphrase")):
        told = hf.run("get", "--ca", town.ca, "--cert", town["mail"].cert, "--key", tmp_path / "k.pem", *more,
                      "https://127.0.0.1:1/")
        assert told.code == 3, told
        assert word in told.stderr.lower() and "k.pem" in told.stderr
        assert not look.has_key_bytes(told.out + told.err, tmp_path / "k.pem")


@pytest.mark.row(87)
def test_insecure_is_explicit_and_loud_and_still_sends_the_certificate(hf, town, session_dir):
    with NodeServer(session_dir, town["foreign-server"], town.ca) as server:
        refused = get(hf, town, server, "mail")
        assert refused.code == 1 and "V-UNKNOWN-CA" in refused.stderr
        told = get(hf, town, server, "mail", "--insecure")
        assert told.code == 0, told
        assert "insecure" in told.stderr.lower() or "not verified" in told.stderr.lower()
        assert json.loads(told.out)["cn"] == "mail-server"
        quiet = get(hf, town, server, "mail", "--insecure", "-q")
        assert quiet.stderr  # -q does not silence it


@pytest.mark.row(88)
def test_own_ca_replaces_and_nothing_is_trusted_without_one(hf, home, town, session_dir):
    with NodeServer(session_dir, town["server"], town.ca, "none") as server:
        assert get(hf, town, server).code == 0
        url = "https://localhost:%d/" % server.port
        told = hf.run("get", "--ca", town.foreign_ca, url)
        assert told.code == 1 and "V-UNKNOWN-CA" in told.stderr
        told = hf.run("get", url)
        assert told.code != 0 and told.out == b"" and "--ca" in told.stderr, told
        told = hf.run("get", url, env={"SSL_CERT_FILE": town.ca})
        assert told.code != 0 and told.out == b""  # the environment decides nothing
        hf("trust", "add", "zoo", town.ca)
        assert hf.run("get", url).code == 0
        assert hf.run("get", "--ca", town.foreign_ca, url).code == 1


@pytest.mark.row(88)
def test_system_roots_are_added_to_the_trust_of_the_home_and_to_named_cas(hf, home, town, session_dir):
    if not os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
        pytest.skip("this machine has no public root certificates")
    hf("init", "ABC Inc.")
    hf("issue", "localhost", "--server")
    own = Credential(str(home / "id/localhost/cert.pem"), str(home / "id/localhost/key.pem"))
    with NodeServer(session_dir, own, mode="none") as server:
        url = "https://localhost:%d/" % server.port
        hf("get", "--system-roots", url)
        hf("get", "--system-roots", "--ca", home / "ca/root.pem", url)
        told = hf("get", "--system-roots", "--ca", town.foreign_ca, url, exit=1)
        assert "V-UNKNOWN-CA" in told.stderr


@pytest.mark.row(89)
def test_name_of_the_server_is_checked_and_the_text_names_what_it_has(hf, town, session_dir):
    with PythonServer(session_dir, town["gateway"], town.ca, "none") as server:
        told = get(hf, town, server)
        assert told.code == 1 and "V-NAME-MISMATCH" in told.stderr
        assert "gw.zoo.test" in told.stderr and "localhost" in told.stderr
        assert server.requests == []
        told = hf.run("get", "--ca", town.ca, "--connect", "127.0.0.1:%d" % server.port, "https://gw.zoo.test/")
        assert told.code == 0, told
        assert server.names[-1] == "gw.zoo.test"


@pytest.mark.row(89, 92)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_server_is_reached_by_name_and_by_address(hf, town, session_dir, host):
    with PythonServer(session_dir, town["server"], town.ca) as server:
        told = get(hf, town, server, "mail", host=host)
        assert told.stdout == "hello from python\n", told


@pytest.mark.row(92)
def test_localhost_finds_a_server_on_ipv6_only(hf, town, session_dir):
    try:
        server = PythonServer(session_dir, town["server"], town.ca, host="::1")
    except OSError as error:
        pytest.skip("no IPv6 on this machine: %s" % error)
    with server:
        assert get(hf, town, server, "mail").code == 0
        assert get(hf, town, server, "mail", host="[::1]").code == 0
        told = get(hf, town, server, "mail", host="127.0.0.1")
        assert told.code in (1, 3)


@pytest.mark.row(93)
@pytest.mark.parametrize("who", ["mail", "foreign", "expired"])
def test_no_output_holds_key_bytes(hf, town, session_dir, who):
    with OpenSSLServer(session_dir, town["server"], town.ca) as server:
        for more in (["-v"], ["--json"], []):
            told = hf.run(*more, "get", "--ca", town.ca, "--cert", town[who].cert, "--key", town[who].key,
                          "https://localhost:%d/" % server.port)
            assert not look.has_key_bytes(told.out + told.err, town[who].key)
    for path in (town["mail"].key, town.combined("mail")):
        told = hf.run("-v", "get", "--ca", path, "--cert", path, "https://localhost:1/")
        assert not look.has_key_bytes(told.out + told.err, town["mail"].key)


def test_key_of_another_certificate_is_told_before_any_packet(hf, town):
    told = hf.run("get", "--ca", town.ca, "--cert", town["mail"].cert, "--key", town["bob"].key, "https://127.0.0.1:1/")
    assert told.code == 3 and "bob.key" in told.stderr and "mail.pem" in told.stderr


def test_nobody_listens_is_a_failure_and_not_a_refusal(hf, town):
    with Nobody() as dead:
        told = hf.run("get", "--ca", town.ca, dead.url("https", "/"))
    assert told.code == 3, told
    assert str(dead.port) in told.stderr and "refused" in told.stderr.lower()


def test_port_that_speaks_http_is_named(hf, town):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        import threading

        def answer():
            peer, _ = listener.accept()
            peer.recv(100)
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            peer.close()
        thread = threading.Thread(target=answer)
        thread.start()
        told = hf.run("get", "--ca", town.ca, "https://127.0.0.1:%d/" % listener.getsockname()[1])
        thread.join()
    assert told.code == 3 or told.code == 1
    assert "TLS" in told.stderr and ("HTTP" in told.stderr or "plain" in told.stderr), told


def test_silent_server_ends_in_the_timeout(hf, town):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        told = hf.run("get", "--ca", town.ca, "--timeout", "1", "https://127.0.0.1:%d/" % listener.getsockname()[1])
    assert told.code == 3, told
    assert "time" in told.stderr.lower()


@pytest.mark.row(55)
def test_versions_that_do_not_meet_are_told(hf, town, session_dir):
    with OpenSSLServer(session_dir, town["server"], town.ca, version="1.2") as server:
        told = get(hf, town, server, "mail", "--tls-min", "1.3")
        assert told.code == 1
        assert "protocol_version" in told.stderr or "version" in told.stderr


@pytest.mark.parametrize("url", ["", "ftp://localhost/", "https://", "https://local host/",
                                 "https://localhost:99999/", "http://localhost/", "https://a\r\nX: y/"])
def test_url_that_is_none_is_a_usage_error(hf, town, url):
    told = hf.run("get", "--ca", town.ca, url)
    assert told.code == 2, told


@pytest.mark.parametrize("header", ["no colon", "X: a\r\nY: b", "X\n: a", ": a"])
def test_header_that_could_split_the_request_is_a_usage_error(hf, town, header):
    assert hf.run("get", "--ca", town.ca, "-H", header, "https://localhost:1/").code == 2


@pytest.mark.parametrize("reply", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
    b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"])
def test_malformed_or_cut_answer_is_a_failure(hf, town, session_dir, reply):
    class Rude(PythonServer):
        def _answer(self, tls):
            tls.recv(65536)
            tls.sendall(reply)
    with Rude(session_dir, town["server"], town.ca) as server:
        told = get(hf, town, server, "mail")
    assert told.code not in (0, 2), told
    assert told.stderr


@pytest.mark.row(46, 81)
@pytest.mark.parametrize("version", VERSIONS)
def test_our_client_and_our_server_meet(hf, town, version):
    with hf.serve(*town.serve_args, "--crl", town.crl, "--allow", "cn:mail-server", "--respond", "text:in") as server:
        told = meets(server, hf, town, "mail", version)
        assert (told.code, told.out) == (0, b"in"), told
        for who, word in (("foreign", "unknown_ca"), ("revoked", "certificate_revoked"), ("bob", "access_denied"),
                          (None, "certificate_required" if version == "1.3" else "handshake_failure")):
            told = meets(server, hf, town, who, version)
            assert told.code == 1 and word in told.stderr, told


def test_credential_with_both_files_in_one_and_ca_by_home(hf, home, town, session_dir):
    hf("init", "ABC Inc.")
    hf("issue", "mail-server", "--client")
    with OpenSSLServer(session_dir, town["server"], home / "ca/root.pem") as server:
        told = hf.run("get", "--as", "mail-server", "--ca", town.ca, "https://localhost:%d/" % server.port)
        assert told.code == 0, told
        missing = hf.run("get", "--as", "mail-servre", "--ca", town.ca, "https://localhost:%d/" % server.port)
        assert missing.code in (2, 3) and "mail-server" in missing.stderr
    assert Credential("a").key is None
