# SPDX-License-Identifier: Apache-2.0
"""The log of a server that refused a client, and beside it the server's CA file and revocation lists: what the log
leaves open, the files confirm or narrow."""
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peers import Credential

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import SERVERS, HaproxyServer, write  # noqa: E402

LONG = ('error-log-format "%ci:%cp [%tr] %ft %ac/%fc %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/'
        '%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc"')
CA = {"ca": True, "ku": ["keyCertSign", "cRLSign"]}
SAID = {"openssl": "verify error:", "apache": "Verification: Error", "stunnel": "Rejected by CERT", "haproxy": "/000000000A0",
        "nginx": "verify error:", "node": "tlsClientError"}


@pytest.fixture(scope="module")
def mill(session_dir):
    folder = session_dir / "mill"
    folder.mkdir()
    certs = zoo.build({
        "root": {"subject": "/O=Tidewater Mill/CN=Mill Root 2"}, "issuing": {"subject": "/O=Tidewater Mill/CN=Mill Line CA"},
        "again": dict(CA, issuer="self", subject="/O=Tidewater Mill/CN=Mill Line CA"),
        "stranger": dict(CA, issuer="self", subject="/CN=Weir Authority"),
        "gate": dict(zoo.SERVER, issuer="issuing", subject="/CN=gate"),
        "stone": dict(zoo.CLIENT, issuer="issuing", subject="/O=Tidewater Mill/CN=stone-7")})

    def lists(name, *rows):
        return write(folder, name, b"".join(zoo.make_crl(certs[row["issuer"]], row, certs) for row in rows))

    root, issuing = {"issuer": "root"}, {"issuer": "issuing"}
    return {
        "gate": Credential(write(folder, "gate.pem", certs["gate"].pem + certs["issuing"].pem),
                           write(folder, "gate.key", certs["gate"].key_pem)),
        "stone": Credential(write(folder, "stone.pem", certs["stone"].pem + certs["issuing"].pem),
                            write(folder, "stone.key", certs["stone"].key_pem)),
        "alone": Credential(write(folder, "alone.pem", certs["stone"].pem), write(folder, "alone.key", certs["stone"].key_pem)),
        "good": lists("good.crl", root, issuing), "revoked": lists("revoked.crl", root, dict(issuing, revokes=["stone"])),
        "stale": lists("stale.crl", root, dict(issuing, days=[-30, -2])), "half": lists("half.crl", issuing),
        "serial": "%X" % certs["stone"].x509.serial_number,
        **{name: write(folder, "ca-%s.pem" % name, certs[name].pem) for name in ("root", "issuing", "again", "stranger")}}


def log_of(hf, tmp_path, mill, kind, who, ca, crl=None):
    """What the server writes of this client."""
    how = {"defaults": LONG} if kind == "haproxy" else {}
    cls = HaproxyServer if kind == "haproxy" else SERVERS[kind]
    with cls(tmp_path, mill["gate"], mill[ca], crls=[mill[crl]] if crl else (), **how) as server:
        hf.json("explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--one-shot", "--ca",
                mill["root"], "--cert", mill[who].cert, "--key", mill[who].key, exit=1)

        def lines():
            return [line for stream in ("out", "err") for line in server.lines[stream]]
        server.wait_until(lambda: any(SAID[kind] in line for line in lines()), "the verdict in the log")
        return "\n".join(lines())


def told(hf, log, *files):
    """The line that the files say something of, or None."""
    lines = hf.json("explain", "-", *files, input=log, exit=1)["lines"]
    return next((line for line in lines if line["evidence"]), None)


LINE = "[info] 7#7: *1 client SSL certificate verify error: (12:CRL has expired) while reading client request headers"


def test_what_is_not_known_of_the_servers_files_is_left_empty(hf, mill):
    line = told(hf, LINE, "--server-files", ",,%s,%s" % (mill["root"], mill["stale"]))
    assert line and (line["cause"], line["confidence"]) == ("V-CRL-EXPIRED", "certain"), line
    for what in (["explain", "-"], ["explain", "--record", "-"], ["explain", "localhost:1"]):
        many = hf.run(*what, "--server-files", "a,b,c,d,e", input=LINE)
        assert many.code == 2 and "--server-files takes CERT[,KEY][,CA][,CRL]" in many.stderr, many


@pytest.mark.parametrize("option, file, words", [
    ("--crl", "root", "holds no revocation list: it is"), ("--ca", "stale", "holds no certificate to trust: it is"),
    ("--server-files", "stale", "holds no certificate to trust: it is")])
def test_a_file_that_is_something_else_is_told(hf, mill, option, file, words):
    told = hf.run("explain", "-", option, ",," + mill[file] if option == "--server-files" else mill[file], input=LINE)
    assert told.code == 3 and words in told.stderr and mill[file] in told.stderr, told


