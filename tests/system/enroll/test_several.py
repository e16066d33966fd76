# SPDX-License-Identifier: Apache-2.0
"""Several authorities in one service (authority --config): told apart by the name that a client asks for and by the
label in the path, and sharing nothing but listeners, log and loop."""
import base64
import json
import os
import subprocess

import pytest

from support.metrics import parse, scrape
from support.peers import need
from support.process import clean_env
from support.program import Server

FILE = """authorities:
  - label: office
    home: {office}
    name: 127.0.0.1
    admin: cn:ops
  - label: plant
    home: {plant}
    name: [localhost, plant.abc.com]
    admin: [cn:ops]
"""


class Both:
    """The office's authority is met by address, the plant's by name."""

    def __init__(self, hf, tmp_path):
        self.hf, self.dir = hf, str(tmp_path)
        self.office, self.plant = hf.at(tmp_path / "office"), hf.at(tmp_path / "plant")
        self.office("init", "Office")
        self.plant("init", "Plant")
        self.file = self.dir + "/authorities.yaml"
        self.log = self.dir + "/access.log"
        with open(self.file, "w") as out:
            out.write(FILE.format(office=self.office.home, plant=self.plant.home))
        self.socket = "unix:%s/ctl.sock" % self.dir
        self.server = Server(hf, "authority", "--config", self.file, "--listen", "127.0.0.1:0", "--publish",
                             "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--access-log", self.log, "--admin-socket",
                             self.socket, listeners=3)
        self.by_address = next(url for url in self.server.urls if url.startswith("https:"))
        self.by_name = self.by_address.replace("127.0.0.1", "localhost")
        self.publish, self.metrics = self.server.urls[-2:]

    def root(self, who):
        return who.home + "/ca/root.pem"

    def token(self, who, name, *options):
        return who("token", name, *options).stdout.strip()

    def issued(self, who, name):
        return [row["state"] for row in who.json("list", "--all")["certificates"] if row["name"] == name]

    def curl(self, who, url, *options):
        """(status, body), from a server that must stand below the root of `who`."""
        argv = ["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", "--cacert", self.root(who), *options, url]
        done = subprocess.run(argv, capture_output=True, check=True, cwd=self.dir, env=clean_env(self.dir))
        body, _, status = done.stdout.rpartition(b"\n")
        return int(status), body

    def request(self, name):
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".csr"], check=True,
                       capture_output=True, cwd=self.dir)
        der = subprocess.run(["openssl", "req", "-in", name + ".csr", "-outform", "der"], check=True,
                             capture_output=True, cwd=self.dir).stdout
        with open(self.dir + "/" + name + ".b64", "wb") as out:
            out.write(base64.b64encode(der))

    def est(self, who, url, token, name):
        self.request(name)
        ident, secret, _ = token.split(".")
        return self.curl(who, url, "-u", ident + ":" + secret, "-H", "Content-Type: application/pkcs10",
                         "--data-binary", "@" + name + ".b64")


@pytest.fixture
def both(hf, tmp_path):
    both = Both(hf, tmp_path)
    with both.server:
        yield both


def test_each_is_met_by_its_name_with_its_own_certificate(both, machine):
    for who, url, name in ((both.office, both.by_address, "amy"), (both.plant, both.by_name, "press")):
        node = machine()
        node("enroll", url, "--token", both.token(who, name))
        node("renew", name, "--from", url, "--before", "365d")
        assert both.issued(who, name) == ["valid", "valid"]
    assert both.issued(both.office, "press") == both.issued(both.plant, "amy") == []
    subject = subprocess.run(["openssl", "s_client", "-connect", both.by_address.split("//")[1], "-servername",
                              "plant.abc.com", "-CAfile", both.root(both.plant), "-verify_return_error"], input=b"",
                             capture_output=True, check=True).stdout
    assert b"Plant Issuing CA" in subject


def test_token_of_one_is_nothing_to_the_other(both, machine):
    token = both.token(both.plant, "press")
    refused = machine()("enroll", both.by_address, "--token", token, exit=1)
    assert "is not the authority that made the token" in refused.stderr
    status, body = both.est(both.office, both.by_address + "/.well-known/est/simpleenroll", token, "press")
    assert status == 401 and json.loads(body)["error"]["code"] == "token-unknown"
    assert [row["state"] for row in both.plant.json("token", "list")["tokens"]] == ["open"]
    machine()("enroll", both.by_name, "--token", token)


