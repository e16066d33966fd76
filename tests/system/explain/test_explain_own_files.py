# SPDX-License-Identifier: Apache-2.0
"""A server's log beside the server's own files, where the log names no issuer, no number and no side: what the files
know of the fleet decides, and what they cannot know stays open."""
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peers import Credential

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import write  # noqa: E402

CA = {"ca": True, "ku": ["keyCertSign", "cRLSign"]}
ALERT = "routines::tlsv1 alert unknown ca"
STUNNEL = ("LOG6[0]: Peer certificate required\nLOG4[0]: CERT: Pre-verification error: unable to get local issuer certificate\n"
           "LOG4[0]: Rejected by CERT at depth=1: %s\nLOG3[0]: SSL_accept: error:0A000086:SSL routines::certificate verify failed\n"
           "LOG5[0]: Connection reset/closed: 0 byte(s) sent to TLS, 0 byte(s) sent to socket")


@pytest.fixture(scope="module")
def house(session_dir):
    """A house with a comma in its name and two CAs below its root; a root of the same name, and a stranger."""
    folder = session_dir / "house"
    folder.mkdir()

    def named(name):
        return "/O=Weir, Söhne/CN=" + name

    certs = zoo.build({
        "root": {"subject": named("Weir Root")}, "policy": dict(CA, issuer="root", subject=named("Weir Policy")),
        "issuing": dict(CA, issuer="policy", subject=named("Weir Device CA")), "other": dict(CA, issuer="root", subject=named("Depot")),
        "again": dict(CA, issuer="self", subject=named("Weir Root")), "stranger": dict(CA, issuer="self", subject="/CN=Loom Root"),
        "gate": dict(zoo.SERVER, issuer="issuing", subject="/CN=gate"),
        "star": dict(zoo.SERVER, issuer="issuing", subject="/CN=star", san=["dns:*.weir.example"]),
        "number": dict(zoo.SERVER, issuer="issuing", subject="/CN=number", san=["dns:127.0.0.1"]),
        "mute": dict(zoo.SERVER, issuer="issuing", subject="/CN=mute", ku=["keyEncipherment"], key="rsa2048"),
        "child": dict(zoo.CLIENT, issuer="issuing", subject="/CN=child")})

    def chain(name, *parts):
        return write(folder, name + ".chain", b"".join(certs[part].pem for part in parts))

    def lists(name, *rows):
        return write(folder, name + ".crl", b"".join(zoo.make_crl(certs[row["issuer"]], row, certs) for row in rows))

    every = [{"issuer": name} for name in ("root", "policy", "issuing")]
    return {"good": lists("good", *every), "half": lists("half-list", *every[1:]),
            "stale": lists("stale", *every[:2], {"issuer": "issuing", "days": [-30, -2]}),
            "gate": chain("gate", "gate", "issuing", "policy"), "alone": chain("alone", "gate"),
            "short": chain("short", "gate", "issuing"), "wrong": chain("wrong", "gate", "other"),
            "mute": chain("mute", "mute", "issuing", "policy"), "star": chain("star", "star", "issuing", "policy"), "number": chain("number", "number", "issuing", "policy"),
            "revoked": write(folder, "revoked.crl", zoo.make_crl(certs["root"], {"issuer": "root", "revokes": ["policy"]}, certs)),
            "folder": folder, "certs": certs,
            **{name: write(folder, name + ".ca", certs[name].pem) for name in ("root", "again", "stranger")}}


def told(hf, log, *files):
    return hf.json("explain", "-", "--server-files", ",".join(files), input=log, exit=1)["lines"]


@pytest.mark.parametrize("name", ['O = "Weir, S\\C3\\B6hne", CN = Weir Device CA', 'O="Weir, Söhne", CN=Weir Device CA',
                                  "O=Weir\\, Söhne, CN=Weir Device CA"])