@pytest.mark.parametrize("how", ["server-files", "options"])
@pytest.mark.parametrize("kind", ["openssl", "apache", "stunnel", "nginx", "haproxy"])
def test_a_list_that_is_out_of_date(hf, tmp_path, mill, kind, how):
    log = log_of(hf, tmp_path, mill, kind, "stone", "root", "stale")
    files = ["--server-files", ",".join([mill["gate"].cert, "", mill["root"], mill["stale"]])] if how == "server-files" else \
        ["--ca", mill["root"], "--crl", mill["stale"]]
    line = told(hf, log, *files)
    assert line and (line["cause"], line["confidence"], line["fault_in"]) == ("V-CRL-EXPIRED", "certain", "server"), (line, log)
    assert any("Mill Line CA ended at" in text for text in line["evidence"]) and mill["stale"] in line["fix"], line


def test_a_list_that_was_fetched_since(hf, tmp_path, mill):
    log = log_of(hf, tmp_path, mill, "openssl", "stone", "root", "stale")
    line = told(hf, log, "--ca", mill["root"], "--crl", mill["good"])
    assert line["cause"] == "V-CRL-EXPIRED" and "reload" in line["evidence"][0], line


@pytest.mark.parametrize("kind", ["openssl", "nginx", "haproxy"])
def test_a_ca_without_a_list(hf, tmp_path, mill, kind):
    log = log_of(hf, tmp_path, mill, kind, "stone", "root", "half")
    line = told(hf, log, "--ca", mill["root"], "--crl", mill["half"])
    assert line and (line["cause"], line["confidence"]) == ("V-CRL-MISSING", "certain"), (line, log)
    assert line["evidence"] == ["of O=Tidewater Mill, CN=Mill Root 2 there is no list"]


@pytest.mark.parametrize("spelling", ["%s", "0%s"])
def test_a_serial_that_stands_on_the_list(hf, mill, spelling):
    """Apache's words: subject, issuer and serial in its own spelling."""
    log = ("[ssl:info] AH02276: Certificate Verification: Error (23): certificate revoked [subject: CN=stone-7,O=Tidewater Mill /"
           " issuer: CN=Mill Line CA,O=Tidewater Mill / serial: %s / notbefore: x / notafter: y]" % (spelling % mill["serial"]))
    line = told(hf, log, "--ca", mill["root"], "--crl", mill["revoked"])
    assert (line["cause"], line["confidence"], line["candidates"]) == ("V-REVOKED", "certain", ["V-REVOKED"]), line
    clean = told(hf, log, "--ca", mill["root"], "--crl", mill["good"])
    assert "does not" in clean["evidence"][0] and clean["confidence"] != "certain", clean


def test_apache_and_the_list_live(hf, tmp_path, mill):
    log = log_of(hf, tmp_path, mill, "apache", "stone", "root", "revoked")
    line = told(hf, log, "--ca", mill["root"], "--crl", mill["revoked"])
    assert line and (line["cause"], line["confidence"]) == ("V-REVOKED", "certain"), (line, log)


@pytest.mark.parametrize("ca,cause,word", [("stranger", "V-UNKNOWN-CA", "and not"), ("root", "V-NO-INTERMEDIATE", "and not"),
                                           ("again", "V-SAME-NAME-CA", "another key")])
def test_an_issuer_and_the_ca_file(hf, tmp_path, mill, ca, cause, word):
    log = log_of(hf, tmp_path, mill, "apache", "alone", ca)
    line = told(hf, log, "--ca", mill[ca])
    assert line and line["cause"] == cause and any(word in text for text in line["evidence"]), (line, log)
    assert line["confidence"] == "likely"


def test_a_ca_file_that_ends_too_low(hf, tmp_path, mill):
    log = log_of(hf, tmp_path, mill, "apache", "alone", "issuing")
    line = told(hf, log, "--ca", mill["issuing"])
    assert line and (line["cause"], line["confidence"]) == ("V-PARTIAL-ANCHOR", "certain"), (line, log)


def test_our_own_record_keeps_its_cause(hf, tmp_path, mill, python):
    """Our judge had the whole chain: the files of now only add to what it said."""
    with hf.serve("--listen", "127.0.0.1:0", "--cert", mill["gate"].cert, "--key", mill["gate"].key, "--ca", mill["root"], "--crl",
                  mill["stale"], "--allow", "any", "--respond", "text:x") as server:
        python.get(server.port, mill["stone"], ca=mill["root"])
        server.wait_record(1)
        log = "\n".join(line for line in server.lines["err"] if line.startswith("{"))
    then = hf.json("explain", "--record", "-", input=log, exit=1)
    now = hf.json("explain", "--record", "-", "--crl", mill["stale"], input=log, exit=1)
    assert then["cause"] == now["cause"] == "V-CRL-EXPIRED" and now["confidence"] == "certain"
    assert any("ended at" in text for text in now["evidence"]) and len(now["evidence"]) == len(then["evidence"]) + 1


def test_files_that_have_nothing_to_say(hf, mill):
    log = "curl: (60) SSL certificate problem: certificate has expired"
    lines = hf.json("explain", "-", "--ca", mill["root"], "--crl", mill["stale"], input=log, exit=1)["lines"]
    assert [line["evidence"] for line in lines] == [[]]
    missing = hf.run("explain", "-", "--crl", "nowhere.crl", input=log)
    assert missing.code == 3 and "nowhere.crl" in missing.everything
