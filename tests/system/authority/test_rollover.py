# SPDX-License-Identifier: Apache-2.0
"""The next issuing CA and the next root, and the end of those before: nobody is locked out on the way."""
import os
import shutil
import stat
import subprocess

import pytest

OLD, NEXT = "ABC Inc. Issuing CA", "ABC Inc. Issuing CA 2"


@pytest.fixture
def abc(hf):
    hf("init", "ABC Inc.")
    hf("issue", "localhost", "--server", "--san", "ip:127.0.0.1")
    hf("issue", "amy", "--client")
    return hf


def openssl_verify(anchors, chain):
    """As a peer does who has these anchors and is sent that chain; the first certificate is the leaf."""
    return subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", anchors, "-untrusted", chain, chain],
                          capture_output=True, text=True)


def files(hf, *parts):
    return os.path.join(hf.home, *parts)


def under(hf, name, *options):
    return [row["name"] for row in hf.json("list", "--under", name, *options)["certificates"]]


def meet(hf, server="localhost", client="amy"):
    with hf.serve("--as", server, "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0") as gateway:
        return hf("get", "--as", client, gateway.url).stdout


def test_next_issuing_ca_issues_and_the_one_before_is_trusted_on(abc):
    told = abc.json("init", "--rollover")
    assert told["issuing"]["subject"].endswith("CN=" + NEXT) and told["before"]["subject"].endswith("CN=" + OLD)
    assert "root" not in told
    abc("issue", "bob", "--client")
    for name in ("amy", "bob", "localhost"):
        chain = files(abc, "id", name, "cert.pem")
        assert openssl_verify(files(abc, "ca", "root.pem"), chain).returncode == 0
        abc("verify", "--profile", "strict", "--ca", files(abc, "ca", "root.pem"), chain)
    assert under(abc, OLD) == ["localhost", "amy"] and under(abc, NEXT) == ["bob"]
    assert meet(abc) == meet(abc, client="bob") == "hello"
    abc("audit", "verify")
    abc("doctor")


def test_keys_and_certificates_belong_together_and_are_private(abc):
    abc("init", "--rollover")
    for cert, key in (("issuing.pem", "issuing.key"), ("before/0001/cert.pem", "before/0001/key.pem")):
        public = [subprocess.run(["openssl", *line, "-in", files(abc, "ca", path)], capture_output=True,
                                 check=True).stdout
                  for line, path in ((["x509", "-noout", "-pubkey"], cert), (["pkey", "-pubout"], key))]
        assert public[0] == public[1]
        assert stat.S_IMODE(os.stat(files(abc, "ca", key)).st_mode) == 0o600


def test_certificate_of_the_ca_before_is_revoked_on_its_list_and_refused(abc):
    abc("init", "--rollover")
    abc("issue", "bob", "--client")
    with abc.serve("--as", "localhost", "--allow", "any", "--respond", "text:hello",
                   "--listen", "127.0.0.1:0") as gateway:
        assert abc("get", "--as", "amy", gateway.url).stdout == "hello"
        told = abc.json("revoke", "amy")
        assert told["crl"].endswith("ca/before/0001/crl.pem")
        gateway.wait_until(lambda: abc.run("get", "--as", "amy", gateway.url).code == 1, "amy to be refused")
        assert abc("get", "--as", "bob", gateway.url).stdout == "hello"
    serial = told["certificates"][0]["serial"]
    listed = subprocess.run(["openssl", "crl", "-in", told["crl"], "-noout", "-text", "-CAfile",
                             files(abc, "ca", "before", "0001", "cert.pem")], capture_output=True, text=True)
    assert serial.upper() in listed.stdout and "verify OK" in listed.stderr


