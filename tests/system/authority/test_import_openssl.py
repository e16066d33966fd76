# SPDX-License-Identifier: Apache-2.0
"""`handfast import openssl`: a CA kept by `openssl ca` goes on under the program."""
import hashlib
import os
import re
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from support import look
from support.openssl_ca import OpensslCa
from support.peers import need
from support.process import SLOW


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """amy and bob valid, carol revoked with a reason, dan revoked without, one list published."""
    ca = OpensslCa(tmp_path_factory.mktemp("tree"))
    ca.issue("amy", san="DNS:amy.example")
    ca.issue("bob", san="DNS:bob.example", key="rsa:2048")
    ca.issue("carol")
    ca.issue("dan")
    ca.revoke("carol", "keyCompromise")
    ca.revoke("dan")
    ca.crl()
    return ca


@pytest.fixture
def tree(made, tmp_path):
    """A copy of it that may be spoiled."""
    copy = tmp_path / "tree"
    shutil.copytree(made.place, copy)
    ca = object.__new__(OpensslCa)
    ca.place, ca.dir, ca.passphrase = copy, copy / "demoCA", None
    return ca


def contents(place):
    """Every file of a directory with the hash of what is in it."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(place.rglob("*")) if path.is_file()}


def revoked(path):
    """Serial and reason of each entry of a list."""
    crl = x509.load_pem_x509_crl(path.read_bytes())
    reasons = {}
    for entry in crl:
        found = [e.value.reason.value for e in entry.extensions if isinstance(e.value, x509.CRLReason)]
        reasons[entry.serial_number] = found[0] if found else None
    return reasons


def crl_number(path):
    crl = x509.load_pem_x509_crl(path.read_bytes())
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def findings(report):
    return {row["id"]: row["at"] for row in report["findings"]}


@pytest.mark.row(19)
@pytest.mark.row(25)
def test_certificates_revocations_and_list_number_are_taken_over(hf, home, tree):
    report = hf.json("import", "openssl", tree.dir)
    assert report["certificates"] == {"valid": 2, "revoked": 2, "expired": 0, "serial_only": 0}
    rows = {row["serial"]: row for row in hf.json("list", "--all")["certificates"]}
    for name, serial, state in (("amy", "1000", "valid"), ("bob", "1001", "valid"), ("carol", "1002", "revoked"),
                                ("dan", "1003", "revoked")):
        assert rows[serial]["name"] == name and rows[serial]["state"] == state, rows
        assert rows[serial]["sha256"] == look.cert(tree.place / (name + ".pem")).fingerprint(hashes.SHA256()).hex()
    assert list(rows)[:4] == ["1000", "1001", "1002", "1003"]  # in the order of the index
    assert rows["1002"]["reason"] == "keyCompromise"
    assert revoked(home / "ca/crl.pem") == {0x1002: "keyCompromise", 0x1003: None}
    assert crl_number(home / "ca/crl.pem") == 0x1001
    look.openssl("crl", "-in", home / "ca/crl.pem", "-CAfile", tree.dir / "cacert.pem", "-noout")


def test_imported_ca_issues_revokes_and_publishes(hf, home, tree):
    hf("import", "openssl", tree.dir)
    hf("issue", "mail.example", "--server")
    leaf = home / "id/mail.example/cert.pem"
    look.openssl("verify", "-x509_strict", "-CAfile", tree.dir / "cacert.pem", leaf)
    assert look.cert(leaf).serial_number not in (0x1000, 0x1001, 0x1002, 0x1003)
    hf("revoke", "amy", "--reason", "superseded")
    assert revoked(home / "ca/crl.pem") == {0x1000: "superseded", 0x1002: "keyCompromise", 0x1003: None}
    assert crl_number(home / "ca/crl.pem") == 0x1002
    text = look.openssl("verify", "-crl_check", "-CAfile", tree.dir / "cacert.pem", "-CRLfile", home / "ca/crl.pem",
                        tree.place / "amy.pem", exit=2)
    assert "certificate revoked" in text
    look.openssl("verify", "-crl_check", "-CAfile", tree.dir / "cacert.pem", "-CRLfile", home / "ca/crl.pem",
                 tree.place / "bob.pem")


def test_tree_is_not_changed_and_a_dry_run_changes_nothing_at_all(hf, home, tree):
    before = contents(tree.place)
    report = hf.json("import", "openssl", tree.dir, "--dry-run")
    assert report["dry_run"] is True and report["next_crl"] == 0x1001
    assert list(home.iterdir()) == []
    hf("import", "openssl", tree.dir)
    assert contents(tree.place) == before
    assert look.mode(home / "ca/root.key") == 0o600
    assert look.mode(home / "ca") & 0o077 == 0


@pytest.mark.row(22)
def test_authority_that_is_there_is_kept_unless_force_puts_it_aside(hf, home, tree):
    hf("init", "Mine")
    before = contents(home)
    refused = hf("import", "openssl", tree.dir, exit=1)
    assert "there is an authority already" in refused.stderr
    assert contents(home) == before
    hf("import", "openssl", tree.dir, "--force")
    assert look.cn(look.cert(home / "ca/root.pem")) == "ABC Root"
    assert [path for path in home.iterdir() if path.name.startswith("ca.old-")]


# --- what is odd ---

def test_books_that_are_wrong_are_reported_and_nothing_is_lost(hf, home, tree):
    (tree.dir / "newcerts/1001.pem").unlink()
    rows = (tree.dir / "index.txt").read_text().splitlines()
    (tree.dir / "index.txt").write_text("\n".join(rows[1:]) + "\n")  # amy's row is gone
    stranger = OpensslCa(tree.place / "elsewhere")
    shutil.copy(stranger.issue("eve"), tree.dir / "newcerts/1004.pem")
    found = findings(hf.json("import", "openssl", tree.dir))
    assert "serial 1000" in found["not-in-index"][0]
    assert "serial 1001" in found["not-on-disk"][0] and "CN=bob" in found["not-on-disk"][0]
    assert "1004.pem" in found["other-issuer"][0]
    rows = {row["serial"]: row for row in hf.json("list", "--all")["certificates"]}
    assert rows["1000"]["state"] == "valid" and rows["1001"]["state"] == "valid"
    assert "1004" not in rows
    until = look.cert(tree.place / "bob.pem").not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert rows["1001"]["not_after"] == until and "sha256" not in rows["1001"]
    shown = hf("show", "1001").stdout
    assert "/O=ABC/CN=bob" in shown.replace("CN=bob/O=ABC", "O=ABC/CN=bob") and "no certificate ever left" not in shown
    bob = next(line for line in hf("list").stdout.splitlines() if line.startswith("1001 "))
    assert "days)" in bob
    hf("revoke", "bob", "--reason", "keyCompromise")
    assert revoked(home / "ca/crl.pem")[0x1001] == "keyCompromise"


def test_serial_used_twice_is_one_certificate_and_revoked_when_one_is(hf, home, tree):
    (tree.dir / "serial").write_text("1002\n")  # carol's
    rows = (tree.dir / "index.txt").read_text()
    (tree.dir / "index.txt").write_text("")
    tree.issue("fred")
    (tree.dir / "index.txt").write_text(rows + (tree.dir / "index.txt").read_text())
    shutil.copy(tree.place / "carol.pem", tree.dir / "certs/carol.pem")
    report = hf.json("import", "openssl", tree.dir)
    assert "serial 1002: 2 in the index, 2 on the disk" in findings(report)["duplicate-serial"][0]
    assert 0x1002 in revoked(home / "ca/crl.pem")


def test_expired_and_unknown_details_are_told(hf, tree):
    with open(tree.dir / "index.txt", "a") as index:
        index.write("V\t200101000000Z\t\t0F\tunknown\t/CN=old\n")
        index.write("E\t200101000000Z\t\t10\tunknown\t/CN=older\n")
        index.write("R\t491231235959Z\t200101000000Z,keyTime,20191231000000Z\t11\tunknown\t/CN=stolen\n")
    report = hf.json("import", "openssl", tree.dir)
    found = findings(report)
    assert [at for at in found["expired-as-valid"] if "serial f," in at]
    assert not [at for at in found["expired-as-valid"] if "serial 10," in at]
    assert [at for at in found["revocation-detail"] if "serial 11," in at]
    assert report["certificates"]["expired"] == 2


def test_weak_and_aimless_certificates_are_named(hf, tree):
    tree.config(extensions="none", days=2000)
    tree.issue("plain", key="rsa:1024")
    tree.issue("mule", "-md", "sha1")
    found = findings(hf.json("import", "openssl", tree.dir, "--dry-run"))
    assert "CN=plain" in found["weak-key"][0] and len(found["weak-key"]) == 1
    assert "CN=mule" in found["weak-signature"][0]
    assert len(found["long-validity"]) == 2
    assert [at for at in found["no-eku"] if "CN=amy" in at]
    named = found["version-1"] if "version-1" in found else found["no-eku"]
    assert [at for at in named if "CN=plain" in at]
    assert not [at for at in found["cn-only"] if "CN=amy" in at] and "CN=plain" in " ".join(found["cn-only"])
    assert "cacert.pem" in found["leaf-from-root"][0]


def test_keys_that_lie_about_are_found(hf, tree):
    (tree.dir / "certs/amy.key").write_bytes((tree.place / "amy.key").read_bytes())
    (tree.dir / "certs/amy.key").chmod(0o644)
    (tree.dir / "private/cakey.pem").chmod(0o640)
    found = findings(hf.json("import", "openssl", tree.dir, "--dry-run"))
    assert len(found["leaf-key"]) == 1 and "certs/amy.key" in found["leaf-key"][0]
    assert len(found["readable-key"]) == 2
    assert "mode 0640" in " ".join(found["readable-key"])


def test_traps_of_the_configuration_are_told(hf, tree):
    found = findings(hf.json("import", "openssl", tree.dir, "--dry-run"))
    assert "copy_extensions = copy" in found["copy-extensions"][0]
    assert "unique-subject" not in found
    (tree.dir / "index.txt.attr").write_text("unique_subject = yes\n")
    found = findings(hf.json("import", "openssl", tree.dir, "--dry-run"))
    assert "index.txt.attr" in found["unique-subject"][0]
    assert "1004" in found["sequential-serial"][0]


def test_report_for_people_says_what_to_do(hf, tree):
    text = hf("import", "openssl", tree.dir, "--dry-run").stdout
    assert "4 certificates: 2 valid, 2 revoked, 0 expired" in text
    assert "the next one has number 4097" in text
    assert "warning leaf-from-root (1): " in text and "    -> " in text


# --- what cannot be taken over ---

@pytest.mark.parametrize("spoil, told", [
    (lambda t: (t.dir / "index.txt").write_text("V\t301231235959Z\t\t01\n"), "index.txt:1: 4 columns"),
    (lambda t: (t.dir / "serial").write_text("what\n"), "serial:1: not a number"),
    (lambda t: (t.dir / "crlnumber").write_text("\n"), "crlnumber:1: not a number"),
    (lambda t: (t.dir / "private/cakey.pem").unlink(), "is not"),
    (lambda t: shutil.copy(t.place / "amy.key", t.dir / "private/cakey.pem"), "is not the key of"),
    (lambda t: shutil.copy(t.place / "amy.pem", t.dir / "cacert.pem"), "cannot go on as a CA"),
    (lambda t: (t.dir / "openssl.cnf").write_text("[ca\n"), "openssl.cnf:1: "),
    (lambda t: (t.dir / "openssl.cnf").write_text("[ca]\ndefault_ca = gone\n"), "no section [gone]"),
], ids=["index", "serial", "crlnumber", "no key", "other key", "leaf as CA", "config", "section"])
def test_damaged_tree_is_refused_and_nothing_is_left(hf, home, tree, spoil, told):
    spoil(tree)
    refused = hf.run("import", "openssl", tree.dir)
    assert refused.code in (1, 3), str(refused)
    if told == "is not":
        assert "private key" in refused.stderr or "CA key" in refused.stderr
    else:
        assert told in refused.stderr
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("args, told", [
    (("opensl", "."), "did you mean 'openssl'?"),
    (("openssl", "/nowhere"), "there is no directory"),
    (("openssl",), "DIR"),
])
def test_mistakes_on_the_line_are_told(hf, args, told):
    refused = hf.run("import", *args)
    assert refused.code in (2, 3) and told in refused.stderr


# --- forms of the CA's files ---

@pytest.mark.row(38)
@pytest.mark.parametrize("form", ["pkcs1", "der", "combined", "combined, certificate first", "pkcs12", "encrypted"])
def test_ca_key_and_certificate_are_taken_in_every_form(hf, home, tree, form):
    key, cert, args = tree.dir / "private/cakey.pem", tree.dir / "cacert.pem", []
    (tree.place / "secret").write_text("sesame\n")
    if form == "pkcs1":
        tree.openssl("rsa", "-traditional", "-in", key, "-out", key)
        assert "BEGIN RSA PRIVATE KEY" in key.read_text()
    elif form == "der":
        tree.openssl("pkey", "-in", key, "-outform", "DER", "-out", "key.der")
        tree.openssl("x509", "-in", cert, "-outform", "DER", "-out", "cert.der")
        args = ["--ca-key", tree.place / "key.der", "--ca-cert", tree.place / "cert.der"]
    elif form.startswith("combined"):
        texts = [key.read_text(), cert.read_text()]
        cert.write_text("".join(reversed(texts) if "first" in form else texts))
        key.unlink()
    elif form == "pkcs12":
        tree.openssl("pkcs12", "-export", "-in", cert, "-inkey", key, "-passout", "pass:sesame", "-out", "ca.p12")
        args = ["--ca-key", tree.place / "ca.p12", "--passphrase-file", tree.place / "secret"]
    else:
        tree.openssl("pkey", "-in", key, "-aes256", "-passout", "pass:sesame", "-out", "enc.pem")
        args = ["--ca-key", tree.place / "enc.pem", "--passphrase-file", tree.place / "secret"]
    hf("import", "openssl", tree.dir, *args)
    secret = "ENCRYPTED" in (home / "ca/root.key").read_text()
    assert secret == (form in ("pkcs12", "encrypted"))
    hf("issue", "mail.example", "--server", *(["--passphrase-file", tree.place / "secret"] if secret else []))
    look.openssl("verify", "-CAfile", tree.dir / "certs/../cacert.pem", home / "id/mail.example/cert.pem")


def test_encrypted_key_needs_its_passphrase_and_is_never_kept_plain(hf, home, tmp_path):
    ca = OpensslCa(tmp_path / "locked", passphrase="sesame")
    ca.issue("amy")
    refused = hf("import", "openssl", ca.dir, exit=3)
    assert "passphrase" in refused.stderr and list(home.iterdir()) == []
    report = hf.json("import", "openssl", ca.dir, "--dry-run")
    assert report["ca"]["key_encrypted"] is True and "key-locked" in findings(report)
    hf("import", "openssl", ca.dir, env={"HANDFAST_PASSPHRASE": "sesame"})
    assert "BEGIN ENCRYPTED PRIVATE KEY" in (home / "ca/root.key").read_text()
    hf("issue", "mail.example", "--server", exit=3)
    hf("issue", "mail.example", "--server", env={"HANDFAST_PASSPHRASE": "sesame"})


def test_key_can_stay_where_it_is(hf, home, tree):
    hf("import", "openssl", tree.dir, "--key-in-place")
    assert (home / "ca/root.key").is_symlink()
    assert os.readlink(home / "ca/root.key") == str((tree.dir / "private/cakey.pem").resolve())
    hf("issue", "mail.example", "--server")
    (tree.dir / "private/cakey.pem").unlink()
    hf("issue", "other.example", "--server", exit=3)


# --- an issuing CA below a root ---

def make_intermediate(tree):
    """A second `openssl ca` below the tree's root."""
    below = OpensslCa(tree.place / "below", key="rsa:2048")
    below.openssl("req", "-new", "-config", "demoCA/openssl.cnf", "-key", "demoCA/private/cakey.pem", "-subj",
                  "/O=ABC Inc./CN=ABC Issuing", "-out", "ca.csr")
    shutil.copy(below.place / "ca.csr", tree.place)
    tree.ca("-in", "ca.csr", "-extensions", "v3_ca", "-notext", "-out", "below.pem")
    shutil.copy(tree.place / "below.pem", below.dir / "cacert.pem")
    return below


