# SPDX-License-Identifier: Apache-2.0
"""Meetings as somebody else would set them up: default settings of the servers, names without kinship, two faults at
once, applications that judge for themselves.  What cannot be known is not claimed."""
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peer_servers import GnuTLSServer, OpenSSLServer, PythonServer
from support.peers import Credential, need
from support.ports import free_port
from support.process import clean_env

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import HaproxyServer, Listening, write  # noqa: E402


def explain(hf, port, *args, code=1):
    return hf.json("explain", "localhost:%d" % port, "--connect", "127.0.0.1:%d" % port, *args, exit=code)


def own(town, name="mail"):
    return ["--ca", town.ca, "--cert", town[name].cert, "--key", town[name].key]


def files(cred, ca):
    return ["--server-files", "%s,%s,%s" % (cred.cert, cred.key, ca)]


def credential(folder, name, *chain):
    return Credential(write(folder, name + ".pem", b"".join(cert.pem for cert in chain)),
                      write(folder, name + ".key", chain[0].key_pem))


class Answering(PythonServer):
    """Any TLS server with a fixed HTTP answer."""

    def __init__(self, home, cred, head, body="", **more):
        self.answer = ("HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                       % (head, len(body), body)).encode()
        super().__init__(home, cred, **more)

    def _answer(self, tls):
        tls.recv(65536)
        tls.sendall(self.answer)


class Polite(Listening):
    """Node that asks, lets everybody in, and leaves the verdict to its application."""

    def __init__(self, home, cred, ca):
        self.port = free_port()
        js = """const fs = require('fs');
require('https').createServer({cert: fs.readFileSync(%r), key: fs.readFileSync(%r), ca: fs.readFileSync(%r),
  requestCert: true, rejectUnauthorized: false}, (req, res) => {
    if (req.socket.authorized) return res.end('ok');
    res.writeHead(401); res.end(JSON.stringify({why: req.socket.authorizationError})); }).listen(%d, '127.0.0.1')
""" % (cred.cert, cred.key, ca, self.port)
        super().__init__([need("node"), "-e", js], clean_env(home))
        self.wait_port()


@pytest.fixture(scope="module")
def stranger(session_dir):
    """A client below a CA whose names tell nothing, and the root above it."""
    folder = session_dir / "stranger"
    folder.mkdir()
    certs = zoo.build({"root": {"subject": "/CN=Nordlicht", "days": [-90, 900]},
                       "issuing": {"subject": "/CN=Fabrik West"}, "client": dict(zoo.CLIENT, issuer="issuing")})
    alone = credential(folder, "alone", certs["client"])
    (folder / "elsewhere").mkdir()  # what lies beside the certificate is looked through
    whole = credential(folder / "elsewhere", "whole", certs["client"], certs["issuing"])
    return alone, whole, write(folder, "root.pem", certs["root"].pem)


def test_a_leaf_alone_below_an_unknown_name_is_no_certain_case(hf, town, tmp_path, stranger):
    """Its issuer is not trusted, or only its certificate is missing: nobody can tell by the names."""
    alone, _, root = stranger
    client = ["--ca", town.ca, "--cert", alone.cert, "--key", alone.key]
    with OpenSSLServer(tmp_path, town["server"], root) as server:
        for more in ([], files(town["server"], root)):
            told = explain(hf, server.port, *client, *more)
            assert {"V-UNKNOWN-CA", "V-NO-INTERMEDIATE"} == set(told["candidates"]) and told["cannot_know"], told
            assert told["confidence"] == "likely" and told["certificate"]["role"] == "client-leaf"


def test_our_record_of_a_leaf_alone_is_as_careful(hf, town, stranger, python):
    alone, _, root = stranger
    args = ["--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", town["server"].key, "--ca", root]
    with hf.serve(*args, "--allow", "any", "--respond", "text:x") as server:
        python.get(server.port, alone, ca=town.ca)
        server.wait_record(1)
        log = "\n".join(line for line in server.lines["err"] if line.startswith("{"))
    told = hf.json("explain", "--record", "-", input=log, exit=1)
    assert (told["confidence"], told["candidates"]) == ("likely", ["V-UNKNOWN-CA", "V-NO-INTERMEDIATE"]), told


def test_of_two_faults_the_one_that_the_server_named_is_told_in_each_view(hf, town, tmp_path):
    client = zoo.make(dict(zoo.CLIENT, days=[-30, -1], eku=["serverAuth"]), town.certs["issuing"])
    cred = credential(tmp_path, "both", client, town.certs["issuing"])
    args = ["--ca", town.ca, "--cert", cred.cert, "--key", cred.key]
    with OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        for more in ([], files(town["server"], town.ca)):
            told = explain(hf, server.port, *args, *more)
            assert told["cause"] == "V-EKU" and any("[V-EXPIRED]" in line for line in told["also"]), told


def test_an_application_that_judges_by_itself(hf, town, tmp_path, stranger):
    _, whole, root = stranger
    with Polite(tmp_path, town["server"], town.ca) as server:
        assert explain(hf, server.port, *own(town), code=0)["meets"]
        told = explain(hf, server.port, "--ca", town.ca, "--cert", whole.cert, "--key", whole.key)
        late = explain(hf, server.port, *own(town, "expired"))
    assert (told["cause"], told["fault_in"], told["confidence"]) == ("V-UNKNOWN-CA", "server", "likely"), told
    assert "A-NOT-ALLOWED" in told["candidates"] and late["cause"] == "V-EXPIRED"


def test_the_page_of_an_application_names_the_fault(hf, town, tmp_path):
    with Answering(tmp_path, town["server"], "403 x", '{"error":"CERT_REVOKED"}', ca=town.ca) as server:
        told = explain(hf, server.port, *own(town))
    assert told["cause"] == "V-REVOKED" and told["confidence"] == "likely" and told["http_status"] == 403


@pytest.mark.parametrize("head,given", [("401 x\r\nWWW-Authenticate: Basic realm=\"x\"", True), ("403 x", False)],
                         ids=["its-own-login", "nobody-has-or-wants-a-certificate"])
def test_a_refusal_of_the_application_is_not_one_of_the_certificate(hf, town, tmp_path, head, given):
    who = {"ca": town.ca} if given else {"mode": "none"}
    with Answering(tmp_path, town["server"], head, "no", **who) as server:
        told = explain(hf, server.port, *(own(town) if given else ["--ca", town.ca]), code=0)
    assert told["meets"] and told["cause"] is None and told["cannot_know"], told


def test_who_trusts_nobody_is_not_told_of_a_partial_anchor(hf, town, tmp_path):
    with OpenSSLServer(tmp_path, town["server"], mode="none") as server:
        told = explain(hf, server.port, code=0)
    assert told["meets"] and told["cause"] is None, told


def test_gnutls_says_access_denied_of_everything(hf, town, tmp_path):
    """Alert 49 is no rule of an application there."""
    with GnuTLSServer(tmp_path, town["server"], town.ca, crls=[town.crl_mail]) as server:
        told = explain(hf, server.port, *own(town))
        both = explain(hf, server.port, *own(town), "--server-files",
                       "%s,%s,%s,%s" % (town["server"].cert, town["server"].key, town.ca, town.crl_mail))
    assert told["alert"]["number"] == 49 and told["confidence"] == "cannot know from here", told
    assert "V-REVOKED" in told["candidates"] and "A-NOT-ALLOWED" != told["cause"]
    assert both["cause"] == "V-REVOKED" and both["confidence"] == "certain"


def test_gnutls_leaves_out_a_ca_that_the_leaf_does_not_name(hf, town, tmp_path):
    leaf = zoo.make(dict(zoo.SERVER, aki="wrong"), town.certs["issuing"])
    cred = credential(tmp_path, "aki", leaf, town.certs["issuing"])
    with GnuTLSServer(tmp_path, cred, mode="none") as server:
        told = explain(hf, server.port, "--ca", town.ca, *files(cred, town.ca))
    assert (told["cause"], told["fault_in"]) == ("V-AKI", "server"), told


def test_a_server_that_does_not_send_its_file_whole(hf, town, tmp_path):
    """s_server without -cert_chain: appending what the file holds already would mend nothing."""
    cred, leaf = town["server"], write(tmp_path, "leaf.pem", town.certs["server"].pem)
    with OpenSSLServer(tmp_path, Credential(leaf, cred.key), mode="none") as server:
        told = explain(hf, server.port, "--ca", town.ca, *files(cred, town.ca))
    assert told["cause"] == "V-NO-INTERMEDIATE" and "reload" in told["fix"] and " >> " not in told["fix"], told


def test_a_file_with_somebody_elses_leaf_is_not_one_to_append(hf, town, tmp_path):
    with OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        told = explain(hf, server.port, "--ca", town.ca, "--cert", write(tmp_path, "c.pem", town.certs["mail"].pem),
                       "--key", town["mail"].key, *files(town["server"], town.ca))
    assert told["cause"] == "V-NO-INTERMEDIATE" and "cat ISSUING-CA.pem >> " in told["fix"], told["fix"]


@pytest.mark.parametrize("view", ["client", "server"])
def test_the_wrong_intermediate_and_the_one_that_is_missing(hf, town, tmp_path, view):
    certs = zoo.build({"wrong": {"issuer": "root", "subject": "/O=Zoo/CN=Zoo Wrong CA", "ca": True,
                                 "ku": ["keyCertSign", "cRLSign"]}})
    wrong = credential(tmp_path, "wrong", town.certs["mail" if view == "client" else "server"], certs["wrong"])
    client = ["--ca", town.ca, "--cert", wrong.cert, "--key", wrong.key] if view == "client" else own(town)
    with OpenSSLServer(tmp_path, town["server"] if view == "client" else wrong, town.ca) as server:
        told = explain(hf, server.port, *client)
    assert told["cause"] == "V-WRONG-INTERMEDIATE" and "Zoo Wrong CA" in told["certificate"]["subject"], told
    assert "by the certificate of %s" % "O=Zoo, CN=Zoo Issuing CA" in told["fix"], told["fix"]


def test_the_root_of_the_same_name_is_the_one_that_is_shown(hf, town, tmp_path):
    again = zoo.make(dict(zoo.ROOT), None)
    ca = write(tmp_path, "again.pem", again.pem)
    with OpenSSLServer(tmp_path, town["server"], mode="none") as server:
        told = explain(hf, server.port, "--ca", ca)
    assert told["cause"] == "V-SAME-NAME-CA" and told["certificate"]["role"] == "root"
    assert told["certificate"]["subject"] == told["certificate"]["issuer"], told["certificate"]


def test_suites_of_another_key_when_only_the_server_stops_at_tls12(hf, town, tmp_path):
    with HaproxyServer(tmp_path, town["server"], town.ca, version="1.2") as server:
        told = explain(hf, server.port, *own(town), "--ciphers", "ECDHE-RSA-AES128-GCM-SHA256")
    assert (told["cause"], told["certificate"]["role"]) == ("P-CIPHER-KEY", "server-leaf"), told


def test_a_server_of_finite_fields_only(hf, town, tmp_path):
    with OpenSSLServer(tmp_path, town["server"], town.ca, more=["-groups", "ffdhe3072"], version="1.3") as server:
        told = explain(hf, server.port, *own(town), "--groups", "X25519")
    assert told["cause"] == "P-GROUP", told


def test_a_renewed_file_that_waits_for_a_reload_stops_nobody(hf, town, tmp_path):
    again = zoo.make(dict(zoo.SERVER), town.certs["issuing"])
    cred = credential(tmp_path, "new", again, town.certs["issuing"])
    with OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        told = explain(hf, server.port, *own(town), *files(cred, town.ca), code=0)
    assert told["meets"] and any("R-STALE-PROCESS" in line for line in told["also"])
    assert (told["refused_by"], told["fault_in"], told["certificate"]) == ("nobody", "nobody", None), told
