# SPDX-License-Identifier: Apache-2.0
"""`handfast export openssl DIR`: `openssl ca` goes on with the authority, and the program with what it then did."""
import pytest
from cryptography import x509
from support import look
from support.openssl_ca import OpensslCa


class Exported(OpensslCa):
    """A tree that the program wrote; openssl runs anywhere, since its configuration has whole paths."""

    def __init__(self, place, directory):
        self.place, self.dir, self.passphrase = place, directory, None

    def ca(self, *args, **rest):
        rest.setdefault("config", str(self.dir / "openssl.cnf"))
        return super().ca(*args, **rest)

    def request(self, name, *more, key="ec"):
        kind = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else [key]
        self.openssl("req", "-new", "-config", self.dir / "openssl.cnf", "-newkey", *kind, "-nodes", "-keyout",
                     name + ".key", "-out", name + ".csr", "-subj", "/O=ABC/CN=" + name, *more)


@pytest.fixture
def exported(hf, tmp_path):
    """Exports into tmp_path/out and gives it to openssl."""
    def export(*more, name="out", **rest):
        hf("export", "openssl", tmp_path / name, *more, **rest)
        return Exported(tmp_path, tmp_path / name)
    return export


def entries(path):
    crl = x509.load_pem_x509_crl(path.read_bytes())
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    return number, {entry.serial_number for entry in crl}


def verify_crl(path, ca):
    assert "verify OK" in look.openssl("crl", "-in", path, "-CAfile", ca, "-noout")


@pytest.mark.row(16)
@pytest.mark.row(19)
def test_openssl_ca_and_handfast_take_turns_and_agree(hf, home, tmp_path, exported):
    """openssl issues and revokes, the program goes on, openssl goes on, the program goes on."""
    first = OpensslCa(tmp_path / "first")
    first.issue("amy", san="DNS:amy.example")
    first.issue("bob")
    first.revoke("bob", "keyCompromise")
    verify_crl(first.crl(), first.dir / "cacert.pem")
    assert entries(first.dir / "crl.pem") == (0x1000, {0x1001})

    hf("import", "openssl", first.dir)
    hf("issue", "mail.example", "--server")
    hf("issue", "old.example", "--server")
    hf("revoke", "old.example", "--reason", "superseded")
    mail = look.cert(home / "id/mail.example/cert.pem").serial_number
    old = look.cert(home / "id/old.example/cert.pem").serial_number
    assert entries(home / "ca/crl.pem") == (0x1002, {0x1001, old})
    verify_crl(home / "ca/crl.pem", first.dir / "cacert.pem")

    second = exported()
    assert (second.dir / "serial").read_text() == "1002\n"
    assert (second.dir / "crlnumber").read_text() == "1003\n"
    eve = look.cert(second.issue("eve", "-extensions", "client", san="DNS:eve.example"))
    assert eve.serial_number == 0x1002 and look.purposes(eve) == {"clientAuth"}
    look.openssl("verify", "-x509_strict", "-CAfile", second.dir / "cacert.pem", tmp_path / "eve.pem")
    second.ca("-revoke", home / "id/mail.example/cert.pem", "-crl_reason", "cessationOfOperation")
    second.revoke("eve")
    verify_crl(make_crl(second), second.dir / "cacert.pem")
    assert entries(second.dir / "crl.pem") == (0x1003, {0x1001, old, mail, 0x1002})

    hf("import", "openssl", second.dir, "--force")
    rows = {row["serial"]: row["state"] for row in hf.json("list", "--all")["certificates"]}
    assert rows["1000"] == "valid" and rows["%x" % mail] == "revoked" and rows["1002"] == "revoked"
    hf("revoke", "amy")
    assert entries(home / "ca/crl.pem") == (0x1005, {0x1001, old, mail, 0x1002, 0x1000})
    verify_crl(home / "ca/crl.pem", first.dir / "cacert.pem")


def make_crl(tree):
    tree.ca("-gencrl", "-out", tree.dir / "crl.pem")
    return tree.dir / "crl.pem"


