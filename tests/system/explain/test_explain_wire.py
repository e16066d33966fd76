# SPDX-License-Identifier: Apache-2.0
"""`explain` below the certificates: no TLS, no words, a header too much, names, protocols, virtual hosts, what an
HTTP answer says, clocks, and processes that were not reloaded."""
import datetime
import re
import shutil
import socket
import struct
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peer_servers import NodeServer, OpenSSLServer, PythonServer
from support.peers import Credential
from support.ports import free_port

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import ApacheServer, HaproxyServer, NginxServer, RawServer, write  # noqa: E402


def explain(hf, port, *args, code=1, host="localhost"):
    return hf.json("explain", "%s:%d" % (host, port), "--connect", "127.0.0.1:%d" % port, *args, exit=code)


def own(town, name="client"):
    return ["--ca", town.ca, "--cert", town["mail" if name == "client" else name].cert, "--key",
            town["mail" if name == "client" else name].key]


def hello_then(*actions):
    """A server that reads the ClientHello and then does as told."""
    def behave(raw):
        raw.recv(65536)
        for action in actions:
            action(raw)
    return behave


def reset(raw):
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def said(told, *wanted):
    assert (told["cause"], told["refused_by"], told["fault_in"]) == wanted, told
    assert told["fix"] and told["headline"].startswith(("REFUSED", "NO ")), told
    return told


def test_nothing_listens(hf, town):
    said(explain(hf, free_port(), *own(town)), "T-REFUSED", "nobody", "server")


def test_plain_http_on_the_port(hf, town):
    with RawServer(hello_then(lambda raw: raw.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))) as server:
        told = said(explain(hf, server.port, *own(town)), "T-PLAINTEXT-SERVER", "client", "server")
    assert told["confidence"] == "certain" and any("HTTP/1.1" in line for line in told["evidence"])


@pytest.mark.parametrize("greeting", [b"220 mail ESMTP ready\r\n", b"* OK IMAP4rev1\r\n", b"+OK POP3\r\n"])
def test_a_port_that_wants_starttls(hf, town, greeting):
    with RawServer(lambda raw: (raw.sendall(greeting), raw.recv(9999))) as server:
        said(explain(hf, server.port, *own(town)), "T-STARTTLS", "client", "client")


def test_a_reset_after_the_hello(hf, town):
    with RawServer(hello_then(reset)) as server:
        told = said(explain(hf, server.port, *own(town)), "T-RESET", "server", "server")
    assert told["extra_probes"] == ["with a PROXY header in front"]


def test_a_reset_at_once_is_no_port_that_nobody_listens_on(hf, town):
    """It may come before the client has looked whether it is connected: whichever is seen, somebody listens."""
    with RawServer(reset) as server:
        for _ in range(12):
            said(explain(hf, server.port, "--one-shot", *own(town)), "T-RESET", "server", "server")


def test_an_end_after_the_hello_and_one_shot(hf, town):
    with RawServer(hello_then()) as server:
        told = said(explain(hf, server.port, "--one-shot", *own(town)), "T-EOF", "server", "server")
    assert told["extra_probes"] == []


def test_not_one_byte(hf, town):
    gate = []
    with RawServer(lambda raw: (gate.append(raw.recv(9999)), raw.recv(9999), raw.recv(1))) as server:
        said(explain(hf, server.port, "--timeout", "1s", *own(town)), "T-TIMEOUT", "nobody", "server")


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_a_listener_that_wants_a_proxy_header(hf, town, tmp_path, kind):
    server = NginxServer(tmp_path, town["server"], town.ca, listen="ssl proxy_protocol") if kind == "nginx" else \
        HaproxyServer(tmp_path, town["server"], town.ca, bind="accept-proxy")
    with server:
        told = said(explain(hf, server.port, *own(town)), "T-PROXY-EXPECTED", "server", "client")
        assert told["confidence"] == "certain"
        assert explain(hf, server.port, "--send-proxy", *own(town), code=0)["meets"]


@pytest.mark.parametrize("kind", ["nginx", "openssl"])
def test_a_proxy_header_that_nobody_wants(hf, town, tmp_path, kind):
    with (NginxServer if kind == "nginx" else OpenSSLServer)(tmp_path, town["server"], town.ca) as server:
        told = said(explain(hf, server.port, "--send-proxy", *own(town)), "T-PROXY-UNEXPECTED", "server", "client")
    assert told["extra_probes"] == ["without the PROXY header"]


