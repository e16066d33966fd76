# SPDX-License-Identifier: Apache-2.0
"""Foreign peers, each as a client of our server: every one says accepted or refused, the alert it saw,
and what it printed.  A peer that is not installed is an explicit skip."""
import json
import os
import shutil
import socket
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from . import alerts
from .process import SLOW, clean_env

PEERS = Path(__file__).resolve().parents[1] / "peers"
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@dataclass
class Answer:
    """What one client says of one connection."""
    accepted: bool
    alert: int = None
    status: int = None
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    text: str = ""
    code: object = None

    def __repr__(self):
        return "%s: alert %s, status %s, code %s, body %r, text:\n%s" % (
            "accepted" if self.accepted else "refused", self.alert, self.status, self.code, self.body[:200],
            self.text[:3000])


@dataclass
class Credential:
    """A certificate file (leaf first), its key, perhaps one file for both."""
    cert: str
    key: str = None


def need(tool):
    path = shutil.which(tool)
    if not path:
        pytest.skip("the peer '%s' is not installed" % tool)
    return path


def run(argv, home, input=None, timeout=20, **env):
    return subprocess.run([str(a) for a in argv], env=clean_env(home, **env), input=input or b"",
                          capture_output=True, timeout=timeout * SLOW, check=False)


def parse_head(raw):
    """(status, headers, body) of the first HTTP response in raw, or (None, {}, b"")."""
    at = raw.find(b"HTTP/1.")
    end = raw.find(b"\r\n\r\n", at)
    if at < 0 or end < 0:
        return None, {}, b""
    rows = raw[at:end].decode("latin-1").split("\r\n")
    headers = {}
    for row in rows[1:]:
        name, _, value = row.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = raw[end + 4:]
    if "content-length" in headers:
        body = body[:int(headers["content-length"])]
    return int(rows[0].split()[1]), headers, body


def read_all(connection):
    got = b""
    while True:
        part = connection.recv(65536)
        if not part:
            return got
        got += part


