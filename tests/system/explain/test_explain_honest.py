# SPDX-License-Identifier: Apache-2.0
"""Everything is in order by the client's files, and the server refuses: what its alert leaves open is said, and no
cause is claimed that the evidence does not carry.  Versions and curves: the side that is old or limited by hand."""
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peer_servers import GnuTLSServer, OpenSSLServer
from support.peers import Credential

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import SERVERS, ApacheServer, CheckingOpenSSL, NginxServer, write  # noqa: E402


def explain(hf, port, *args, code=1):
    return hf.json("explain", "localhost:%d" % port, "--connect", "127.0.0.1:%d" % port, *args, exit=code)


def credential(folder, name, *chain):
    return Credential(write(folder, name + ".pem", b"".join(cert.pem for cert in chain)),
                      write(folder, name + ".key", chain[0].key_pem))


def own(town, name="mail", ca=None):
    return ["--ca", ca or town.ca, "--cert", town[name].cert, "--key", town[name].key]


@pytest.fixture(scope="module")
def lists(session_dir, town):
    """Lists of the issuing CA and the root: current, out of date."""
    folder = session_dir / "honest-lists"
    folder.mkdir()

    def make(name, issuer, **row):
        return write(folder, name, zoo.make_crl(town.certs[issuer], dict(row, issuer=issuer), town.certs))

    return {"root": make("root", "root"), "issuing": make("issuing", "issuing"),
            "late": make("late", "issuing", days=[-30, -1])}


@pytest.fixture(scope="module")
def twin(session_dir, town):
    """A root made anew: the name of the town's, another key."""
    return write(session_dir, "twin.pem", zoo.make(dict(zoo.ROOT), None).pem)


CA = {"ca": True, "ku": ["keyCertSign", "cRLSign"]}
PATH_CAUSES = {"V-SAME-NAME-CA", "V-CRL-MISSING"}


def test_a_named_ca_and_alert_48_are_no_proof(hf, town, tmp_path, lists, twin):
    """A root made anew and a list that is missing look the same from the client."""
    with CheckingOpenSSL(tmp_path, town["server"], twin) as server:
        anew = explain(hf, server.port, *own(town))
    with CheckingOpenSSL(tmp_path, town["server"], town.ca, crls=[lists["issuing"]]) as server:
        missing = explain(hf, server.port, *own(town))
    for told in (anew, missing):
        assert told["alert"]["number"] == 48 and told["confidence"] == "cannot know from here", told
        assert PATH_CAUSES < set(told["candidates"]) and told["fault_in"] == "server", told
        assert "another key" in told["explanation"] and "no list" in told["explanation"] and "--ca ITS-CA-FILE" in told["fix"]


def test_who_knows_both_roots_knows_more(hf, town, tmp_path, twin):
    both = write(tmp_path, "both.pem", Path(town.ca).read_bytes() + Path(twin).read_bytes())
    with OpenSSLServer(tmp_path, town["server"], twin) as server:
        told = explain(hf, server.port, *own(town, ca=both))
    assert (told["cause"], told["confidence"], told["fault_in"]) == ("V-SAME-NAME-CA", "likely", "server"), told


def test_alert_46_of_a_chain_in_order_is_apaches_stale_list(hf, town, tmp_path, lists):
    with ApacheServer(tmp_path, town["server"], town.ca, crls=[lists["root"], lists["late"]]) as server:
        told = explain(hf, server.port, *own(town))
    assert told["alert"]["number"] == 46 and "V-REVOKED" in told["candidates"], told
    assert (told["cause"], told["confidence"], told["fault_in"]) == ("V-CRL-EXPIRED", "likely", "server"), told


