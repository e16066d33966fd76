# SPDX-License-Identifier: Apache-2.0
"""Alert 44 says that something of the chain is revoked, and not what: the lists at hand tell leaf, CA and a shared serial
apart, and what they do not tell is not claimed."""
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peers import Credential

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import SERVERS, write  # noqa: E402

KINDS = ("openssl", "haproxy", "apache")


@pytest.fixture(scope="module")
def dock(session_dir):
    folder = session_dir / "dock"
    folder.mkdir()
    certs = zoo.build({"root": {"subject": "/O=Dock Nine/CN=Dock Root"}, "issuing": {"subject": "/O=Dock Nine/CN=Dock CA"},
                       "gate": dict(zoo.SERVER, issuer="root", subject="/CN=gate"),
                       "crane": dict(zoo.CLIENT, issuer="issuing", subject="/CN=crane-3"),
                       "direct": dict(zoo.CLIENT, issuer="root", subject="/CN=crane-4"),
                       "twin": dict(zoo.CLIENT, issuer="issuing", serial=77, subject="/CN=crane-5"),
                       "first": dict(zoo.CLIENT, issuer="issuing", serial=77, subject="/CN=crane-6")})

    def cred(name, *chain):
        return Credential(write(folder, name + ".crt", b"".join(certs[n].pem for n in chain)),
                          write(folder, name + ".key", certs[name].key_pem))

    def lists(name, *rows):
        made = [zoo.make_crl(certs[row["issuer"]], row, certs) for row in rows]
        return [write(folder, "%s-%d.crl" % (name, i), one) for i, one in enumerate(made)], \
            write(folder, name + ".all.crl", b"".join(made))

    root, issuing = {"issuer": "root"}, {"issuer": "issuing"}
    return {"root": write(folder, "root.pem", certs["root"].pem), "gate": cred("gate", "gate"),
            "crane": cred("crane", "crane", "issuing"), "direct": cred("direct", "direct"),
            "twin": cred("twin", "twin", "issuing"), "leaf": lists("leaf", root, dict(issuing, revokes=["crane"])),
            "ca": lists("ca", dict(root, revokes=["issuing"]), issuing),
            "serial": lists("serial", root, dict(issuing, revokes=["first"])), "none": lists("none", root, issuing),
            "below-root": lists("below-root", dict(root, revokes=["direct"]), issuing)}


def ask(hf, dock, server, who, *more):
    return hf.json("explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--ca", dock["root"],
                   "--cert", dock[who].cert, "--key", dock[who].key, *more, exit=1)


def files(dock, lists):
    return ["--server-files", ",".join([dock["gate"].cert, dock["gate"].key, dock["root"], dock[lists][1]])]


@pytest.mark.parametrize("view", ["server-files", "crl"])
@pytest.mark.parametrize("lists,cause,role", [("leaf", "V-REVOKED", "client-leaf"), ("ca", "V-CA-REVOKED", "client-ca")])
@pytest.mark.parametrize("kind", KINDS)
def test_the_lists_tell_leaf_and_ca_apart(hf, dock, tmp_path, kind, lists, cause, role, view):
    with SERVERS[kind](tmp_path, dock["gate"], dock["root"], crls=dock[lists][0]) as server:
        told = ask(hf, dock, server, "crane", *(files(dock, lists) if view == "server-files" else ["--crl", dock[lists][1]]))
    assert (told["cause"], told["confidence"], told["certificate"]["role"]) == (cause, "certain", role), told


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_list_three_causes_are_open(hf, dock, tmp_path, kind):
    with SERVERS[kind](tmp_path, dock["gate"], dock["root"], crls=dock["ca"][0]) as server:
        told = ask(hf, dock, server, "crane")
    assert told["candidates"] == ["V-REVOKED", "V-CA-REVOKED", "V-DUP-SERIAL"] and told["confidence"] == "likely", told
    assert "its CA" in told["explanation"] and any("--crl" in line for line in told["cannot_know"])


def test_a_root_stands_on_no_list(hf, dock, tmp_path):
    with SERVERS["openssl"](tmp_path, dock["gate"], dock["root"], crls=dock["below-root"][0]) as server:
        told = ask(hf, dock, server, "direct")
    assert told["candidates"] == ["V-REVOKED", "V-DUP-SERIAL"], told


@pytest.mark.parametrize("view", ["server-files", "crl"])
def test_a_list_that_is_not_the_servers(hf, dock, tmp_path, view):
    """The one at hand has nothing of it: said, and no more is claimed."""
    with SERVERS["openssl"](tmp_path, dock["gate"], dock["root"], crls=dock["leaf"][0]) as server:
        told = ask(hf, dock, server, "crane", *(files(dock, "none") if view == "server-files" else ["--crl", dock["none"][1]]))
    assert told["cause"] == "V-REVOKED" and told["confidence"] == "likely", told
    assert any("goes by another list" in line for line in told["evidence"])


def test_a_short_serial_may_be_somebody_elses(hf, dock, tmp_path):
    with SERVERS["openssl"](tmp_path, dock["gate"], dock["root"], crls=dock["serial"][0]) as server:
        told = ask(hf, dock, server, "twin", *files(dock, "serial"))
    assert told["cause"] in ("V-REVOKED", "V-DUP-SERIAL") and "V-DUP-SERIAL" in told["candidates"], told