@pytest.mark.row(20)
def test_index_says_what_the_ledger_says(hf, home, exported):
    hf("init", "ABC", "--single")
    hf("issue", "mail.example", "--server", "--subject", "/C=IN/O=ABC/CN=mail.example")
    hf("issue", "amy", "--client")
    hf("revoke", "amy", "--reason", "privilegeWithdrawn")
    tree = exported()
    rows = {row[5]: row for row in tree.index()}
    assert set(rows) == {"/C=IN/O=ABC/CN=mail.example", "/CN=amy"}
    mail = look.cert(home / "id/mail.example/cert.pem")
    serial = "%X" % mail.serial_number
    assert rows["/C=IN/O=ABC/CN=mail.example"][:5] == [
        "V", mail.not_valid_after.strftime("%y%m%d%H%M%SZ"), "", serial.zfill(len(serial) + len(serial) % 2), "unknown"]
    assert rows["/CN=amy"][0] == "R" and "," not in rows["/CN=amy"][2]  # a reason that openssl does not know
    make_crl(tree)
    for name in ("mail.example", "amy"):
        leaf = look.cert(home / "id" / name / "cert.pem")
        text = "%X" % leaf.serial_number
        copy = tree.dir / "newcerts" / (text.zfill(len(text) + len(text) % 2) + ".pem")
        assert look.cert(copy) == leaf


def test_what_looked_at_a_shard_is_spoken_for_by_the_list_that_openssl_makes(hf, home, tmp_path, exported):
    hf("init", "ABC", "--single")
    hf("issue", "before", "--client")
    (home / "ca/policy.yaml").write_text("revocation: { crl: 'http://lists.test/{ca}-{shard}.crl', shards: 4 }\n")
    for name in ("amy", "bob"):
        hf("issue", name, "--client")
    told = hf.json("export", "openssl", tmp_path / "told")
    assert told["sharded"] == 2 and told["valid"] == 3
    told = hf("export", "openssl", tmp_path / "again").stderr
    assert "2 of the certificates look for the list of their shard" in told and "crl.pem" in told
    tree = exported()
    tree.ca("-revoke", home / "id/amy/cert.pem")
    crl = make_crl(tree)
    for name, word, code in (("amy", "certificate revoked", 2), ("bob", "OK", 0)):
        path = home / "id" / name / "cert.pem"
        assert word in tree.openssl("verify", "-crl_check", "-CAfile", tree.dir / "cacert.pem", "-CRLfile", crl, path, exit=code)
        verdict = hf.run("verify", path, "--ca", tree.dir / "cacert.pem", "--crl", crl)
        assert ("V-REVOKED" in verdict.everything) == (name == "amy") and verdict.code == (name == "amy")


def test_serials_of_openssl_are_new_and_cannot_be_guessed(hf, exported):
    hf("init", "ABC", "--single")
    tree = exported()
    serials = {look.cert(tree.issue(name, "-extensions", "peer")).serial_number for name in ("amy", "bob")}
    assert len(serials) == 2 and min(serials) > 2 ** 64
    assert (tree.dir / "index.txt.attr").read_text() == "unique_subject = no\n"
    tree.issue("amy", "-extensions", "peer")  # the same subject once more


def test_request_gets_its_names_and_nothing_else(hf, tmp_path, exported):
    hf("init", "ABC", "--single")
    tree = exported()
    tree.request("mallory", "-addext", "subjectAltName=DNS:mallory.example", "-addext",
                 "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign", "-addext",
                 "extendedKeyUsage=codeSigning")
    tree.ca("-in", "mallory.csr", "-out", "mallory.pem", "-extensions", "client")
    cert = look.cert(tmp_path / "mallory.pem")
    assert not look.basic(cert).value.ca
    assert look.usages(cert) == {"digital_signature"} and look.purposes(cert) == {"clientAuth"}


