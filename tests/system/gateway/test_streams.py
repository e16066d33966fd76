# SPDX-License-Identifier: Apache-2.0
"""Byte streams to a tcp:// or unix: service: half-close, back-pressure, ALPN, who comes (PROXY protocol)."""
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import threading

import pytest
from support import look
from support.peers import need
from support.ports import free_port
from support.process import clean_env
from upstreams import Script, wait_for
from wire import Wire


def tcp(service):
    return "tcp://127.0.0.1:%d" % service.port


def echo(peer, number):
    """Sends everything back, and the total when the other side has said all."""
    total = 0
    while True:
        part = peer.sock.recv(65536)
        if not part:
            break
        total += len(part)
        peer.send(part)
    peer.send(b"|total %d" % total)


def finish_writing(wire):
    """close_notify and FIN; reading goes on (Python's unwrap would wait for the other side's)."""
    try:
        wire.tls.setblocking(False)
        wire.tls.unwrap()
    except OSError:
        pass
    wire.tls.settimeout(20)


@pytest.mark.row(68)
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_socat_service_gets_the_bytes_and_answers(gateway, town, tmp_path, kind):
    """Any TCP protocol is wrapped: openssl s_client speaks to a line service behind."""
    path = str(tmp_path / "s.sock")
    listen = "UNIX-LISTEN:%s,fork" % path if kind == "unix" else "TCP-LISTEN:0,bind=127.0.0.1,fork"
    proc = subprocess.Popen([need("socat"), "-dd", listen, "SYSTEM:head -n1 | tr a-z A-Z"], env=clean_env(tmp_path),
                            stderr=subprocess.PIPE)
    try:
        line = b""
        while b"listening on" not in line:
            line = proc.stderr.readline()
        url = "unix:" + path if kind == "unix" else "tcp://" + line.decode().rsplit(" ", 1)[1].strip()
        threading.Thread(target=proc.stderr.read, daemon=True).start()
        server = gateway("--to", url)
        done = subprocess.run([need("openssl"), "s_client", "-connect", "127.0.0.1:%d" % server.port, "-cert",
                               town["mail"].cert, "-key", town["mail"].key, "-cert_chain", town["mail"].cert,
                               "-CAfile", town.ca, "-verify_return_error", "-quiet"],
                              input=b"hello\n", capture_output=True, env=clean_env(tmp_path), timeout=30)
        assert b"HELLO" in done.stdout, done
    finally:
        proc.terminate()
        proc.wait()
        proc.stderr.close()


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_half_closed_stream_stays_half_closed(gateway, wire, version):
    with Script(echo) as service:
        server = gateway("--to", tcp(service))
        connection = wire(server, version=version)
        data = os.urandom(300000)
        assert connection.exchange(data, len(data)) == data
        # FIN from the client's side only: the service's last word must still arrive.
        socket.socket.shutdown(connection.tls, socket.SHUT_WR)
        assert connection.closed() == b"|total 300000"


def test_service_that_speaks_first_and_closes_first(gateway, wire):
    got = []

    def play(peer, number):
        peer.send(b"220 ready\r\n")
        peer.sock.shutdown(socket.SHUT_WR)
        while True:
            part = peer.sock.recv(65536)
            if not part:
                break
            got.append(part)
    with Script(play) as service:
        server = gateway("--to", tcp(service))
        connection = wire(server)
        assert connection.take(11) == b"220 ready\r\n"
        connection.send(b"still here")
        connection.send(b", still")
        wait_for(lambda: b"".join(got) == b"still here, still", "bytes after the service's end")


def test_many_megabytes_both_ways_at_once(gateway, wire):
    with Script(echo) as service:
        server = gateway("--to", tcp(service))
        data = os.urandom(20 * 1024 * 1024)
        assert wire(server).exchange(data, len(data)) == data


def test_slow_reader_holds_the_service_back(gateway, wire):
    sent = [0]

    def play(peer, number):
        for _ in range(1024):
            peer.send(b"x" * 65536)
            sent[0] += 65536
    with Script(play) as service:
        server = gateway("--to", tcp(service))
        connection = wire(server)
        last = [-1]

        def steady():
            still = sent[0] == last[0] and sent[0] > 0
            last[0] = sent[0]
            if not still:
                threading.Event().wait(0.3)
            return still
        wait_for(steady, "stop of the service")
        assert sent[0] < 40 * 1024 * 1024
        assert len(connection.take(64 * 1024 * 1024)) == 64 * 1024 * 1024