def test_who_has_only_a_token_and_a_label_is_told_the_name_to_ask_by(both, machine):
    token, node = both.token(both.plant, "press"), machine()
    port = both.by_address.rsplit(":", 1)[1]
    told = node("enroll", both.by_address + "/plant", "--token", token, exit=1)
    assert "[V-" in told.stderr and "handfast enroll https://localhost:%s" % port in told.stderr, told
    # nothing was spent, and the next step works, label or not
    assert [row["state"] for row in both.plant.json("token", "list")["tokens"]] == ["open"]
    node("enroll", both.by_name + "/plant", "--token", token)
    assert both.issued(both.plant, "press") == ["valid"]
    # the same for who has a certificate already
    told = node("renew", "press", "--from", both.by_address + "/plant", "--before", "365d", exit=1)
    assert "of several authorities in one service, ask by a name" in told.stderr, told
    # and without the label it is somebody else's authority
    told = machine()("enroll", both.by_address, "--token", both.token(both.plant, "saw"), exit=1)
    assert "is not the authority that made the token" in told.stderr and "its own name" in told.stderr


def test_names_are_told_only_where_there_are_several(both, hf, tmp_path):
    def names(who, url):
        got = subprocess.run(["curl", "-sSi", "--cacert", who.home + "/ca/root.pem", url + "/ca"], capture_output=True,
                             check=True).stdout.decode()
        return [line.split(": ", 1)[1].strip() for line in got.splitlines() if line.lower().startswith("authority-names")]
    assert names(both.plant, both.by_name) == ["localhost, plant.abc.com"]
    assert names(both.office, both.by_address) == ["127.0.0.1"]
    alone = hf.at(tmp_path / "alone")
    alone("init", "Alone")
    with Server(alone, "authority", "--listen", "127.0.0.1:0") as server:
        assert names(alone, server.urls[0]) == []


@pytest.mark.parametrize("path", ["/.well-known/est/plant/simpleenroll", "/plant/.well-known/est/simpleenroll"])
def test_label_leads_to_its_authority_whatever_the_name(both, path):
    status, body = both.est(both.office, both.by_address + path, both.token(both.plant, "press"), "press")
    assert status == 200 and base64.b64decode(body)
    assert both.issued(both.plant, "press") == ["valid"] and both.issued(both.office, "press") == []


def test_label_of_the_first_leads_back_from_the_others_name(both):
    for path in ("/office/ca", "/plant/ca", "/ca"):
        status, body = both.curl(both.plant, both.by_name + path)
        with open(both.root(both.office if path == "/office/ca" else both.plant), "rb") as root:
            assert status == 200 and body.strip() == root.read().strip(), path


def test_strongswan_enrols_under_a_label(both):
    need("pki")
    ident, secret, _ = both.token(both.plant, "press").split(".")
    both.request("press")
    argv = ["pki", "--est", "--url", both.by_address + "/plant", "--in", "press.csr", "--userpass", ident + ":" + secret, "--outform", "pem"]
    for ca in (both.root(both.office), both.root(both.plant), both.plant.home + "/ca/issuing.pem"):
        argv += ["--cacert", ca]
    done = subprocess.run(argv, capture_output=True, check=True, cwd=both.dir, env=clean_env(both.dir))
    assert b"BEGIN CERTIFICATE" in done.stdout
    assert both.issued(both.plant, "press") == ["valid"]


@pytest.mark.parametrize("path", ["/nobody/ca", "/office", "/office/", "/officeca", "/plant/plant/ca",
                                  "/.well-known/est/nobody/cacerts", "/.well-known/est/plant",
                                  "/.well-known/est/plant/", "/.well-known/est/plant/plant/cacerts",
                                  "/.well-known/est/plant/" + "a" * 200])
def test_label_that_nobody_has_is_nothing(both, path):
    assert both.curl(both.office, both.by_address + path)[0] == 404


def test_certificate_of_one_renews_nothing_and_operates_nothing_at_the_other(both, machine):
    ops = machine()
    ops("enroll", both.by_name, "--token", both.token(both.plant, "ops"))
    token = ops.json("token", "press", "--at", both.by_name, "--as", "ops")
    assert token["name"] == "press"
    cert = ["--cert", ops.home + "/id/ops/cert.pem", "--key", ops.home + "/id/ops/key.pem"]
    ask = ["-H", "Content-Type: application/json", "--data-binary", "{}"]
    for url, wanted in ((both.by_address + "/office/admin/pending", 403), (both.by_address + "/admin/pending", 403),
                        (both.by_address + "/plant/admin/pending", 200)):
        assert both.curl(both.office, url, *cert, *ask)[0] == wanted, url
    assert both.curl(both.plant, both.by_name + "/office/admin/pending", *cert, *ask)[0] == 403
    both.request("ops")
    asks = ["-H", "Content-Type: application/pkcs10", "--data-binary", "@ops.b64", *cert]
    status, body = both.curl(both.plant, both.by_name + "/.well-known/est/office/simplereenroll", *asks)
    assert status == 403 and json.loads(body)["error"]["code"] == "certificate-unknown"
    assert both.curl(both.plant, both.by_name + "/office/revocations?after=0&wait=0", *cert)[0] == 403
    assert both.curl(both.plant, both.by_name + "/revocations?after=0&wait=0", *cert)[0] == 200
    status, _ = both.curl(both.office, both.by_address + "/.well-known/est/plant/simplereenroll", *asks)
    assert status == 200 and both.issued(both.plant, "ops") == ["valid", "valid"]


