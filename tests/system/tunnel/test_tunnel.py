# SPDX-License-Identifier: Apache-2.0
"""handfast tunnel: local plaintext to a server over mutual TLS."""
import contextlib
import http.server as http_server
import os
import shutil
import socket
import ssl
import subprocess
import threading

import pytest
from ends import Echo, broken, context_of
from support.peers import read_all
from support.ports import free_port
from support.process import SLOW

HELLO = ["--allow", "any", "--respond", "text:hello"]


def test_bytes_go_both_ways_and_half_closed_stays_half_closed(tunnel, echo):
    with tunnel(echo.port).connect() as local:
        local.sendall(b"one")
        assert local.recv(100) == b"one"
        local.sendall(b"two")
        local.shutdown(socket.SHUT_WR)
        assert read_all(local) == b"two<end>"


def test_much_data_arrives_whole(tunnel, echo):
    data = os.urandom(1 << 20) * 8
    with tunnel(echo.port).connect() as local:
        def send():
            local.sendall(data)
            local.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        assert read_all(local) == data + b"<end>"
        sender.join()


def test_curl_without_tls_reaches_our_server_as_the_mail_server(hf, town, tunnel):
    with hf.serve(*town.serve_args, "--allow", "o:MailServer", "--respond", "identity") as server:
        host, port = tunnel(server.port).address
        told = subprocess.run(["curl", "-sS", "http://%s:%d/" % (host, port)], capture_output=True, timeout=30)
        assert b"mail" in told.stdout, told


def test_ready_line_says_that_it_is_plaintext(tunnel, echo):
    assert tunnel(echo.port).url.startswith("tcp://127.0.0.1:")


@pytest.mark.parametrize("what, cause", [("name", "V-NAME-MISMATCH"), ("ca", "V-UNKNOWN-CA"), ("rule", "A-NOT-ALLOWED"),
                                         ("revoked", "V-REVOKED")])
def test_wrong_server_gets_no_byte_and_the_local_side_a_reset(town, tunnel, tmp_path, what, cause, request):
    more, options = {}, []
    who = "foreign-server" if what == "ca" else "server"
    if what == "name":
        more["name"] = "other.test"
    if what == "rule":
        options = ["--allow", "cn:another"]
    if what == "revoked":
        options = ["--crl", crl_of(town, tmp_path, "server")]
    server = Echo(town, who)
    request.addfinalizer(server.close)
    started = tunnel(server.port, *options, **more)
    try:
        with started.connect() as local:
            local.sendall(b"secret")
            assert broken(local) == b""
    except ConnectionResetError:
        pass  # it may be there before connect() has returned
    record = started.wait_record()
    assert record["cause"] == cause and record["refused_by"] == "client"
    assert record["certificate"]["role"].startswith("server")
    assert record["alert"]["direction"] == "sent"
    assert server.seen == b""


def crl_of(town, tmp_path, *revoked):
    from support import zoo
    path = tmp_path / "lists.pem"
    path.write_bytes(zoo.make_crl(town.certs["root"], {}, town.certs) + zoo.make_crl(
        town.certs["issuing"], {"revokes": list(revoked), "number": 7}, town.certs))
    return path


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_refusal_by_the_server_is_told_in_full(hf, town, tunnel, version):
    argv = town.serve_args + ["--crl", town.crl_mail, "--tls-max", version, *HELLO]
    with hf.serve(*argv) as server:
        started = tunnel(server.port, "--tls-min", "1.2")
        with started.connect() as local:
            local.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert broken(local) == b""
        record = started.wait_record()
        assert record["refused_by"] == "server" and record["alert"] == {
            "number": 44, "name": "certificate_revoked", "direction": "received"}
        assert record["certificate"]["role"] == "client-leaf" and "mail-server" in record["certificate"]["subject"]


def test_server_that_comes_up_late_is_waited_for(town, tunnel, request):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = tunnel(port, "--connect-timeout", str(int(30 * SLOW)))
    with started.connect() as local:
        local.sendall(b"early")
        server = Echo(town, port=port)
        request.addfinalizer(server.close)
        assert local.recv(100) == b"early"


