# SPDX-License-Identifier: Apache-2.0
"""Clients that speak HTTP/2, which `explain` does not: the same connection over HTTP/1.1 tells what the server says of
the client, and HTTP/2 knows no second handshake."""
import subprocess
import sys
from pathlib import Path

import pytest
from support.peers import need
from support.process import SLOW, clean_env

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import ApacheServer, NginxServer  # noqa: E402

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
        unasked = explain(hf, town, server.port, "--one-shot", cert=False, code=0)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("N-NONE", "server", "client"), told
    assert good["meets"] and good["cause"] is None, good
    # nothing was heard of the application: that is said
    assert any("HTTP/2" in line for line in unasked["cannot_know"]), unasked


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