def test_retirement_waits_for_the_last_one(abc):
    abc("init", "--rollover")
    refused = abc("init", "--retire", exit=1)
    assert "2 certificates still stand below" in refused.stderr and "list --under '%s'" % OLD in refused.stderr
    abc("renew", "amy", "--before", "40d")
    assert under(abc, OLD) == ["localhost"] and sorted(under(abc, OLD, "--all")) == ["amy", "localhost"]
    assert "1 certificate still stands" in abc("init", "--retire", exit=1).stderr
    assert os.path.exists(files(abc, "ca", "before", "0001", "key.pem"))
    abc("renew", "localhost", "--before", "40d")
    assert "retired" in abc("init", "--retire").stdout
    assert os.listdir(files(abc, "ca", "before")) == []
    assert sorted(os.listdir(files(abc, "ca", "retired", "0001"))) == ["cert.pem", "crl.pem"]
    ended = subprocess.run(["openssl", "x509", "-in", files(abc, "ca", "retired", "0001", "cert.pem"), "-noout",
                            "-serial"], capture_output=True, text=True, check=True).stdout.split("=")[1].strip()
    listed = subprocess.run(["openssl", "crl", "-in", files(abc, "ca", "root.crl.pem"), "-noout", "-text"],
                            capture_output=True, text=True, check=True).stdout
    assert ended in listed and "Superseded" in listed
    assert meet(abc) == "hello"
    assert "nothing to retire" in abc("init", "--retire", exit=1).stderr
    abc("audit", "verify")


def test_revoked_and_expired_certificates_hold_nobody_up(abc):
    abc("init", "--rollover")
    abc("revoke", "amy")
    abc("renew", "localhost", "--before", "40d")
    abc("init", "--retire")


def test_peers_who_know_only_the_old_root_accept_what_is_below_the_next(abc, tmp_path):
    before = str(tmp_path / "old-root.pem")
    shutil.copy(files(abc, "ca", "root.pem"), before)
    told = abc.json("init", "--rollover", "--root")
    assert told["root"]["subject"].endswith("CN=ABC Inc. Root CA 2")
    abc("issue", "bob", "--client")
    new = files(abc, "id", "bob", "cert.pem")
    assert openssl_verify(before, new).returncode == 0
    assert openssl_verify(files(abc, "ca", "root.pem"), new).returncode == 0
    old = files(abc, "id", "amy", "cert.pem")
    assert openssl_verify(before, old).returncode == 0
    assert openssl_verify(files(abc, "ca", "root.pem"), old).returncode != 0
    own = open(files(abc, "trust", "own.pem")).read()
    assert own.count("BEGIN CERTIFICATE") == 2
    assert open(files(abc, "id", "localhost", "ca.pem")).read() == own
    assert meet(abc) == meet(abc, client="bob") == "hello"
    assert under(abc, "ABC Inc. Root CA") == ["localhost", "amy"]
    assert "retire" in abc("init", "--rollover", "--root", exit=1).stderr


def test_old_root_is_forgotten_when_it_is_retired(abc):
    old = open(files(abc, "ca", "root.pem")).read()
    abc("init", "--rollover", "--root")
    abc("renew", "--all", "--before", "40d")
    abc("init", "--retire")
    root = open(files(abc, "ca", "root.pem")).read()
    for path in (("trust", "own.pem"), ("id", "amy", "ca.pem"), ("id", "localhost", "ca.pem")):
        assert open(files(abc, *path)).read() == root != old
    assert not os.path.exists(files(abc, "ca", "cross.pem"))
    abc("issue", "bob", "--client")
    assert open(files(abc, "id", "bob", "cert.pem")).read().count("BEGIN CERTIFICATE") == 2
    assert meet(abc, client="bob") == "hello"


def test_anchors_of_other_parties_are_left_alone(abc, hf, tmp_path):
    other = hf.at(tmp_path / "other")
    other("init", "Other")
    other("issue", "node", "--client")
    foreign = files(abc, "id", "foreign")
    shutil.copytree(files(other, "id", "node"), foreign)
    before = open(foreign + "/ca.pem").read()
    abc("init", "--rollover", "--root")
    assert open(foreign + "/ca.pem").read() == before


def test_name_constraints_bind_the_next_issuing_ca_too(hf):
    hf("init", "ABC Inc.", "--permit", "dns:abc.com")
    hf("init", "--rollover")
    hf("issue", "web.abc.com", "--server")
    assert "web.xyz.com" in hf("issue", "web.xyz.com", "--server", exit=1).stderr