@pytest.mark.parametrize("kind", ["nginx", "openssl", "node"])
def test_a_client_that_speaks_plain_http(hf, town, tmp_path, kind):
    cls = {"nginx": NginxServer, "openssl": OpenSSLServer, "node": NodeServer}[kind]
    with cls(tmp_path, town["server"], town.ca) as server:
        told = hf.json("explain", "http://localhost:%d/" % server.port, "--connect", "127.0.0.1:%d" % server.port,
                       *own(town), exit=1)
    said(told, "T-PLAINTEXT-CLIENT", "server", "client")


def test_a_name_that_is_refused(hf, town, tmp_path):
    more = ["-servername", "gw.zoo.test", "-cert2", town["gateway"].cert, "-key2", town["gateway"].key,
            "-servername_fatal"]
    with OpenSSLServer(tmp_path, town["server"], town.ca, more=more) as server:
        said(explain(hf, server.port, "--server-name", "old.zoo.test", *own(town)), "P-SNI", "server", "client")


def test_a_name_that_is_missing(hf, town, tmp_path):
    with NginxServer(tmp_path, town["server"], town.ca, vhost=("gw.zoo.test", town["gateway"])) as server:
        told = said(explain(hf, server.port, "--no-sni", "--name", "gw.zoo.test", *own(town)),
                    "P-SNI-MISSING", "client", "client")
    assert told["extra_probes"] == ["with the server name"] and "gw.zoo.test" in told["fix"]


def test_a_server_of_yesterday(hf, town, tmp_path):
    more = ["-tls1_1"]
    with OpenSSLServer(tmp_path, town["server"], town.ca, more=more) as server:
        told = said(explain(hf, server.port, *own(town)), "P-VERSION", "server", "server")
    assert any("TLS 1.1" in line for line in told["evidence"]), told


def test_more_ca_names_than_fit(hf, town, tmp_path):
    name = "/O=Zoo/CN=" + "long name of a CA that nobody needs to know about at all "
    many = zoo.build({"ca%d" % i: {"issuer": "self", "subject": name + str(i), "ca": True, "ku": ["keyCertSign"]}
                      for i in range(800)})
    trust = write(tmp_path, "many.pem", b"".join(c.pem for c in many.values()) + Path(town.ca).read_bytes())
    with OpenSSLServer(tmp_path, town["server"], trust) as server:
        told = said(explain(hf, server.port, *own(town)), "L-CA-NAMES", "server", "server")
        assert told["alert"]["number"] == 80 and told["confidence"] == "likely"
        files = "%s,%s,%s" % (town["server"].cert, town["server"].key, trust)
        assert explain(hf, server.port, "--server-files", files, *own(town))["confidence"] == "certain"


def names_of(count):
    name = "/O=Zoo/CN=" + "x" * 60
    many = zoo.build({"ca%d" % i: {"issuer": "self", "subject": name + str(i), "ca": True, "ku": ["keyCertSign"]}
                      for i in range(count)})
    return b"".join(c.pem for c in many.values())


@pytest.mark.parametrize("count,word", [(430, "L-JSSE-32K"), (220, "L-WINDOWS-16K"), (100, None)])
def test_a_list_that_some_clients_cannot_read(hf, town, tmp_path, count, word):
    trust = write(tmp_path, "many.pem", names_of(count) + Path(town.ca).read_bytes())
    with OpenSSLServer(tmp_path, town["server"], trust) as server:
        told = explain(hf, server.port, *own(town), code=0)
    assert told["meets"] and [w for w in told["also"] if "[L-" in w] == ([w for w in told["also"] if word in w]
                                                                       if word else [])
    assert bool(told["also"]) == bool(word)


def test_a_process_that_was_not_reloaded(hf, tmp_path):
    certs = zoo.build({"old": dict(zoo.SERVER, days=[-30, -1]), "new": dict(zoo.SERVER)})
    chain = write(tmp_path, "server.pem", certs["old"].pem + certs["issuing"].pem)
    key = write(tmp_path, "server.key", certs["old"].key_pem)
    ca = write(tmp_path, "ca.pem", certs["root"].pem)
    with OpenSSLServer(tmp_path, Credential(chain, key), ca, mode="none") as server:
        alone = explain(hf, server.port, "--ca", ca)
        said(alone, "V-EXPIRED", "client", "server")
        write(tmp_path, "server.pem", certs["new"].pem + certs["issuing"].pem)
        write(tmp_path, "server.key", certs["new"].key_pem)
        told = said(explain(hf, server.port, "--ca", ca, "--server-files", "%s,%s" % (chain, key)),
                    "R-STALE-PROCESS", "client", "server")
    assert told["since"] == alone["certificate"]["not_after"] and "reload" in told["fix"]


