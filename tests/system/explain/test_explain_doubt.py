# SPDX-License-Identifier: Apache-2.0
"""Where a first guess would be a wrong one: a depth and a root made anew, one alert of GnuTLS for a key usage, lists of
schemes that leave TLS 1.3 nothing, and clocks some minutes apart."""
import datetime
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peer_servers import GnuTLSServer, NodeServer, OpenSSLServer
from support.peers import Credential

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import ApacheServer, NginxServer, write  # noqa: E402

CA = {"ca": True, "ku": ["keyCertSign", "cRLSign"]}
MINUTES = 1 / 24 / 60


def explain(hf, port, *args, code=1):
    return hf.json("explain", "localhost:%d" % port, "--connect", "127.0.0.1:%d" % port, *args, exit=code)


def credential(folder, name, *chain):
    return Credential(write(folder, name + ".pem", b"".join(cert.pem for cert in chain)),
                      write(folder, name + ".key", chain[0].key_pem))


def shown(town, cred):
    return ["--ca", town.ca, "--cert", cred.cert, "--key", cred.key]


@pytest.fixture(scope="module")
def deep(session_dir, town):
    """A client below as many CAs: {1: …, 2: …, 3: …}."""
    made, chain = {}, []
    for count in (1, 2, 3):
        chain.insert(0, zoo.make(dict(CA, subject="/O=Zoo/CN=Zoo Depth %d" % count), chain[0] if chain else town.certs["root"]))
        made[count] = credential(session_dir, "deep-%d" % count,
                                 zoo.make(dict(zoo.CLIENT, subject="/CN=deep-%d" % count), chain[0]), *chain)
    return made


@pytest.mark.parametrize("count", [2, 3])
def test_two_cas_below_a_root_are_no_proof_of_a_depth(hf, tmp_path, town, deep, count):
    """A root made anew is refused with the same alert 48; three are more than most chains have."""
    twin = write(tmp_path, "twin.pem", zoo.make(dict(zoo.ROOT), None).pem)
    with OpenSSLServer(tmp_path, town["server"], twin) as server:
        told = explain(hf, server.port, *shown(town, deep[count]))
    assert {"V-DEPTH", "V-SAME-NAME-CA", "V-CRL-MISSING"} <= set(told["candidates"]), told
    assert told["confidence"] == ("likely" if count == 3 else "cannot know from here"), told


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_gnutls_says_internal_error_of_a_key_usage(hf, tmp_path, town, version):
    cred = credential(tmp_path, "nosign", zoo.make(dict(zoo.CLIENT, key="rsa2048", ku=["keyEncipherment"], subject="/CN=nosign"),
                                                   town.certs["issuing"]), town.certs["issuing"])
    with GnuTLSServer(tmp_path, town["server"], town.ca, version=version) as server:
        told = explain(hf, server.port, *shown(town, cred))
    assert told["alert"]["number"] == 80 and told["certificate"]["role"] == "client-leaf", told
    assert (told["cause"], told["fault_in"], told["confidence"]) == ("V-KU", "client", "certain"), told


def test_apaches_depth_is_still_told_of_a_certificate_in_order(hf, tmp_path, town, deep):
    with ApacheServer(tmp_path, town["server"], town.ca, more=["SSLVerifyDepth 1"]) as server:
        told = explain(hf, server.port, *shown(town, deep[2]))
    assert told["cause"] == "V-DEPTH", told


@pytest.fixture(scope="module")
def rsa(session_dir, town):
    leaf = zoo.make(dict(zoo.SERVER, key="rsa2048"), town.certs["issuing"])
    return credential(session_dir, "rsa-server", leaf, town.certs["issuing"])


