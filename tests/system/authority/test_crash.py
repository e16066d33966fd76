# SPDX-License-Identifier: Apache-2.0
"""What is left of an authority whose program is killed, whose disk is full, whose directory is read-only.
The full table beside `openssl ca` is bench/ca_kill.py; this is the same machinery with fewer points."""
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import time

import pytest
from support import look

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


def may_mount():
    return subprocess.run(["unshare", "-rm", "true"], stdin=subprocess.DEVNULL, capture_output=True,
                          check=False).returncode == 0


needs_mount = pytest.mark.skipif(not may_mount(), reason="no mount namespace of one's own here")


@pytest.fixture(scope="session")
def kill(source):
    spec = importlib.util.spec_from_file_location("ca_kill", source / "bench/ca_kill.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["ca_kill"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ca(kill, binary, tmp_path):
    return kill.Handfast(binary, str(tmp_path))


@needs_strace
@pytest.mark.parametrize("operation", ["issue", "revoke", "crl"])
def test_a_kill_at_a_system_call_leaves_the_ledger_whole(ca, tmp_path, operation):
    killed = ca.kill_at_system_calls(operation, 14, str(tmp_path))
    assert ca.broken == [] and killed > 10


@pytest.mark.parametrize("operation", ["issue", "revoke", "crl"])
def test_kills_at_random_moments_leave_the_ledger_whole(ca, operation):
    killed = ca.kill_at_random(operation, 67, random.Random(7))  # 200 times and one over all three
    assert ca.broken == [] and killed > 20


@needs_strace
def test_what_was_only_intended_is_closed_at_the_next_start_and_listed(ca, kill):
    for which in range(1, 12):
        if not kill.killed_at(("fdatasync", which), ca.argv("issue", ca.new_name(), "--client"), ca.env, None):
            break
    states = list(ca.known().values())
    assert "abandoned" in states and "intent" not in states
    lost = [row for row in ca("audit").splitlines() if " abandon " in row]
    assert len(lost) == states.count("abandoned")
    ca.check("recovery")
    assert ca.broken == []


def test_sixteen_signers_at_once_get_sixteen_certificates(ca):
    assert ca.many_signers(16) == 0
    assert ca.broken == []


def test_two_that_sign_in_bulk_at_once_share_the_ledger(ca, requests, tmp_path):
    children = []
    for who in ("one", "two"):
        inbox = requests(tmp_path / who, 300, who)
        children.append(subprocess.Popen(ca.argv("sign", inbox, "--profile", "client", "--out", tmp_path / (who + ".out"),
                                                 "--jobs", "2"), env=ca.env, stdout=subprocess.DEVNULL))
    assert [child.wait(120) for child in children] == [0, 0]
    known = ca.known()
    handed_out = [look.hexserial(look.certs(path)[0]) for who in ("one", "two")
                  for path in (tmp_path / (who + ".out")).iterdir()]
    assert len(handed_out) == 600 == len(set(handed_out)) and all(known[serial] == "valid" for serial in handed_out)


def test_signing_in_bulk_that_is_killed_hands_out_nothing_unknown(ca, kill, requests, tmp_path):
    inbox = requests(tmp_path / "inbox", 600)
    rng = random.Random(3)
    began = time.monotonic()
    ca("sign", inbox, "--profile", "client", "--out", tmp_path / "whole")
    took = time.monotonic() - began
    for i in range(6):
        out = tmp_path / ("out%d" % i)
        kill.killed_after(took * rng.random(), ca.argv("sign", inbox, "--profile", "client", "--out", out), ca.env, None)
        known = ca.known()
        for path in out.iterdir() if out.exists() else []:
            chain = look.certs(path)  # a file is whole, or it is not there
            assert len(chain) == 2 and known[look.hexserial(chain[0])] == "valid", path
            assert path.name.endswith(".pem"), "litter: %s" % path
    ca.check("sign")
    assert ca.broken == []


def test_a_new_identity_that_was_left_half_made_is_cleared_away(hf, home):
    hf("init", "ABC Inc.")
    hf("issue", "amy", "--client")
    nursery = home / "id/.handfast-new"
    for name in ("old.AAAAAA", "young.BBBBBB"):
        (nursery / name).mkdir(parents=True)
        (nursery / name / "key.pem").write_text("half a key")
    long_ago = time.time() - 3600
    os.utime(nursery / "old.AAAAAA", (long_ago, long_ago))
    hf("issue", "bob", "--client")
    assert sorted(os.listdir(nursery)) == ["young.BBBBBB"], "another process may be at work on a young one"
    os.utime(nursery / "young.BBBBBB", (long_ago, long_ago))
    hf("issue", "eve", "--client")
    assert not nursery.exists() and sorted(os.listdir(home / "id")) == ["amy", "bob", "eve"]


SMALL_DISK = """set -e
mount -t tmpfs -o size=1200k none "$1"
export HANDFAST_HOME="$1/home"
"$2" init "Small CA" >/dev/null 2>&1
dd if=/dev/zero of="$1/ballast" bs=1k count=400 2>/dev/null
n=0
while [ $n -lt 200 ] && "$2" issue "node-$n" --client >/dev/null 2>"$3/err"; do n=$((n + 1)); done
echo "issued $n"
[ $n -lt 200 ] || exit 4
code=0
"$2" crl >/dev/null 2>"$3/err.crl" || code=$?
echo "crl $code"
"$2" list --all --json >"$3/full.json"
rm "$1/ballast"
"$2" issue after --client >/dev/null
"$2" crl >/dev/null
"$2" list --all --json >"$3/after.json"
"$2" audit verify >/dev/null
cp -r "$1/home/id" "$3/id"
"""


@needs_mount
def test_a_full_disk_is_a_clean_refusal(binary, tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", str(place), binary, str(tmp_path)],
                          env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert int(done.stdout.split()[1]) > 2
    said = (tmp_path / "err").read_text()
    assert "full" in said or "No space left" in said
    rows = json.loads((tmp_path / "after.json").read_text())["certificates"]
    known = {row["serial"]: row["state"] for row in rows}
    assert len(known) == len(rows)
    for name in os.listdir(tmp_path / "id"):
        path = tmp_path / "id" / name / "cert.pem"
        if not name.startswith("."):
            assert known[look.hexserial(look.certs(path)[0])] == "valid"
    assert "after" in os.listdir(tmp_path / "id")


READ_ONLY = """set -e
mount --bind "$1" "$1"
mount -o remount,ro,bind "$1"
export HANDFAST_HOME="$1"
code=0
"$2" issue amy --client || code=$?
echo "issue $code"
code=0
"$2" crl || code=$?
echo "crl $code"
"""


@needs_mount
def test_a_read_only_directory_is_said_and_nothing_is_issued(hf, home, tmp_path, binary):
    hf("init", "ABC Inc.")
    before = look.tree(home)
    done = subprocess.run(["unshare", "-rm", "sh", "-c", READ_ONLY, "sh", str(home), binary],
                          env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60, check=False)
    told = done.stdout.decode() + done.stderr.decode()
    assert "issue 3" in told and "crl 3" in told, told
    assert "ca.db" in told and "may this user write to it" in told, told
    assert look.tree(home) == before