def test_alert_45_and_a_root_that_is_not_known_here(hf, town, tmp_path):
    """The root that ended is the server's to replace; the client has only the chain below it."""
    certs = zoo.build({"old": dict(CA, issuer="self", subject="/O=Moor/CN=Moor Root", days=[-900, -1]),
                       "middle": dict(CA, issuer="old", subject="/O=Moor/CN=Moor CA"),
                       "client": dict(zoo.CLIENT, issuer="middle", subject="/CN=moor-1")})
    cred = credential(tmp_path, "moor", certs["client"], certs["middle"])
    (tmp_path / "there").mkdir()  # what lies beside the certificate is looked through
    old = write(tmp_path / "there", "old.pem", certs["old"].pem)
    args = ["--ca", town.ca, "--cert", cred.cert, "--key", cred.key]
    with OpenSSLServer(tmp_path, town["server"], old) as server:
        alone = explain(hf, server.port, *args)
        both = explain(hf, server.port, *args, "--server-files", "%s,%s,%s" % (town["server"].cert, town["server"].key, old))
    assert alone["confidence"] == "cannot know from here" and "V-ROOT-EXPIRED" in alone["candidates"], alone
    assert any("Moor Root" in line for line in alone["cannot_know"]) and alone["fault_in"] == "server", alone
    assert (both["cause"], both["fault_in"], both["confidence"]) == ("V-ROOT-EXPIRED", "server", "certain"), both


@pytest.mark.parametrize("kind", ["openssl", "gnutls"])
def test_a_server_that_stops_at_tls11_is_the_old_one(hf, town, tmp_path, kind):
    """GnuTLS says alert 40 where others say 70; whoever sent it, the server is to mend."""
    how = {"more": ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]} if kind == "openssl" else {"version": "1.1"}
    with SERVERS[kind](tmp_path, town["server"], town.ca, **how) as server:
        told = explain(hf, server.port, *own(town))
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("P-VERSION", "server", "server"), told
    assert "update the server" in told["fix"] and "do not lower the client" in told["fix"]


@pytest.mark.parametrize("limit,version,fix", [(("--tls-min", "1.3"), "1.2", "--tls-min"),
                                               (("--tls-max", "1.2"), "1.3", "--tls-max")], ids=["floor", "ceiling"])
@pytest.mark.parametrize("kind", ["openssl", "gnutls"])
def test_a_client_that_was_limited_by_hand_is_to_mend(hf, town, tmp_path, kind, limit, version, fix):
    with SERVERS[kind](tmp_path, town["server"], town.ca, version=version) as server:
        told = explain(hf, server.port, *own(town), *limit)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("P-VERSION", "server", "client"), told
    assert fix in told["fix"] and "TLS %s" % version in told["fix"], told["fix"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("server", [OpenSSLServer, NginxServer, GnuTLSServer], ids=["openssl", "nginx", "gnutls"])
def test_keys_on_p521_meet(hf, town, tmp_path, server, version):
    """In TLS 1.2 the client's list of groups bounds the curves of certificates (RFC 8422 5.1.1)."""
    client = credential(tmp_path, "client", zoo.make(dict(zoo.CLIENT, key="p521"), town.certs["issuing"]), town.certs["issuing"])
    gate = credential(tmp_path, "gate", zoo.make(dict(zoo.SERVER, key="p521"), town.certs["issuing"]), town.certs["issuing"])
    args = ["--ca", town.ca, "--cert", client.cert, "--key", client.key]
    with server(tmp_path, gate, town.ca, version=version) as peer:
        assert explain(hf, peer.port, *args, code=0)["meets"]
        hf("get", "https://localhost:%d/" % peer.port, *args)


def test_a_curve_that_the_client_itself_left_out(hf, town, tmp_path):
    leaf = zoo.make(dict(zoo.CLIENT, key="p384"), town.certs["issuing"])
    cred = credential(tmp_path, "p384", leaf, town.certs["issuing"])
    args = ["--ca", town.ca, "--cert", cred.cert, "--key", cred.key, "--groups", "X25519:P-256"]
    with OpenSSLServer(tmp_path, town["server"], town.ca, version="1.2") as server:
        told = explain(hf, server.port, *args)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("P-GROUP", "server", "client"), told
    assert told["alert"]["number"] == 47 and "P-384" in told["fix"]