def test_authority_without_an_issuing_ca_rolls_its_root(hf):
    hf("init", "ABC Inc.", "--single")
    hf("issue", "amy", "--client")
    told = hf("init", "--rollover")
    assert "Root CA 2" in told.stdout and "refuse what is issued now until they trust the new root" in told.stderr
    hf("issue", "bob", "--client")
    for name in ("amy", "bob"):
        hf("verify", "--ca", files(hf, "trust", "own.pem"), files(hf, "id", name, "cert.pem"))
    hf("renew", "amy", "--before", "40d")
    hf("init", "--retire")
    hf("verify", "--ca", files(hf, "ca", "root.pem"), files(hf, "id", "amy", "cert.pem"))


def test_encrypted_keys_are_followed_by_encrypted_keys(hf, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    hf("init", "ABC Inc.", "--passphrase-file", str(secret))
    refused = hf("init", "--rollover", exit=3)
    assert "passphrase" in refused.stderr
    hf("init", "--rollover", "--passphrase-file", str(secret))
    for path in ("issuing.key", "before/0001/key.pem"):
        assert "ENCRYPTED" in open(files(hf, "ca", path)).read()
    hf("issue", "amy", "--client", "--passphrase-file", str(secret))


def test_root_that_is_elsewhere_is_asked_for(hf, tmp_path):
    hf("init", "ABC Inc.", "--offline-root", "--root-out", str(tmp_path / "stick"))
    before = open(files(hf, "ca", "issuing.pem")).read()
    refused = hf("init", "--rollover", exit=3)
    assert "the root is offline" in refused.stderr
    assert open(files(hf, "ca", "issuing.pem")).read() == before
    shutil.copy(tmp_path / "stick" / "root.key", files(hf, "ca", "root.key"))
    hf("init", "--rollover")
    os.unlink(files(hf, "ca", "root.key"))
    told = hf("init", "--retire")
    assert "is not on its root's list" in told.stderr


@pytest.mark.parametrize("moved", range(5))
def test_rollover_that_was_cut_off_is_finished_by_the_next_command(abc, moved):
    """A crash after the step that counts: some files have moved, the others wait in next/."""
    order = ["issuing.key", "issuing.pem", "chain.pem", "crl.pem"]
    saved = {name: open(files(abc, "ca", name)).read() for name in order}
    abc("init", "--rollover")
    os.mkdir(files(abc, "ca", "next"), 0o700)
    for name in order[moved:]:
        shutil.move(files(abc, "ca", name), files(abc, "ca", "next", name))
        with open(files(abc, "ca", name), "w") as out:
            out.write(saved[name])
    abc("issue", "bob", "--client")
    assert not os.path.exists(files(abc, "ca", "next"))
    assert under(abc, NEXT) == ["bob"]
    assert stat.S_IMODE(os.stat(files(abc, "ca", "issuing.key")).st_mode) == 0o600


def test_rollover_that_never_counted_leaves_the_old_state(abc):
    os.makedirs(files(abc, "ca", "next.tmp"))
    with open(files(abc, "ca", "next.tmp", "issuing.key"), "w") as out:
        out.write("half a ")
    shutil.copytree(files(abc, "ca"), files(abc, "x"), ignore=shutil.ignore_patterns("next.tmp"))
    os.makedirs(files(abc, "ca", "before", "0001"))
    shutil.copy(files(abc, "ca", "issuing.pem"), files(abc, "ca", "before", "0001", "cert.pem"))
    abc("issue", "bob", "--client")
    assert under(abc, OLD) == ["localhost", "amy", "bob"]
    assert "nothing to retire" in abc("init", "--retire", exit=1).stderr
    abc("init", "--rollover")
    assert under(abc, OLD) == ["localhost", "amy", "bob"]


def test_mistakes_are_told(abc, hf, tmp_path):
    assert "leave out the name" in abc("init", "--rollover", "ABC", exit=2).stderr
    assert "--root goes with --rollover" in abc("init", "--root", exit=2).stderr
    abc("init", "--rollover", "--retire", exit=2)
    abc("init", "--rollover", "--permit", "dns:abc.com", exit=2)
    assert "no CA 'nobody'" in abc("list", "--under", "nobody", exit=3).stderr
    empty = hf.at(tmp_path / "empty")
    assert "there is no authority" in empty("init", "--rollover", exit=3).stderr