def test_revocation_is_in_the_list_and_the_ocsp_of_its_own_authority(both, machine):
    both.plant("issue", "press", "--client")
    both.plant("revoke", "press")

    def entries(path):
        got = subprocess.run(["curl", "-sf", both.publish + path], capture_output=True, check=True).stdout
        text = subprocess.run(["openssl", "crl", "-inform", "der", "-noout", "-text"], input=got, check=True,
                              capture_output=True).stdout.decode()
        return text.count("Serial Number:")
    both.server.wait_until(lambda: entries("/plant/crl/issuing.crl") == 1, "the plant's list")
    assert entries("/office/crl/issuing.crl") == entries("/crl/issuing.crl") == 0
    for label, issuer, wanted in (("plant", both.plant, "revoked"), ("office", both.plant, "unauthorized")):
        done = subprocess.run(["openssl", "ocsp", "-issuer", issuer.home + "/ca/issuing.pem", "-cert",
                               both.plant.home + "/id/press/cert.pem", "-CAfile", both.root(both.plant), "-url",
                               both.publish + "/" + label + "/ocsp"], capture_output=True, cwd=both.dir)
        assert wanted in (done.stdout + done.stderr).decode().lower(), label


def test_gateway_follows_its_own_authority(both, machine):
    node = machine()
    node("enroll", both.by_name, "--token", both.token(both.plant, "gw", "--profile", "peer", "--san", "ip:127.0.0.1"))

    def followed(label):
        page = parse(scrape(both.metrics))
        return page["handfast_feed_subscribers_connected", frozenset({"authority": label}.items())]
    with node.serve("--as", "gw", "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0",
                    "--revocations-from", both.by_name):
        both.server.wait_until(lambda: followed("plant") == 1, "the subscriber")
        assert followed("office") == 0


def test_label_in_a_url_chooses_the_path_and_not_the_certificate(both, machine):
    node = machine()
    node("enroll", both.by_name, "--token", both.token(both.plant, "gw", "--profile", "peer", "--san", "ip:127.0.0.1"))
    serve = ["--as", "gw", "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0"]
    by_name = "a label does not choose the certificate, a name does"
    for option, url, words in (
            ("--revocations-from", both.by_name + "/plant", "are in force"),
            ("--revocations-from", both.by_name + "/plant/", "are in force"),
            ("--revocations-from", both.by_address + "/plant", by_name),
            ("--revocations-from", both.by_name + "/office", "is that the label of the authority that issued"),
            ("--revocations-from", both.by_name + "/nobody", "no authority there has that label"),
            ("--crl", both.by_address + "/plant/crl/issuing.crl", by_name)):
        with node.serve(*serve, option, url) as server:
            server.wait_line("err", lambda line, words=words: words in line, words)
    with node.serve(*serve, "--crl", both.by_name + "/plant/crl/issuing.crl", "--crl", both.by_name + "/plant/crl/root.crl") as server:
        assert node("get", "--as", "gw", server.url).stdout.strip() == "hello"
    for url, words in ((both.by_name + "/nobody", "no authority there has the label"),
                       (both.by_name + "/office", "is the label in that URL that of the authority"),
                       (both.by_address + "/plant", by_name)):
        assert words in node("renew", "gw", "--from", url, "--before", "365d", exit=1).stderr
    node("renew", "gw", "--from", both.by_name + "/plant", "--before", "365d")
    token = both.token(both.plant, "press")
    node("enroll", both.by_name + "/plant", "--token", token)
    spent = machine()("enroll", both.by_name + "/plant", "--token", token, exit=1).stderr
    assert "ask its operator for a new one" in spent and "label" not in spent, spent