def test_server_that_never_comes_up_ends_in_a_reset_and_a_line(tunnel):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = tunnel(port, "--connect-timeout", "1")
    with started.connect() as local:
        assert broken(local) == b""
    started.wait_line("err", lambda line: "127.0.0.1:%d cannot be reached: Connection refused" % port in line, "the line")


def test_open_connection_ends_when_the_server_is_revoked(town, tunnel, echo, tmp_path):
    lists = tmp_path / "crl.pem"
    shutil.copy(crl_of(town, tmp_path), lists)
    with tunnel(echo.port, "--crl", lists).connect() as local:
        local.sendall(b"one")
        assert local.recv(100) == b"one"
        shutil.copy(crl_of(town, tmp_path, "server"), lists)
        try:
            assert local.recv(100) == b""
        except ConnectionError:
            pass


def test_unix_socket_for_one_user_only(tunnel, echo, tmp_path):
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    os.chmod(tmp_path, 0o755)
    for parent in list(tmp_path.parents)[:3]:
        os.chmod(parent, 0o755)
    path = tmp_path / "t.sock"
    tunnel(echo.port, "--allow-uid", "65534", listen="unix:%s" % path)
    os.chmod(path, 0o777)
    script = ("import os, socket, sys\nif len(sys.argv) > 2: os.setuid(int(sys.argv[2]))\n"
              "s = socket.socket(socket.AF_UNIX); s.settimeout(20); s.connect(sys.argv[1])\n"
              "try:\n s.sendall(b'hi'); print(s.recv(10))\nexcept OSError: print('refused')\n")

    def ask(*uid):
        return subprocess.run(["/usr/bin/python3", "-c", script, str(path), *uid], capture_output=True, text=True,
                              timeout=60).stdout.strip()
    assert ask("65534") == "b'hi'"
    assert ask() in ("b''", "refused"), "root is not on the list"


@pytest.mark.parametrize("argv, words", [
    (["--listen", "0.0.0.0:0"], "--unsafe-listen"),
    (["--listen", "127.0.0.1:0", "--allow-uid", "1"], "unix"),
    (["--allow-uid", "me"], "id -u"),
])
def test_listeners_that_would_lend_the_identity_are_refused(hf, town, argv, words):
    told = hf.run("tunnel", "--to", "127.0.0.1:9", "--cert", town["mail"].cert, "--key", town["mail"].key, "--ca", town.ca,
                  *argv)
    assert told.code == 2 and words in told.stderr, told
    assert "listening" not in told.stderr


def test_address_that_would_lend_the_identity_is_shown(hf, town):
    address = "0.0.0.0:%d" % free_port()
    told = hf.run("tunnel", "--to", "127.0.0.1:9", "--cert", town["mail"].cert, "--key", town["mail"].key, "--ca", town.ca,
                  "--listen", address)
    # behind what a build without a sandbox says first
    command, carets = told.stderr[told.stderr.index("[E-USAGE]"):].splitlines()[1:3]
    assert told.code == 2 and command.strip() == "--listen " + address, told
    assert carets.startswith(" " * len("  --listen ") + "^" * len(address)), told


def test_other_machines_only_when_it_is_asked_for(tunnel, echo):
    assert tunnel(echo.port, "--unsafe-listen", listen="0.0.0.0:0").url.startswith("tcp://0.0.0.0:")


@pytest.mark.parametrize("argv, word", [([], "--to"), (["--to", "127.0.0.1:9"], "--as"), (["--to", "127.0.0.1", "--as", "x"], "port")])
def test_missing_options_are_named(hf, argv, word):
    assert word in hf("tunnel", *argv, exit=2).stderr


def test_check_reads_everything_and_does_not_listen(hf, town):
    argv = ["tunnel", "--check", "--to", "127.0.0.1:9", "--cert", town["mail"].cert, "--ca", town.ca, "--key"]
    assert "no mistakes" in hf(*argv, town["mail"].key).stdout
    told = hf.run(*argv, town["bob"].key)
    assert told.code not in (0, 2) and "bob.key" in told.stderr
    told = hf.run(*argv[:4], "--cert", town["expired"].cert, "--key", town["expired"].key, "--ca", town.ca)
    assert told.code not in (0, 2) and "expired" in told.stderr