def test_reset_of_the_service_is_no_proper_end(gateway, wire):
    def play(peer, number):
        peer.take(1)
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with Script(play) as service:
        server = gateway("--to", tcp(service))
        connection = wire(server)
        connection.tls.suppress_ragged_eofs = False
        connection.send(b"x")
        with pytest.raises(OSError):
            if connection.tls.recv(10) == b"":
                pytest.fail("a reset became a proper end")


def test_refused_client_never_reaches_the_service(hf, town, wire):
    with Script(echo) as service:
        with hf.serve(*town.serve_args, "--allow", "cn:nobody", "--to", tcp(service)) as server:
            with pytest.raises(OSError):
                connection = wire(server)
                connection.tls.sendall(b"hello")
                if connection.tls.recv(1) == b"":
                    raise OSError("closed")
            server.wait_record()
            assert service.connections == 0


def test_service_that_cannot_be_reached_closes_the_client_and_is_recorded(gateway, wire, tmp_path):
    log = tmp_path / "log"
    server = gateway("--to", "unix:%s/none" % tmp_path, "--access-log", str(log))
    assert wire(server).closed() == b""
    row = wait_for(lambda: log.exists() and log.read_text() and json.loads(log.read_text()), "line in the log")
    assert row["error"] == "connect" and row["reference"] and row["identity"] == "dns:mail.zoo.test"
    assert any(row["reference"] in line for line in server.lines["err"])


def test_silent_stream_ends_and_a_talking_one_does_not(gateway, wire):
    with Script(echo) as service:
        server = gateway("--to", tcp(service), "--tunnel-idle-timeout", "2", "--idle-timeout", "1")
        connection = wire(server)
        for _ in range(4):
            threading.Event().wait(0.8)
            assert connection.exchange(b"x", 1) == b"x"
        assert b"|total 4" in connection.closed() + b"|total 4"


def test_log_of_a_stream_counts_bytes_both_ways(gateway, wire, tmp_path):
    log = tmp_path / "log"
    with Script(echo) as service:
        server = gateway("--to", tcp(service), "--access-log", str(log))
        connection = wire(server)
        assert connection.exchange(b"x" * 1000, 1000)
        socket.socket.shutdown(connection.tls, socket.SHUT_WR)
        connection.closed()
        row = wait_for(lambda: log.exists() and log.read_text() and json.loads(log.read_text()), "line in the log")
        assert (row["bytes_in"], row["bytes"], row["upstream"]) == (1000, 1011, tcp(service))
        assert "method" not in row and "status" not in row


@pytest.mark.parametrize("kind", ["tcp", "websocket", "http"])
def test_revocation_reaches_what_is_under_way(hf, town, tmp_path, kind):
    """A list that names the client ends its stream, its WebSocket and its half-done answer."""
    crl = tmp_path / "crl.pem"
    shutil.copy(town.crl_clean, crl)

    def play(peer, number):
        if kind != "tcp":
            peer.head()
            peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello"
                      if kind == "websocket" else b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        else:
            peer.send(b"hello")
        while peer.sock.recv(100):
            pass
        ended.set()
    ended = threading.Event()
    with Script(play) as service:
        with hf.serve(*town.serve_args, "--allow", "any", "--workers", "1", "--crl", str(crl), "--to",
                      tcp(service) if kind == "tcp" else service.url) as server:
            connection = Wire(server.port, town)
            if kind != "tcp":
                connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                b"\r\n")
                assert connection.head()
            assert connection.take(5) == b"hello"
            shutil.copy(town.crl_mail, crl)
            server.wait_record()
            assert connection.closed() == b""
            assert ended.wait(10), "the service's side ends too"
            connection.tls.close()


# --- HTTP/2 by ALPN ---