def test_schemes_that_leave_tls13_nothing(hf, tmp_path, town, rsa):
    """GnuTLS takes TLS 1.3 and then finds no scheme for its RSA key: alert 40, as if no suite were in common."""
    with GnuTLSServer(tmp_path, rsa, town.ca, priority=":-SIGN-ALL:+SIGN-RSA-SHA256") as server:
        told = explain(hf, server.port, *shown(town, town["mail"]))
        once = explain(hf, server.port, "--one-shot", *shown(town, town["mail"]))
        met = hf.json("explain", "localhost:%d" % server.port, "--tls-max", "1.2", "--ca", town.ca, "--cert", town["rsa"].cert, "--key",
                      town["rsa"].key, exit=0)
    assert (told["cause"], told["refused_by"], told["fault_in"], told["confidence"]) == ("P-SIGALG", "server", "server", "certain"), told
    assert "rsa_pkcs1_sha256" in " ".join(told["evidence"]) and "rsa_pss_rsae_sha256" in told["fix"], told
    assert told["certificate"]["role"] == "server-leaf" and "in TLS 1.2" in told["extra_probes"], told
    assert once["confidence"] == "cannot know from here" and "P-SIGALG" in once["candidates"], once
    assert met["meets"]


def test_a_server_whose_lists_leave_its_own_key_nothing(hf, tmp_path, town, rsa):
    """Whatever is offered it refuses, and does not say of what: no list of the client's is blamed."""
    with GnuTLSServer(tmp_path, rsa, town.ca, version="1.2", priority=":-SIGN-ALL:+SIGN-ECDSA-SHA256") as server:
        told = explain(hf, server.port, *shown(town, town["mail"]))
    assert told["confidence"] == "cannot know from here" and {"P-CIPHER", "P-SIGALG", "V-KU"} <= set(told["candidates"]), told
    assert "its own key" in told["explanation"] and len(told["extra_probes"]) <= 3, told


@pytest.mark.parametrize("minutes,kind,cause,confidence", [
    (4, "openssl", "K-SKEW-SMALL", "likely"), (4, "nginx", "V-NOT-YET", "certain"), (4, "node", "K-SKEW-SMALL", "likely"),
    (20, "openssl", "V-NOT-YET", "certain"), (20, "nginx", "V-NOT-YET", "certain")])
def test_a_certificate_that_begins_in_some_minutes(hf, tmp_path, town, minutes, kind, cause, confidence):
    """Issued just now by a clock ahead of ours; whose is wrong, only a server that tells its time can say."""
    passed = (datetime.datetime.now(datetime.timezone.utc) - zoo.NOW) / datetime.timedelta(days=1)
    leaf = zoo.make(dict(zoo.SERVER, days=[passed + minutes * MINUTES, 30]), town.certs["issuing"])
    cred = credential(tmp_path, "fresh", leaf, town.certs["issuing"])
    with {"openssl": OpenSSLServer, "nginx": NginxServer, "node": NodeServer}[kind](tmp_path, cred, town.ca) as server:
        told = explain(hf, server.port, *shown(town, town["mail"]))
    assert (told["cause"], told["refused_by"], told["confidence"]) == (cause, "client", confidence), told
    assert ("K-SKEW-SMALL" in told["candidates"]) == (minutes < 10), told
    assert told["certificate"]["role"] == "server-leaf" and "clock" in told["fix"], told


@pytest.mark.parametrize("kind", ["openssl", "gnutls"])
def test_a_cross_certificate_that_has_ended_is_not_missed_where_the_root_is_trusted(hf, tmp_path, town, kind):
    """Both chains still carry it, as web servers carried one for years; nobody's path leads there."""
    certs = zoo.build({"root": dict(CA, issuer="self", subject="/CN=Fen Root"),
                       "gone": dict(CA, issuer="self", subject="/CN=Fen Old Root", days=[-900, -40]),
                       "issuing": dict(CA, issuer="root", subject="/CN=Fen CA"),
                       "gate": dict(zoo.SERVER, issuer="issuing"), "client": dict(zoo.CLIENT, issuer="issuing", subject="/CN=fen-1")})
    cross = zoo.make(dict(CA, subject="/CN=Fen Root", days=[-800, -30]), certs["gone"], certs["root"].key)
    ca = write(tmp_path, "fen.pem", certs["root"].pem)
    write(tmp_path, "fen-old.pem", certs["gone"].pem)
    gate, client = (credential(tmp_path, name, certs[name], certs["issuing"], cross) for name in ("gate", "client"))
    with {"openssl": OpenSSLServer, "gnutls": GnuTLSServer}[kind](tmp_path, gate, ca) as server:
        told = explain(hf, server.port, "--ca", ca, "--cert", client.cert, "--key", client.key, code=0)
    assert told["meets"] and told["also"] == [], told
