# SPDX-License-Identifier: Apache-2.0
"""Pairs that are in order, however unusual: no finding, from the client's view and with the server's files, against two
kinds of foreign servers or more."""
import datetime
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from support import zoo
from support.peer_servers import OpenSSLServer
from support.peers import Credential

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_casebook import HEALTHY  # noqa: E402
from explain_servers import SERVERS, NginxServer, write  # noqa: E402
from explain_world import Pair  # noqa: E402

MUST_STAPLE = [{"oid": "1.3.6.1.5.5.7.1.24", "der": "3003020105"}]
KINDS = ("openssl", "nginx", "haproxy", "apache")
VERSIONS = ("1.2", "1.3")


def in_order(told):
    assert told["meets"] and told["cause"] is None and told["also"] == [] and told["fault_in"] == "nobody", told
    return told


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["rsa", "ed25519", "cross-signed", "two-intermediates"])
def test_a_pair_in_order(hf, tmp_path, name, kind, version):
    pair = Pair("-".join((name, kind, version)), HEALTHY[name], tmp_path / "pair")
    with pair.start(kind, version, tmp_path) as server:
        in_order(hf.json(*pair.arguments(server.port)))
        in_order(hf.json(*pair.arguments(server.port), "--server-files", pair.server_files()))


def ask(hf, port, ca, who, *more):
    return hf.json("explain", "localhost:%d" % port, "--connect", "127.0.0.1:%d" % port, "--ca", ca, "--cert", who.cert, "--key",
                   who.key, *more)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["openssl", "python"])
def test_an_empty_list_of_ca_names(hf, town, tmp_path, kind, version):
    """s_server with a trust of its own for verifying, and Python, which never sends names."""
    if kind == "openssl":
        more = ["-verifyCAfile", town.ca, "-Verify", "9", "-verify_return_error"]
        server = OpenSSLServer(tmp_path, town["server"], version=version, more=more)
    else:
        server = SERVERS["python"](tmp_path, town["server"], town.ca, version=version)
    with server:
        told = in_order(ask(hf, server.port, town.ca, town["mail"]))
        in_order(ask(hf, server.port, town.ca, town["mail"], "--server-files",
                     "%s,%s,%s" % (town["server"].cert, town["server"].key, town.ca)))
    demand = next(rung for rung in told["ladder"] if rung["step"] == "CertificateRequest")
    assert "1 CA name" not in demand["detail"], demand


def stapled(folder, leaf, issuer):
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    answer = ocsp.OCSPResponseBuilder().add_response(
        leaf.x509, issuer.x509, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, now - datetime.timedelta(hours=1),
        now + datetime.timedelta(days=3), None, None).responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.x509)
    return write(folder, "good.ocsp", answer.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["openssl", "nginx"])
@pytest.mark.parametrize("staples", [True, False])
def test_must_staple_with_and_without_the_staple(hf, town, tmp_path, kind, version, staples):
    issuing = town.certs["issuing"]
    leaf = zoo.make(dict(zoo.SERVER, extensions=MUST_STAPLE), issuing)
    cred = Credential(write(tmp_path, "s.pem", leaf.pem + issuing.pem), write(tmp_path, "s.key", leaf.key_pem))
    answer = stapled(tmp_path, leaf, issuing)
    more = {"openssl": ["-status_file", answer], "nginx": ["ssl_stapling on;", "ssl_stapling_file %s;" % answer]}[kind]
    cls = {"openssl": OpenSSLServer, "nginx": NginxServer}[kind]
    with cls(tmp_path, cred, town.ca, version=version, more=more if staples else ()) as server:
        args = ["explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--ca", town.ca, "--cert",
                town["mail"].cert, "--key", town["mail"].key]
        for files in ([], ["--server-files", "%s,%s,%s" % (cred.cert, cred.key, town.ca)]):
            if staples:
                in_order(hf.json(*args, *files))
            else:
                told = hf.json(*args, *files, exit=1)
                assert (told["cause"], told["fault_in"]) == ("V-STAPLE", "server"), told
