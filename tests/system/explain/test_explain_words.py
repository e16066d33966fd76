# SPDX-License-Identifier: Apache-2.0
"""Stories, log lines of other programs, and refusal records."""
import json

import pytest
from support import zoo

LINES = [
    ("curl: (35) error:0A000418:SSL routines::tlsv1 alert unknown ca", "V-UNKNOWN-CA", "the server"),
    ("curl: (60) SSL certificate problem: unable to get local issuer certificate", "V-UNKNOWN-CA", "the client"),
    ("curl: (58) unable to set private key file: 'key.pem' type PEM", "F-KEY-MISMATCH", "the client"),
    ("Error: unable to verify the first certificate UNABLE_TO_VERIFY_LEAF_SIGNATURE", "V-NO-INTERMEDIATE", None),
    ("client SSL certificate verify error: (10:certificate has expired) while reading client request headers",
     "V-EXPIRED", "the server"),
    ("client SSL certificate verify error: (12:CRL has expired) while reading client", "V-CRL-EXPIRED", "the server"),
    ("SSL_do_handshake() failed (SSL: error:0A0000C1:SSL routines::no shared cipher) while SSL handshaking",
     "P-CIPHER", "the server"),
    ("error:0A000115:SSL routines::session id context uninitialized", "R-SESSION-CONTEXT", None),
    ("error:0A000152:SSL routines::unsafe legacy renegotiation disabled", "P-UNSAFE-RENEG", None),
    ("http2 stream 1 was reset: HTTP_1_1_REQUIRED", "P-H2-RENEG", None),
    ("The size of the handshake message (40912) exceeds the maximum allowed size (32768)", "L-JSSE-32K", None),
    ("C_Sign failed: mechanism invalid (CKR_MECHANISM_INVALID), RSA PSS", "N-TOKEN-PSS", None),
    ("ssl_stapling: OCSP responder timed out while requesting certificate status", "V-OCSP-DOWN", None),
    ("x509: certificate relies on legacy Common Name field, use SANs instead", "V-CN-ONLY", None),
    ("x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs", "V-IP-SAN", None),
    ("javax.net.ssl.SSLHandshakeException: PKIX path building failed", "V-UNKNOWN-CA", None),
    ("http: TLS handshake error from 10.0.0.9: tls: client didn't provide a certificate", "N-NONE", "the server"),
    ("broken header: while reading PROXY protocol, client: 127.0.0.1", "T-PROXY-EXPECTED", None),
    ("error:0A00010B:SSL routines::wrong version number", "T-PLAINTEXT-SERVER", None),
    ("connect(): write tcp: message too long", "T-MTU", None),
    ("error:0A0000A3:SSL routines::bad signature; alert decrypt error", "V-BAD-SIGNATURE", None),
    ("127.0.0.1:4735 [28/Nov/2026:21:18:44.393] f/1: SSL client CA chain cannot be verified", "V-UNKNOWN-CA", "the server"),
    ("Error in handshake: Error in the certificate.", "V-UNKNOWN-CA", "the server"),
    ("Error in handshake: No certificate was found.", "N-NONE", "the server"),
    ("*1 client sent no required SSL certificate while reading client request headers", "N-NONE", "the server"),
    ("tlsClientError ECONNRESET socket hang up UNABLE_TO_GET_CRL", "V-CRL-MISSING", "the server"),
    ("tlsClientError ECONNRESET socket hang up UNABLE_TO_GET_ISSUER_CERT", "V-PARTIAL-ANCHOR", "the server"),
    ("tlsClientError ECONNRESET socket hang up UNSPECIFIED", "V-NAME-CONSTRAINT", "the server"),
    ("client SSL certificate verify error: (32:key usage does not include certificate signing) while reading client",
     "V-CA-KU", "the server"),
    ("1.2.3.4:1 [x] f~ 1/1 34/000000000A0000C7/0/0/0 gw/TLSv1.3/TLS_AES_256_GCM_SHA384", "N-NONE", None),
    ("1.2.3.4:1 [x] f~ 1/1 30/000000000A000418/0/0/0 gw/TLSv1.3/(NONE)", "V-UNKNOWN-CA", "the peer of who wrote it"),
    ("1.2.3.4:1 [x] f~ 1/1 30/000000000A000086/0/23/0 gw/TLSv1.2/(NONE)", "V-CA-REVOKED", "the server"),
    ("1.2.3.4:1 [x] f~ 1/1 30/000000000A000086/23/0/0 gw/TLSv1.2/(NONE)", "V-REVOKED", "the server"),
    ("AH02276: Certificate Verification: Error (10): certificate has expired [subject: CN=R / issuer: CN=R / serial: 1 / x",
     "V-ROOT-EXPIRED", "the server"),
    ("AH02276: Certificate Verification: Error (10): certificate has expired [subject: CN=L / issuer: CN=R / serial: 1 / x",
     "V-EXPIRED", "the server"),
]