class PythonClient:
    """Python's ssl (OpenSSL).  Loads anything, however weak, and sends what the file holds."""
    name = "python"

    def __init__(self, home):
        self.home = home

    @staticmethod
    def context(cred=None, ca=None, version=None, ciphers="DEFAULT:@SECLEVEL=0", alpn=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_ciphers(ciphers)
        if ca:
            context.load_verify_locations(ca)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if cred:
            context.load_cert_chain(cred.cert, cred.key)
        if version:
            context.minimum_version = context.maximum_version = VERSIONS[version]
        if alpn:
            context.set_alpn_protocols(alpn)
        return context

    read_all = staticmethod(read_all)

    def get(self, port, cred=None, ca=None, version=None, host="127.0.0.1", name="localhost", method="GET",
            path="/", data=b"", headers=()):
        """One request with Connection: close.  The request goes out only when the server has had the
        chance to refuse: nothing is written before the handshake is done here."""
        tls = None
        try:
            context = self.context(cred, ca, version)
            raw = socket.create_connection((host, port), 10 * SLOW)
            tls = context.wrap_socket(raw, server_hostname=name)
            rows = ["%s %s HTTP/1.1" % (method, path), "Host: " + name, "Connection: close"] + list(headers)
            if data:
                rows.append("Content-Length: %d" % len(data))
            tls.sendall(("\r\n".join(rows) + "\r\n\r\n").encode() + data)
            got = read_all(tls)
            status, head, body = parse_head(got)
            return Answer(status is not None, status=status, headers=head, body=body, text=repr(got[:200]))
        except ssl.SSLError as error:
            text = "%s %s" % (error.reason, error)
            return Answer(False, alert=alerts.from_openssl(text), text=text, code=error.reason)
        except OSError as error:
            return Answer(False, text=repr(error), code=type(error).__name__)
        finally:
            if tls is not None:
                tls.close()


class CurlClient:
    name = "curl"

    def __init__(self, home):
        self.tool = need("curl")
        self.home = home

    def get(self, port, cred=None, ca=None, version=None, host=None, name="localhost", method=None, path="/",
            data=None, headers=(), more=()):
        argv = [self.tool, "-sS", "-i", "-v", "--http1.1", "--max-time", str(int(15 * SLOW))]
        argv += ["--cacert", ca] if ca else ["-k"]
        if cred:
            argv += ["--cert", cred.cert] + (["--key", cred.key] if cred.key else [])
        if version:
            argv += ["--tlsv" + version, "--tls-max", version]
        if host:
            argv += ["--connect-to", "%s:%d:%s:%d" % (name, port, host, port)]
        if method:
            argv += ["-X", method]
        if data is not None:
            argv += ["--data-binary", "@-", "-H", "Expect:", "-H", "Content-Type: application/octet-stream"]
        for header in headers:
            argv += ["-H", header]
        done = run(argv + list(more) + ["https://%s:%d%s" % (name, port, path)], self.home, input=data)
        text = done.stderr.decode("utf-8", "backslashreplace")
        status, head, body = parse_head(done.stdout)
        return Answer(done.returncode == 0, alerts.from_curl(text), status, body, head, text, done.returncode)


class OpenSSLClient:
    name = "openssl"

    def __init__(self, home):
        self.tool = need("openssl")
        self.home = home

    def get(self, port, cred=None, ca=None, version=None, host="127.0.0.1", name="localhost", path="/", more=()):
        argv = [self.tool, "s_client", "-connect", "%s:%d" % (host, port), "-servername", name, "-ign_eof",
                "-cipher", "DEFAULT:@SECLEVEL=0"]
        if ca:
            argv += ["-CAfile", ca, "-verify_return_error"]
        if cred:
            argv += ["-cert", cred.cert, "-key", cred.key or cred.cert, "-cert_chain", cred.cert]
        if version:
            argv += ["-tls1_2" if version == "1.2" else "-tls1_3"]
        request = "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, name)
        done = run(argv + list(more), self.home, input=request.encode())
        text = (done.stdout + b"\n" + done.stderr).decode("utf-8", "backslashreplace")
        status, head, body = parse_head(done.stdout)
        return Answer(status is not None, alerts.from_openssl(text), status, body, head, text, done.returncode)


class NodeClient:
    name = "node"

    def __init__(self, home):
        self.tool = need("node")
        self.home = home

    def ask(self, entries):
        """Several requests in order by one Node process; entries as peers/https_client.js reads them."""
        path = os.path.join(self.home, "ask-%s.json" % os.urandom(6).hex())
        with open(path, "w") as out:
            json.dump(entries, out)
        done = run([self.tool, PEERS / "https_client.js", path], self.home)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def get(self, port, cred=None, ca=None, version=None, host="127.0.0.1", name="localhost", method="GET",
            path="/", data=None):
        entry = {"url": "https://%s:%d%s" % (host, port, path), "servername": name, "method": method,
                 "ca": ca, "data": data.decode() if data else None, "ciphers": "DEFAULT:@SECLEVEL=0"}
        if cred:
            entry.update(cert=cred.cert, key=cred.key or cred.cert)
        if version:
            entry.update(minVersion="TLSv" + version, maxVersion="TLSv" + version)
        told = self.ask([entry])[0]
        text = json.dumps(told)
        if not told["ok"]:
            return Answer(False, alerts.from_openssl(text), text=text, code=told.get("code"))
        return Answer(True, None, told["status"], told["body"].encode(), told["headers"], text)


class GnuTLSClient:
    name = "gnutls"

    def __init__(self, home):
        self.tool = need("gnutls-cli")
        self.home = home

    def get(self, port, cred=None, ca=None, version=None, host="127.0.0.1", name="localhost", path="/"):
        argv = [self.tool, "--port", str(port), "--sni-hostname", name, "--verify-hostname", name]
        argv += ["--x509cafile", ca] if ca else ["--insecure"]
        if cred:
            argv += ["--x509certfile", cred.cert, "--x509keyfile", cred.key or cred.cert]
        if version:
            argv += ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS" + version]
        request = "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, name)
        done = run(argv + [host], self.home, input=request.encode())
        text = (done.stdout + b"\n" + done.stderr).decode("utf-8", "backslashreplace")
        status, head, body = parse_head(done.stdout)
        return Answer(status is not None, alerts.from_gnutls(text), status, body, head, text, done.returncode)


CLIENTS = {peer.name: peer for peer in (CurlClient, OpenSSLClient, NodeClient, GnuTLSClient, PythonClient)}
