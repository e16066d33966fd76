# SPDX-License-Identifier: Apache-2.0
"""Foreign peers, each as a server that our client meets: openssl s_server, Node https, gnutls-serv and
Python's ssl, with or without the demand for a client certificate."""
import json
import os
import socket
import ssl
import threading
from pathlib import Path

from .peers import PEERS, VERSIONS, need
from .process import SLOW, Watched, clean_env, listening_ports


def together(home, files):
    """One file with all of them: s_server reads one list from -CRL, and any number from -CAfile."""
    path = os.path.join(str(home), "together-%s.pem" % os.urandom(6).hex())
    with open(path, "wb") as out:
        out.write(b"".join(Path(f).read_bytes() for f in files))
    return path


def apart(home, files):
    """One file for each list: Node reads the first of a file."""
    paths = []
    for text in "".join(Path(f).read_text(encoding="ascii") for f in files).split("-----BEGIN X509 CRL-----")[1:]:
        paths.append(os.path.join(str(home), "apart-%s.pem" % os.urandom(6).hex()))
        Path(paths[-1]).write_text("-----BEGIN X509 CRL-----" + text, encoding="ascii")
    return paths


class OpenSSLServer(Watched):
    """openssl s_server -www: any GET is answered with 200 and a page about the session."""
    name = "openssl"

    def __init__(self, home, cred, ca=None, mode="require", version=None, crls=(), host="127.0.0.1", more=()):
        argv = [need("openssl"), "s_server", "-accept", "%s:0" % host if ":" not in host else "[%s]:0" % host,
                "-cert", cred.cert, "-key", cred.key, "-cert_chain", cred.cert, "-www", "-cipher",
                "DEFAULT:@SECLEVEL=0"]
        if ca:
            argv += ["-CAfile", together(home, [ca] + list(crls)) if crls else ca]
        if mode == "require":
            argv += ["-Verify", "10", "-verify_return_error"]
        elif mode == "request":
            argv += ["-verify", "10"]
        if version:
            argv += ["-tls1_2" if version == "1.2" else "-tls1_3"]
        if crls:
            argv += ["-crl_check_all"]
        super().__init__(argv + list(more), clean_env(home))
        self.port = self.ready(lambda: self.wait_line(
            "out", lambda l: l.startswith("ACCEPT") and int(l.rsplit(":", 1)[1]), "the ACCEPT line"))


class NodeServers(Watched):
    """Many Node https servers in one process; ports by name."""

    def __init__(self, home, entries):
        path = os.path.join(str(home), "node-servers-%s.json" % os.urandom(6).hex())
        with open(path, "w") as out:
            json.dump(entries, out)
        super().__init__([need("node"), PEERS / "report_servers.js", path], clean_env(home))
        self.ports = self.ready(lambda: json.loads(
            self.wait_line("out", lambda l: l.startswith("{") and l, "the ports", 20)))


class NodeServer(NodeServers):
    name = "node"

    def __init__(self, home, cred, ca=None, mode="require", version=None, crls=(), host="127.0.0.1", **more):
        entry = dict(more, name="only", cert=cred.cert, key=cred.key, ca=ca, mode=mode, crls=apart(home, crls), host=host,
                     ciphers="DEFAULT:@SECLEVEL=0")
        if version:
            entry.update(minVersion="TLSv" + version, maxVersion="TLSv" + version)
        super().__init__(home, [entry])
        self.port = self.ports["only"]


class GnuTLSServer(Watched):
    name = "gnutls"

    def __init__(self, home, cred, ca=None, mode="require", version=None, crls=(), host=None, priority=""):
        argv = [need("gnutls-serv"), "--http", "--port", "0", "--x509certfile", cred.cert, "--x509keyfile", cred.key]
        if ca:
            argv += ["--x509cafile", ca]
        argv += {"require": ["--require-client-cert", "--verify-client-cert"], "request": [],
                 "none": ["--disable-client-cert"]}[mode]
        argv += ["--priority", "NORMAL" + (":-VERS-ALL:+VERS-TLS" + version if version else "") + priority]
        for crl in crls:
            argv += ["--x509crlfile", crl]
        super().__init__(argv, clean_env(home))
        self.port = self.ready(lambda: self.wait_until(self._ipv4_port, "a listening port"))

    def _ipv4_port(self):
        ports = listening_ports(self.pid)
        return ports[0] if ports else None


class PythonServer:
    """Python's ssl in a thread: one connection after the other, 200 with a short body."""
    name = "python"

    def __init__(self, home, cred, ca=None, mode="require", version=None, crls=(), host="127.0.0.1",
                 body=b"hello from python\n"):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_ciphers("DEFAULT:@SECLEVEL=0")
        self.context.load_cert_chain(cred.cert, cred.key)
        if ca:
            self.context.load_verify_locations(ca)
        for crl in crls:
            self.context.load_verify_locations(crl)
            self.context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
        self.context.verify_mode = {"require": ssl.CERT_REQUIRED, "request": ssl.CERT_OPTIONAL,
                                    "none": ssl.CERT_NONE}[mode]
        if version:
            self.context.minimum_version = self.context.maximum_version = VERSIONS[version]
        self.body, self.errors, self.requests, self.names = body, [], [], []
        self.context.sni_callback = lambda tls, name, context: self.names.append(name)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family)
        self.listener.bind((host, 0))
        self.listener.listen(20)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def text(self):
        return "python server: errors %r, requests %r" % (self.errors, self.requests)

    def _serve(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            try:
                raw.settimeout(10 * SLOW)
                with self.context.wrap_socket(raw, server_side=True) as tls:
                    self._answer(tls)
            except (ssl.SSLError, OSError) as error:
                self.errors.append(str(error))
            finally:
                raw.close()

    def _answer(self, tls):
        head = b""
        while b"\r\n\r\n" not in head:
            part = tls.recv(65536)
            if not part:
                return
            head += part
        self.requests.append(head)
        tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(self.body), self.body))
        try:
            tls.unwrap()
        except (ssl.SSLError, OSError):
            pass

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join(10 * SLOW)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
        if exc and exc[0] is not None:
            print(self.text())


SERVERS = {peer.name: peer for peer in (OpenSSLServer, NodeServer, GnuTLSServer, PythonServer)}
