# SPDX-License-Identifier: Apache-2.0
"""Servers that `explain` meets: those of support.peer_servers, and nginx, haproxy, Apache, stunnel and raw sockets."""
import os
import socket
import threading

import pytest
from support.peer_servers import GnuTLSServer, NodeServer, OpenSSLServer, PythonServer
from support.peers import need
from support.ports import free_port
from support.process import Watched, clean_env, listening_ports


def write(folder, name, octets):
    path = os.path.join(str(folder), name)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as out:
        out.write(octets if isinstance(octets, bytes) else octets.encode())
    return path


class CheckingOpenSSL(OpenSSLServer):
    """s_server with lists: they count only with -crl_check_all, and are read from the CA file."""

    def __init__(self, home, cred, ca=None, crls=(), more=(), **how):
        more = list(more)
        if crls:
            lists = b"".join(open(path, "rb").read() for path in [ca, *crls])
            ca = write(home, "all-%s.pem" % os.urandom(4).hex(), lists)
            more.append("-crl_check_all")
        super().__init__(home, cred, ca, more=more, **how)


class Listening(Watched):
    """A program that listens on a port that was chosen for it."""

    def wait_port(self):
        self.ready(lambda: self.wait_until(lambda: self.port in self._ports(), "the port"))

    def _ports(self):
        return listening_ports(self.pid)


class NginxServer(Listening):
    """nginx in one process; `extra` stands in the server block, `location` in its location.  vhost: another one's name,
    credential and rows."""
    name = "nginx"

    def __init__(self, home, cred, ca=None, mode="require", version=None, crls=(), host="127.0.0.1", extra="",
                 location='return 200 "ok\\n";', listen="ssl", vhost=None, names=None, status=None, more=()):
        folder = os.path.join(str(home), "nginx-%s" % os.urandom(4).hex())
        os.makedirs(folder)
        self.port = free_port()
        rows = ["ssl_certificate %s;" % cred.cert, "ssl_certificate_key %s;" % cred.key]
        if not any(row.startswith("ssl_ciphers") for row in more):
            rows.append("ssl_ciphers DEFAULT:@SECLEVEL=0;")
        if ca and names:
            rows.append("ssl_trusted_certificate %s;" % ca)
        if ca:
            rows += ["ssl_client_certificate %s;" % (names or ca),
                     "ssl_verify_client %s;" % {"require": "on", "request": "optional", "none": "off"}[mode]]
        if ca and not any(row.startswith("ssl_verify_depth") for row in more):
            rows.append("ssl_verify_depth 6;")
        if status:
            location = "return %d;" % status
        rows += list(more)
        if crls:
            lists = b"".join(open(path, "rb").read() for path in crls)
            rows.append("ssl_crl %s;" % write(folder, "crls.pem", lists))
        rows.append("ssl_protocols %s;" % ("TLSv" + version if version else "TLSv1.2 TLSv1.3"))
        servers = ""
        if vhost:
            servers = "server { listen %s:%d ssl; server_name %s; ssl_certificate %s; ssl_certificate_key %s; %s }" % (
                host, self.port, vhost[0], vhost[1].cert, vhost[1].key, vhost[2] if vhost[2:] else "")
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

    def __init__(self, home, cred, ca=None, mode="require", version=None, crls=(), host="127.0.0.1", bind="",
                 names=None, status=200, more=(), defaults=""):
        folder = os.path.join(str(home), "haproxy-%s" % os.urandom(4).hex())
        os.makedirs(folder)
        self.port = free_port()
        both = write(folder, "both.pem", open(cred.cert, "rb").read() + open(cred.key, "rb").read())
        words = ["crt", both, *more]
        if "ciphers" not in more:
            words += ["ciphers", "DEFAULT:@SECLEVEL=0"]
        if ca and names:
            words += ["ca-verify-file", ca]
            ca = names
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
 log stdout format raw local0
defaults
 log global
 option httplog
 %s
 mode http
 timeout client 5s
 timeout server 5s
 timeout connect 5s
frontend f
 bind %s:%d ssl %s %s
 http-request return status %d content-type text/plain string ok