def test_reload_takes_both_or_says_which_could_not(both):
    assert "generation 2" in both.server.reload()
    with open(both.plant.home + "/ca/issuing.pem") as there:
        good = there.read()
    with open(both.plant.home + "/ca/issuing.pem", "w") as out:
        out.write("none\n")
    told = both.server.reload()
    assert "the old state of 'plant' stays" in told and "'plant'" in told
    refused = both.hf("--json", "ctl", "reload", "--admin", both.socket, exit=1)
    assert not refused.json()["reloaded"]
    # its line may be read a moment after the answer on the socket, and must not pass for that of the next reload
    both.server.wait_until(lambda: sum("reload refused" in line for line in both.server.lines["err"]) == 2, "the line")
    with open(both.plant.home + "/ca/issuing.pem", "w") as out:
        out.write(good)
    assert "generation 3" in both.server.reload()
    told = both.hf.json("ctl", "status", "--admin", both.socket)
    assert [row["authority"] for row in told["certificates"]] == ["office", "plant"]


def test_log_and_figures_name_the_authority(both, machine):
    machine()("enroll", both.by_name, "--token", both.token(both.plant, "press"))
    both.curl(both.office, both.by_address + "/office/ca")
    page = parse(scrape(both.metrics))
    assert page["handfast_tokens_redeemed_total", frozenset({"authority": "plant"}.items())] == 1
    assert page["handfast_tokens_redeemed_total", frozenset({"authority": "office"}.items())] == 0
    assert both.server.stop() == 0
    with open(both.log) as log:
        rows = [json.loads(line) for line in log]
    assert {(row["authority"], row["target"]) for row in rows} >= {("plant", "/enroll"), ("office", "/office/ca")}


def test_home_without_an_authority_keeps_the_service_from_starting(hf, tmp_path):
    hf.at(tmp_path / "office")("init", "Office")
    with open(tmp_path / "a.yaml", "w") as out:
        out.write(FILE.format(office=tmp_path / "office", plant=tmp_path / "nothing"))
    done = hf("authority", "--config", tmp_path / "a.yaml", "--listen", "127.0.0.1:0", exit=3)
    assert "the authority 'plant'" in done.stderr


@pytest.mark.parametrize("text, where, what", [
    ("", "", "the file is empty"),
    ("authority: []\n", "1:1", "authorities"),
    ("authorities: {}\n", "1:14", "list"),
    ("authorities: []\n", "1:14", "1 to 64"),
    ("authorities:\n  - home: x\n", "2:5", "needs a 'label' and a 'home'"),
    ("authorities:\n  - label: a\n", "2:5", "needs a 'label' and a 'home'"),
    ("authorities:\n  - label: a\n    home: x\n    nome: y\n", "4:5", "there is no key 'nome'"),
    ("authorities:\n  - label: Plant\n    home: x\n", "2:12", "cannot be a label"),
    ("authorities:\n  - label: crl\n    home: x\n", "2:12", "cannot be a label"),
    ("authorities:\n  - label: simpleenroll\n    home: x\n", "2:12", "cannot be a label"),
    ("authorities:\n  - label: a\n    home: x\n    name: 'a b'\n", "4:11", "no host name"),
    ("authorities:\n  - label: a\n    home: x\n    admin: nobody\n", "4:12", "nobody"),
    ("authorities:\n  - {label: a, home: x}\n  - {label: b, home: y}\n", "3:5", "needs a host name"),
    ("authorities:\n  - {label: a, home: x}\n  - {label: b, home: y, name: 10.0.0.1}\n", "3:5", "needs a host name"),
    ("authorities:\n  - {label: a, home: x}\n  - {label: a, home: y, name: b.c}\n", "3:13", "is taken"),
    ("authorities:\n  - {label: a, home: x}\n  - {label: b, home: x, name: b.c}\n", "3:22", "is the home of 'a'"),
    ("authorities:\n  - {label: a, home: x, name: B.c}\n  - {label: b, home: y, name: b.c}\n", "3:31",
     "is a name of 'a'"),
])
def test_mistake_in_the_file_is_told_with_its_place(hf, tmp_path, text, where, what):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    done = hf.run("authority", "--config", path, "--listen", "127.0.0.1:0")
    assert done.code in (2, 3) and what in done.stderr, done
    assert not where or "a.yaml:%s:" % where in done.stderr, done


@pytest.mark.parametrize("option", ["--name", "--as", "--admin", "--passphrase-file"])
def test_what_the_file_says_is_no_option_beside_it(hf, option):
    done = hf("authority", "--config", "a.yaml", "--listen", "127.0.0.1:0", option, "any", exit=2)
    assert "with --config" in done.stderr
    assert not os.path.exists(hf.home + "/ca")
