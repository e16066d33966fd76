# SPDX-License-Identifier: Apache-2.0
"""A machine joins with a token and nothing else; every token is good for one certificate."""
import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.program import Server

from .conftest import Authority, token_id


def text_of(path):
    return subprocess.run(["openssl", "x509", "-in", path, "-noout", "-text"], capture_output=True, check=True,
                          text=True).stdout


def test_machine_with_nothing_but_a_token_gets_an_identity_that_works(authority, machine, hf):
    token = authority.token("localhost", "--profile", "server", "--san", "dns:mail.abc.com,ip:127.0.0.1")
    node = machine()
    done = node("enroll", authority.url, "--token", token)
    assert "next: handfast get --as localhost" in done.stderr
    made = os.path.join(node.home, "id", "localhost")
    assert stat.S_IMODE(os.stat(made + "/key.pem").st_mode) == 0o600
    text = text_of(made + "/cert.pem")
    assert "DNS:localhost, DNS:mail.abc.com, IP Address:127.0.0.1" in text
    assert "TLS Web Server Authentication" in text
    assert open(node.home + "/trust/own.pem").read() == open(authority.root).read()
    hf("issue", "amy", "--client")
    with node.serve("--as", "localhost", "--allow", "cn:amy", "--respond", "identity",
                    "--listen", "127.0.0.1:0") as gateway:
        assert "amy" in hf("get", "--as", "amy", gateway.url).stdout


def test_default_token_is_for_a_client_and_for_an_hour(authority, machine):
    shown = authority.hf.json("token", "amy")
    row = authority.hf.json("token", "list")["tokens"][0]
    assert (row["profile"], row["state"], row["id"]) == ("client", "open", shown["id"])
    node = machine()
    made = node.json("enroll", authority.url, "--token", shown["token"], "--as", "me")
    assert made["name"] == "me" and made["subject"] == "CN=amy"
    text = text_of(node.home + "/id/me/cert.pem")
    assert "TLS Web Client Authentication" in text and "Server Authentication" not in text
    assert authority.hf.json("token", "list")["tokens"][0]["state"] == "spent"


def test_token_is_good_for_one_machine_only(authority, machine):
    token = authority.token("amy")
    machine()("enroll", authority.url, "--token", token)
    second = machine()
    refused = second("enroll", authority.url, "--token", token, exit=1)
    assert "the token has been used" in refused.stderr
    assert not os.path.exists(second.home + "/id/amy")
    assert len(authority.issued("amy")) == 1


def test_two_machines_at_once_with_one_token_have_one_winner(authority, machine):
    token = authority.token("amy")
    nodes = [machine() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda n: n.run("enroll", authority.url, "--token", token).code, nodes))
    assert sorted(codes) == [0, 1, 1, 1, 1, 1]
    assert [row["state"] for row in authority.issued("amy")].count("valid") == 1
    authority.hf("audit", "verify")


def test_expired_withdrawn_and_wrong_tokens_are_told_apart_only_by_their_holder(authority, machine):
    short, gone = authority.token("amy", "--ttl", "1s"), authority.token("bob")
    authority.hf("token", "revoke", token_id(gone))
    authority.hf("token", "revoke", token_id(gone), exit=1)
    node = machine()
    assert "withdrawn" in node("enroll", authority.url, "--token", gone, exit=1).stderr

    def expired():
        rows = authority.hf.json("token", "list")["tokens"]
        return [row for row in rows if row["id"] == token_id(short) and row["state"] == "expired"]
    authority.server.wait_until(expired, "the token to expire")
    assert "has expired" in node("enroll", authority.url, "--token", short, exit=1).stderr
    ident, _, root = gone.split(".")
    forged = ".".join([ident, "A" * 43, root])
    assert "knows no such token" in node("enroll", authority.url, "--token", forged, exit=1).stderr
    assert not os.path.exists(node.home + "/trust")
    assert [name for name in os.listdir(node.home + "/id") if name.endswith(".key")] == []


def test_server_that_is_not_the_one_of_the_token_never_sees_it(authority, machine, hf, tmp_path):
    other = hf.at(tmp_path / "other")
    other("init", "Mallory")
    token = authority.token("amy")
    log = str(tmp_path / "mallory.log")
    with Server(other, "authority", "--listen", "127.0.0.1:0", "--access-log", log) as mallory:
        refused = machine()("enroll", mallory.url, "--token", token, exit=1)
        assert "is not the authority that made the token" in refused.stderr
    assert '"/ca"' in open(log).read() and "/enroll" not in open(log).read()
    machine()("enroll", authority.url, "--token", token)