""" % (defaults, host, self.port, " ".join(words), bind, status))
        super().__init__([need("haproxy"), "-db", "-f", conf], clean_env(home))
        self.wait_port()


class ApacheServer(Listening):
    name = "apache"
    MODULES = "/usr/lib/apache2/modules"

    def __init__(self, home, cred, ca=None, mode="require", version=None, crls=(), host="127.0.0.1", names=None,
                 status=None, more=(), location="", modules=()):
        if not os.path.isdir(self.MODULES):
            pytest.skip("the peer 'apache2' is not installed")
        folder = os.path.join(str(home), "apache-%s" % os.urandom(4).hex())
        os.makedirs(os.path.join(folder, "www"))
        write(folder, "www/index.html", "ok\n")
        for path in (folder, os.path.join(folder, "www")):
            os.chmod(path, 0o755)
        self.port = free_port()
        rows = ["SSLCertificateFile %s" % cred.cert, "SSLCertificateKeyFile %s" % cred.key]
        if not any(row.startswith("SSLCipherSuite") for row in more):
            rows.append("SSLCipherSuite DEFAULT:@SECLEVEL=0")
        if ca:
            rows += ["SSLCACertificateFile %s" % ca, "SSLVerifyClient %s" % {
                "require": "require", "request": "optional", "none": "none"}.get(mode, mode)]
            if not any(row.startswith("SSLVerifyDepth") for row in more):
                rows.append("SSLVerifyDepth 6")
        if names:
            rows.append("SSLCADNRequestFile %s" % names)
        if crls:
            lists = b"".join(open(path, "rb").read() for path in crls)
            rows += ["SSLCARevocationFile %s" % write(folder, "crls.pem", lists), "SSLCARevocationCheck chain"]
        rows.append("SSLProtocol %s" % ("TLSv" + version if version else "TLSv1.2 TLSv1.3"))
        modules = "".join("LoadModule %s_module %s/mod_%s.so\n" % (m, self.MODULES, m)
                          for m in ("mpm_event", "authz_core", "ssl", "alias", "socache_shmcb", *modules))
        answer = "Redirect %d /" % status if status else ""
        conf = write(folder, "apache.conf", """
%s
ServerRoot %s
ServerName localhost
PidFile %s/pid
ErrorLog /dev/stderr
LogLevel warn ssl:info
Mutex file:%s default
StartServers 1
Listen %s:%d
DocumentRoot %s/www
SSLEngine on
%s
%s
%s
""" % (modules, folder, folder, folder, host, self.port, folder, "\n".join(rows + list(more)), answer, location))
        super().__init__([need("apache2"), "-X", "-f", conf], clean_env(home))
        self.wait_port()


class StunnelServer(Listening):
    """stunnel in front of a server that answers every request with 200 (or `status`)."""
    name = "stunnel"

    def __init__(self, home, cred, ca=None, mode="require", version=None, crls=(), host="127.0.0.1", status=200, more=()):
        folder = os.path.join(str(home), "stunnel-%s" % os.urandom(4).hex())
        os.makedirs(folder)
        self.port = free_port()
        page = b"HTTP/1.1 %d x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n" % status
        self.behind = RawServer(lambda raw: (raw.recv(65536), raw.sendall(page)))
        rows = ["cert = " + cred.cert, "key = " + cred.key, "securityLevel = 0", "ciphers = DEFAULT:@SECLEVEL=0"]
        if ca and mode != "none":
            rows += ["CAfile = " + ca, "verifyChain = yes"] + (["requireCert = yes"] if mode == "require" else [])
        if crls:
            lists = b"".join(open(path, "rb").read() for path in crls)
            rows.append("CRLfile = " + write(folder, "crls.pem", lists))
        rows += ["sslVersionMin = TLSv" + (version or "1.2"), "sslVersionMax = TLSv" + (version or "1.3")]
        conf = write(folder, "stunnel.conf", "foreground = yes\npid =\nsyslog = no\n[s]\naccept = %s:%d\nconnect = 127.0.0.1:%d\n%s\n"
                     % (host, self.port, self.behind.port, "\n".join(rows + list(more))))
        super().__init__([need("stunnel4"), conf], clean_env(home))
        self.wait_port()

    def __exit__(self, *exc):
        self.behind.__exit__(*exc)
        return super().__exit__(*exc)


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

    def __new__(cls, home, cred, ca=None, mode="require", version=None, crls=(), host="127.0.0.1", more=()):
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
        args += list(more)
        return cls.handfast.serve(*args)


SERVERS = {"openssl": CheckingOpenSSL, "node": NodeServer, "gnutls": GnuTLSServer, "python": PythonServer,
           "nginx": NginxServer, "haproxy": HaproxyServer, "apache": ApacheServer, "stunnel": StunnelServer,
           "handfast": HandfastServer}