def test_answer_that_is_cut_off_does_not_look_whole(town, tunnel):
    """A bare FIN is anybody's: without close_notify the local side gets a reset."""
    context = context_of(town, "server")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            raw, _ = listener.accept()
            tls = context.wrap_socket(raw, server_side=True)
            tls.recv(100)
            tls.sendall(b"half of ")
            os.close(tls.detach())
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with tunnel(listener.getsockname()[1]).connect() as local:
            local.sendall(b"all of it, please")
            broken(local)
        thread.join(20 * SLOW)


def test_access_log_has_a_line_for_each_connection(tunnel, echo, tmp_path):
    log = tmp_path / "log"
    with tunnel(echo.port, "--access-log", log) as started:
        with started.connect() as local:
            local.sendall(b"12345")
            local.shutdown(socket.SHUT_WR)
            assert read_all(local) == b"12345<end>"
        started.stop()
    import json
    line = json.loads(log.read_text())
    assert line["bytes_in"] == 5 and line["bytes"] == 10 and line["valid"] is True
    assert line["upstream"] == "127.0.0.1:%d" % echo.port


# --- HTTP through a tunnel ---

def http(address, path="/", host=None, more=()):
    url = "http://%s:%d%s" % (address[0], address[1], path)
    named = ["-H", "Host: %s" % host] if host else []
    return subprocess.run(["curl", "-sS", "-i", *named, *more, url], capture_output=True, timeout=60 * SLOW)


