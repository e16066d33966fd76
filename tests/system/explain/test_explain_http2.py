# SPDX-License-Identifier: Apache-2.0
"""Clients that speak HTTP/2, and servers that speak nothing else: what they say of the client is heard, and HTTP/2
knows no second handshake."""
import subprocess
import sys
from pathlib import Path

import pytest
from support.peers import need
from support.process import SLOW, clean_env

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import ApacheServer, Listening, NginxServer, free_port  # noqa: E402

PER_PATH = "<Location /area>\nSSLVerifyClient require\nSSLVerifyDepth 6\n</Location>"


def explain(hf, town, port, *args, path="/", code=1, cert=True):
    who = ["--cert", town["mail"].cert, "--key", town["mail"].key] if cert else []
    return hf.json("explain", "https://localhost:%d%s" % (port, path), "--connect", "127.0.0.1:%d" % port, "--ca", town.ca,
                   "--alpn", "h2", *who, *args, exit=code)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_nginx_refuses_who_has_no_certificate_over_http2_too(hf, town, tmp_path, version):
    with NginxServer(tmp_path, town["server"], town.ca, version=version, listen="ssl http2") as server:
        told = explain(hf, town, server.port, cert=False)
        good = explain(hf, town, server.port, code=0)
        once = explain(hf, town, server.port, "--one-shot", cert=False)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("N-NONE", "server", "client"), told
    assert good["meets"] and good["cause"] is None, good
    assert told["http_status"] == 400 and good["http_status"] == 200
    assert (once["cause"], once["http_status"], once["extra_probes"]) == ("N-NONE", 400, []), once


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_apache_asks_for_a_certificate_on_a_path_and_http2_forbids_it(hf, town, tmp_path, version):
    with ApacheServer(tmp_path, town["server"], town.ca, mode="none", version=version, location=PER_PATH,
                      modules=("http2", "dir"), more=["Protocols h2 http/1.1"]) as server:
        told = explain(hf, town, server.port, path="/area/")
        same = explain(hf, town, server.port, code=0)
        done = subprocess.run([need("curl"), "-sv", "--http2", "--cacert", town.ca, "https://localhost:%d/area/" % server.port,
                               "--cert", town["mail"].cert, "--key", town["mail"].key], env=clean_env(tmp_path),
                              capture_output=True, text=True, timeout=60 * SLOW, check=False)
    assert (told["cause"], told["fault_in"], told["confidence"]) == ("P-H2-RENEG", "server", "certain"), told
    assert same["meets"], same
    # curl's own words about the same
    assert "HTTP_1_1_REQUIRED" in done.stderr, done.stderr
    lines = hf.json("explain", "-", input=done.stderr, exit=1)["lines"]
    assert any(line["cause"] == "P-H2-RENEG" for line in lines), lines


H2 = """const fs = require('fs'), read = (path) => fs.readFileSync(path);
const server = require('http2').createSecureServer({cert: read(%r), key: read(%r), ca: read(%r), requestCert: true,
  rejectUnauthorized: %s, allowHTTP1: false, minVersion: '%s', maxVersion: '%s'});
server.on('stream', (stream) => { stream.respond({':status': %d}); stream.end('said over h2'); });
server.listen(%d, '127.0.0.1');
"""


class OnlyHttp2(Listening):
    """Node that knows no HTTP/1.1."""

    def __init__(self, home, town, status, reject="false", version="1.3"):
        self.port = free_port()
        text = H2 % (town["server"].cert, town["server"].key, town.ca, reject, "TLSv" + version, "TLSv" + version, status, self.port)
        super().__init__([need("node"), "-e", text], clean_env(home))
        self.wait_port()


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("cert,status,cause", [(True, 403, "A-NOT-ALLOWED"), (False, 403, "N-NONE"), (True, 421, "P-SNI-HOST"),
                                               (True, 200, None), (True, 401, None), (True, 404, None)])
def test_a_server_of_http2_alone(hf, town, tmp_path, cert, status, cause, version):
    with OnlyHttp2(tmp_path, town, status, version=version) as server:
        told = explain(hf, town, server.port, cert=cert, code=1 if cause else 0)
    assert (told["cause"], told["http_status"]) == (cause, status), told


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_server_of_http2_alone_and_a_client_that_offers_no_protocol(hf, town, tmp_path, version):
    who = ["--cert", town["mail"].cert, "--key", town["mail"].key]
    with OnlyHttp2(tmp_path, town, 403, version=version) as server:
        told = hf.json("explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--ca", town.ca, *who, exit=1)
    assert (told["cause"], told["http_status"]) == ("A-NOT-ALLOWED", 403), told
    assert "over HTTP/2" in told["extra_probes"] and any("[P-ALPN]" in line for line in told["also"])


def test_a_refusal_in_the_handshake_of_a_server_of_http2_alone(hf, town, tmp_path):
    with OnlyHttp2(tmp_path, town, 200, reject="true") as server:
        told = hf.json("explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--ca", town.ca, "--alpn",
                       "h2", "--cert", town["expired"].cert, "--key", town["expired"].key, exit=1)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("V-EXPIRED", "server", "client"), told