def test_half_a_token_is_a_usage_mistake(authority, machine):
    node = machine()
    token = authority.token("amy")
    assert "not all of it" in node("enroll", authority.url, "--token", token[:-1], exit=2).stderr
    node("enroll", authority.url, exit=2)
    path = node.home + "/token"
    with open(path, "w") as out:
        out.write(token + "\n")
    node("enroll", authority.url, "--token-file", path)


def test_files_and_trust_that_are_there_are_not_replaced_and_the_token_stays_good(authority, machine, hf, tmp_path):
    token = authority.token("amy")
    node = machine()
    node("init", "Own")
    assert "another authority's root" in node("enroll", authority.url, "--token", token, exit=1).stderr
    assert authority.hf.json("token", "list")["tokens"][0]["state"] == "open"
    third = machine()
    os.makedirs(third.home + "/id/amy")
    with open(third.home + "/id/amy/key.pem", "w") as out:
        out.write("mine")
    assert "is there already" in third("enroll", authority.url, "--token", token, "--as", "amy", exit=1).stderr
    assert open(third.home + "/id/amy/key.pem").read() == "mine"
    third("enroll", authority.url, "--token", token, "--as", "amy", "--force")


def test_token_that_no_rule_would_admit_is_not_made(hf):
    hf("init", "ABC Inc.", "--permit", "dns:abc.com")
    assert "xyz.com" in hf("token", "www.xyz.com", "--profile", "server", exit=1).stderr
    hf("token", "www.abc.com", "--profile", "server")


def test_host_name_that_the_service_does_not_have_is_explained(authority, machine):
    token = authority.token("amy")
    url = authority.url.replace("127.0.0.1", "localhost")
    refused = machine()("enroll", url, "--token", token, exit=1)
    assert "V-NAME-MISMATCH" in refused.stderr and "--name localhost" in refused.stderr
    assert authority.hf.json("token", "list")["tokens"][0]["state"] == "open"


def test_address_that_guesses_is_made_to_wait(authority, tmp_path):
    statuses = []
    request = tmp_path / "r.pem"
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=amy", "-keyout", str(tmp_path / "k.pem"), "-out", str(request)], check=True,
                   capture_output=True)
    for _ in range(25):
        done = subprocess.run(["curl", "-s", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", authority.root,
                               "-u", "0123456789abcdef:" + "A" * 43, "--data-binary", "@%s" % request,
                               authority.url + "/enroll"], capture_output=True, text=True, check=True)
        statuses.append(done.stdout)
    assert statuses[0] == "401" and statuses[-1] == "429"


def test_log_names_who_came_and_no_secret(authority, machine):
    token = authority.token("amy")
    machine()("enroll", authority.url, "--token", token)
    assert authority.server.stop() == 0
    log = open(authority.hf.home + "/access.log").read()
    assert '"target": "/enroll"' in log and '"status": 200' in log and '"issued": "' in log
    everything = log + authority.server.text() + authority.hf("audit").stdout
    assert token.split(".")[1] not in everything
    assert "redeem" in everything and "from 127.0.0.1" in everything


def test_own_certificate_is_kept_over_a_restart_and_renewed_when_names_change(authority):
    def serials():
        return [row["serial"] for row in authority.issued("authority")]
    before = serials()
    assert len(before) == 1
    assert authority.server.stop() == 0
    with authority.start():
        assert serials() == before
    with authority.start("--name", "ca.abc.com", "--name", "127.0.0.1") as server:
        assert len(serials()) == 2
        assert "DNS:ca.abc.com" in text_of(authority.hf.home + "/id/authority/cert.pem")
        assert server.stop() == 0


def test_reload_takes_the_policy_of_now(authority, machine):
    early, late = authority.token("amy"), authority.token("bob")
    machine()("enroll", authority.url, "--token", early)
    with open(authority.hf.home + "/ca/policy.yaml", "w") as out:
        out.write("no such key: 1\n")
    authority.server.reload()
    refused = machine()("enroll", authority.url, "--token", late, exit=3)
    assert "its log says why" in refused.stderr and "policy" not in refused.stderr
    authority.server.wait_line("err", lambda line: "there is no key 'no such key'" in line, "the reason in the log")
    os.unlink(authority.hf.home + "/ca/policy.yaml")
    authority.server.reload()
    machine()("enroll", authority.url, "--token", late)