def test_issuing_ca_finds_its_root_or_is_told_of_it(hf, home, tree):
    below = make_intermediate(tree)
    below.issue("gwen", san="DNS:gwen.example")
    refused = hf("import", "openssl", below.dir, exit=1)
    assert "--root" in refused.stderr
    hf("import", "openssl", below.dir, "--root", tree.dir / "cacert.pem")
    assert look.cn(look.cert(home / "ca/issuing.pem")) == "ABC Issuing"
    assert not (home / "ca/root.key").exists()
    hf("issue", "mail.example", "--server")
    look.openssl("verify", "-CAfile", tree.dir / "cacert.pem", "-untrusted", home / "ca/issuing.pem",
                 home / "id/mail.example/cert.pem")
    hf("revoke", "gwen")
    assert set(revoked(home / "ca/crl.pem")) == {0x1000}
    shutil.copy(tree.dir / "cacert.pem", below.dir / "certs/root.pem")
    hf("import", "openssl", below.dir, "--force")


def test_root_comes_with_its_own_books_when_they_are_named(hf, home, tree):
    below = make_intermediate(tree)
    below.issue("gwen", san="DNS:gwen.example")
    tree.crl()
    report = hf.json("import", "openssl", below.dir, "--root", tree.dir)
    assert report["root_from"] == str(tree.dir) and report["certificates"]["valid"] == 1
    rows = {(row["name"], row["state"]) for row in hf.json("list", "--all")["certificates"]}
    assert {("gwen", "valid"), ("amy", "valid"), ("carol", "revoked"), ("issuing", "valid"), ("root", "valid")} <= rows
    assert look.mode(home / "ca/root.key") == 0o600
    assert revoked(home / "ca/root.crl.pem") == {0x1002: "keyCompromise", 0x1003: None}
    assert crl_number(home / "ca/root.crl.pem") == crl_number(tree.dir / "crl.pem") + 1
    assert revoked(home / "ca/crl.pem") == {}


