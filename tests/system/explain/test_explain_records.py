# SPDX-License-Identifier: Apache-2.0
"""The server alone: what our gateway's records tell of clients that refused it, of those that spoke another language,
and of those it refused for its own reasons."""
import json
import os
import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_casebook import CASES  # noqa: E402
from explain_scores import keep, points  # noqa: E402
from explain_servers import HandfastServer, write  # noqa: E402
from explain_world import Pair  # noqa: E402

FULL = bool(os.environ.get("HF_EXPLAIN_FULL"))
# what a client's alert and our chain cannot tell: the client's own lists, trust and name, or it accepts
UNKNOWN = {"s-cn-only", "s-partial-anchor", "s-trusted-leaf", "s-ku", "s-ku-12", "s-staple", "s-crl-missing",
           "s-crl-expired", "s-revoked", "s-ca-revoked", "s-aki"}
UNSTARTED = {"s-weak-key", "s-weak-sig"}  # our server does not start with these
HINTS = {"s-same-name", "s-same-name-no-ids", "s-root-expired", "s-unknown-ca", "s-wildcard"}  # the client's side
ALONE = [(name, version) for at, name in enumerate(sorted(CASES)) if name.startswith("s-")
         and name not in UNKNOWN | UNSTARTED for v, version in enumerate(("1.2", "1.3")) if FULL or (at + v) % 2 == 0]


@pytest.fixture(autouse=True)
def own_server(hf):
    HandfastServer.handfast = hf


def told_by(hf, server, *more, count=1):
    server.wait_record(count)
    log = "\n".join(line for line in server.lines["err"] if line.startswith("{"))
    return hf.json("explain", "--record", "-", *more, input=log, exit=1)


@pytest.mark.parametrize("name,version", ALONE, ids=["-".join(row) for row in ALONE])
def test_a_client_refuses_us(hf, tmp_path, python, name, version):
    """An OpenSSL client refuses our server: its alert, and the chain that stands in the record."""
    case = CASES[name]
    pair = Pair("record-%s-%s" % (name, version), case, tmp_path / "pair")
    with HandfastServer(tmp_path, pair.server, pair.admits, version=version) as server:
        context = python.context(pair.client, pair.trusts, version, ciphers="DEFAULT:@SECLEVEL=2")
        context.check_hostname = True
        with pytest.raises(OSError):
            with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
                context.wrap_socket(raw, server_hostname=pair.name)
        told = told_by(hf, server)
    got = points(case, told, pair, "server")
    keep("server", (name, "handfast", version), got, told["cause"])
    assert got[0] >= (1 if name in HINTS else 3), (got[1], told)


def shout(server, octets):
    with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
        raw.sendall(octets)
        raw.settimeout(10)
        while raw.recv(4096):
            pass