@pytest.mark.parametrize("chain", ["gate", "short"])
@pytest.mark.parametrize("ca,cause", [("root", "V-NO-INTERMEDIATE"), ("stranger", "V-UNKNOWN-CA")])
def test_the_issuer_that_a_log_leaves_out_stands_in_the_servers_chain(hf, house, name, chain, ca, cause):
    lines = [line for line in told(hf, STUNNEL % name, house[chain], "", house[ca]) if line["refused_by"] == "the server"]
    assert lines[-1]["cause"] == cause and lines[-1]["confidence"] == "likely", lines
    assert any("Weir Policy" in text for text in lines[-1]["evidence"]), lines
    assert not any(line["cause"] in ("N-NONE", "T-RESET") for line in lines), lines


def test_a_root_that_was_made_anew(hf, house):
    log = "depth=1 O = \"Weir, S\\C3\\B6hne\", CN = Weir Policy\nverify error:num=20:unable to get local issuer certificate\n" \
          "4:error:0A000086:SSL routines:tls_process_client_certificate:certificate verify failed:ssl/statem/statem_srvr.c:3:"
    lines = told(hf, log, house["gate"], "", house["again"])
    assert [line["cause"] for line in lines] == ["V-SAME-NAME-CA"] and "another key" in lines[0]["evidence"][0], lines


def test_a_ca_of_the_servers_own_chain_stands_on_its_list(hf, house):
    log = "[info] 7#7: *1 client SSL certificate verify error: (23:certificate revoked) while reading client request headers"
    lines = told(hf, log, house["gate"], "", house["root"], house["revoked"])
    assert (lines[0]["cause"], lines[0]["confidence"]) == ("V-CA-REVOKED", "likely"), lines
    assert any("has the CA" in text and "Weir Policy" in text for text in lines[0]["evidence"]), lines
    other = told(hf, log.replace("(23:certificate revoked)", "(10:certificate has expired)"), house["gate"], "", house["root"],
                 house["revoked"])
    assert other[0]["cause"] == "V-EXPIRED", other


@pytest.mark.parametrize("list_of,cause", [("stale", "V-CRL-EXPIRED"), ("half", "V-CRL-MISSING"), ("good", "V-UNKNOWN-CA"),
                                           (None, "V-UNKNOWN-CA")])
def test_a_server_that_never_says_why_has_lists_that_do(hf, house, list_of, cause):
    """Node hangs up on whomever it refuses: what lies on its disk makes one cause likely, and no more than that."""
    files = [house["gate"], "", house["root"]] + ([house[list_of]] if list_of else [])
    line = told(hf, "tlsClientError ECONNRESET socket hang up", *files)[0]
    assert line["cause"] == cause and line["refused_by"] == "the server", line
    assert line["confidence"] == ("likely" if cause.startswith("V-CRL") else "cannot know from here"), line


PYTHON = "SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: %s (_ssl.c:1)')"


def test_a_log_beside_a_servers_files_is_the_servers(hf, house):
    line = told(hf, PYTHON % "certificate has expired", house["gate"], "", house["root"])[0]
    assert (line["refused_by"], line["fault_in"]) == ("the server", "client"), line
    alone = hf.json("explain", "-", "--ca", house["root"], input=PYTHON % "certificate has expired", exit=1)["lines"][0]
    assert alone["refused_by"] == "who wrote it", alone
    curl = told(hf, "curl: (56) OpenSSL SSL_read: error:0A000418:SSL routines::tlsv1 alert unknown ca", house["alone"])[0]
    assert curl["refused_by"] == "the server" and curl["fault_in"] != "nobody", curl


@pytest.mark.parametrize("text", [
    PYTHON % "Hostname mismatch, certificate is not valid for 'gw.example'",
    "urllib.error.URLError: <urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired>",
    "HTTPSConnectionPool(host='gw', port=443): certificate verify failed: unable to get local issuer certificate",
    "*** PKI verification of server certificate failed... The certificate issuer is unknown.",
    "curl: (60) SSL certificate problem: unable to get local issuer certificate"])
