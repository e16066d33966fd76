# SPDX-License-Identifier: Apache-2.0
"""Servers that ask for a certificate and do not demand one: nginx and Apache `optional` and `optional_no_ca`, haproxy
`optional` with and without errors ignored, Node rejectUnauthorized:false, and our own.  What refuses then is an alert,
a page of the server, or the application; who comes well is let in by each."""
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peers import Credential, need
from support.ports import free_port
from support.process import clean_env

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import ApacheServer, HaproxyServer, Listening, NginxServer, write  # noqa: E402

DENY = 'http-request return status 403 content-type text/plain string no unless { ssl_c_used } { ssl_c_verify 0 }'


class Judging(Listening):
    """Node that asks, and an application that refuses without a word whom Node did not authorize."""
    name = "node"

    def __init__(self, home, cred, ca):
        self.port = free_port()
        js = """const fs = require('fs');
require('https').createServer({cert: fs.readFileSync(%r), key: fs.readFileSync(%r), ca: fs.readFileSync(%r),
  requestCert: true, rejectUnauthorized: false}, (req, res) => {
    res.statusCode = req.socket.authorized ? 200 : 403; res.end('x'); }).listen(%d, '127.0.0.1')
""" % (cred.cert, cred.key, ca, self.port)
        super().__init__([need("node"), "-e", js], clean_env(home))
        self.wait_port()


def nginx(mode):
    rule = 'if ($ssl_client_verify != SUCCESS) { return 403; } return 200 "ok\\n";'
    return lambda home, cred, ca: NginxServer(home, cred, ca, mode="request", location=rule,
                                              more=["ssl_verify_depth 6;"] + mode)


class Haproxy(HaproxyServer):
    def __init__(self, home, cred, ca, more):
        super().__init__(home, cred, ca, mode="request", more=more, bind="\n " + DENY)


def apache(mode):
    rule = '<Location />\nRequire expr %{SSL_CLIENT_VERIFY} == "SUCCESS"\n</Location>'
    return lambda home, cred, ca: ApacheServer(home, cred, ca, mode=mode, location=rule, modules=("authn_core", "dir"))


KINDS = {"nginx": nginx([]), "apache": apache("request"), "apache-no-ca": apache("optional_no_ca"),
         "haproxy": lambda home, cred, ca: Haproxy(home, cred, ca, []),
         "haproxy-ignoring": lambda home, cred, ca: Haproxy(home, cred, ca, ["ca-ignore-err", "all", "crt-ignore-err", "all"]),
         "node": Judging}


@pytest.fixture(scope="module")
def clients(session_dir, town):
    folder = session_dir / "optional"
    folder.mkdir()
    alone = folder / "alone"
    alone.mkdir()  # what lies beside a certificate is looked through
    return {"good": town["mail"], "nothing": None, "expired": town["expired"], "stranger": town["foreign"],
            "alone": Credential(write(alone, "c.pem", town.certs["mail"].pem), town["mail"].key)}


CAUSES = {"nothing": "N-NONE", "expired": "V-EXPIRED", "stranger": "V-UNKNOWN-CA", "alone": "V-NO-INTERMEDIATE"}


def ask(hf, port, town, cred, code):
    args = ["--cert", cred.cert, "--key", cred.key] if cred else []
    return hf.json("explain", "https://localhost:%d/" % port, "--connect", "127.0.0.1:%d" % port, "--ca", town.ca, *args, exit=code)


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_refused_by_a_server_that_only_asks(hf, town, tmp_path, clients, kind):
    with KINDS[kind](tmp_path, town["server"], town.ca) as server:
        good = ask(hf, server.port, town, clients["good"], 0)
        told = {name: ask(hf, server.port, town, clients[name], 1) for name in CAUSES}
    assert good["meets"] and good["cause"] is None and good["http_status"] == 200, good
    for name, cause in CAUSES.items():
        said = told[name]
        assert said["cause"] == cause and said["refused_by"] == "server", (name, said)
        assert said["fault_in"] == ("server" if name == "stranger" else "client"), (name, said)
    # an application that gives no reason leaves room for a rule of its own
    for name in ("stranger", "alone"):
        if told[name]["http_status"] == 403:
            assert told[name]["confidence"] == "likely" and "A-NOT-ALLOWED" in told[name]["candidates"], told[name]


def test_our_own_server_that_only_asks(hf, town, clients):
    args = ["--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", town["server"].key, "--ca", town.ca]
    with hf.serve(*args, "--client-auth", "optional", "--allow", "any", "--respond", "verdict") as server:
        assert ask(hf, server.port, town, clients["good"], 0)["meets"]
        assert ask(hf, server.port, town, clients["nothing"], 0)["meets"]
        for name in ("expired", "stranger", "alone"):
            said = ask(hf, server.port, town, clients[name], 1)
            assert said["cause"] == CAUSES[name] and said["refused_by"] == "server", (name, said)


def test_two_names_on_one_connection_are_a_misdirected_request(hf, town, tmp_path):
    """421 (RFC 9110 15.5.20): the certificate was asked for under another name than the request's."""
    rule = "if ($ssl_server_name != $host) { return 421; } return 200 ok;"
    with NginxServer(tmp_path, town["server"], town.ca, location=rule) as server:
        told = hf.json("explain", "https://localhost:%d/" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--ca",
                       town.ca, "--cert", town["mail"].cert, "--key", town["mail"].key, "--server-name", "gw.zoo.test",
                       "--name", "localhost", exit=1)
    assert (told["cause"], told["http_status"], told["confidence"]) == ("P-SNI-HOST", 421, "certain"), told


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_answer_about_something_else_is_no_refusal(hf, town, tmp_path, status):
    with NginxServer(tmp_path, town["server"], town.ca, status=status) as server:
        told = ask(hf, server.port, town, town["mail"], 0)
    assert told["meets"] and told["cause"] is None and told["http_status"] == status, told