@pytest.mark.parametrize("path", ["/crl/issuing.crl", "/crl/root.crl"])
def test_revocation_list_is_the_one_of_now(authority, machine, path):
    def listed():
        der = subprocess.run(["curl", "-sf", "--cacert", authority.root, authority.url + path],
                             capture_output=True, check=True).stdout
        return subprocess.run(["openssl", "crl", "-inform", "der", "-noout", "-text"], input=der,
                              capture_output=True, check=True).stdout.decode()
    assert "No Revoked Certificates" in listed()
    token = authority.token("amy")
    serial = machine().json("enroll", authority.url, "--token", token)["serial"]
    authority.hf("revoke", "amy")
    if "issuing" in path:
        authority.server.wait_until(lambda: serial.upper().zfill(32) in listed(), "the list of now")


def test_wrong_paths_and_methods_get_their_status(authority):
    def status(*args):
        return subprocess.run(["curl", "-s", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", authority.root,
                               *args], capture_output=True, text=True, check=True).stdout
    assert status(authority.url + "/health") == "200"
    assert status(authority.url + "/nothing") == "404"
    assert status(authority.url + "/crl/other.crl") == "404"
    assert status(authority.url + "/enroll") == "405"
    assert status("-d", "x", authority.url + "/ca") == "405"
    assert status("-d", "x", authority.url + "/enroll") == "401"
    assert status("-d", "x", authority.url + "/renew") == "403"
    large = authority.hf.home + "/large"
    with open(large, "wb") as out:
        out.write(b"x" * 900000)
    assert status("--data-binary", "@" + large, authority.url + "/enroll") == "413"


def test_running_service_hears_that_its_own_ca_was_revoked(authority, machine):
    token, late = authority.token("amy"), authority.token("bob")
    machine()("enroll", authority.url, "--token", token)
    text = subprocess.run(["openssl", "x509", "-noout", "-serial", "-in", authority.hf.home + "/ca/issuing.pem"],
                          check=True, capture_output=True).stdout.decode()
    authority.hf("revoke", text.strip().split("=")[1].lower().lstrip("0"), "--yes", "--reason", "cACompromise")
    authority.server.wait_line("err", lambda line: "the issuing CA was revoked by its root" in line, "the news")
    refused = machine()("enroll", authority.url, "--token", late, exit=1)
    assert "was revoked by its root" in refused.stderr
    assert "bob" not in str(authority.issued())
    assert [row["state"] for row in authority.hf.json("token", "list")["tokens"] if row["name"] == "bob"] == ["open"]


def test_part_of_a_token_is_told_by_its_length(hf):
    told = hf("enroll", "https://127.0.0.1:1", "--token", "85a18bff5953d3be", exit=2)
    assert "a token has 104 characters, this has 16" in told.stderr


@pytest.mark.parametrize("url, words", [
    ("http://ca.abc.com:8443", ["'http://ca.abc.com:8443' is plain HTTP", "help: write https://ca.abc.com:8443\n"]),
    ("http://ca.abc.com/plant/", ["'http://ca.abc.com/plant/' is plain HTTP"]), ("ftp://ca.abc.com/", ["'ftp://ca.abc.com/' "])])
def test_address_that_is_none_is_quoted_as_it_was_typed(hf, url, words):
    token = "%s.%s.%s" % ("0" * 16, "A" * 43, "A" * 43)
    told = hf.run("enroll", url, "--token", token)
    assert told.code == 2 and "/ca'" not in told.stderr and all(word in told.stderr for word in words), told
    hf("init", "ABC Inc.")
    hf("issue", "amy", "--client")
    told = hf.run("renew", "amy", "--from", url, "--before", "365d")
    assert told.code in (2, 3) and all(word in told.stderr for word in words), told


@pytest.mark.parametrize("kind, key_type", [("p384", "p384"), ("ed25519", "ed25519"), ("rsa", "rsa3072")])
def test_policy_that_allows_one_kind_of_key_holds_for_the_service_too(hf, machine, kind, key_type):
    hf("init", "ABC Inc.")
    with open(hf.home + "/ca/policy.yaml", "w") as out:
        out.write("defaults: { key_types: [%s], rsa_bits: 3072 }\n" % kind)
    authority = Authority(hf)
    with authority.start():
        token = authority.token("amy")
        told = machine()("enroll", authority.url, "--token", token, exit=1).stderr
        assert "a key of this kind is not allowed: EC P-256" in told, told
        machine()("enroll", authority.url, "--token", token, "--key-type", key_type)
