# SPDX-License-Identifier: Apache-2.0
"""`serve --ocsp soft|hard`: each reason of a responder (V-OCSP-*) and a revocation that it tells of, live, from the
client's side and from the server's records.  The responder is OpenSSL's, with the issuing CA as its signer."""
import re
import socket
import sys
import time
from pathlib import Path

import pytest
from support import zoo
from support.peers import Credential, need
from support.process import Watched, clean_env

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import write  # noqa: E402


class Responder(Watched):
    """openssl ocsp over an index of these rows: (status, certificate)."""

    def __init__(self, folder, issuing, *rows):
        index = "".join("%s\t350101000000Z\t%s\t%X\tunknown\t/CN=x%X\n" % (
            status, time.strftime("%y%m%d%H%M%SZ", time.gmtime()) if status == "R" else "", cert.x509.serial_number, cert.x509.serial_number)
            for status, cert in rows)
        argv = [need("openssl"), "ocsp", "-port", "0", "-index", write(folder, "index.txt", index), "-CA",
                write(folder, "issuing.pem", issuing.pem), "-rsigner", write(folder, "issuing.pem", issuing.pem), "-rkey",
                write(folder, "issuing.key", issuing.key_pem), "-nmin", "60"]
        super().__init__(argv, clean_env(folder), str(folder))
        self.url = "http://127.0.0.1:%s" % self.ready(lambda: self.wait_until(self._port, "the responder to be ready"))[0]

    def _port(self):
        lines = self.lines["out"] + self.lines["err"]
        told = [re.match(r"ACCEPT .*:(\d+) PID", line) for line in lines]
        return [found.group(1) for found in told if found] if any("waiting for OCSP" in line for line in lines) else None


@pytest.fixture(scope="module")
def house(session_dir):
    folder = session_dir / "ocsp-house"
    folder.mkdir()
    certs = zoo.build({"root": {"subject": "/O=Tern/CN=Tern Root"}, "issuing": {"subject": "/O=Tern/CN=Tern CA"},
                       "gate": dict(zoo.SERVER, subject="/CN=gate"), "known": dict(zoo.CLIENT, subject="/CN=pier-1"),
                       "gone": dict(zoo.CLIENT, subject="/CN=pier-2"), "stray": dict(zoo.CLIENT, subject="/CN=pier-3")})
    made = {name: Credential(write(folder, name + ".pem", certs[name].pem + certs["issuing"].pem),
                             write(folder, name + ".key", certs[name].key_pem)) for name in ("gate", "known", "gone", "stray")}
    return dict(made, ca=write(folder, "root.pem", certs["root"].pem), certs=certs)


@pytest.fixture
def responder(house, tmp_path):
    certs = house["certs"]
    with Responder(tmp_path, certs["issuing"], ("V", certs["known"]), ("R", certs["gone"])) as running:
        yield running


def serve(hf, house, mode, url):
    where = ["--ocsp-url", url] if url else []
    return hf.serve("--listen", "127.0.0.1:0", "--cert", house["gate"].cert, "--key", house["gate"].key, "--ca", house["ca"],
                    "--allow", "any", "--respond", "text:x", "--ocsp", mode, *where)


def ask(hf, house, server, who, code):
    return hf.json("explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--ca", house["ca"],
                   "--cert", house[who].cert, "--key", house[who].key, "--one-shot", exit=code)


def recorded(hf, server):
    server.wait_record(1)
    log = "\n".join(line for line in server.lines["err"] if line.startswith("{"))
    return hf.json("explain", "--record", "-", input=log, exit=1)


def nobody():
    """The URL of a port that nobody listens on while the socket is held."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken, "http://127.0.0.1:%d/" % taken.getsockname()[1]


CASES = {  # who comes, which responder, the fault, whether soft lets in
    "V-OCSP-DOWN": ("known", "dead", "server", True), "V-OCSP-UNKNOWN": ("stray", "live", "ca", True),
    "V-OCSP-NONE": ("known", None, "server", True), "V-REVOKED": ("gone", "live", "client", False),
}


@pytest.mark.parametrize("cause", CASES)
def test_what_a_responder_makes_of_a_client(hf, house, responder, cause):
    who, which, fault, soft_lets_in = CASES[cause]
    taken, dead = nobody()
    url = {"dead": dead, "live": responder.url, None: None}[which]
    with taken, serve(hf, house, "hard", url) as server:
        told, record = ask(hf, house, server, who, 1), recorded(hf, server)
    assert (record["cause"], record["refused_by"], record["fault_in"]) == (cause, "server", fault), record
    assert record["confidence"] == "certain" and record["fix"], record
    # the wire says 46, or 44 of a revocation: from the client it is one of several
    assert told["refused_by"] == "server" and cause in told["candidates"], told
    assert told["alert"]["number"] == (44 if cause == "V-REVOKED" else 46) and told["confidence"] != "certain", told
    taken, dead = nobody()
    url = {"dead": dead, "live": responder.url, None: None}[which]
    with taken, serve(hf, house, "soft", url) as server:
        told = ask(hf, house, server, who, 0 if soft_lets_in else 1)
        assert told["meets"] == soft_lets_in and (soft_lets_in or cause in told["candidates"]), told


def test_who_is_known_and_good_comes_in(hf, house, responder):
    for mode in ("soft", "hard"):
        with serve(hf, house, mode, responder.url) as server:
            assert ask(hf, house, server, "known", 0)["cause"] is None