H2 = """
const http2 = require('http2');
const server = http2.createServer((req, res) => {
  let n = 0; req.on('data', d => n += d.length);
  req.on('end', () => { res.addTrailers({'grpc-status': '0'}); res.end(req.httpVersion + ' ' + n); });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


def test_http_2_passes_through_by_alpn(gateway, town, curl, tmp_path):
    if "HTTP2" not in subprocess.run([curl.tool, "--version"], capture_output=True, text=True).stdout:
        pytest.skip("this curl has no HTTP/2")
    proc = subprocess.Popen([need("node"), "-e", H2], env=clean_env(tmp_path), stdout=subprocess.PIPE)
    try:
        server = gateway("--to", "tcp://127.0.0.1:%d" % int(proc.stdout.readline()), "--alpn", "h2")
        done = subprocess.run([curl.tool, "-sS", "-v", "--http2", "--cacert", town.ca, "--cert", town["mail"].cert,
                               "--key", town["mail"].key, "--data-binary", "@-",
                               "https://localhost:%d/" % server.port], input=b"z" * 100000, capture_output=True,
                              env=clean_env(tmp_path), timeout=30)
        assert done.stdout == b"2.0 100000", done.stderr
        assert b"HTTP/2 200" in done.stderr
    finally:
        proc.terminate()
        proc.wait()
        proc.stdout.close()


# --- the PROXY protocol ---

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def read_v2(peer):
    head = peer.take(16)
    assert head[:12] == SIGNATURE and head[12] == 0x21
    body = peer.take(struct.unpack(">H", head[14:])[0])
    at = {0x11: 12, 0x21: 36, 0x00: 0}[head[13]]
    return head[13], body[:at], tlvs(body[at:])


def tlvs(octets):
    found = {}
    while octets:
        kind, size = struct.unpack(">BH", octets[:3])
        found[kind] = octets[3:3 + size]
        octets = octets[3 + size:]
    return found


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_proxy_header_tells_the_service_who_comes(gateway, wire, town, version):
    seen = []

    def play(peer, number):
        seen.append(read_v2(peer))
        echo(peer, number) if not peer.rest else peer.send(peer.rest)
    with Script(play) as service:
        server = gateway("--to", tcp(service), "--proxy-protocol", "--alpn", "custom/1")
        connection = wire(server, version=version, alpn=["custom/1"])
        assert connection.exchange(b"hello", 5) == b"hello"
        family, addresses, found = seen[0]
        source, sport = addresses[:4], struct.unpack(">H", addresses[8:10])[0]
        assert (family, socket.inet_ntoa(source)) == (0x11, "127.0.0.1")
        assert sport == connection.tls.getsockname()[1]
        assert struct.unpack(">H", addresses[10:12])[0] == server.port
        assert found[0x01] == b"custom/1" and found[0x02] == b"localhost"
        client, verify = struct.unpack(">BI", found[0x20][:5])
        assert (client, verify) == (7, 0)
        ssl_tlvs = tlvs(found[0x20][5:])
        assert ssl_tlvs[0x21] == b"TLSv" + version.encode()
        assert ssl_tlvs[0x22] == b"mail-server"
        # The registry's name, which openssl translates.
        assert look.openssl("ciphers", "-stdname", "ALL").count(ssl_tlvs[0x23].decode() + " ") >= 1
        from cryptography.hazmat.primitives.serialization import Encoding
        assert ssl_tlvs[0x28] == look.cert(town["mail"].cert).public_bytes(Encoding.DER)


def test_proxy_header_vouches_for_nobody_who_was_not_verified(hf, town, wire):
    seen = []

    def play(peer, number):
        seen.append(read_v2(peer))
    with Script(play) as service:
        with hf.serve(*town.serve_args, "--client-auth", "report", "--to", tcp(service), "--proxy-protocol",
                      "--workers", "1") as server:
            for cred, bits in (("none", 1), ("expired", 7)):
                connection = wire(server, cred=cred)
                wait_for(lambda: seen, "header")
                connection.tls.close()
                _, _, found = seen.pop()
                client, verify = struct.unpack(">BI", found[0x20][:5])
                assert client == bits and verify != 0
                assert 0x22 not in tlvs(found[0x20][5:]) and 0x28 not in tlvs(found[0x20][5:])


def test_proxy_header_says_that_there_was_no_certificate(gateway, wire):
    seen = []

    def play(peer, number):
        seen.append(read_v2(peer))
    with Script(play) as service:
        server = gateway("--client-auth", "optional", "--to", tcp(service), "--proxy-protocol")
        for cred, bits in (("none", 1), ("mail", 7)):
            connection = wire(server, cred=cred)
            wait_for(lambda: seen, "header")
            connection.tls.close()
            _, _, found = seen.pop()
            client, verify = struct.unpack(">BI", found[0x20][:5])
            assert client == bits and (verify == 0) == (cred == "mail")
            assert (0x22 in tlvs(found[0x20][5:])) == (0x28 in tlvs(found[0x20][5:])) == (cred == "mail")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            wire(server, cred="expired", version="1.2")
        assert not seen, "whom we refuse reaches no service"


def test_nginx_takes_our_proxy_header(gateway, wire, tmp_path):
    tool = shutil.which("nginx") or "/usr/sbin/nginx"
    if not os.path.exists(tool):
        pytest.skip("the peer 'nginx' is not installed")
    conf = tmp_path / "n.conf"
    conf.write_text("""