def test_what_a_client_said_is_not_taken_for_the_server(hf, house, text):
    line = told(hf, text, house["alone"], "", house["root"])[0]
    assert line["refused_by"] == "the client" and line["evidence"] == [], line


@pytest.mark.parametrize("chain,ca,cause,candidates", [
    ("alone", "", "V-NO-INTERMEDIATE", ["V-UNKNOWN-CA"]), ("short", "root", "V-UNKNOWN-CA", ["V-NO-INTERMEDIATE"]),
    ("wrong", "root", "V-WRONG-INTERMEDIATE", []),
    ("gate", "root", "V-UNKNOWN-CA", ["V-SAME-NAME-CA", "V-PARTIAL-ANCHOR", "F-TRUST-NOT-CA", "V-CRL-MISSING"])])
def test_what_is_wrong_with_our_own_chain_when_a_client_says_unknown_ca(hf, house, chain, ca, cause, candidates):
    line = told(hf, ALERT, house[chain], "", house[ca] if ca else "")[0]
    assert (line["refused_by"], line["cause"]) == ("the client", cause), line
    assert set(candidates) <= set(line["candidates"]), line
    if chain == "gate":
        assert "V-NO-INTERMEDIATE" not in line["candidates"], line


@pytest.mark.parametrize("chain,cause", [("mute", "V-KU"), ("gate", "P-CIPHER")])
def test_no_shared_cipher_and_a_certificate_that_may_not_sign(hf, house, chain, cause):
    line = told(hf, "4:error:0A0000C1:SSL routines:tls_post_process_client_hello:no shared cipher:x.c:1:", house[chain])[0]
    assert (line["cause"], line["refused_by"]) == (cause, "the server"), line
    assert line["fault_in"] == ("server" if cause == "V-KU" else "both") and ("V-KU" in line["candidates"]), line
    assert not line.get("certificate", {}).get("role", "").startswith("client"), line


@pytest.mark.parametrize("chain,first,among", [("gate", "V-NAME-MISMATCH", "K-CLOCK"), ("star", "V-NAME-MISMATCH", "V-WILDCARD"),
                                               ("star", "V-NAME-MISMATCH", "V-IP-SAN"),
                                               ("number", "V-IP-AS-DNS", "V-NAME-MISMATCH")])
def test_what_a_client_may_have_asked_for(hf, house, chain, first, among):
    line = told(hf, "routines::sslv3 alert bad certificate", house[chain], "", house["root"])[0]
    assert line["cause"] == first and among in line["candidates"] and line["confidence"] == "likely", line


def test_a_chain_in_date_up_to_its_root_leaves_the_clients_list(hf, house):
    line = told(hf, "routines::sslv3 alert certificate expired", house["gate"], "", house["root"])[0]
    assert line["cause"] == "V-CRL-EXPIRED" and line["fault_in"] == "client" and "V-CA-EXPIRED" not in line["candidates"], line


def test_a_chain_that_ends_below_a_root_may_lack_a_ca(hf, house, python):
    """Our own record: the same three certificates sent, one left out, and a stranger's."""
    certs, folder = house["certs"], house["folder"]
    key = write(folder, "child.key", certs["child"].key_pem)
    short = Credential(write(folder, "short.pem", certs["child"].pem + certs["issuing"].pem), key)
    with hf.serve("--listen", "127.0.0.1:0", "--cert", house["gate"], "--key", write(folder, "gate.key", certs["gate"].key_pem),
                  "--ca", house["root"], "--allow", "any", "--respond", "text:x") as server:
        python.get(server.port, short, ca=house["root"])
        server.wait_record(1)
        log = "\n".join(line for line in server.lines["err"] if line.startswith("{"))
    then = hf.json("explain", "--record", "-", input=log, exit=1)
    assert then["confidence"] == "likely" and "V-NO-INTERMEDIATE" in then["candidates"], then
    now = hf.json("explain", "--record", "-", "--server-files", "%s,,%s" % (house["gate"], house["root"]), input=log, exit=1)
    assert now["cause"] == "V-NO-INTERMEDIATE" and now["confidence"] == "likely", now