def test_issuing_ca_and_root_get_a_tree_each(hf, home, tmp_path, exported):
    hf("init", "ABC")
    tree = exported()
    tree.issue("amy", "-extensions", "client")
    look.openssl("verify", "-x509_strict", "-CAfile", home / "ca/root.pem", "-untrusted", tree.dir / "cacert.pem",
                 tmp_path / "amy.pem")
    look.openssl("verify", "-CAfile", tree.dir / "chain.pem", tmp_path / "amy.pem")
    root = Exported(tmp_path, tree.dir / "root")
    assert [row[5] for row in root.index()] == ["/O=ABC/CN=ABC Issuing CA"]
    verify_crl(make_crl(root), home / "ca/root.pem")
    other = hf.at(tmp_path / "other")
    report = other.json("import", "openssl", tree.dir)
    # nothing of what it wrote itself is odd; amy got her certificate from openssl
    assert {row["id"] for row in report["findings"]} == {"plain-key", "client-cn-only"}
    for name in ("issuing.pem", "root.pem"):
        assert (tmp_path / "other/ca" / name).read_bytes() == (home / "ca" / name).read_bytes()
    rows = {row["name"]: row for row in other.json("list", "--all")["certificates"]}
    assert set(rows) == {"root", "issuing", "amy"} and rows["issuing"]["profile"] == "issuing"
    # the root's lists go on too: 1 of init, 2 of openssl, 3 of the import
    assert entries(tmp_path / "other/ca/root.crl.pem") == (3, set())
    verify_crl(tmp_path / "other/ca/root.crl.pem", home / "ca/root.pem")
    other("issue", "new.example", "--server")


@pytest.mark.parametrize("kind", ["p384", "rsa2048", "ed25519"])
def test_openssl_goes_on_with_every_kind_of_key(hf, tmp_path, exported, kind):
    hf("init", "ABC", "--single", "--key-type", kind)
    tree = exported()
    tree.issue("amy", "-extensions", "client")
    look.openssl("verify", "-x509_strict", "-CAfile", tree.dir / "cacert.pem", tmp_path / "amy.pem")
    verify_crl(make_crl(tree), tree.dir / "cacert.pem")


def test_key_is_encrypted_plain_or_left_out_as_asked(hf, home, tmp_path, exported):
    (tmp_path / "secret").write_text("sesame\n")
    (tmp_path / "other").write_text("open\n")
    hf("init", "ABC", "--single")
    tree = exported("--passphrase-file", tmp_path / "secret")
    assert "BEGIN ENCRYPTED PRIVATE KEY" in (tree.dir / "private/cakey.pem").read_text()
    assert look.mode(tree.dir / "private/cakey.pem") == 0o600 and look.mode(tree.dir / "private") == 0o700
    tree.passphrase = "sesame"
    tree.issue("amy", "-extensions", "client")
    tree = exported("--without-key", name="keyless")
    assert not list((tree.dir / "private").iterdir())
    hf("init", "Locked", "--single", "--force", "--passphrase-file", tmp_path / "secret")
    refused = hf("export", "openssl", tmp_path / "plain", "--key-passphrase-file", tmp_path / "secret", exit=3)
    assert "would be written in plain" in refused.stderr and not (tmp_path / "plain").exists()
    tree = exported("--key-passphrase-file", tmp_path / "secret", "--passphrase-file", tmp_path / "other", name="again")
    tree.passphrase = "open"
    tree.issue("bob", "-extensions", "client")


def test_directory_that_is_there_is_not_touched(hf, tmp_path):
    hf("init", "ABC")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")
    refused = hf("export", "openssl", tmp_path / "full", exit=1)
    assert "is there already" in refused.stderr
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    hf("export", "openssl", tmp_path / "empty")
    hf("export", "openssl", tmp_path / "nowhere/out", exit=3)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(("full.", "empty.", "nowhere"))]


@pytest.mark.parametrize("args, told", [
    (("amy", "bob"), "openssl DIR"),
    (("openssl", "out", "--p12", "x.p12"), "openssl DIR takes"),
    (("amy", "--without-key"), "--without-key is for"),
])
def test_mistakes_on_the_line_are_told(hf, args, told):
    assert told in hf("export", *args, exit=2).stderr


def test_forgotten_directory_is_asked_for(hf, tmp_path):
    hf("init", "ABC")
    assert "into which directory?" in hf("export", "openssl", exit=2).stderr


def test_place_with_odd_letters_is_quoted_in_the_configuration(hf, tmp_path, exported):
    hf("init", "ABC", "--single")
    tree = exported(name='a "quoted" $place #1')
    tree.issue("amy", "-extensions", "client")
    hf("import", "openssl", tree.dir, "--force")
