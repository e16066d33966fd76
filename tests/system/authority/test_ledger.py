# SPDX-License-Identifier: Apache-2.0
"""What the ledger knows: certificates signed in bulk, and by many processes at once."""
import os
import pty
import subprocess

import pytest
from support import look

FEW, MANY = 40, 600


@pytest.fixture
def abc(hf):
    hf("init", "ABC Inc.")
    return hf


@pytest.mark.row(7)
def test_a_folder_of_requests_is_signed_by_several_threads_at_once(abc, home, tmp_path, requests):
    inbox = requests(tmp_path / "inbox", MANY)
    told = abc.json("sign", inbox, "--profile", "client", "--out", tmp_path / "signed", "--jobs", "4")
    rows = told["requests"]
    assert len(rows) == MANY and len({row["serial"] for row in rows}) == MANY
    assert sorted(os.listdir(tmp_path / "signed")) == ["node-%04d.pem" % i for i in range(MANY)]
    for row in rows[::97]:
        chain = look.certs(row["file"])
        assert look.hexserial(chain[0]) == row["serial"] and len(chain) == 2
        assert look.mode(row["file"]) == 0o644
        look.openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", home / "ca/root.pem",
                     "-untrusted", row["file"], row["file"])
    known = {row["serial"] for row in abc.json("list")["certificates"]}
    assert known == {row["serial"] for row in rows}


def test_answers_that_are_there_are_kept_and_force_replaces_them(abc, tmp_path, requests):
    inbox = requests(tmp_path / "inbox", FEW)
    out = tmp_path / "signed"
    abc("sign", inbox, "--profile", "client", "--out", out)
    before = {name: (out / name).read_bytes() for name in os.listdir(out)}
    refused = abc("sign", inbox, "--profile", "client", "--out", out, exit=1)
    assert "is there already" in refused.stderr
    assert {name: (out / name).read_bytes() for name in os.listdir(out)} == before
    abc("sign", inbox, "--profile", "client", "--out", out, "--force")
    after = {name: (out / name).read_bytes() for name in os.listdir(out)}
    assert set(after) == set(before) and all(after[name] != before[name] for name in before)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_nothing_is_signed_for_a_directory_that_cannot_be_written(abc, tmp_path, requests):
    inbox = requests(tmp_path / "inbox", 2)
    out = tmp_path / "signed"
    out.mkdir(mode=0o555)
    refused = abc("sign", inbox, "--profile", "client", "--out", out, exit=3)
    assert "cannot write" in refused.stderr
    assert abc.json("list", "--all")["certificates"][2:] == []


def test_one_bad_request_among_many_costs_the_others_nothing(abc, tmp_path, requests):
    inbox = requests(tmp_path / "inbox", FEW)
    (inbox / "node-0007.csr").write_text("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n")
    told = abc.json("sign", inbox, "--profile", "client", "--out", tmp_path / "signed", "--jobs", "3", exit=3)
    wrong = [row for row in told["requests"] if "error" in row]
    assert len(wrong) == 1 and "node-0007" in wrong[0]["request"]
    assert len(os.listdir(tmp_path / "signed")) == FEW - 1


def test_a_bar_is_drawn_on_a_terminal_and_nowhere_else(abc, tmp_path, requests):
    inbox = requests(tmp_path / "inbox", MANY)
    plain = abc("sign", inbox, "--profile", "client", "--out", tmp_path / "first")
    assert "\r" not in plain.everything and " a second" not in plain.everything
    master, slave = pty.openpty()
    with open(tmp_path / "told", "wb") as told:
        child = subprocess.Popen([abc.binary, "sign", str(inbox), "--profile", "client", "--out",
                                  str(tmp_path / "second")], env=abc.environment(TERM="xterm"),
                                 stdin=subprocess.DEVNULL, stdout=told, stderr=slave)
    os.close(slave)
    seen = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(master)
    assert child.wait(timeout=60) == 0
    out = (tmp_path / "told").read_bytes()
    assert b"256 of %d" % MANY in seen and seen.endswith(b"\r\x1b[K")
    assert out.count(b"\n") == MANY and b"\r" not in out
