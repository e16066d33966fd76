# SPDX-License-Identifier: Apache-2.0
"""Files are looked at before a byte is sent: each usual mistake is named, with what the file is."""
import json
import os
import subprocess
from pathlib import Path

import pytest
from support.peer_servers import OpenSSLServer
from support.peers import need
from support.process import clean_env
from support.token import PIN, Token, needs_token


@pytest.fixture
def files(town, tmp_path):
    """Good files to spoil: cert, key, ca."""
    for name, source in (("cert.pem", town["mail"].cert), ("key.pem", town["mail"].key), ("ca.pem", town.ca)):
        (tmp_path / name).write_bytes(Path(source).read_bytes())
    os.chmod(tmp_path / "key.pem", 0o600)
    return tmp_path


def openssl(*args, cwd, input=None):
    done = subprocess.run([need("openssl"), *args], cwd=cwd, input=input, capture_output=True,
                          env=clean_env(cwd), check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def spoil_csr(at, town):
    openssl("req", "-new", "-key", "key.pem", "-subj", "/CN=node-07", "-out", "cert.pem", cwd=at)


def spoil_der(at, town):
    (at / "cert.pem").write_bytes(openssl("x509", "-in", "cert.pem", "-outform", "DER", cwd=at))


def spoil_ca_empty(at, town):
    (at / "ca.pem").write_bytes(b"")


def spoil_encrypted(at, town):
    (at / "key.pem").write_bytes(openssl("pkey", "-in", "key.pem", "-aes128", "-passout", "pass:x", cwd=at))


def spoil_order(at, town):
    blocks = (at / "cert.pem").read_text().split("-----END CERTIFICATE-----\n")
    (at / "cert.pem").write_text("-----END CERTIFICATE-----\n".join([blocks[1], blocks[0], ""]))


def spoil_mismatch(at, town):
    (at / "key.pem").write_bytes(Path(town["bob"].key).read_bytes())


def spoil_missing(at, town):
    (at / "key.pem").unlink()


def spoil_swapped(at, town):
    cert, key = (at / "cert.pem").read_bytes(), (at / "key.pem").read_bytes()
    (at / "cert.pem").write_bytes(key)
    (at / "key.pem").write_bytes(cert)


def spoil_damaged(at, town):
    data = (at / "cert.pem").read_bytes()
    (at / "cert.pem").write_bytes(data[:len(data) // 3])


def spoil_legacy(at, town):
    (at / "cert.pem").write_bytes(openssl("pkcs12", "-export", "-legacy", "-in", "cert.pem", "-inkey", "key.pem",
                                          "-passout", "pass:x", cwd=at))


CASES = [("F-CSR", spoil_csr, "node-07"), ("F-DER", spoil_der, "DER"), ("F-CA-EMPTY", spoil_ca_empty, "empty"),
         ("F-KEY-ENCRYPTED", spoil_encrypted, "no passphrase"), ("F-ORDER", spoil_order, "certificate 2"),
         ("F-KEY-MISMATCH", spoil_mismatch, "does not belong"), ("F-MISSING", spoil_missing, "does not exist"),
         ("F-SWAPPED", spoil_swapped, "swapped"), ("F-DAMAGED", spoil_damaged, "cut off")]


@pytest.mark.parametrize("cause,spoil,word", CASES, ids=[case[0] for case in CASES])
def test_the_mistake_is_named_and_nothing_is_sent(hf, town, files, cause, spoil, word):
    spoil(files, town)
    # nobody listens there: a packet would end in T-REFUSED
    told = hf.json("explain", "localhost:1", "--cert", files / "cert.pem", "--key", files / "key.pem", "--ca",
                   files / "ca.pem", exit=1)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == (cause, "client", "client"), told
    assert told["confidence"] == "certain" and told["ladder"] == []
    named = ("cert.pem", "key.pem", "ca.pem", "handfast sign")
    assert any(word in told["fix"] for word in named), told["fix"]
    assert any(word in line for line in told["evidence"]), told


def test_a_directory_is_no_file(hf, town, files):
    told = hf.json("explain", "localhost:1", "--cert", files, "--key", files / "key.pem", "--ca", files / "ca.pem", exit=1)
    assert told["cause"] == "F-DAMAGED" and "directory" in told["fix"], told


def test_a_wrong_passphrase(hf, town, files):
    spoil_encrypted(files, town)
    (files / "pass").write_text("wrong\n")
    told = hf.json("explain", "localhost:1", "--cert", files / "cert.pem", "--key", files / "key.pem", "--ca",
                   files / "ca.pem", "--passphrase-file", files / "pass", exit=1)
    assert told["cause"] == "F-PASSPHRASE"


def test_a_pkcs12_of_yesterday(hf, town, files):
    spoil_legacy(files, town)
    (files / "pass").write_text("x\n")
    told = hf.json("explain", "localhost:1", "--cert", files / "cert.pem", "--ca", files / "ca.pem",
                   "--passphrase-file", files / "pass", exit=1)
    assert told["cause"] == "F-P12-LEGACY" and "legacy" in told["fix"]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody who may not read the key")
def test_a_key_that_may_not_be_read(hf, town, files):
    os.chmod(files / "key.pem", 0o600)
    here = files
    while str(here) != "/":  # the way to the files must be open to anybody
        os.chmod(here, os.stat(here).st_mode | 0o055)
        here = here.parent
        if here == Path("/tmp"):
            break
    for name in ("cert.pem", "ca.pem"):
        os.chmod(files / name, 0o644)
    argv = [hf.binary, "--json", "explain", "localhost:1", "--cert", str(files / "cert.pem"), "--key",
            str(files / "key.pem"), "--ca", str(files / "ca.pem")]
    binary = files / "handfast"
    binary.write_bytes(Path(hf.binary).read_bytes())
    os.chmod(binary, 0o755)
    argv[0] = str(binary)
    done = subprocess.run(argv, user=65534, env=clean_env(files), capture_output=True, check=False)
    assert b'"F-UNREADABLE"' in done.stdout, done.stdout + done.stderr
    assert b"chown" in done.stdout


def test_several_mistakes_are_all_told(hf, town, files):
    spoil_mismatch(files, town)
    spoil_ca_empty(files, town)
    told = hf.json("explain", "localhost:1", "--cert", files / "cert.pem", "--key", files / "key.pem", "--ca",
                   files / "ca.pem", exit=1)
    assert told["cause"] == "F-KEY-MISMATCH" and any("F-CA-EMPTY" in line for line in told["also"])


@needs_token
def test_a_key_in_a_token_is_no_missing_file(hf, town, tmp_path):
    token = Token(tmp_path, hf, "p256")
    token.run("softhsm2-util", "--import", town["mail"].key, "--token", "CA", "--label", "mail", "--id", "07", "--pin", PIN)
    key = "pkcs11:token=CA;object=mail?pin-source=file:%s" % token.pin
    with OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        args = ["explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--ca", town.ca]
        assert hf.json(*args, "--cert", town["mail"].cert, "--key", key, exit=0)["meets"]
        told = hf.json(*args, "--cert", town["bob"].cert, "--key", key, exit=1)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("F-KEY-MISMATCH", "client", "client"), told
    assert "the token" in told["explanation"] and "pin-source" not in json.dumps(told)
    assert told["certificate"]["role"] == "client-leaf" and not told["ladder"]  # not a byte was sent
