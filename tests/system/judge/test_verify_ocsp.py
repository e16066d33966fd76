# SPDX-License-Identifier: Apache-2.0
"""handfast verify --ocsp FILE: responses that other programs made, weighed as serve weighs those it asks for."""
import datetime
import subprocess

import pytest
from support import zoo
from support.process import clean_env

TOWN = {
    "issuing": {"pathlen": None},
    "amy": {"subject": "/O=Zoo/CN=amy"},
    "bob": {"subject": "/O=Zoo/CN=bob"},
    # OCSPSigning is 1.3.6.1.5.5.7.3.9, which the zoo does not know by name
    "delegate": {"subject": "/O=Zoo/CN=Responder", "eku": None, "san": None,
                 "extensions": [{"oid": "2.5.29.37", "der": "300a06082b06010505070309"}]},
    "stranger-root": {"issuer": "self", "subject": "/O=Other/CN=Other Root", "ca": True, "ku": ["keyCertSign", "cRLSign"]},
}


class Town:
    def __init__(self, folder):
        self.dir, self.certs = folder, zoo.build(TOWN)
        for name, cert in self.certs.items():
            (folder / (name + ".pem")).write_bytes(cert.pem)
            (folder / (name + ".key")).write_bytes(cert.key_pem)
        (folder / "chain.pem").write_bytes(self.certs["amy"].pem + self.certs["issuing"].pem)

    def path(self, name):
        return str(self.dir / name)

    def run(self, *argv):
        subprocess.run(argv, check=True, capture_output=True, cwd=self.dir, timeout=120, env=clean_env(str(self.dir)),
                       stdin=subprocess.DEVNULL)

    def index(self, **states):
        """OpenSSL's database: name -> V, or R with its reason; who is not in it is unknown."""
        rows = []
        for name, state in states.items():
            serial = "%X" % self.certs[name].x509.serial_number
            serial = serial if len(serial) % 2 == 0 else "0" + serial
            rows.append("\t".join([state[0], "361231235959Z", "260101000000Z,keyCompromise" if state == "R" else "", serial,
                                   "unknown", "/CN=" + name]))
        (self.dir / "index.txt").write_text("".join(row + "\n" for row in rows))

    def openssl(self, out, signer="issuing", about="amy", days="1"):
        """What `openssl ocsp` answers about it."""
        self.run("openssl", "ocsp", "-reqout", "request.der", "-no_nonce", "-issuer", "issuing.pem", "-cert", about + ".pem")
        self.run("openssl", "ocsp", "-index", "index.txt", "-rsigner", signer + ".pem", "-rkey", signer + ".key", "-CA",
                 "issuing.pem", "-reqin", "request.der", "-respout", out, "-ndays", days)
        return self.path(out)


@pytest.fixture(scope="module")
def ocsp_town(tmp_path_factory):
    return Town(tmp_path_factory.mktemp("ocsp"))


def verify(hf, town, *files, exit=0, **more):
    args = ["verify", "--ca", town.path("root.pem"), town.path("chain.pem")]
    for file in files:
        args += ["--ocsp", file]
    for key, value in more.items():
        args += ["--" + key, value]
    return hf.json(*args, exit=exit)["results"][0], hf(*args, exit=exit)


@pytest.mark.parametrize("signer", ["issuing", "delegate"])
def test_good_from_the_ca_or_whom_it_has_made_a_responder(hf, ocsp_town, signer):
    ocsp_town.index(amy="V")
    told, text = verify(hf, ocsp_town, ocsp_town.openssl("good.der", signer))
    assert told["verdict"]["accepted"] and told["ocsp"]["status"] == "good"
    assert told["verdict"]["valid_until"] == told["ocsp"]["next_update"]
    assert "OK" in text.stdout and "ocsp: good, says" in text.stdout


def test_revoked_names_the_reason(hf, ocsp_town):
    ocsp_town.index(amy="R")
    told, text = verify(hf, ocsp_town, ocsp_town.openssl("revoked.der"), exit=1)
    assert told["verdict"]["reason"] == "V-REVOKED" and told["verdict"]["alert"] == 44
    assert told["ocsp"]["status"] == "revoked" and told["ocsp"]["revoked_at"].startswith("2026-01-01")
    assert "keyCompromise" in text.stdout


def test_unknown_is_not_good(hf, ocsp_town):
    ocsp_town.index(bob="V")
    told, _ = verify(hf, ocsp_town, ocsp_town.openssl("unknown.der"), exit=1)
    assert told["verdict"]["reason"] == "V-OCSP-UNKNOWN" and told["ocsp"]["status"] == "unknown"


@pytest.mark.parametrize("signer, says", [("bob", "has not made a responder"), ("stranger-root", "has not made a responder")])
def test_signature_of_somebody_else_is_refused(hf, ocsp_town, signer, says):
    ocsp_town.index(amy="V")
    told, text = verify(hf, ocsp_town, ocsp_town.openssl("foreign.der", signer), exit=1)
    assert told["verdict"]["reason"] == "V-OCSP-DOWN" and told["ocsp"] is None
    assert says in text.stdout and "foreign.der" in text.stdout


def test_damaged_old_early_or_about_another(hf, ocsp_town):
    ocsp_town.index(amy="V", bob="V")
    good = ocsp_town.openssl("good.der")
    octets = bytearray(open(good, "rb").read())
    octets[octets.find(b"\x18\x0f") + 4] ^= 1  # a digit of a time: what was signed is another thing
    damaged = ocsp_town.dir / "damaged.der"
    damaged.write_bytes(octets)
    told, text = verify(hf, ocsp_town, str(damaged), exit=1)
    assert told["verdict"]["reason"] == "V-OCSP-DOWN" and "signature does not verify" in text.stdout
    told, text = verify(hf, ocsp_town, ocsp_town.openssl("bob.der", about="bob"), exit=1)
    assert told["verdict"]["reason"] == "V-OCSP-DOWN" and "says nothing of this certificate" in text.stdout
    until = verify(hf, ocsp_town, good)[0]["ocsp"]["next_update"]
    later = (datetime.date.fromisoformat(until[:10]) + datetime.timedelta(days=2)).isoformat()
    told, text = verify(hf, ocsp_town, good, exit=1, at=later)
    assert told["verdict"]["reason"] == "V-OCSP-DOWN" and "it ended at" in text.stdout


def test_newest_of_several_counts_and_others_are_passed_over(hf, ocsp_town):
    ocsp_town.index(amy="V", bob="V")
    good, other = ocsp_town.openssl("good.der"), ocsp_town.openssl("bob.der", about="bob")
    told, _ = verify(hf, ocsp_town, other, good)
    assert told["ocsp"]["file"] == good and told["verdict"]["accepted"]


def test_what_is_no_response_is_a_mistake(hf, ocsp_town):
    told = hf("verify", "--ca", ocsp_town.path("root.pem"), "--ocsp", ocsp_town.path("amy.pem"), ocsp_town.path("chain.pem"),
              exit=3)
    assert "is no OCSP response" in told.stderr
    told = hf("verify", "--ca", ocsp_town.path("root.pem"), "--ocsp", ocsp_town.path("nowhere"), ocsp_town.path("chain.pem"),
              exit=3)
    assert "nowhere" in told.stderr
    told = hf("verify", "--ca", ocsp_town.path("root.pem"), "--ocsp", ocsp_town.path("amy.pem"), "--profile", "all",
              ocsp_town.path("chain.pem"), exit=2)
    assert "--ocsp" in told.stderr
