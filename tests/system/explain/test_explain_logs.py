# SPDX-License-Identifier: Apache-2.0
"""The log of a server that refuses a client, and nothing else: what other programs write, live, read by `explain -`.
Where they say of which certificate the verdict is, leaf and CA are told apart."""
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peers import Credential

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import SERVERS, HaproxyServer, write  # noqa: E402

CA = {"ca": True, "ku": ["keyCertSign", "cRLSign"]}
LONG = ('error-log-format "%ci:%cp [%tr] %ft %ac/%fc %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/'
        '%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc"')


@pytest.fixture(scope="module")
def fleet(session_dir):
    """Clients of a house that no other test knows, each wrong in its own way, and whom the server admits."""
    folder = session_dir / "fleet"
    folder.mkdir()
    specs = {"root": {"subject": "/O=Loom Works/CN=Loom Root"}, "issuing": {"subject": "/O=Loom Works/CN=Loom Line CA"},
             "old": dict(CA, issuer="root", subject="/O=Loom Works/CN=Loom Old CA", days=[-60, -2]),
             "stranger": dict(CA, issuer="self", subject="/O=Weir/CN=Weir Root"),
             "good": dict(zoo.CLIENT, issuer="issuing", subject="/CN=spindle-1"),
             "late": dict(zoo.CLIENT, issuer="issuing", subject="/CN=spindle-2", days=[-30, -1]),
             "below-old": dict(zoo.CLIENT, issuer="old", subject="/CN=spindle-3"),
             "self": dict(zoo.CLIENT, issuer="self", subject="/CN=spindle-4"),
             "gate": dict(zoo.SERVER, issuer="issuing", subject="/CN=gate"),
             "below-old-gate": dict(zoo.SERVER, issuer="old", subject="/CN=gate")}
    certs = zoo.build(specs)

    def cred(name, *chain):
        return Credential(write(folder, name + ".pem", b"".join(certs[n].pem for n in chain)),
                          write(folder, name + ".key", certs[chain[0]].key_pem))

    made = {name: cred(name, name, "issuing") for name in ("good", "late", "gate")}
    made.update({name: cred(name, name, "old") for name in ("below-old", "below-old-gate")})
    made.update({ "alone": cred("alone", "good"),
                 "self": cred("self", "self"), "root": write(folder, "root.pem", certs["root"].pem),
                 "stranger": write(folder, "stranger.pem", certs["stranger"].pem)})
    return made


CASES = {  # who comes, whom the server admits, the cause
    "leaf-expired": ("late", "root", "V-EXPIRED"), "ca-expired": ("below-old", "root", "V-CA-EXPIRED"),
    "leaf-alone": ("alone", "root", "V-NO-INTERMEDIATE"), "unknown-ca": ("good", "stranger", "V-UNKNOWN-CA"),
    "self-signed": ("self", "root", "V-SELF-SIGNED"), "nothing": (None, "root", "N-NONE"),
}
# who says of which certificate it is: the cause comes first; of the others it is among the candidates
TELLING = ("openssl", "stunnel", "haproxy-long")
SAID = {"openssl": ("verify error:", "peer did not"), "nginx": ("verify error:", "no required"),
        "node": ("tlsClientError",), "apache": ("Verification: Error", "peer did not"),
        "stunnel": ("Rejected by CERT", "peer did not"), "haproxy": ("fe_", "f/1:"), "haproxy-long": ("/000000000A0",),
        "gnutls": ("Error in handshake",)}


def start(kind, fleet, ca, home):
    if kind == "haproxy-long":
        return HaproxyServer(home, fleet["gate"], ca, defaults=LONG)
    more = {"node": ()}.get(kind)
    return SERVERS[kind](home, fleet["gate"], ca, **({"more": more} if more else {}))


def log_of(server, kind):
    """Its lines, once the verdict stands among them."""
    def lines():
        return [line for stream in ("out", "err") for line in server.lines[stream]]

    server.wait_until(lambda: any(word in line for line in lines() for word in SAID[kind]), "the verdict in the log")
    return "\n".join(lines())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", SAID)
def test_the_log_alone_tells_the_cause(hf, tmp_path, fleet, kind, case):
    who, admits, cause = CASES[case]
    args = ["--ca", fleet["root"]] + (["--cert", fleet[who].cert, "--key", fleet[who].key] if who else [])
    with start(kind, fleet, fleet[admits], tmp_path) as server:
        hf.json("explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--one-shot", *args, exit=1)
        log = log_of(server, kind)
    told = hf.json("explain", "-", input=log, exit=1)["lines"]
    assert any(cause in line["candidates"] for line in told), (told, log)
    if kind in TELLING:
        assert any(line["cause"] == cause for line in told), (told, log)


@pytest.mark.parametrize("kind,role", [("openssl", "client-ca"), ("stunnel", "client-ca"), ("apache", None)])
def test_the_certificate_that_the_log_names_is_shown(hf, tmp_path, fleet, kind, role):
    with start(kind, fleet, fleet["root"], tmp_path) as server:
        hf.json("explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--ca", fleet["root"],
                "--cert", fleet["below-old"].cert, "--key", fleet["below-old"].key, exit=1)
        log = log_of(server, kind)
    told = next(line for line in hf.json("explain", "-", input=log, exit=1)["lines"] if "certificate" in line)
    assert "Loom Old CA" in told["certificate"]["subject"], told
    assert told["certificate"].get("role") == role and told["refused_by"] == "the server", told
    assert told["fault_in"] == "client"
    assert "about " in hf("explain", "-", input=log, exit=1).stdout


# --- the client refused the server: its alert in the log, and the server's own chain -------


ALERTS = {"openssl": "alert number", "nginx": "alert number", "haproxy": "handshake failure", "gnutls": "Error in handshake",
          "haproxy-long": "/000000000A0", "apache": "alert number"}


@pytest.mark.parametrize("kind", ALERTS)
def test_what_a_client_held_against_the_server_by_its_log_and_its_files(hf, tmp_path, fleet, kind):
    gate = fleet["below-old-gate"]
    with start(kind, dict(fleet, gate=gate), fleet["root"], tmp_path) as server:
        hf.json("explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--ca", fleet["root"], exit=1)
        server.wait_until(lambda: ALERTS[kind] in server.text(), "the alert in the log")
        log = "\n".join(line for stream in ("out", "err") for line in server.lines[stream])
    alone = hf.json("explain", "-", input=log, exit=1)["lines"]
    told = hf.json("explain", "-", "--server-files", gate.cert, input=log, exit=1)["lines"]
    assert not any(line["cause"] == "V-CA-EXPIRED" for line in alone), alone
    found = [line for line in told if line["cause"] == "V-CA-EXPIRED"]
    assert found, (told, log)
    assert (found[0]["refused_by"], found[0]["fault_in"]) == ("the client", "server"), found
    assert found[0]["certificate"]["role"] == "server-ca" and "Loom Old CA" in found[0]["certificate"]["subject"]
    shown = kind in ("openssl", "nginx", "apache", "haproxy-long")
    assert found[0]["confidence"] == ("certain" if shown else "likely"), found
