# SPDX-License-Identifier: Apache-2.0
"""Services to stand behind the gateway: one whose every byte a test decides, and real ones."""
import http.server
import json
import os
import queue
import shutil
import socket
import subprocess
import threading
import time

import pytest
from support.process import SLOW, clean_env


class Script:
    """A TCP (or unix) server.  For each connection a thread runs `play(sock, number)`; what the gateway
    sent, head by head, is in `heads`."""

    def __init__(self, play, path=None):
        self.play = play
        self.path = path
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
        else:
            self.listener = socket.socket()
            self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.heads = queue.Queue()
        self.connections = 0
        self.errors = []
        self.threads = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return "http+unix:" + self.path if self.path else "http://127.0.0.1:%d" % self.port

    @property
    def port(self):
        return self.listener.getsockname()[1]

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._run, args=(sock, self.connections), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _run(self, sock, number):
        sock.settimeout(20 * SLOW)
        try:
            self.play(Peer(sock, self), number)
        except (OSError, EOFError):
            pass
        except AssertionError as wrong:
            self.errors.append(wrong)
        finally:
            sock.close()

    def head(self, timeout=10):
        return self.heads.get(timeout=timeout * SLOW)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.listener.close()
        assert not self.errors, self.errors


class Peer:
    """The service's end of one connection."""

    def __init__(self, sock, script):
        self.sock = sock
        self.script = script
        self.rest = b""

    def more(self):
        part = self.sock.recv(65536)
        if not part:
            raise EOFError
        self.rest += part

    def head(self):
        while b"\r\n\r\n" not in self.rest:
            self.more()
        raw, self.rest = self.rest.split(b"\r\n\r\n", 1)
        head = Head(raw)
        self.script.heads.put(head)
        return head

    def take(self, size):
        while len(self.rest) < size:
            self.more()
        got, self.rest = self.rest[:size], self.rest[size:]
        return got

    def line(self):
        while b"\r\n" not in self.rest:
            self.more()
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def chunked(self):
        got = b""
        while True:
            size = int(self.line(), 16)
            got += self.take(size)
            assert self.line() == b""
            if size == 0:
                return got

    def body(self, head):
        if "transfer-encoding" in head:
            return self.chunked()
        return self.take(int(head.get("content-length", "0")))

    def send(self, octets):
        self.sock.sendall(octets)

    def ok(self, body=b"ok", fields=b""):
        self.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), fields, body))

    def eof(self):
        """True when the gateway has closed."""
        try:
            return self.sock.recv(1) == b""
        except OSError:
            return True


class Head:
    def __init__(self, raw):
        self.raw = raw
        rows = raw.decode("latin-1").split("\r\n")
        self.line = rows[0]
        self.fields = [(name.strip(), value.strip()) for name, _, value in (row.partition(":") for row in rows[1:])]

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, "%s stands %d times: %s" % (name, len(values), self.raw)
        return values[0] if values else default

    def __contains__(self, name):
        return bool(self.all(name))

    def __getitem__(self, name):
        value = self.get(name)
        assert value is not None, "no %s in %s" % (name, self.raw)
        return value

    @property
    def names(self):
        return [name.lower() for name, _ in self.fields]


def always(answer=b"ok", fields=b""):
    """Reads requests with their bodies for ever and answers each with `answer`."""
    def play(peer, number):
        while True:
            peer.body(peer.head())
            peer.ok(answer, fields)
    return play


def raw(octets, close=True):
    """Reads one head and sends these bytes."""
    def play(peer, number):
        peer.head()
        peer.send(octets)
        if not close:
            peer.eof()
    return play


def wait_for(probe, what, timeout=10):
    deadline = time.monotonic() + timeout * SLOW
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("no %s in %d s" % (what, timeout))


class EchoHandler(http.server.BaseHTTPRequestHandler):
    """Python's http.server: answers with what it got, as JSON."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        size = int(self.headers.get("Content-Length", 0))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while True:
                piece = self.rfile.read(int(self.rfile.readline(), 16))
                self.rfile.readline()
                if not piece:
                    break
                body += piece
        else:
            body = self.rfile.read(size)
        text = json.dumps({"method": self.command, "path": self.path, "headers": self.headers.items(),
                           "body_len": len(body), "sum": sum(body)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = answer

    def log_message(self, *args):
        pass


class PythonService:
    name = "python"

    def __init__(self, folder):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), EchoHandler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


NODE = """
const http = require('http');
const server = http.createServer((req, res) => {
  let n = 0, sum = 0;
  req.on('data', d => { n += d.length; for (const b of d) sum += b; });
  req.on('end', () => {
    const text = JSON.stringify({method: req.method, path: req.url, headers: Object.entries(req.headers),
      body_len: n, sum: sum});
    if (req.url.startsWith('/chunked')) { res.write(text.slice(0, 10)); setImmediate(() => res.end(text.slice(10))); }
    else { res.setHeader('Content-Length', Buffer.byteLength(text)); res.end(text); }
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


class NodeService:
    name = "node"

    def __init__(self, folder):
        tool = shutil.which("node")
        if not tool:
            pytest.skip("the peer 'node' is not installed")
        self.proc = subprocess.Popen([tool, "-e", NODE], env=clean_env(folder), stdout=subprocess.PIPE)
        self.url = "http://127.0.0.1:%d" % int(self.proc.stdout.readline())

    def stop(self):
        self.proc.terminate()
        self.proc.wait()
        self.proc.stdout.close()


class NginxService:
    """nginx serving files of `folder` over a unix socket."""
    name = "nginx"

    def __init__(self, folder):
        tool = shutil.which("nginx") or "/usr/sbin/nginx"
        if not os.path.exists(tool):
            pytest.skip("the peer 'nginx' is not installed")
        self.folder = folder
        root = os.path.join(folder, "root")
        os.makedirs(root, exist_ok=True)
        self.root = root
        self.sock = os.path.join(folder, "n.sock")
        conf = os.path.join(folder, "nginx.conf")
        with open(conf, "w") as out:
            out.write("""
user root; daemon off; worker_processes 1; error_log %(d)s/error.log; pid %(d)s/nginx.pid;
events { worker_connections 256; }
http { access_log off; client_body_temp_path %(d)s/b; proxy_temp_path %(d)s/p; fastcgi_temp_path %(d)s/f;
uwsgi_temp_path %(d)s/u; scgi_temp_path %(d)s/s;
server { listen unix:%(s)s; root %(r)s; client_max_body_size 0;
  location = /who { return 200 "$http_client_cert"; }
  location = /nothing { return 204; }
} }""" % {"d": folder, "s": self.sock, "r": root})
        self.proc = subprocess.Popen([tool, "-c", conf, "-p", folder], env=clean_env(folder),
                                     stderr=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(self.sock), "socket of nginx")
        self.url = "http+unix:" + self.sock

    def stop(self):
        self.proc.terminate()
        self.proc.wait()