def test_another_certificate_of_the_same_serial(hf, town, tmp_path):
    before = zoo.NOW
    certs = zoo.build({"client": dict(zoo.CLIENT, serial=1001, issuer="issuing"),
                       "twin": dict(zoo.CLIENT, serial=1001, issuer="issuing")})
    crl = zoo.make_crl(certs["issuing"], {"revokes": ["twin"]}, certs) + zoo.make_crl(certs["root"], {}, certs)
    # the twin was revoked before this certificate was made
    late = zoo.make(dict(zoo.CLIENT, serial=1001, days=[-0.5, 30]), certs["issuing"], certs["client"].key)
    assert before
    cert = write(tmp_path, "c.pem", late.pem + certs["issuing"].pem)
    key = write(tmp_path, "c.key", certs["client"].key_pem)
    ca = write(tmp_path, "ca.pem", certs["root"].pem)
    server_cert = zoo.make(dict(zoo.SERVER), certs["issuing"])
    cred = Credential(write(tmp_path, "s.pem", server_cert.pem + certs["issuing"].pem),
                      write(tmp_path, "s.key", server_cert.key_pem))
    lists = write(tmp_path, "lists.pem", crl)
    both = write(tmp_path, "both.pem", Path(ca).read_bytes() + crl)
    with OpenSSLServer(tmp_path, cred, both, more=["-crl_check_all"]) as server:
        args = ["--ca", ca, "--cert", cert, "--key", key]
        alone = explain(hf, server.port, *args)
        assert alone["cause"] == "V-REVOKED" and "V-DUP-SERIAL" in alone["candidates"]
        assert alone["confidence"] == "likely"
        files = "%s,%s,%s,%s" % (cred.cert, cred.key, ca, lists)
        said(explain(hf, server.port, "--server-files", files, *args), "V-DUP-SERIAL", "server", "ca")


