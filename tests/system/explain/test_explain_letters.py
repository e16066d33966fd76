# SPDX-License-Identifier: Apache-2.0
"""Hosts written in other letters: what goes out and what certificates hold is the name's xn-- form."""
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peers import Credential

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import NginxServer, write  # noqa: E402

ASCII = "xn--bcher-kva.example"


@pytest.fixture(scope="module")
def shelf(session_dir, town):
    leaf = zoo.make(dict(zoo.SERVER, subject="/CN=books", san=["dns:" + ASCII]), town.certs["issuing"])
    return Credential(write(session_dir, "shelf.pem", leaf.pem + town.certs["issuing"].pem), write(session_dir, "shelf.key", leaf.key_pem))


@pytest.mark.parametrize("args", [("bücher.example",), ("BÜCHER.example",), (ASCII,), ("localhost", "--name", "bücher.example"),
                                  ("localhost", "--server-name", "bücher.example")])
def test_a_name_in_letters_meets_its_certificate(hf, tmp_path, town, shelf, args):
    with NginxServer(tmp_path, shelf, town.ca) as server:
        told = hf.json("explain", "%s:%d" % (args[0], server.port), *args[1:], "--connect", "127.0.0.1:%d" % server.port, "--ca", town.ca,
                       "--cert", town["mail"].cert, "--key", town["mail"].key, exit=0)
    assert told["meets"] and not told["also"], told
    sent = next(step["detail"] for step in told["ladder"] if step["step"] == "ClientHello")
    assert (ASCII in sent) == (args[1:2] != ("--name",)), sent


def test_another_name_in_letters_is_a_mismatch(hf, tmp_path, town, shelf):
    with NginxServer(tmp_path, shelf, town.ca) as server:
        told = hf.json("explain", "bûcher.example:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--ca", town.ca,
                       "--cert", town["mail"].cert, "--key", town["mail"].key, exit=1)
    assert told["cause"] == "V-NAME-MISMATCH" and ASCII in told["explanation"] + " ".join(told["evidence"]), told


@pytest.mark.parametrize("host", ["a\u00a0b.example", "b\u00fc" + 62 * "c" + ".example"])
def test_what_cannot_be_a_name_is_refused_with_its_place(hf, host):
    told = hf.run("explain", host + ":1")
    assert told.code == 2 and "is not a host name or address" in told.stderr, told