def test_root_without_its_key_brings_its_last_list(hf, home, tree):
    below = make_intermediate(tree)
    tree.crl()
    (tree.dir / "private/cakey.pem").unlink()
    hf("import", "openssl", below.dir, "--root", tree.dir)
    assert not (home / "ca/root.key").exists()
    assert crl_number(home / "ca/root.crl.pem") == crl_number(tree.dir / "crl.pem")
    hf("issue", "mail.example", "--server")


def test_root_that_did_not_sign_the_ca_is_refused(hf, home, tree, tmp_path):
    below = make_intermediate(tree)
    other = OpensslCa(tmp_path / "other")
    assert "is not the root above" in hf("import", "openssl", below.dir, "--root", other.dir, exit=3).stderr
    assert "is not the root that signed it" in hf("import", "openssl", below.dir, "--root", other.dir / "cacert.pem",
                                                  exit=1).stderr
    assert list(home.iterdir()) == []


# --- all or nothing ---

CHANGING = ("openat", "write", "pwrite64", "fdatasync", "fsync", "rename", "renameat", "renameat2", "link", "linkat",
            "mkdir", "unlink", "unlinkat")


def traced(hf):
    """LeakSanitizer cannot work below strace."""
    env = hf.environment()
    return dict(env, ASAN_OPTIONS=":".join(filter(None, (env.get("ASAN_OPTIONS"), "detect_leaks=0"))))