@pytest.mark.parametrize("days,ahead", [([300, 600], True), ([300, 600], False)])
def test_certificates_of_the_future_and_the_clock(hf, tmp_path, days, ahead):
    """A chain that begins in a year: by the server's Date it is the client's clock, or the certificates."""
    certs = zoo.build({"root": {"days": days}, "issuing": {"days": days}, "server": dict(zoo.SERVER, days=days)})
    cred = Credential(write(tmp_path, "s.pem", certs["server"].pem + certs["issuing"].pem),
                      write(tmp_path, "s.key", certs["server"].key_pem))
    ca = write(tmp_path, "ca.pem", certs["root"].pem)
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=400 if ahead else 0)
    date = now.strftime("%a, %d %b %Y %H:%M:%S GMT")

    class Dated(PythonServer):
        def _answer(self, tls):
            tls.recv(65536)
            tls.sendall(("HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                         % date).encode())

    with Dated(tmp_path, cred, mode="none") as server:
        told = explain(hf, server.port, "--ca", ca)
    if ahead:
        assert said(told, "K-CLOCK", "client", "client")["confidence"] == "certain"
    else:
        assert told["cause"] in ("V-NOT-YET", "V-CA-NOT-YET") and told["fault_in"] == "server", told


class Answering(PythonServer):
    """Any TLS server with a fixed HTTP answer."""

    def __init__(self, home, cred, answer, **more):
        self.answer = answer
        super().__init__(home, cred, **more)

    def _answer(self, tls):
        tls.recv(65536)
        tls.sendall(self.answer)


def page(status, body, server="nginx/1.22.1"):
    return ("HTTP/1.1 %d x\r\nServer: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (status, server, len(body), body)).encode()


NO_CERTIFICATE = "<h1>400 Bad Request</h1><center>No required SSL certificate was sent</center>"


def test_a_hop_in_front_that_ends_tls(hf, town, tmp_path):
    with Answering(tmp_path, town["server"], page(400, NO_CERTIFICATE), mode="none") as server:
        told = said(explain(hf, server.port, *own(town)), "T-TERMINATED", "server", "network")
    assert told["http_status"] == 400 and told["confidence"] == "certain"


def test_apache_cannot_ask_after_the_handshake(hf, town, tmp_path):
    body = "<p>Reason: Cannot perform Post-Handshake Authentication.</p>"
    with Answering(tmp_path, town["server"], page(403, body, "Apache/2.4"), mode="none") as server:
        said(explain(hf, server.port, *own(town)), "P-PHA", "server", "client")


def test_a_server_that_asks_only_after_the_handshake(hf, town, tmp_path):
    offered, segments = [], []

    class Late(Answering):
        def _answer(self, tls):
            offered.append(tls.selected_alpn_protocol())
            segments.append(tls.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
            tls.recv(65536)
            try:
                tls.verify_client_post_handshake()
                tls.sendall(self.answer)
                tls.recv(1)
            except OSError:
                tls.sendall(self.answer)

    server = Late(tmp_path, town["server"], page(403, "no"), ca=town.ca, mode="request", version="1.3")
    server.context.post_handshake_auth = True
    server.context.set_alpn_protocols(["http/1.1"])
    with server:
        told = said(explain(hf, server.port, *own(town), "--alpn", "http/1.1"), "P-PHA", "server", "client")
    assert told["extra_probes"] == ["offering post-handshake authentication"]
    assert offered == ["http/1.1", None] and min(segments) > 536, (offered, segments)


def test_one_host_asked_on_anothers_connection(hf, town, tmp_path):
    with Answering(tmp_path, town["server"], page(421, "misdirected"), mode="none") as server:
        said(explain(hf, server.port, *own(town)), "P-SNI-HOST", "server", "client")


def test_an_ordinary_error_page_is_no_refusal(hf, town, tmp_path):
    for status in (200, 302, 404, 500, 503):
        with Answering(tmp_path, town["server"], page(status, "an application's page"), ca=town.ca) as server:
            assert explain(hf, server.port, *own(town), code=0)["meets"], status


def test_a_server_that_drops_without_a_word(hf, town, tmp_path):
    """Everything is in order as far as can be seen, and Node hangs up: it is said that nobody can know."""
    with NodeServer(tmp_path, town["server"], town.ca, crls=[town.crl_mail]) as server:
        told = explain(hf, server.port, *own(town))
    assert told["cause"] == "T-ALERT-LOST" and told["confidence"] == "likely" and told["cannot_know"]


def test_the_text_stays_within_80_columns_and_marks_the_step(hf, town, tmp_path):
    with OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        done = hf.run("explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port,
                      *own(town, "expired"))
    assert done.code == 1
    long = [line for line in done.stdout.splitlines() if len(line) > 80 and "/" not in line]
    assert not long, "\n".join(long)
    assert re.search(r"<--X-- alert 45 certificate_expired", done.stdout), done.stdout
    for word in ("REFUSED by", "Why", "Evidence", "Fix", "[V-EXPIRED]"):
        assert word in done.stdout


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_get_sends_a_proxy_header_too(hf, town, tmp_path, kind):
    server = NginxServer(tmp_path, town["server"], town.ca, listen="ssl proxy_protocol") if kind == "nginx" else \
        HaproxyServer(tmp_path, town["server"], town.ca, bind="accept-proxy")
    with server:
        args = ["get", "https://localhost:%d/" % server.port, "--connect", "127.0.0.1:%d" % server.port, *own(town)]
        hf(*args, "--send-proxy")
        assert hf.run(*args).code != 0


def test_the_story_of_a_refused_get_has_its_settings(hf, town, tmp_path):
    with OpenSSLServer(tmp_path, town["server"], town.ca, version="1.3") as server:
        done = hf("get", "https://localhost:%d/" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--tls-max",
                  "1.2", *own(town), exit=1)
        line = next(row for row in done.stderr.splitlines() if "the whole story: handfast explain" in row)
        assert "--tls-max 1.2" in line
        assert hf.json(*line.split("handfast ", 2)[-1].split(), exit=1)["cause"] == "P-VERSION"


def test_get_traces_and_logs_keys(hf, town, tmp_path):
    keys = tmp_path / "keys.log"
    with OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        args = ["get", "https://localhost:%d/" % server.port, "--connect", "127.0.0.1:%d" % server.port]
        done = hf(*args, "--trace", "--keylog", str(keys), *own(town))
        steps = [line.split()[1] for line in done.stderr.splitlines() if line.startswith(("->", "<-"))]
        assert steps[:3] == ["ClientHello", "ServerHello", "EncryptedExtensions"], done.stderr
        assert "CertificateRequest" in steps and steps.count("Finished") == 2
        assert keys.stat().st_mode & 0o777 == 0o600
        assert "CLIENT_TRAFFIC_SECRET_0 " in keys.read_text()
        keys.chmod(0o644)
        refused = hf(*args, "--keylog", str(keys), *own(town), exit=3)
        assert "chmod 600" in refused.everything
        assert "SECRET" not in hf(*args, *own(town)).everything


def test_the_environment_is_reported(hf, town, tmp_path):
    with OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        done = hf.run("--json", "explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port,
                      *own(town), env={"SSL_CERT_FILE": "/nowhere"})
    assert done.code == 0 and any("SSL_CERT_FILE" in note for note in done.json()["notes"])


def test_the_servers_view_without_a_client(hf, town, tmp_path):
    """With the server's files alone a demanding server is in order; a wrong key is not."""
    shutil.copy(town["mail"].key, tmp_path / "other.key")
    with OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        files = "%s,%s,%s" % (town["server"].cert, town["server"].key, town.ca)
        told = explain(hf, server.port, "--server-files", files, code=0)
        assert told["meets"] and told["cannot_know"]
        files = "%s,%s,%s" % (town["server"].cert, tmp_path / "other.key", town.ca)
        said(explain(hf, server.port, "--server-files", files), "F-KEY-MISMATCH", "nobody", "server")


def test_serve_traces_and_logs_keys(hf, town, tmp_path, python):
    keys = tmp_path / "keys.log"
    with hf.serve(*town.serve_args, "--respond", "text:x", "--allow", "any", "--workers", "1", "--trace", "--keylog",
                  keys) as server:
        assert python.get(server.port, town["mail"], ca=town.ca, version="1.3").status == 200
        python.get(server.port, town["expired"], ca=town.ca)
        server.wait_line("err", lambda line: "-> alert 45 certificate_expired" in line, "the alert's rung")
        rungs = [line.split("] ", 1) for line in server.lines["err"] if line.startswith("[")]
    whose = [who for who, _ in rungs]
    assert rungs[0][1].startswith("<- ClientHello") and "name localhost" in rungs[0][1]
    mine = [step for who, step in rungs if who == whose[0]]
    assert any(step.startswith("<- Certificate ") and "mail-server" in step for step in mine), mine
    assert len({line.split(" ")[1] for line in keys.read_text().splitlines()}) == 2
    assert keys.stat().st_mode & 0o777 == 0o600


def test_a_refused_get_names_the_command_that_explains(hf, town, tmp_path):
    with OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        done = hf("get", "https://localhost:%d/" % server.port, "--connect", "127.0.0.1:%d" % server.port,
                  *own(town, "expired"), exit=1)
        line = next(row for row in done.stderr.splitlines() if "the whole story: handfast explain" in row)
        told = hf.json(*line.split("handfast ", 2)[-1].split(), exit=1)
    assert told["cause"] == "V-EXPIRED" and "V-EXPIRED" in done.stderr


class Odd(PythonServer):
    """A service of another protocol: what it does with a client that it let in."""

    def __init__(self, home, cred, act, **more):
        self.act = act
        super().__init__(home, cred, **more)

    def _answer(self, tls):
        self.act(tls)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("act", [lambda tls: tls.recv(10), lambda tls: (tls.sendall(b"\x10MQTT?"), tls.recv(10)),
                                 lambda tls: tls.sendall(b"bye"), lambda tls: (tls.recv(999), tls.recv(1))],
                         ids=["hangs-up", "speaks-first", "speaks-and-goes", "waits"])
def test_a_service_of_another_protocol_is_no_refusal(hf, town, tmp_path, act, version):
    with Odd(tmp_path, town["server"], act, ca=town.ca, version=version) as server:
        told = explain(hf, server.port, *own(town), code=0)
    assert told["meets"] and told["cause"] is None, told


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_apache_asks_for_one_path_only(hf, town, tmp_path, version):
    """TLS 1.3: post-handshake authentication, which no client offers unasked; TLS 1.2: renegotiation."""
    where = "<Location /secret>\nSSLVerifyClient require\nSSLVerifyDepth 5\n</Location>"
    with ApacheServer(tmp_path, town["server"], mode="none", version=version, location=where,
                      more=["SSLCACertificateFile " + town.ca]) as server:
        told = hf.json("explain", "https://localhost:%d/secret" % server.port, "--connect", "127.0.0.1:%d" % server.port,
                       *own(town), exit=1)
        assert explain(hf, server.port, *own(town), code=0)["meets"]
    said(told, "P-PHA", "server", "client")


def test_two_virtual_hosts_of_apache_and_one_connection(hf, town, tmp_path):
    """A name that the server does not know, strict: Apache answers 421 or 403 after the handshake."""
    with ApacheServer(tmp_path, town["server"], town.ca) as server:
        args = ["--server-name", "other.zoo.test", "--name", "localhost", *own(town)]
        done = hf.run("--json", "explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, *args)
    told = done.json()
    assert (told["cause"], done.code) in ((None, 0), ("P-SNI-HOST", 1)), told