class Service:
    """An HTTP service behind the gateway: answers with the Host it was asked for and the size of the body."""

    def __init__(self):
        class Handler(http_server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                text = ("host %s, %d bytes\n" % (self.headers["Host"], len(body))).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET

            def log_message(self, *args):
                pass
        self.server = http_server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service():
    one = Service()
    yield one
    one.close()


def test_host_is_set_for_the_server(hf, town, tunnel, service):
    with hf.serve(*town.serve_args, "--allow", "any", "--to", service.url) as server:
        plain = http(tunnel(server.port).address)
        assert plain.stdout.startswith(b"HTTP/1.1 421 "), plain
        address = tunnel(server.port, "--http-host", "localhost").address
        for _ in range(2):
            done = http(address)
            assert done.stdout.startswith(b"HTTP/1.1 200 ") and b"host localhost, 0 bytes" in done.stdout, done
        body = http(address, more=["--data-binary", "GET / HTTP/1.1\r\nHost: other\r\n\r\n" * 1000])
        assert b"host localhost, 31000 bytes" in body.stdout, body
        with socket.create_connection(address, 20 * SLOW) as local:
            local.sendall(b"".join(b"GET /%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % n for n in range(3)) +
                          b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            assert read_all(local).count(b"host localhost, 0 bytes") == 4
        chunked = http(address, more=["-H", "Transfer-Encoding: chunked", "-H", "Expect:", "-d", "@" + town.ca])
        assert b"HTTP/1.1 200 " in chunked.stdout, chunked


def test_what_is_no_http_is_the_servers_to_judge(hf, town, tunnel, echo, service):
    with hf.serve(*town.serve_args, "--allow", "any", "--to", service.url) as server:
        with tunnel(server.port, "--http-host", "localhost").connect() as local:
            local.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            assert read_all(local).startswith(b"HTTP/1.1 400 ")
    with tunnel(echo.port, "--http-host", "localhost").connect() as local:
        local.sendall(b"GET / HTTP/1.1\r\nHo")
        local.shutdown(socket.SHUT_WR)
        assert read_all(local) == b"GET / HTTP/1.1\r\nHo<end>", "what was held back goes on at the end"


@pytest.mark.parametrize("name", ["", "a b", "user@x", "http://x"])
def test_host_that_is_none_is_refused(hf, town, name):
    done = hf("tunnel", "--to", "127.0.0.1:1", "--cert", town["mail"].cert, "--key", town["mail"].key, "--ca", town.ca,
              "--http-host", name, exit=2)
    assert "--http-host" in done.stderr


# --- connections made in advance ---

class Counting(Echo):
    """Counts its connections and how many are open now; may close them, or speak first."""

    def __init__(self, town, first=b"", who="server"):
        self.first, self.made, self.open, self.lock = first, 0, set(), threading.Lock()
        super().__init__(town, who)

    def serve(self, raw):
        with contextlib.suppress(OSError):
            raw.settimeout(20 * SLOW)
            tls = self.context.wrap_socket(raw, server_side=True)
            with self.lock:
                self.made += 1
                self.open.add(tls)
            try:
                if self.first:
                    tls.sendall(self.first)
                while True:
                    part = tls.recv(65536)
                    if not part:
                        return
                    tls.sendall(part)
            finally:
                with self.lock:
                    self.open.discard(tls)
                tls.close()

    def cut_all(self):
        with self.lock:
            for tls in self.open:
                tls.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def counting(town):
    made = []

    def start(**more):
        made.append(Counting(town, **more))
        return made[-1]
    yield start
    for one in made:
        one.close()


def test_connections_are_there_before_they_are_asked_for(tunnel, counting):
    server = counting()
    started = tunnel(server.port, "--spare", "3", "--workers", "1")
    started.wait_until(lambda: server.made == 3, "three connections")
    with started.connect() as local:
        local.sendall(b"one")
        assert local.recv(100) == b"one"
        started.wait_until(lambda: server.made == 4 and len(server.open) == 4, "the next in its place")
    started.wait_until(lambda: len(server.open) == 3, "the used one to end")


def test_spare_connections_grow_old_and_are_replaced(tunnel, counting):
    server = counting()
    started = tunnel(server.port, "--spare", "2", "--spare-age", "1s", "--workers", "1")
    started.wait_until(lambda: server.made >= 6, "two replacements of each", 30)
    started.wait_until(lambda: len(server.open) == 2, "no more than two at a time")


def test_dead_spare_connections_are_not_handed_out(tunnel, counting):
    server = counting()
    started = tunnel(server.port, "--spare", "2", "--spare-age", "1h", "--workers", "1")
    for round in range(3):
        started.wait_until(lambda made=2 * round + 2 + round: server.made >= made and len(server.open) == 2, "two")
        server.cut_all()
        started.wait_until(lambda made=2 * round + 4 + round: server.made >= made, "two others")
        with started.connect() as local:
            local.sendall(b"one")
            assert local.recv(100) == b"one"


def test_server_that_speaks_first_is_heard_in_full(tunnel, counting):
    server = counting(first=b"220 hello\r\n")
    started = tunnel(server.port, "--spare", "1", "--workers", "1")
    for n in range(3):
        started.wait_until(lambda made=n + 1: server.made == made, "the spare one")
        with started.connect() as local:
            local.settimeout(20 * SLOW)
            got = b""
            while len(got) < 11:
                got += local.recv(100)
            local.sendall(b"QUIT")
            assert got == b"220 hello\r\n" and local.recv(100) == b"QUIT"


def test_refused_spare_connections_are_told_and_tried_less_and_less(hf, town, tunnel):
    with hf.serve(*town.serve_args, "--allow", "cn:somebody-else", "--respond", "text:x") as server:
        started = tunnel(server.port, "--spare", "2", "--workers", "1")
        rows = started.wait_until(lambda: started.records(), "the record")
        assert rows[0]["refused_by"] == "server"
        started.wait_until(lambda: len(started.records()) >= 4, "further tries")
        with started.connect() as local:
            local.sendall(b"x")
            assert broken(local) == b"", "whoever comes hears the same"
    assert len(started.records()) < 30


def test_spare_connections_to_a_server_that_is_revoked_end(town, tunnel, tmp_path, counting):
    server = counting()
    crl = crl_of(town, tmp_path)
    started = tunnel(server.port, "--crl", crl, "--spare", "2", "--workers", "1")
    started.wait_until(lambda: len(server.open) == 2, "two connections")
    crl_of(town, tmp_path, "server")
    started.wait_until(lambda: not server.open, "none")
    with started.connect() as local:
        local.sendall(b"x")
        assert broken(local) == b""


def test_spare_connections_do_not_hold_a_drain_up(tunnel, counting):
    server = counting()
    started = tunnel(server.port, "--spare", "3", "--workers", "2")
    started.wait_until(lambda: len(server.open) == 6, "three of each worker")
    assert started.stop() == 0
