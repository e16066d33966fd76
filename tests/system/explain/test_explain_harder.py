# SPDX-License-Identifier: Apache-2.0
"""Section 6 of the catalogue, live: paths that lose packets, hops that read half a ClientHello, proxies that make up
certificates, sessions that cannot be resumed, servers of another age, policies that hang on a name."""
import json
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support import black_hole, zoo
from support.peer_servers import GnuTLSServer, NodeServer, OpenSSLServer, PythonServer
from support.peers import Credential, need
from support.process import SLOW, Watched, clean_env

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import ApacheServer, HaproxyServer, NginxServer, RawServer, write  # noqa: E402

SUPPORT = Path(black_hole.__file__).parent
CA = {"ca": True, "ku": ["keyCertSign", "cRLSign"]}


def explain(hf, port, *args, code=1, host="localhost"):
    return hf.json("explain", "%s:%d" % (host, port), "--connect", "127.0.0.1:%d" % port, *args, exit=code)


def own(town, name="mail"):
    return ["--ca", town.ca, "--cert", town[name].cert, "--key", town[name].key]


def said(told, *wanted):
    assert (told["cause"], told["refused_by"], told["fault_in"]) == wanted, told
    assert told["fix"] and told["evidence"]
    return told


# --- the way between

NODE = """const fs = require('fs');
require('https').createServer({cert: fs.readFileSync('s.pem'), key: fs.readFileSync('s.key'), ca: fs.readFileSync('ca.pem'),
  requestCert: true, minVersion: '%s', maxVersion: '%s'}, (request, response) => response.end('ok'))
  .listen(4433, '%s', () => console.log('ACCEPT'));
"""


@pytest.fixture(scope="module")
def large(session_dir):
    """A client and a server whose certificates need several packets."""
    folder = session_dir / "large"
    folder.mkdir()
    certs = zoo.build({"client": dict(zoo.CLIENT, issuer="issuing", padding=1500),
                       "server": dict(zoo.SERVER, issuer="issuing", padding=1500, san=["ip:" + black_hole.SERVER])})
    for name, short in (("client", "c"), ("server", "s")):
        write(folder, short + ".pem", certs[name].pem + certs["issuing"].pem)
        write(folder, short + ".key", certs[name].key_pem)
    write(folder, "ca.pem", certs["root"].pem)
    return folder


def in_namespaces(loses, folder, server, client):
    """The client's answer on a path that loses the large packets of one side."""
    inside = [shutil.which("unshare"), "-rn"]
    tools = [shutil.which(tool) for tool in ("unshare", "nsenter", "ip")]
    if not all(tools) or subprocess.run([*inside, "ip", "link", "add", "trial0", "type", "veth", "peer", "name", "trial1"],
                                        capture_output=True, check=False).returncode:
        pytest.skip("no network namespaces with a link of their own here")
    return subprocess.run([*inside, sys.executable, str(SUPPORT / "black_hole.py"), loses, *server, "--", *client], cwd=folder,
                          env=clean_env(folder), capture_output=True, timeout=120 * SLOW, check=False)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("loses", ["client", "server"])
def test_a_path_that_loses_large_packets(binary, large, tmp_path, loses, version):
    script = write(tmp_path, "server.js", NODE % ("TLSv" + version, "TLSv" + version, black_hole.SERVER))
    shutil.copytree(large, tmp_path / "files")
    done = in_namespaces(loses, tmp_path / "files", [need("node"), script], [
        binary, "--json", "explain", black_hole.SERVER + ":4433", "--ca", "ca.pem", "--cert", "c.pem", "--key", "c.key",
        "--timeout", "2s"])
    told = json.loads(done.stdout)
    said(told, "T-MTU", "nobody", "network")
    assert told["extra_probes"] == ["in small TCP segments"] and told["confidence"] == "certain" and done.returncode == 1


def relay(port):
    """Reads once, as a hop does that looks for the name; what does not hold the whole ClientHello is dropped."""
    def pump(source, sink):
        try:
            for piece in iter(lambda: source.recv(65536), b""):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def behave(raw):
        first = raw.recv(1400)
        if len(first) < 5 + int.from_bytes(first[3:5], "big"):
            return
        with socket.create_connection(("127.0.0.1", port)) as behind:
            behind.sendall(first)
            back = threading.Thread(target=pump, args=(behind, raw))
            back.start()
            pump(raw, behind)
            back.join()
    return behave


@pytest.mark.parametrize("kind", ["openssl", "python"])
def test_a_hop_that_reads_half_a_client_hello(hf, town, tmp_path, kind):
    long = ",".join("protocol-%d-%s" % (i, "x" * 200) for i in range(9)) + ",http/1.1"
    with {"openssl": OpenSSLServer, "python": PythonServer}[kind](tmp_path, town["server"], town.ca) as server:
        with RawServer(relay(server.port)) as hop:
            told = explain(hf, hop.port, *own(town), "--alpn", long)
            assert explain(hf, hop.port, *own(town), code=0)["meets"]
    said(told, "T-HELLO-SIZE", "server", "network")
    assert told["confidence"] == "certain" and told["extra_probes"] == ["with the default settings"], told