V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\x9c\x40\x01\xbb"
LANGUAGES = [("http", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "T-PLAINTEXT-CLIENT", ()),
             ("proxy-1", b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 443\r\n" + bytes(40), "T-PROXY-UNEXPECTED", ()),
             ("proxy-2", V2 + bytes(40), "T-PROXY-UNEXPECTED", ()),
             ("no-proxy", b"\x16\x03\x01\0\x30" + bytes(48), "T-PROXY-EXPECTED", ("--accept-proxy-protocol", "127.0.0.0/8"))]


@pytest.mark.parametrize("octets,cause,more", [row[1:] for row in LANGUAGES], ids=[row[0] for row in LANGUAGES])
def test_a_client_of_another_language(hf, town, octets, cause, more):
    with hf.serve(*town.serve_args, "--respond", "text:x", "--allow", "any", *more) as server:
        shout(server, octets)
        told = told_by(hf, server)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == (cause, "server", "client"), told
    assert told["confidence"] == "certain" and told["fix"]


# what an OpenSSL client offers, and what our server says of it
OFFERS = [(["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "P-CIPHER-KEY", "both", ()),
          (["-tls1_2", "-cipher", "AES128-SHA:ECDHE-ECDSA-AES128-SHA"], "P-CIPHER", "both", ()),
          (["-tls1_3", "-groups", "X448"], "P-GROUP", "both", ()),
          (["-tls1_3", "-sigalgs", "RSA-PSS+SHA256"], "P-SIGALG", "both", ()),
          (["-tls1_2"], "P-VERSION", "client", ("--tls-min", "1.3")),
          (["-alpn", "fleet/1"], "P-ALPN", "both", ())]


@pytest.mark.parametrize("offer,cause,fault,more", OFFERS, ids=[row[1] for row in OFFERS])
def test_nothing_in_common(hf, town, tmp_path, client_of, offer, cause, fault, more):
    client_of("openssl")
    with hf.serve(*town.serve_args, "--respond", "text:x", "--allow", "any", *more) as server:
        from support.peers import run
        run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.port, "-CAfile", town.ca, *offer], tmp_path)
        told = told_by(hf, server)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == (cause, "server", fault), told
    keep("server", (cause, "handfast", "-"), (3, ""), cause)


def test_nothing_was_sent_is_certain_and_why_is_not(hf, town, python):
    with hf.serve(*town.serve_args, "--respond", "text:x", "--allow", "any") as server:
        python.get(server.port, None, ca=town.ca)
        told = told_by(hf, server)
    assert told["cause"] == "N-NONE" and told["confidence"] == "likely" and told["cannot_know"]
    assert {"N-SIGALG", "N-CA-LIST", "N-EKU-FILTER"} <= set(told["candidates"])


def test_a_night_of_our_own_stale_list_is_one_explanation(hf, town, tmp_path, python):
    from support import zoo
    stale = write(tmp_path, "stale.crl", zoo.make_crl(town.certs["issuing"], {"days": [-9, -2]}, town.certs)
                  + zoo.make_crl(town.certs["root"], {}, town.certs))
    with hf.serve(*town.serve_args, "--crl", stale, "--respond", "text:x", "--allow", "any") as server:
        for _ in range(3):
            python.get(server.port, town["mail"], ca=town.ca)
        told = told_by(hf, server, count=3)
        text = hf("explain", "--record", "-", input="\n".join(server.lines["err"]), exit=1).stdout
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("V-CRL-EXPIRED", "server", "server")
    assert stale in told["fix"] and told["confidence"] == "certain"
    assert text.startswith("3 of 3 refused by us, the server since ") and "<--X-- alert" in text
    assert all(len(line) <= 80 for line in text.splitlines() if "/" not in line), text


def test_a_file_that_changed_and_was_not_reloaded_is_told(hf, town, python):
    with hf.serve(*town.serve_args, "--respond", "text:x", "--allow", "any") as server:
        python.get(server.port, town["expired"], ca=town.ca)
        server.wait_record(1)
        record = json.loads(next(line for line in server.lines["err"] if line.startswith("{")))
    files = {row["role"]: row for row in record["trust"]["files"]}
    assert files["ca"]["path"] == town.ca and files["certificate"]["path"] == town["server"].cert
    assert all(row["sha256"] == row["on_disk"] for row in files.values())
    files["ca"]["on_disk"] = "0" * 64
    told = hf.json("explain", "--record", "-", input=json.dumps(record), exit=1)
    assert any("not reloaded" in line and town.ca in line for line in told["evidence"]), told


def test_the_page_of_a_record(hf, town, tmp_path, python):
    with hf.serve(*town.serve_args, "--respond", "text:x", "--allow", "any") as server:
        python.get(server.port, town["expired"], ca=town.ca)
        server.wait_record(1)
        log = "\n".join(server.lines["err"])
    hf("explain", "--record", "-", "--html", tmp_path / "p.html", input=log, exit=1)
    page = (tmp_path / "p.html").read_text()
    assert "V-EXPIRED" in page and "certificate_expired" in page
