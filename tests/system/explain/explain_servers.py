# SPDX-License-Identifier: Apache-2.0
"""Servers that `explain` meets: those of support.peer_servers, and nginx, haproxy and raw sockets."""
import os
import socket
import threading

from support.peer_servers import GnuTLSServer, NodeServer, OpenSSLServer, PythonServer
from support.peers import need
from support.process import Watched, clean_env, listening_ports


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def write(folder, name, octets):
    path = os.path.join(str(folder), name)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as out:
        out.write(octets if isinstance(octets, bytes) else octets.encode())
    return path


class Listening(Watched):
    """A program that listens on a port that was chosen for it."""

    def wait_port(self):
        self.ready(lambda: self.wait_until(lambda: self.port in self._ports(), "the port"))

    def _ports(self):
        return listening_ports(self.pid)


class NginxServer(Listening):
    """nginx in one process; `extra` stands in the server block, `location` in its location."""
    name = "nginx"

    def __init__(self, home, cred, ca=None, mode="require", version=None, crls=(), host="127.0.0.1", extra="",
                 location='return 200 "ok\\n";', listen="ssl", vhost=None):
        folder = os.path.join(str(home), "nginx-%s" % os.urandom(4).hex())
        os.makedirs(folder)
        self.port = free_port()
        rows = ["ssl_certificate %s;" % cred.cert, "ssl_certificate_key %s;" % cred.key]
        if ca:
            rows += ["ssl_client_certificate %s;" % ca, "ssl_verify_depth 4;",
                     "ssl_verify_client %s;" % {"require": "on", "request": "optional", "none": "off"}[mode]]
        if crls:
            lists = b"".join(open(path, "rb").read() for path in crls)
            rows.append("ssl_crl %s;" % write(folder, "crls.pem", lists))
        rows.append("ssl_protocols %s;" % ("TLSv" + version if version else "TLSv1.2 TLSv1.3"))
        servers = ""
        if vhost:
            servers = "server { listen %s:%d ssl; server_name %s; ssl_certificate %s; ssl_certificate_key %s; }" % (
                host, self.port, vhost[0], vhost[1].cert, vhost[1].key)
        conf = write(folder, "nginx.conf", """
worker_processes 1; daemon off; master_process off; pid %(f)s/pid; error_log stderr info;
events { worker_connections 64; }
http { access_log off; client_body_temp_path %(f)s/b; proxy_temp_path %(f)s/p; fastcgi_temp_path %(f)s/c;
 uwsgi_temp_path %(f)s/u; scgi_temp_path %(f)s/s;
 server { listen %(host)s:%(port)d %(listen)s; server_name _; %(rows)s %(extra)s
  location / { default_type text/plain; %(location)s } } %(servers)s }
""" % dict(f=folder, host=host, port=self.port, listen=listen, rows=" ".join(rows), extra=extra,
           location=location, servers=servers))
        super().__init__([need("nginx"), "-p", folder, "-e", "stderr", "-c", conf], clean_env(home))
        self.wait_port()


class HaproxyServer(Listening):
    name = "haproxy"

    def __init__(self, home, cred, ca=None, mode="require", version=None, crls=(), host="127.0.0.1", bind=""):
        folder = os.path.join(str(home), "haproxy-%s" % os.urandom(4).hex())
        os.makedirs(folder)
        self.port = free_port()
        both = write(folder, "both.pem", open(cred.cert, "rb").read() + open(cred.key, "rb").read())
        words = ["crt", both]
        if ca:
            words += ["ca-file", ca, "verify", {"require": "required", "request": "optional", "none": "none"}[mode]]
        if crls:
            lists = b"".join(open(path, "rb").read() for path in crls)
            words += ["crl-file", write(folder, "crls.pem", lists)]
        if version:
            words += ["ssl-min-ver", "TLSv" + version, "ssl-max-ver", "TLSv" + version]
        conf = write(folder, "haproxy.cfg", """
global
 ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
 mode http
 timeout client 5s
 timeout server 5s
 timeout connect 5s
frontend f
 bind %s:%d ssl %s %s
 http-request return status 200 content-type text/plain string ok
""" % (host, self.port, " ".join(words), bind))
        super().__init__([need("haproxy"), "-db", "-f", conf], clean_env(home))
        self.wait_port()


class RawServer:
    """Accepts, and lets `behave(socket)` do the rest."""

    def __init__(self, behave):
        self.behave = behave
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(20)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            try:
                raw.settimeout(10)
                self.behave(raw)
            except OSError:
                pass
            finally:
                raw.close()

    def text(self):
        return "raw server"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join(10)


class HandfastServer:
    """Our own `serve`, with the signature of the others."""
    name = "handfast"
    handfast = None  # set by the test

    def __new__(cls, home, cred, ca=None, mode="require", version=None, crls=(), host="127.0.0.1"):
        args = ["--listen", host + ":0", "--cert", cred.cert, "--key", cred.key, "--respond", "text:ok"]
        args += ["--client-auth", {"require": "require", "request": "report", "none": "none"}[mode]]
        if ca:
            args += ["--ca", ca]
        if mode == "require":
            args += ["--allow", "any"]
        if version:
            args += ["--tls-min", version, "--tls-max", version]
        for path in crls:
            args += ["--crl", path]
        return cls.handfast.serve(*args)


SERVERS = {"openssl": OpenSSLServer, "node": NodeServer, "gnutls": GnuTLSServer, "python": PythonServer,
           "nginx": NginxServer, "haproxy": HaproxyServer, "handfast": HandfastServer}