@pytest.mark.parametrize("line,cause,who", LINES, ids=[row[1] + "-%d" % i for i, row in enumerate(LINES)])
def test_a_line_of_another_program(hf, line, cause, who):
    told = hf.json("explain", line, exit=1)["lines"][0]
    assert told["cause"] == cause and told["candidates"][0] == cause
    assert who is None or told["refused_by"] == who, told
    # of many causes none is likely
    few = {1: "certain"}.get(len(told["candidates"]), "likely")
    assert told["confidence"] == (few if len(told["candidates"]) <= 5 else "cannot know from here"), told


def test_lines_from_standard_input_and_a_line_that_says_nothing(hf):
    done = hf("explain", "-", input="all is well\nsslv3 alert certificate expired\nmore\n", exit=1)
    assert "V-EXPIRED" in done.stdout and "V-CRL-EXPIRED" in done.stdout and "all is well" not in done.stdout
    done = hf("explain", "all is well here", exit=3)
    assert "nothing" in done.stderr


def test_every_reason_has_a_story_and_no_two_are_alike(hf):
    reasons = hf.json("explain", "--list")["reasons"]
    ids = [row["id"] for row in reasons]
    assert len(ids) == len(set(ids)) and len(ids) > 100
    for key in ("sentence",):
        assert len({row[key] for row in reasons}) == len(reasons), "two reasons cannot be told apart"
    for row in reasons:
        for key in ("arises", "check", "remedy", "handfast", "openssl"):
            assert row[key], (row["id"], key)
    text = hf("explain", "--list").stdout
    ids += [row["id"] for row in hf.json("explain", "--list")["mistakes"]]
    assert [line.split()[0] for line in text.splitlines()] == ids


# What only other platforms or resumed sessions can produce; their stories are what there is.
RARE = ["P-SNI-DEFAULT-POLICY", "N-EKU-FILTER", "R-RESUMED-IDENTITY", "R-ACCEPTED-NAMES-STALE", "V-PROOF",
        "K-SKEW-SMALL"]


@pytest.mark.parametrize("reason", RARE + ["V-NO-INTERMEDIATE", "T-ALERT-LOST"])
def test_the_story_of_a_reason(hf, reason):
    text = hf("explain", reason).stdout
    assert text.startswith(reason + ": ")
    assert all(len(line) <= 80 for line in text.splitlines()), text
    for heading in ("How it comes about", "How to check", "What to do", "Who mends it"):
        assert heading in text


def test_a_reason_that_does_not_exist(hf):
    done = hf("explain", "V-EXPIRD", exit=2)
    assert "V-EXPIRED" in done.stderr
    assert "explain what" in hf("explain", exit=2).stderr


def record(cause, by="us", at="03:12:00", **certificate):
    return json.dumps({"time": "2026-11-21T%sZ" % at, "cause": cause, "refused_by": by, "explanation": "x", "fix": "",
                       "certificate": dict({"subject": "CN=n", "issuer": "CN=Issuing"}, **certificate)})


def test_what_the_records_of_a_night_have_in_common(hf, tmp_path):
    rows = [record("V-CRL-EXPIRED", at="03:%02d:00" % i) for i in range(12, 26)] + ["not json", record("N-NONE")]
    rows.append(json.dumps({"event": "refusals-suppressed", "suppressed": 7}))
    (tmp_path / "log").write_text("\n".join(rows))
    done = hf("explain", "--record", tmp_path / "log", exit=1)
    first = done.stdout.splitlines()[0]
    assert first.startswith("14 of 15 refused by us, the server since 2026-11-21T03:12:00Z"), done.stdout
    assert "[V-CRL-EXPIRED]" in done.stdout and "7 more" in done.stdout
    told = hf.json("explain", "--record", tmp_path / "log", exit=1)
    assert told["records"] == 15 and told["left_out"] == 7
    assert (told["cause"], told["refused_by"], told["confidence"]) == ("V-CRL-EXPIRED", "server", "certain")
    assert told["causes"][0]["fault_in"] == "server" and told["causes"][1]["fault_in"] == "client"