def kill_points(trace):
    """(system call, its ordinal) of each call that changes something, from the draft directory on."""
    seen, points, begun = {}, [], False
    for line in trace.read_text().splitlines():
        found = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if not found:
            continue
        name = found.group(1)
        seen[name] = seen.get(name, 0) + 1
        begun = begun or ".ca." in line
        if begun and name in CHANGING:
            points.append((name, seen[name]))
    return points


def traced(hf):
    """Under strace the leak checker of a sanitizer build cannot work."""
    return hf.environment(ASAN_OPTIONS="detect_leaks=0")


def test_kill_at_any_system_call_leaves_no_authority_or_a_whole_one(hf, home, tree):
    strace, trace = need("strace"), tree.place / "trace"
    argv = [hf.binary, "import", "openssl", tree.dir]
    subprocess.run([strace, "-f", "-o", trace, *argv[:1], "--home", tree.place / "counted", *argv[1:]],
                   env=traced(hf), capture_output=True, timeout=120 * SLOW, check=True)
    points = kill_points(trace)
    assert len(points) > 50
    whole = []
    for name, number in points[::max(1, len(points) // 24)] + points[-6:]:
        shutil.rmtree(home)
        home.mkdir(mode=0o700)
        subprocess.run([strace, "-f", "-o", "/dev/null", "-e",
                        "inject=%s:signal=SIGKILL:when=%d" % (name, number), *argv],
                       env=traced(hf), capture_output=True, timeout=120 * SLOW, check=False)
        whole.append((home / "ca").exists())
        if not whole[-1]:
            hf("import", "openssl", tree.dir)
        assert len(hf.json("list", "--all")["certificates"]) == 5, (name, number)
        assert set(revoked(home / "ca/crl.pem")) == {0x1002, 0x1003}, (name, number)
        hf("issue", "mail.example", "--server")
    assert True in whole and False in whole


def test_kill_while_an_authority_is_replaced_leaves_the_old_one_or_the_new(hf, home, tree, tmp_path):
    strace, trace = need("strace"), tree.place / "trace"
    argv = [hf.binary, "import", "openssl", tree.dir, "--force"]
    hf("init", "Mine")
    hf("issue", "amy.example", "--server")
    saved = tmp_path / "saved"
    shutil.copytree(home, saved)
    subprocess.run([strace, "-f", "-o", trace, *argv], env=traced(hf), capture_output=True, timeout=120 * SLOW,
                   check=True)
    points = [point for point in kill_points(trace) if point[0] != "pwrite64"]
    seen = set()
    for name, number in points[-24:]:
        shutil.rmtree(home)
        shutil.copytree(saved, home)
        subprocess.run([strace, "-f", "-o", "/dev/null", "-e", "inject=%s:signal=SIGKILL:when=%d" % (name, number), *argv],
                       env=traced(hf), capture_output=True, timeout=120 * SLOW, check=False)
        cn = look.cn(look.cert(home / "ca/root.pem"))
        seen.add(cn)
        hf("issue", "new.example", "--server")
        hf("verify", "--purpose", "server", home / "id/new.example/cert.pem")  # the home trusts its own root
    assert seen == {"Mine Root CA", "ABC Root"}
