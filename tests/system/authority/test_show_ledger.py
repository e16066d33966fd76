# SPDX-License-Identifier: Apache-2.0
"""show asks the ledger too: by serial, by name, and for the state of a certificate that is at hand."""
import json
import os
import pty
import subprocess

import pytest
from support import look
from support.process import SLOW

ESCAPE = "\x1b["


@pytest.fixture
def abc(hf):
    hf("init", "ABC Inc.")
    hf("issue", "mail", "--client")
    return hf


def serial(path):
    return look.hexserial(look.cert(path)).lower().lstrip("0")


def test_a_serial_is_looked_up_in_the_ledger_however_it_is_written(abc, home):
    number = serial(home / "id/mail/cert.pem")
    padded = number.zfill(32)
    colons = ":".join(padded[i:i + 2] for i in range(0, 32, 2)).upper()
    for text in (number, padded, colons):
        told = abc("show", text).stdout
        assert "mail" in told and "valid" in told and "days left" in told, told
    assert look.cert(abc("show", number, "--pem").out) == look.cert(home / "id/mail/cert.pem")


def test_a_name_that_has_no_files_here_is_found_in_the_ledger(abc, home, tmp_path):
    other = abc.at(tmp_path / "other")
    other("request", "far")
    abc("sign", tmp_path / "other/id/far/request.pem", "--profile", "client", "--out", tmp_path / "far.pem")
    assert not (home / "id/far").exists()
    told = abc.json("show", "far")["files"][0]
    assert told["certificates"][0]["serial"] == serial(tmp_path / "far.pem")
    assert told["ledger"][0]["state"] == "valid"


def test_revocation_and_lineage_stand_below_the_certificate(abc, home):
    first = serial(home / "id/mail/cert.pem")
    abc("revoke", "mail", "--reason", "keyCompromise")
    abc("issue", "mail", "--client", "--force")
    second = serial(home / "id/mail/cert.pem")
    told = abc("show", first).stdout
    assert "revoked" in told and "keyCompromise" in told
    assert told.index("lineage") < told.rindex(first) < told.rindex(second)
    rows = abc.json("show", "mail")["files"][0]
    assert rows["ledger"][0]["serial"] == second and rows["ledger"][0]["state"] == "valid"
    assert [(r["serial"], r["state"]) for r in rows["lineage"]] == [(first, "revoked"), (second, "valid")]
    assert rows["lineage"][0]["reason"] == "keyCompromise"


def test_the_file_of_a_certificate_tells_its_state_too(abc, home, tmp_path):
    abc("revoke", "mail")
    assert "revoked" in abc("show", home / "id/mail/cert.pem").stdout
    stranger = abc.at(tmp_path / "stranger")
    told = stranger("show", home / "id/mail/cert.pem")
    assert "In the ledger" not in told.stdout and told.stderr == ""
    assert "ledger" not in stranger.json("show", home / "id/mail/cert.pem")["files"][0]


def test_what_nobody_knows_is_said_so(abc):
    told = abc("show", "abcdef12", exit=3)
    assert "abcdef12" in told.stderr and "ledger" in told.stderr
    assert json.loads(abc.run("--json", "show", "nobody").out)["error"]["code"]


def test_a_damaged_ledger_does_not_keep_a_file_from_being_shown(abc, home):
    (home / "ca/ca.db").write_bytes(b"this is not a ledger, it is a sentence" * 40)
    told = abc("show", home / "id/mail/cert.pem")
    assert "mail" in told.stdout and "ledger" in told.stderr


def on_terminal(hf, *args, **env):
    master, slave = pty.openpty()
    child = subprocess.Popen([hf.binary, *args], stdin=slave, stdout=slave, stderr=slave, cwd=hf.cwd,
                             env=hf.environment(TERM="xterm", **env))
    os.close(slave)
    seen = b""
    try:
        while True:
            part = os.read(master, 4096)
            if not part:
                break
            seen += part
    except OSError:
        pass
    os.close(master)
    assert child.wait(10 * SLOW) == 0, seen
    return seen.decode()


def test_colour_is_for_terminals_only_and_can_be_refused(abc):
    try:
        assert ESCAPE in on_terminal(abc, "show", "mail")
    except FileNotFoundError as no:
        pytest.skip("this machine has no terminal to lend: %s" % no)
    assert ESCAPE not in on_terminal(abc, "show", "mail", NO_COLOR="1")
    assert ESCAPE not in on_terminal(abc, "--no-color", "show", "mail")
    assert ESCAPE not in abc("show", "mail").stdout