@pytest.mark.parametrize("by", ["server", "client"])
def test_no_byte_of_a_record_reaches_the_terminal_as_it_is(hf, by):
    hostile = {word: "\x1b[2J\x7f" + word for word in ("holder", "trust", "lists", "top", "have", "name")}
    files = [{"role": role, "path": hostile[word]} for role, word in
             (("certificate", "holder"), ("ca", "trust"), ("crl", "lists"))]
    seen = set()
    for row in hf.json("explain", "--list")["reasons"]:
        told = dict(json.loads(record(row["id"], by)), sni=hostile["name"], trust={"files": files},
                    errors=[{"id": row["id"], "have": hostile["have"]}],
                    certificates_received=[{"subject": hostile["top"], "issuer": hostile["top"]}])
        text = hf.run("explain", "--record", "-", input=json.dumps(told)).everything
        assert all(c == "\n" or c.isprintable() for c in text), (row["id"], text)
        seen |= {word for word in hostile if "\\x7f" + word in text}
    assert seen >= (set(hostile) - {"holder"} if by == "server" else {"holder", "have", "name"}), seen


def test_the_records_of_our_own_server(hf, town, python):
    with hf.serve(*town.serve_args, "--respond", "text:hello", "--allow", "any") as server:
        for _ in range(3):
            python.get(server.port, town["expired"])
        server.wait_record(3)
        log = "\n".join(server.lines["err"])
    told = hf.json("explain", "--record", "-", input=log, exit=1)
    assert told["records"] == 3 and told["causes"][0]["cause"] == "V-EXPIRED"
    assert (told["causes"][0]["refused_by"], told["causes"][0]["fault_in"]) == ("server", "client")


def test_what_a_client_held_against_us(hf, town, tmp_path, python):
    """The client's alert has several meanings; our own certificate's dates, or our files, decide."""
    folder = tmp_path / "old"
    folder.mkdir()
    certs = zoo.build({"server": dict(zoo.SERVER, days=[-30, -1])})
    files = [("chain.pem", certs["server"].pem + certs["issuing"].pem), ("leaf.pem", certs["server"].pem),
             ("key.pem", certs["server"].key_pem), ("ca.pem", certs["root"].pem)]
    for name, octets in files:
        (folder / name).write_bytes(octets)
        (folder / name).chmod(0o600)

    def log(chain, trust):
        with hf.serve("--listen", "127.0.0.1:0", "--cert", chain, "--key", folder / "key.pem", "--ca", town.ca,
                      "--respond", "text:x", "--allow", "any") as server:
            assert python.get(server.port, town["mail"], ca=trust).status is None
            server.wait_record(1)
            return "\n".join(server.lines["err"])

    told = hf.json("explain", "--record", "-", input=log(folder / "chain.pem", str(folder / "ca.pem")), exit=1)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("V-EXPIRED", "client", "server")
    assert told["confidence"] == "certain" and told["certificate"]["role"] == "server-leaf"
    text = log(folder / "leaf.pem", str(folder / "ca.pem"))
    told = hf.json("explain", "--record", "-", input=text, exit=1)
    assert told["cause"] == "V-NO-INTERMEDIATE" and told["confidence"] == "likely"
    assert "V-UNKNOWN-CA" in told["candidates"]  # by the chain that stands in the record
    told = hf.json("explain", "--record", "-", "--server-files", folder / "leaf.pem", input=text, exit=1)
    assert told["cause"] == "V-NO-INTERMEDIATE" and told["confidence"] == "likely"


def test_a_file_without_records(hf, tmp_path):
    (tmp_path / "log").write_text("nothing\n")
    assert "no refusal record" in hf("explain", "--record", tmp_path / "log", exit=3).stderr