def test_a_long_client_hello_is_not_blamed_for_a_port_that_hangs_up(hf, town):
    long = ",".join("protocol-%d-%s" % (i, "x" * 200) for i in range(9))
    with RawServer(lambda raw: raw.recv(65536)) as server:
        assert explain(hf, server.port, *own(town), "--alpn", long)["cause"] in ("T-EOF", "T-RESET")


def stop_after(port, count, then):
    """So many bytes of a server's answer, and then nothing more."""
    def behave(raw):
        with socket.create_connection(("127.0.0.1", port)) as behind:
            behind.sendall(raw.recv(65536))
            have = b""
            while len(have) < count:
                have += behind.recv(65536)
        raw.sendall(have[:count])
        then(raw)
    return behave


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("count", [60, 600])
def test_a_server_that_falls_silent_in_the_middle(hf, town, tmp_path, version, count):
    with OpenSSLServer(tmp_path, town["server"], town.ca, version=version) as server:
        with RawServer(stop_after(server.port, count, lambda raw: raw.recv(1))) as hop:
            told = explain(hf, hop.port, *own(town), "--timeout", "1s")
    said(told, "T-TIMEOUT", "nobody", "server")
    assert told["confidence"] == "likely" and told["candidates"] == ["T-TIMEOUT", "T-MTU"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_handshake_that_breaks_off_before_the_clients_certificate(hf, town, tmp_path, version):
    """It is no verdict about a certificate that was never sent."""
    with OpenSSLServer(tmp_path, town["server"], town.ca, version=version) as server:
        with RawServer(stop_after(server.port, 600, lambda raw: None)) as hop:
            told = explain(hf, hop.port, *own(town))
    assert told["cause"] in ("T-EOF", "T-RESET") and told["confidence"] == "likely", told
    assert told["certificate"] is None and "middle of the handshake" in told["explanation"]


# --- certificates that somebody else made up

@pytest.mark.parametrize("kind", ["openssl", "nginx"])
@pytest.mark.parametrize("by", ["its-file", "its-name"])
def test_a_proxy_that_makes_up_a_certificate(hf, town, tmp_path, kind, by):
    issuer = "/O=Mole Corp/CN=Mole Edge CA" if by == "its-file" else "/O=Zscaler Inc./CN=Zscaler Intermediate Root CA"
    certs = zoo.build({"root": {"subject": "/O=Mole/CN=Mole Root"}, "issuing": {"subject": issuer},
                       "shown": dict(zoo.SERVER, issuer="issuing")})
    cred = Credential(write(tmp_path, "s.pem", certs["shown"].pem + certs["issuing"].pem),
                      write(tmp_path, "s.key", certs["shown"].key_pem))
    more = ["--server-files", "%s,%s,%s" % (town["server"].cert, town["server"].key, town.ca)] if by == "its-file" else []
    with {"openssl": OpenSSLServer, "nginx": NginxServer}[kind](tmp_path, cred, mode="none") as server:
        told = explain(hf, server.port, *own(town), *more)
    said(told, "T-INSPECTION", "client", "network")
    assert told["confidence"] == "likely" and "V-UNKNOWN-CA" in told["candidates"]
    assert told["certificate"]["role"] == "server-leaf" and told["certificate"]["issuer"].startswith(("O=Mole", "O=Zsc"))


# --- a second time

@pytest.fixture(scope="module")
def bare_server(session_dir):
    path = session_dir / "bare_server"
    subprocess.run(["cc", "-O1", "-o", str(path), str(SUPPORT / "bare_server.c"), "-lssl", "-lcrypto"], check=True,
                   capture_output=True)
    return str(path)


class Bare(Watched):
    def __init__(self, path, home, cred, ca, version):
        super().__init__([path, cred.cert, cred.key, ca, version], clean_env(home))
        line = self.ready(lambda: self.wait_line("out", lambda l: l.startswith("PORT ") and l, "its port"))
        self.port = int(line.split()[1])


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_server_that_forgot_the_session_id_context(hf, town, tmp_path, bare_server, version):
    with Bare(bare_server, tmp_path, town["server"], town.ca, version) as server:
        told = said(explain(hf, server.port, *own(town)), "R-SESSION-CONTEXT", "server", "server")
        assert told["confidence"] == "certain" and told["headline"].startswith("MEETS the first time")
        assert told["extra_probes"] == ["resuming the session of the first"]
        assert explain(hf, server.port, "--one-shot", *own(town), code=0)["meets"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", ["openssl", "nginx", "haproxy", "apache", "node", "gnutls", "python"])
def test_servers_that_resume_as_they_should(hf, town, tmp_path, kind, version):
    cls = {"openssl": OpenSSLServer, "nginx": NginxServer, "haproxy": HaproxyServer, "apache": ApacheServer, "node": NodeServer,
           "gnutls": GnuTLSServer, "python": PythonServer}[kind]
    with cls(tmp_path, town["server"], town.ca, version=version) as server:
        told = explain(hf, server.port, *own(town), code=0)
    assert told["meets"] and told["cause"] is None and told["also"] == [], told


# --- another age

class OldGnuTLS(GnuTLSServer):
    """TLS 1.2 without RFC 5746."""

    def __init__(self, home, cred, ca):
        argv = [need("gnutls-serv"), "--http", "--port", "0", "--x509certfile", cred.cert, "--x509keyfile", cred.key,
                "--x509cafile", ca, "--require-client-cert", "--verify-client-cert", "--priority",
                "NORMAL:-VERS-TLS1.3:%DISABLE_SAFE_RENEGOTIATION"]
        Watched.__init__(self, argv, clean_env(home))
        self.port = self.ready(lambda: self.wait_until(self._ipv4_port, "a listening port"))


def test_a_server_without_secure_renegotiation(hf, town, tmp_path):
    with OldGnuTLS(tmp_path, town["server"], town.ca) as server:
        told = said(explain(hf, server.port, *own(town)), "P-UNSAFE-RENEG", "client", "server")
    assert told["confidence"] == "certain" and "update" in told["fix"]


# --- policies that hang on a name

def by_name(home, town, words):
    """For haproxy: a default certificate, and a list with other words for who asks for gw.zoo.test."""
    both = write(home, "gw.pem", Path(town["gateway"].cert).read_bytes() + Path(town["gateway"].key).read_bytes())
    cert = zoo.make(dict(zoo.SERVER, san=["dns:*.zoo.test"]), town.certs["issuing"])  # the name itself would be its own
    default = Credential(write(home, "any.pem", cert.pem + town.certs["issuing"].pem), write(home, "any.key", cert.key_pem))
    return default, "crt-list " + write(home, "names.list", "%s [%s] gw.zoo.test\n" % (both, words))


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_who_sends_no_name_meets_the_default_policy(hf, town, tmp_path, version):
    other = write(tmp_path, "other.pem", zoo.make(dict(CA, subject="/CN=Elsewhere Root"), None).pem)
    default, bind = by_name(tmp_path, town, "verify none")
    with HaproxyServer(tmp_path, default, other, bind=bind, version=version) as server:
        told = explain(hf, server.port, "--no-sni", *own(town), host="gw.zoo.test")
    said(told, "P-SNI-DEFAULT-POLICY", "server", "client")
    assert told["extra_probes"] == ["with the server name"] and "gw.zoo.test" in told["fix"]


def test_who_sends_no_name_is_not_asked_and_then_refused(hf, town, tmp_path):
    """nginx: the virtual host of the Host field misses the certificate that the default one never asked for."""
    vhost = ("gw.zoo.test", town["gateway"], "ssl_client_certificate %s; ssl_verify_client on; location / { return 200; }" % town.ca)
    with NginxServer(tmp_path, town["gateway"], mode="none", vhost=vhost) as server:
        told = explain(hf, server.port, "--no-sni", *own(town), host="gw.zoo.test")
    said(told, "P-SNI-DEFAULT-POLICY", "server", "client")
    assert told["http_status"] == 400


def test_who_sends_no_name_comes_in_by_the_back_door(hf, town, tmp_path):
    """A security finding, and no failure: they do meet."""
    default, bind = by_name(tmp_path, town, "ca-file %s verify required" % town.ca)
    with HaproxyServer(tmp_path, default, bind=bind) as server:
        told = explain(hf, server.port, "--no-sni", *own(town), host="gw.zoo.test", code=0)
        alone = explain(hf, server.port, "--no-sni", "--one-shot", *own(town), host="gw.zoo.test", code=0)
    assert told["meets"] and any("[P-SNI-DEFAULT-POLICY]" in line for line in told["also"]), told
    assert alone["extra_probes"] == [] and alone["also"] == []


def test_one_name_in_tls_and_another_in_http(hf, town, tmp_path):
    vhost = ("gw.zoo.test", town["gateway"], "ssl_client_certificate %s; ssl_verify_client on;" % town.ca)
    with NginxServer(tmp_path, town["server"], town.ca, vhost=vhost) as server:
        told = explain(hf, server.port, "--server-name", "gw.zoo.test", "--name", "gw.zoo.test", *own(town))
    said(told, "P-SNI-HOST", "server", "client")
    assert told["http_status"] == 421


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_names_that_are_older_than_the_trust(hf, town, tmp_path, kind):
    """The file on disk has the client's CA, and what the process sends does not."""
    other = write(tmp_path, "other.pem", zoo.make(dict(CA, subject="/CN=Elsewhere Root"), None).pem)
    with {"nginx": NginxServer, "haproxy": HaproxyServer}[kind](tmp_path, town["server"], town.ca, names=other) as server:
        alone = explain(hf, server.port, *own(town))
        both = explain(hf, server.port, *own(town), "--server-files",
                       "%s,%s,%s" % (town["server"].cert, town["server"].key, town.ca))
    assert alone["cause"] == both["cause"] == "N-CA-LIST" and "R-ACCEPTED-NAMES-STALE" not in alone["candidates"]
    assert both["candidates"] == ["N-CA-LIST", "R-ACCEPTED-NAMES-STALE"], both
