# SPDX-License-Identifier: Apache-2.0
"""Chains that are right in the eyes of whoever has the missing part: an upper intermediate that is not sent, an expired
one that is sent although a fresh one lies here, two faults of which the server names neither."""
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peers import Credential

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import SERVERS, write  # noqa: E402

CA = {"ca": True, "ku": ["keyCertSign", "cRLSign"]}
KINDS = ("openssl", "nginx", "haproxy", "apache", "node", "gnutls")


def explain(hf, server, house, who, *more, code=1, ca=None):
    args = ["--cert", who.cert, "--key", who.key] if who else []
    return hf.json("explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--ca",
                   ca or house["root"], *args, *more, exit=code)


def files(house, *more):
    return ["--server-files", ",".join([house["gate"].cert, house["gate"].key, house["root"], *more])]


@pytest.fixture(scope="module")
def house(session_dir):
    folder = session_dir / "quarry"
    folder.mkdir()
    north = "/C=NO/O=Quarry Rail/CN=QR Issuing North"
    certs = zoo.build({
        "root": {"subject": "/O=Quarry Rail/CN=Quarry Anchor 3"}, "issuing": {"subject": north, "pathlen": None},
        "old": dict(CA, issuer="root", subject=north, key="as:issuing", days=[-90, -2]),
        "sub": dict(CA, issuer="issuing", subject="/O=Quarry Rail/CN=QR Shunting CA"),
        "gate": dict(zoo.SERVER, issuer="issuing", subject="/CN=gate"),
        "deep-gate": dict(zoo.SERVER, issuer="sub", subject="/CN=deep gate"),
        "engine": dict(zoo.CLIENT, issuer="issuing", subject="/CN=engine-19"),
        "late-engine": dict(zoo.CLIENT, issuer="issuing", subject="/CN=engine-20", days=[-30, -1]),
        "deep-engine": dict(zoo.CLIENT, issuer="sub", subject="/CN=engine-21"),
        "strange": dict(CA, issuer="self", subject="/CN=Tarn Root")})

    def cred(name, *chain):
        (folder / name).mkdir()  # what lies beside a file is looked through
        return Credential(write(folder / name, "tls.crt", b"".join(certs[n].pem for n in chain)),
                          write(folder / name, "tls.key", certs[chain[0]].key_pem))

    made = {"gate": cred("gate", "gate", "issuing"), "deep-gate": cred("deep-gate", "deep-gate", "sub"),
            "engine": cred("engine", "engine", "issuing"), "late": cred("late", "late-engine", "issuing"),
            "old": cred("old", "engine", "old"), "deep": cred("deep", "deep-engine", "sub")}
    (folder / "trust").mkdir()
    for name in ("root", "strange"):
        made[name] = write(folder / "trust", name + ".pem", certs[name].pem)
    (folder / "alone").mkdir()
    made["root-alone"] = write(folder / "alone", "root.pem", certs["root"].pem)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_without_its_upper_intermediate(hf, house, tmp_path, kind):
    """The client's own chain has the missing certificate: that makes it certain."""
    with SERVERS[kind](tmp_path, house["deep-gate"], mode="none") as server:
        told = explain(hf, server, house, house["engine"])
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("V-NO-INTERMEDIATE", "client", "server"), told
    assert told["confidence"] == "certain" and told["certificate"]["subject"] == "O=Quarry Rail, CN=QR Shunting CA"
    assert "QR Issuing North" in told["explanation"] and "QR Issuing North" in told["fix"], told


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_without_its_upper_intermediate_which_nobody_has(hf, house, tmp_path, kind):
    """An unknown CA and a missing one look alike from here: neither is certain."""
    with SERVERS[kind](tmp_path, house["deep-gate"], mode="none") as server:
        told = explain(hf, server, house, None, ca=house["root-alone"])
    assert set(told["candidates"]) == {"V-UNKNOWN-CA", "V-NO-INTERMEDIATE"} and told["confidence"] == "likely", told
    assert told["cannot_know"]


@pytest.mark.parametrize("view", ["client", "both"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_client_without_its_upper_intermediate(hf, house, tmp_path, kind, view):
    with SERVERS[kind](tmp_path, house["gate"], house["root"]) as server:
        told = explain(hf, server, house, house["deep"], *(files(house) if view == "both" else []))
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("V-NO-INTERMEDIATE", "server", "client"), told
    assert told["confidence"] == "certain" and told["certificate"]["role"] == "client-ca"
    assert house["deep"].cert in told["fix"], told["fix"]


@pytest.mark.parametrize("view", ["client", "both"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_sends_an_expired_intermediate(hf, house, tmp_path, kind, view):
    """A fresh one of the same CA comes with the server's chain, so the client's path is in order here."""
    with SERVERS[kind](tmp_path, house["gate"], house["root"]) as server:
        told = explain(hf, server, house, house["old"], *(files(house) if view == "both" else []))
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("V-CA-EXPIRED", "server", "client"), told
    assert told["certificate"]["role"] == "client-ca" and told["since"] == told["certificate"]["not_after"]


def test_of_two_faults_neither_is_kept_quiet(hf, house, tmp_path):
    """nginx says no more than "error": expired, and its list does not have the CA either."""
    with SERVERS["nginx"](tmp_path, house["gate"], house["strange"]) as server:
        told = explain(hf, server, house, house["late"])
    assert told["cause"] == "V-EXPIRED" and any("[V-UNKNOWN-CA]" in line for line in told["also"]), told


def test_gnutls_that_refuses_what_its_files_accept(hf, house, tmp_path):
    """Its alert 49 is no rule of an application, with its files at hand neither."""
    from support import peer_servers
    from support.moved_clock import Clock
    clock, env = Clock(tmp_path), peer_servers.clean_env
    clock.set(-700 * 86400)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peer_servers, "clean_env", lambda home: dict(env(home), **clock.env))
        with SERVERS["gnutls"](tmp_path, house["gate"], house["root"]) as server:
            told = explain(hf, server, house, house["engine"], *files(house))
    assert told["alert"]["number"] == 49 and told["cause"] != "A-NOT-ALLOWED", told
    assert told["confidence"] == "cannot know from here" and "K-CLOCK" in told["candidates"]