user root; daemon off; worker_processes 1; error_log %(d)s/error.log; pid %(d)s/nginx.pid;
events {} http { access_log off; client_body_temp_path %(d)s/b; proxy_temp_path %(d)s/p;
fastcgi_temp_path %(d)s/f; uwsgi_temp_path %(d)s/u; scgi_temp_path %(d)s/s;
server { listen unix:%(d)s/s.sock proxy_protocol; location / { return 200 "$proxy_protocol_addr $proxy_protocol_server_port"; } } }
""" % {"d": tmp_path})
    proc = subprocess.Popen([tool, "-c", str(conf), "-p", str(tmp_path)], env=clean_env(tmp_path),
                            stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: (tmp_path / "s.sock").exists(), "nginx")
        server = gateway("--to", "unix:%s/s.sock" % tmp_path, "--proxy-protocol")
        assert wire(server).ask()[2] == b"127.0.0.1 %d" % server.port
    finally:
        proc.terminate()
        proc.wait()


def v2(source="192.0.2.77", more=b"", command=0x21, family=0x11):
    body = socket.inet_aton(source) + socket.inet_aton("192.0.2.1") + struct.pack(">HH", 1234, 443) + more
    return SIGNATURE + bytes([command, family]) + struct.pack(">H", len(body)) + body


def connect_with(server, town, header, split=False):
    """A TLS connection behind a header, or None when the gateway closed."""
    from support.peers import PythonClient
    raw = socket.create_connection(("127.0.0.1", server.port), 20)
    try:
        for i in range(len(header) if split else 0):
            raw.sendall(header[i:i + 1])
        if not split:
            raw.sendall(header)
        context = PythonClient.context(town["mail"], None)
        tls = context.wrap_socket(raw, server_hostname="localhost")
        tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        got = b""
        while True:
            part = tls.recv(65536)
            if not part:
                return got
            got += part
    except OSError:
        return None
    finally:
        raw.close()


GOOD_HEADERS = {
    "v2": (v2(), "192.0.2.77"),
    "v2 with TLVs": (v2(more=b"\x04\x00\x05hello\x20\x00\x05\x01\x00\x00\x00\x00"), "192.0.2.77"),
    "v2 with a certificate's worth of TLVs": (v2(more=b"\x28\x1f\x40" + b"x" * 8000), "192.0.2.77"),
    "v2 local": (v2(command=0x20, family=0x00), "127.0.0.1"),
    "v2 unspec": (SIGNATURE + b"\x21\x00\x00\x00", "127.0.0.1"),
    "v1": (b"PROXY TCP4 192.0.2.78 192.0.2.1 1000 443\r\n", "192.0.2.78"),
    "v1 v6": (b"PROXY TCP6 2001:db8::7 2001:db8::1 1000 443\r\n", "2001:db8::7"),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
}


@pytest.mark.parametrize("split", [False, True], ids=["whole", "bytes"])
@pytest.mark.parametrize("kind", sorted(GOOD_HEADERS))
def test_proxy_header_of_a_named_network_is_believed(gateway, town, kind, split):
    header, address = GOOD_HEADERS[kind]

    def play(peer, number):
        head = peer.head()
        peer.ok(head["x-forwarded-for"].encode(), b"Connection: close\r\n")
    with Script(play) as service:
        server = gateway("--to", service.url, "--accept-proxy-protocol", "127.0.0.0/8")
        got = connect_with(server, town, header, split)
        assert got is not None and got.endswith(b"\r\n\r\n" + address.encode()), got


BAD_HEADERS = {
    "none": b"",
    "garbage": b"GET / HTTP/1.1\r\n\r\n",
    "v1 of five parts": b"PROXY TCP4 192.0.2.1 192.0.2.2 1000\r\n",
    "v1 with two spaces": b"PROXY TCP4  192.0.2.1 192.0.2.2 1000 443\r\n",
    "v1 with a bad address": b"PROXY TCP4 192.0.2.300 192.0.2.2 1000 443\r\n",
    "v1 with a bad port": b"PROXY TCP4 192.0.2.1 192.0.2.2 70000 443\r\n",
    "v1 without CR": b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\n",
    "v1 too long": b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
    "v2 of version 3": SIGNATURE + b"\x31\x11\x00\x0c" + b"x" * 12,
    "v2 with command 2": SIGNATURE + b"\x22\x11\x00\x0c" + b"x" * 12,
    "v2 too short for IPv4": SIGNATURE + b"\x21\x11\x00\x08" + b"x" * 8,
    "v2 too long": SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 20000,
    "v2 of a strange family": SIGNATURE + b"\x21\x77\x00\x0c" + b"x" * 12,
}


@pytest.mark.parametrize("kind", sorted(BAD_HEADERS))
def test_named_network_without_a_good_header_is_refused(gateway, town, kind):
    with Script(echo) as service:
        server = gateway("--to", service.url, "--accept-proxy-protocol", "127.0.0.1")
        assert connect_with(server, town, BAD_HEADERS[kind]) is None
        assert server.wait_record()["cause"] == "T-PROXY-EXPECTED"
        assert service.connections == 0


def test_proxy_header_of_anybody_else_is_not_even_read(gateway, town):
    with Script(echo) as service:
        server = gateway("--to", service.url, "--accept-proxy-protocol", "192.0.2.0/24")
        assert connect_with(server, town, v2()) is None
        assert service.connections == 0
        assert connect_with(server, town, b"") is not None or service.connections == 1


def test_haproxy_in_front_hands_on_the_true_address(gateway, town, tmp_path, python):
    def play(peer, number):
        head = peer.head()
        peer.ok(head["forwarded"].encode(), b"Connection: close\r\n")
    tool = need("haproxy")
    with Script(play) as service:
        server = gateway("--to", service.url, "--accept-proxy-protocol", "127.0.0.1")
        port = free_port()
        conf = tmp_path / "h.cfg"
        conf.write_text("""
defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen l
  bind 127.0.0.1:%d
  server s 127.0.0.1:%d send-proxy-v2
""" % (port, server.port))
        proc = subprocess.Popen([tool, "-f", str(conf), "-q"], env=clean_env(tmp_path))
        try:
            def answer():
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    return True
                except OSError:
                    return False
            wait_for(answer, "haproxy")
            got = python.get(port, town["mail"], town.ca)
            assert got.status == 200 and got.body.startswith(b"for=127.0.0.1;"), got
        finally:
            proc.terminate()
            proc.wait()


# --- usage ---

@pytest.mark.parametrize("args,words", [
    (["--to", "tcp://127.0.0.1"], "port"),
    (["--to", "tcp://127.0.0.1:1/x"], "path"),
    (["--to", "ftp://127.0.0.1"], "ftp://127.0.0.1"),
    (["--to", "https://127.0.0.1"], "tunnel"),
    (["--to", "http://192.0.2.1:80"], "--unsafe-to"),
    (["--to", "http://127.0.0.1:1", "--to", "tcp://127.0.0.1:2"], "all"),
    (["--to", "http://127.0.0.1:1", "--respond", "text:x"], "--respond"),
    (["--to", "http://127.0.0.1:1", "--proxy-protocol"], "--pass-identity"),
    (["--to", "tcp://127.0.0.1:1", "--pass-identity", "xfcc"], "--proxy-protocol"),
    (["--to", "http://127.0.0.1:1", "--pass-identity", "xfc"], "xfcc"),
    (["--to", "http://127.0.0.1:1", "--pass-identity", "none,xfcc"], "none"),
    (["--to", "http://127.0.0.1:1", "--via", "a b"], "token"),
    (["--to", "http://127.0.0.1:1", "--accept-proxy-protocol", "10.0.0.1/8"], "10.0.0.1/8"),
    (["--to", "http://127.0.0.1:1", "--accept-proxy-protocol", "ten"], "ten"),
    (["--to", "http+unix:"], "socket file"),
    (["--to", "http://127.0.0.1:1/a?b"], "path"),
])
def test_mistakes_of_usage_are_told_at_once(hf, town, args, words):
    done = hf.run("serve", *town.serve_args, "--allow", "any", *args)
    assert done.code == 2 and words in done.stderr, done
