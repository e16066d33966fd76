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


def test_pages_together_are_the_whole_list_in_every_order(abc, requests, tmp_path):
    inbox = requests(tmp_path / "inbox", FEW)
    abc("sign", inbox, "--profile", "client", "--out", tmp_path / "signed", "--days", "9")
    for name in ("node-0003", "node-0030", "node-0011"):
        abc("revoke", name)
    for query in ((), ("--expiring", "30d"), ("--revoked",), ("--all",)):
        whole = abc.json("list", *query)
        assert whole["next"] is None
        pages, after = [], ()
        while True:
            page = abc.json("list", "--limit", "7", *query, *after)
            pages += page["certificates"]
            if page["next"] is None:
                break
            after = ("--after", page["next"])
        assert pages == whole["certificates"] and pages, query
    assert "add --after" in abc("list", "--limit", "3").stderr
    assert "no certificate with the serial" in abc("list", "--after", "77", exit=1).stderr


def on_a_terminal(hf, typed, *args):
    """What is shown on a terminal where somebody types, and the exit code."""
    master, slave = pty.openpty()
    child = subprocess.Popen([hf.binary, *args], env=hf.environment(TERM="xterm"), stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    os.write(master, typed.encode())
    seen = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        seen += part
    os.close(master)
    return seen.decode(), child.wait(timeout=60)


@pytest.fixture
def twice(abc, home):
    """A name with two valid certificates, and their serials in the order of their issue."""
    serials = []
    for more in ((), ("--force",)):
        abc("issue", "amy", "--client", *more)
        serials.append(look.hexserial(look.certs(home / "id/amy/cert.pem")[0]))
    return serials


def states(hf):
    return {row["serial"]: row["state"] for row in hf.json("list", "--all")["certificates"]}


def test_revoking_an_ambiguous_name_asks_on_a_terminal_which_one_is_meant(abc, twice):
    seen, code = on_a_terminal(abc, "7\n2\n", "revoke", "amy")
    assert code == 0 and seen.count("Which one?") == 2 and all(serial in seen for serial in twice)
    assert [states(abc)[serial] for serial in twice] == ["valid", "revoked"]


def test_revoking_an_ambiguous_name_can_be_left_or_mean_all(abc, twice):
    seen, code = on_a_terminal(abc, "\n", "revoke", "amy")
    assert code == 1 and "nothing was revoked" in seen
    assert [states(abc)[serial] for serial in twice] == ["valid", "valid"]
    assert on_a_terminal(abc, "all\n", "revoke", "amy")[1] == 0
    assert [states(abc)[serial] for serial in twice] == ["revoked", "revoked"]


def test_revoking_an_ambiguous_name_elsewhere_lists_them_and_does_nothing(abc, twice):
    refused = abc("revoke", "amy", exit=1)
    assert all(serial in refused.stderr for serial in twice) and "--all" in refused.stderr
    assert [states(abc)[serial] for serial in twice] == ["valid", "valid"]


@pytest.mark.parametrize("pattern, names", [
    ("web", {"web"}), ("WEB", {"web"}), ("web.abc.test", {"web"}), ("dns:web.abc.test", {"web"}),
    ("*.abc.test", {"web", "mail"}), ("*.ABC.test", {"web", "mail"}), ("ip:10.0.0.*", {"mail"}), ("10.0.0.7", {"mail"}),
    ("uri:*", {"agent"}), ("spiffe://abc/*", {"agent"}), ("CN=web*", {"web"}), ("*", {"web", "mail", "agent"}),
    ("abc.test", set()), ("web.abc.tes", set()), ("dns:10.0.0.7", set()), ("%", set()), ("w_b", set()), ("", set()),
    ("web.abc.test, dns", set()), ("wéb", set()),
])
def test_names_are_looked_for_by_pattern(hf, pattern, names):
    hf("init", "ABC Inc.")
    hf("issue", "web", "--server", "--san", "dns:web.abc.test")
    hf("issue", "mail", "--peer", "--san", "dns:mail.abc.test,ip:10.0.0.7")
    hf("issue", "agent", "--client", "--san", "uri:spiffe://abc/agent")
    assert {row["name"] for row in hf.json("list", pattern)["certificates"]} == names


def test_a_pattern_goes_with_the_other_options(hf, requests, tmp_path):
    hf("init", "ABC Inc.")
    hf("sign", requests(tmp_path / "in", 30, "node"), "--profile", "client", "--out", tmp_path / "out")
    hf("issue", "other", "--client")
    pages, after = [], ()
    while True:
        page = hf.json("list", "node*", "--limit", "12", *after)
        pages += [row["name"] for row in page["certificates"]]
        if not page["next"]:
            break
        after = ("--after", page["next"])
    assert len(pages) == len(set(pages)) == 30 and "other" not in pages
    hf("revoke", pages[3])
    assert [row["name"] for row in hf.json("list", "node*", "--revoked")["certificates"]] == [pages[3]]
    assert len(hf.json("list", "node*", "--expiring", "40d")["certificates"]) == 29
    assert "nothing to list" in hf("list", "nobody*").stderr
