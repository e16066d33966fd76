# SPDX-License-Identifier: Apache-2.0
"""Where the private key is, and what the processes of a gateway may no longer do."""
import ctypes
import datetime
import errno
import http.server
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from support import look, zoo
from support.peers import Credential, PythonClient
from support.process import SLOW, children, clean_env
from support.program import Server, sanitized
from support.token import MODULE, PIN, Token, needs_token

ANSWER = ["--allow", "any", "--respond", "text:hello"]


def status_of(pid):
    with open("/proc/%d/status" % pid) as rows:
        return dict(row.rstrip("\n").split(":\t", 1) for row in rows if ":\t" in row)


def memory_has(pid, needles):
    """Is one of these byte strings anywhere in what the process can read?"""
    try:
        memory = open("/proc/%d/mem" % pid, "rb", buffering=0)
    except PermissionError:
        pytest.skip("only root reads the memory of a process that is not dumpable")
    with memory, open("/proc/%d/maps" % pid) as maps:
        for row in maps:
            where, mode = row.split()[:2]
            if not mode.startswith("r") or "[v" in row:
                continue
            start, end = (int(part, 16) for part in where.split("-"))
            if end - start > 1 << 30:  # the shadow of a sanitizer
                continue
            try:
                memory.seek(start)
                part = memory.read(end - start)
            except OSError:
                continue
            if any(needle in part for needle in needles):
                return True
    return False


def secrets_of(cert):
    """A private key as it lies in memory: as a number either way round, as DER and as PEM."""
    numbers = cert.key.private_numbers()
    scalar = numbers.private_value if hasattr(numbers, "private_value") else numbers.p
    octets = (scalar.bit_length() + 7) // 8
    pem = cert.key_pem.split(b"\n")
    return [scalar.to_bytes(octets, "big"), scalar.to_bytes(octets, "little"), pem[1], pem[2]]


def everybody(server):
    return [server.pid] + children(server.pid)


@pytest.mark.parametrize("more, who_has_it", [([], ["hf-signer"]), (["--key-in-process"], ["hf-worker", "handfast"])],
                         ids=["signer", "in process"])
def test_only_the_signer_has_the_key_in_its_memory(hf, town, python, more, who_has_it):
    secrets = secrets_of(town.certs["server"])
    with hf.serve(*town.serve_args, *ANSWER, "--workers", "2", *more) as server:
        for _ in range(10):
            assert python.get(server.port, town["mail"], town.ca).status == 200
        server.reload()
        for _ in range(10):
            assert python.get(server.port, town["mail"], town.ca).status == 200
        found = {status_of(pid)["Name"] for pid in everybody(server) if memory_has(pid, secrets)}
        assert found == set(who_has_it)


def test_a_tunnels_workers_do_not_have_the_key_either(hf, town, python):
    secrets = secrets_of(town.certs["mail"])
    with hf.serve(*town.serve_args, "--allow", "cn:mail-server", "--respond", "text:hello") as far:
        argv = ["--cert", town["mail"].cert, "--key", town["mail"].key, "--ca", town.ca, "--to",
                "localhost:%d" % far.port, "--listen", "127.0.0.1:0"]
        with Server(hf, "tunnel", *argv) as near:
            for _ in range(5):
                with socket.create_connection(("127.0.0.1", near.port), 10 * SLOW) as plain:
                    plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    assert b"hello" in PythonClient.read_all(plain)
            assert [status_of(pid)["Name"] for pid in everybody(near) if memory_has(pid, secrets)] == ["hf-signer"]


@pytest.mark.parametrize("kind", ["ec", "p384", "rsa2048", "rsa3072", "ed25519"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_every_kind_of_key_signs_from_there(hf, town, tmp_path, client_of, kind, version):
    certs = zoo.build({"leaf": dict(zoo.SERVER, issuer="root", key=kind)})
    for name, octets in {"s.pem": certs["leaf"].pem, "s.key": certs["leaf"].key_pem, "root.pem": certs["root"].pem}.items():
        (tmp_path / name).write_bytes(octets)
    with hf.serve("--listen", "127.0.0.1:0", "--cert", tmp_path / "s.pem", "--key", tmp_path / "s.key", "--ca", town.ca,
                  *ANSWER) as server:
        got = client_of("openssl").get(server.port, town["mail"], tmp_path / "root.pem", version)
        assert got.body == b"hello", got


def test_old_key_signs_until_the_new_one_is_there(hf, town, python, tmp_path):
    """Clients come all the time while pairs are swapped back and forth: none fails."""
    cert, key = tmp_path / "s.pem", tmp_path / "s.key"

    def put(name):
        for source, target in ((town[name].cert, cert), (town[name].key, key)):
            shutil.copy(source, str(target) + ".new")
            os.replace(str(target) + ".new", target)
    put("server")
    failures, stop = [], threading.Event()

    def come(port):
        while not stop.is_set():
            got = python.get(port, town["mail"])
            if got.status != 200:
                failures.append(got)
    argv = ["--listen", "127.0.0.1:0", "--cert", cert, "--key", key, "--ca", town.ca, "--workers", "2", "--reload",
            "signal"] + ANSWER
    with hf.serve(*argv) as server:
        threads = [threading.Thread(target=come, args=(server.port,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(6):
                put(("gateway", "server")[turn % 2])
                assert "in use" in server.reload()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert not failures


# --- the signer dies, or hangs --------------------------------------------------------------------------------

def signer_of(server):
    return children(server.pid, "hf-signer")[0]


def another_signer(server, old):
    server.wait_until(lambda: set(children(server.pid, "hf-signer")) - {old}, "another signer")
    # files that were bad are read again after ten seconds
    server.wait_until(lambda: any("has its keys again" in line for line in server.lines["err"]), "its keys", 30)


def test_signer_that_is_killed_is_replaced_with_its_keys(hf, town, python):
    with hf.serve(*town.serve_args, *ANSWER, "--workers", "2") as server:
        old = signer_of(server)
        assert python.get(server.port, town["mail"], town.ca).status == 200
        os.kill(old, signal.SIGKILL)
        another_signer(server, old)
        for _ in range(8):
            assert python.get(server.port, town["mail"], town.ca).status == 200
        assert not memory_has(children(server.pid, "hf-worker")[0], secrets_of(town.certs["server"]))


def test_handshakes_while_there_is_no_signer_fail_as_our_own_fault(hf, town, python):
    with hf.serve(*town.serve_args, *ANSWER, "--workers", "1") as server:
        assert python.get(server.port, town["mail"], town.ca).status == 200
        old = signer_of(server)
        os.kill(old, signal.SIGSTOP)
        refused = python.get(server.port, town["mail"], town.ca)
        assert refused.alert == 80, refused
        record = server.wait_record()
        assert record["cause"] == "F-SIGNER" and record["refused_by"] == "server"
        assert "own key could not sign" in record["explanation"]
        assert any("by our own fault" in line for line in server.lines["err"])
        another_signer(server, old)  # the supervisor has seen that it says nothing
        assert python.get(server.port, town["mail"], town.ca).status == 200


def test_signer_that_cannot_read_its_key_again_tries_until_it_can(hf, town, python, tmp_path):
    key = tmp_path / "s.key"
    shutil.copy(town["server"].key, key)
    argv = list(town.serve_args)
    argv[argv.index("--key") + 1] = key
    with hf.serve(*argv, *ANSWER, "--workers", "1") as server:
        key.write_text("garbage\n")
        server.wait_until(lambda: any("reload refused" in line for line in server.lines["err"]), "the watch")
        assert python.get(server.port, town["mail"], town.ca).status == 200  # it still has the old one
        old = signer_of(server)
        os.kill(old, signal.SIGKILL)
        server.wait_until(lambda: set(children(server.pid, "hf-signer")) - {old}, "another signer")
        assert not python.get(server.port, town["mail"], town.ca).accepted
        shutil.copy(town["server"].key, key)
        another_signer(server, old)
        assert python.get(server.port, town["mail"], town.ca).status == 200


def test_encrypted_key_is_read_again_by_the_next_signer(hf, town, python, tmp_path):
    key, words = tmp_path / "s.key", tmp_path / "words"
    look.openssl("pkcs8", "-topk8", "-in", town["server"].key, "-out", key, "-passout", "pass:sesame")
    words.write_text("sesame\n")
    words.chmod(0o600)
    argv = list(town.serve_args)
    argv[argv.index("--key") + 1] = key
    with hf.serve(*argv, *ANSWER, "--passphrase-file", words) as server:
        assert python.get(server.port, town["mail"], town.ca).status == 200
        assert not [pid for pid in [server.pid] + children(server.pid, "hf-worker") if memory_has(pid, [b"sesame"])]
        old = signer_of(server)
        os.kill(old, signal.SIGKILL)
        another_signer(server, old)
        assert python.get(server.port, town["mail"], town.ca).status == 200


def test_workers_and_signer_are_killed_under_load_and_the_service_goes_on(hf, town, python):
    """Whoever comes while one is dead may be turned away; afterwards everybody is served."""
    stop = threading.Event()
    served = [0]

    def come(port):
        while not stop.is_set():
            served[0] += python.get(port, town["mail"]).status == 200
    with hf.serve(*town.serve_args, *ANSWER, "--workers", "2") as server:
        threads = [threading.Thread(target=come, args=(server.port,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(6):
                name = ("hf-worker", "hf-signer")[turn % 2]
                server.wait_until(lambda: len(children(server.pid, "hf-worker")) == 2 and
                                  children(server.pid, "hf-signer"), "everybody", 30)
                before = served[0]
                server.wait_until(lambda: served[0] > before, "an answer", 30)
                os.kill(children(server.pid, name)[0], signal.SIGKILL)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        server.wait_until(lambda: len(children(server.pid, "hf-worker")) == 2 and
                          children(server.pid, "hf-signer"), "everybody", 30)
        server.wait_until(lambda: python.get(server.port, town["mail"]).status == 200, "an answer", 30)
        for _ in range(10):
            assert python.get(server.port, town["mail"]).status == 200
        assert server.stop() == 0


def test_no_signer_is_left_when_the_supervisor_is_killed(hf, town):
    with hf.serve(*town.serve_args, *ANSWER) as server:
        kids = children(server.pid)
        server.proc.kill()
        server.wait()
    gone = threading.Event()
    for _ in range(int(200 * SLOW)):
        if not [pid for pid in kids if os.path.exists("/proc/%d" % pid) and status_of(pid)["State"][0] != "Z"]:
            return
        gone.wait(0.05)
    pytest.fail("processes are left: %s" % kids)


# --- a key in a token -----------------------------------------------------------------------------------------

@needs_token
@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_serve_with_a_key_in_a_token(hf, town, tmp_path, python, kind, version):
    token = Token(tmp_path, hf, kind, "web")
    cert = tmp_path / "s.pem"
    cert.write_bytes(certificate_for(token, town))
    argv = ["--listen", "127.0.0.1:0", "--cert", cert, "--ca", town.ca, "--passphrase-file", token.pin]
    uri = "pkcs11:token=CA;object=web"
    with hf.serve(*argv, "--key", uri, *ANSWER, "--workers", "2") as server:
        for _ in range(4):
            got = python.get(server.port, town["mail"], town.ca, version)
            assert got.status == 200, got
        server.reload()
        assert python.get(server.port, town["mail"], town.ca, version).status == 200
        assert not [pid for pid in children(server.pid, "hf-worker") if memory_has(pid, [PIN.encode() + b"\n"])]
        mapped = [pid for pid in everybody(server) if os.path.basename(MODULE) in open("/proc/%d/maps" % pid).read()]
        assert mapped == [signer_of(server)]
        old = signer_of(server)
        os.kill(old, signal.SIGKILL)
        another_signer(server, old)
        assert python.get(server.port, town["mail"], town.ca, version).status == 200
    refused = hf.run("serve", *argv, "--key", uri, *ANSWER, "--key-in-process", "--check")
    assert refused.code != 0 and "--key-in-process" in refused.everything and "object=web" not in refused.everything


def certificate_for(token, town):
    """A server's certificate by the zoo's issuing CA, for the key that is in the token."""
    done = subprocess.run(["p11tool", "--provider", MODULE, "--login", "--set-pin", PIN, "--export-pubkey",
                           "pkcs11:token=CA;object=web"], env=dict(clean_env(token.conf.parent), **token.env),
                          capture_output=True, check=True, timeout=60 * SLOW)
    public = serialization.load_pem_public_key(re.search(b"-----BEGIN.*END PUBLIC KEY-----\n", done.stdout, re.S)[0])
    issuing = town.certs["issuing"]
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(issuing.x509.subject).public_key(public)
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=9))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), True)
            .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .sign(issuing.key, hashes.SHA256()))
    return made.public_bytes(serialization.Encoding.PEM) + issuing.pem


# --- privileges -----------------------------------------------------------------------------------------------

def test_workers_and_signer_are_locked_up(hf, town):
    if sanitized(hf):
        pytest.skip("sanitizers need what the sandbox forbids; serve says so")
    with hf.serve(*town.serve_args, *ANSWER) as server:
        kids = children(server.pid)
        assert len(kids) >= 2
        for pid in kids:
            rows = status_of(pid)
            assert rows["NoNewPrivs"] == "1" and rows["Seccomp"] == "2", rows
            with open("/proc/%d/limits" % pid) as limits:
                assert re.search(r"Max core file size +0 +0 ", limits.read())
        assert not [line for line in server.lines["err"] if "sandbox" in line]


def test_sandbox_off_leaves_them_as_they_are_and_says_so_in_check(hf, town):
    with hf.serve(*town.serve_args, *ANSWER, "--sandbox", "off") as server:
        assert {status_of(pid)["Seccomp"] for pid in children(server.pid)} == {"0"}


@pytest.mark.parametrize("command", [["--check"], []], ids=["check", "start"])
def test_what_is_missing_is_said_in_one_line(hf, town, tmp_path, command):
    """A kernel without Landlock is played by a filter that knows no such call."""
    if sanitized(hf):
        pytest.skip("a build with sanitizers has no sandbox at all")
    wrapper = tmp_path / "old-kernel"
    wrapper.write_text(OLD_KERNEL)
    wrapper.chmod(0o755)
    inside = type(hf)(str(wrapper), hf.home, {"HANDFAST_BIN": hf.binary}, hf.cwd)
    required = inside.run("serve", *town.serve_args, *ANSWER, "--sandbox", "require", "--check")
    assert required.code == 3 and "no Landlock" in required.stderr and "--sandbox auto" in required.stderr, required
    if command:
        told = inside("serve", *town.serve_args, *ANSWER, *command)
        assert told.stderr.count("no Landlock") == 1 and "no mistakes found" in told.stdout, told
        return
    with inside.serve(*town.serve_args, *ANSWER) as server:
        assert sum("no Landlock" in line for line in server.lines["err"]) == 1
        assert {status_of(pid)["Seccomp"] for pid in children(server.pid)} == {"2"}


OLD_KERNEL = r'''#!/usr/bin/python3
"""Runs its arguments as on a kernel without Landlock: landlock_create_ruleset(2) is ENOSYS."""
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x00050000 | 38), (0x06, 0, 0, 0x7fff0000)]
program = b"".join(struct.pack("HBBI", *row) for row in code)
keep = ctypes.create_string_buffer(program)
class Filter(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("code", ctypes.c_void_p)]
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(Filter(len(code), ctypes.addressof(keep))), 0, 0) == 0
os.execv(os.environ["HANDFAST_BIN"], [os.environ["HANDFAST_BIN"]] + sys.argv[1:])
'''


def for_everybody(folder, *files):
    """Copies that another user can read, below folders that let others through."""
    at = folder
    while at != at.parent and os.stat(at).st_uid == os.getuid():
        at.chmod(at.stat().st_mode | 0o011)
        at = at.parent
    copies = []
    for name in files:
        copy = folder / os.path.basename(name)
        shutil.copy(name, copy)
        copy.chmod(0o644)
        copies.append(copy)
    return copies


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_workers_become_the_user_and_reload_goes_on(hf, town, python, tmp_path):
    nobody = pwd.getpwnam("nobody")
    (tmp_path / "keys").mkdir(mode=0o700)
    shutil.copy(town["server"].key, tmp_path / "keys/s.key")
    (tmp_path / "public").mkdir()
    cert, ca, lists = for_everybody(tmp_path / "public", town["server"].cert, town.ca, town.crl_clean)
    argv = ["--listen", "127.0.0.1:0", "--cert", cert, "--key", tmp_path / "keys/s.key", "--ca", ca, "--crl", lists]
    with hf.serve(*argv, *ANSWER, "--user", "nobody", "--workers", "2") as server:
        for pid in children(server.pid, "hf-worker"):
            rows = status_of(pid)
            assert rows["Uid"].split() == [str(nobody.pw_uid)] * 4 and rows["Gid"].split() == [str(nobody.pw_gid)] * 4
            assert int(rows["CapEff"], 16) == 0 and int(rows["CapPrm"], 16) == 0
            assert set(rows["Groups"].split()) <= {str(nobody.pw_gid)}
        assert status_of(signer_of(server))["Uid"].split()[0] == "0"  # it reads keys of root at a reload
        assert python.get(server.port, town["mail"], town.ca).status == 200
        lists.write_bytes(pathlib.Path(town.crl_mail).read_bytes())
        server.reload()
        assert python.get(server.port, town["mail"], town.ca).alert == 44
        assert python.get(server.port, town["bob"], town.ca).status == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_what_only_root_can_read_reaches_workers_of_another_user(hf, town, python, tmp_path):
    (tmp_path / "hidden").mkdir(mode=0o700)
    lists = tmp_path / "hidden/crl.pem"
    shutil.copy(town.ca, tmp_path / "hidden/ca.pem")
    shutil.copy(town.crl_clean, lists)
    argv = ["--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", town["server"].key, "--ca",
            tmp_path / "hidden/ca.pem", "--crl", lists]
    with hf.serve(*argv, *ANSWER, "--user", "nobody", "--workers", "2") as server:
        assert python.get(server.port, town["mail"], town.ca).status == 200
        shutil.copy(town.crl_mail, lists)
        server.reload()
        assert python.get(server.port, town["mail"], town.ca).alert == 44


@pytest.mark.parametrize("user", ["no-such-user-here", "root", "nobody:no-such-group", ""])
def test_users_that_cannot_be_become_are_refused(hf, town, user):
    told = hf.run("serve", *town.serve_args, *ANSWER, "--user", user, "--check")
    assert told.code == 2 and "--user" in told.stderr, told


# --- what a worker cannot open, and the follower ---

def landlock():
    return ctypes.CDLL(None).syscall(444, 0, 0, 1) > 0


@pytest.fixture
def probed(hf, tmp_path):
    """probed(paths, …) is a server each of whose workers has tried to open these: {path: errno}, the same in all."""
    if sanitized(hf):
        pytest.skip("a build with sanitizers has no sandbox at all")
    if not landlock():
        pytest.skip("this kernel has no Landlock")
    shim = tmp_path / "probe.so"
    source = os.path.join(os.path.dirname(__file__), "..", "support", "probe.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, source], check=True, capture_output=True)

    def start(paths, *args, answer=ANSWER):
        env = {"LD_PRELOAD": str(shim), "PROBE_PATHS": ":".join(str(path) for path in paths)}
        return hf.serve("--listen", "127.0.0.1:0", *args, *answer, "--workers", "2", env=env)
    return start


def tried(server, paths):
    """{path: errno}; workers only, which all say the same."""
    workers = {str(pid) for pid in children(server.pid, "hf-worker")}

    def told():
        rows = [line.split(" ", 3)[1:] for line in list(server.lines["err"]) if line.startswith("probe ")]
        rows = [(pid, path, int(number)) for pid, number, path in rows if pid in workers]
        return rows if len(rows) == len(workers) * len(paths) else None
    rows = server.wait_until(told, "what the workers can open")
    found = {path: number for _, path, number in rows}
    assert all(found[path] == number for _, path, number in rows), rows
    return found


def test_a_worker_of_an_identity_can_open_no_file_at_all(hf, town, python, probed):
    """The home has the key, the CA's key, and beside them what a reload reads: that comes from the supervisor."""
    hf("init", "ABC Inc.")
    hf("issue", "localhost", "--server")
    hf("issue", "amy", "--client")
    home = pathlib.Path(hf.home)
    paths = [home / name for name in ("id/localhost/key.pem", "id/localhost/cert.pem", "id/localhost/ca.pem", "id/amy/key.pem",
                                      "ca/issuing.key", "ca/root.key", "ca/ca.db", "ca/crl.pem", "trust/own.pem", "id", "ca")]
    assert all(path.exists() for path in paths)
    amy = Credential(str(home / "id/amy/cert.pem"), str(home / "id/amy/key.pem"))
    root = str(home / "ca/root.pem")
    with probed(paths, "--as", "localhost") as server:
        assert set(tried(server, paths).values()) == {errno.EACCES}
        assert python.get(server.port, amy, root).status == 200
        hf("revoke", "amy")  # a list in a directory that no worker can read
        server.wait_line("err", lambda line: "reloaded: generation 2" in line, "the reload")
        assert python.get(server.port, amy, root).alert == 44
        hf("renew", "localhost", "--before", "3650d")  # its directory is another one
        server.wait_line("err", lambda line: "reloaded: generation 3" in line, "the reload")
        assert python.get(server.port, amy, root).alert == 44
        new, = set(children(server.pid, "hf-worker")[:1])
        os.kill(new, signal.SIGKILL)  # one that is started later has what was read too
        server.wait_until(lambda: len(set(children(server.pid, "hf-worker")) - {new}) == 2, "another worker")
        assert python.get(server.port, amy, root).alert == 44


def test_a_configuration_beside_the_keys_is_read_again_by_no_worker(hf, town, python, tmp_path, probed):
    folder = tmp_path / "all"
    folder.mkdir(mode=0o700)
    for source, name in ((town["server"].cert, "s.pem"), (town["server"].key, "s.key"), (town.ca, "ca.pem")):
        shutil.copy(source, folder / name)
    config = folder / "handfast.yaml"
    text = "listen: 127.0.0.1:0\nworkers: 2\ncert: %(d)s/s.pem\nkey: %(d)s/s.key\nca: %(d)s/ca.pem\nrespond: text:in\nallow: %(a)s\n"
    config.write_text(text % {"d": folder, "a": "cn:bob"})
    paths = [folder / name for name in ("s.key", "s.pem", "ca.pem", "handfast.yaml")] + [folder]
    env = {"LD_PRELOAD": str(tmp_path / "probe.so"), "PROBE_PATHS": ":".join(map(str, paths))}
    with hf.serve("--config", config, env=env) as server:
        assert set(tried(server, paths).values()) == {errno.EACCES}
        assert python.get(server.port, town["mail"], town.ca).alert == 49
        config.write_text(text % {"d": folder, "a": "any"})
        server.wait_line("err", lambda line: "reloaded: generation 2" in line, "the reload")
        assert python.get(server.port, town["mail"], town.ca).status == 200


def test_a_file_that_is_handed_out_is_all_that_is_open_beside_a_key(town, python, tmp_path, probed):
    folder = tmp_path / "all"
    folder.mkdir(mode=0o700)
    for source, name in ((town["server"].cert, "s.pem"), (town["server"].key, "s.key")):
        shutil.copy(source, folder / name)
    (folder / "page").write_text("hello")
    paths = [folder / "s.key", folder / "page", folder / "s.pem"]
    with probed(paths, "--cert", folder / "s.pem", "--key", folder / "s.key", "--ca", town.ca,
                answer=["--allow", "any", "--respond", "file:%s" % (folder / "page")]) as server:
        assert tried(server, paths) == {str(folder / "s.key"): errno.EACCES, str(folder / "page"): 0,
                                        str(folder / "s.pem"): errno.EACCES}
        assert python.get(server.port, town["mail"], town.ca).body == b"hello"


class ListService:
    """Gives out one revocation list at any path, under a name that has to be resolved."""

    def __init__(self, octets):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = "http://localhost:%d/list.crl" % self.server.server_address[1]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def lists(town, request):
    """Two services with the lists of the root and of the issuing CA, which revokes the mail server."""
    arguments = []
    for name, revokes in (("root", []), ("issuing", ["mail"])):
        service = ListService(zoo.make_crl(town.certs[name], {"revokes": revokes, "number": 3}, town.certs))
        request.addfinalizer(service.close)
        arguments += ["--crl", service.url]
    return arguments


def test_the_follower_is_locked_up_and_resolves_names_all_the_same(hf, town, python, lists):
    if sanitized(hf):
        pytest.skip("sanitizers need what the sandbox forbids; serve says so")
    with hf.serve(*town.serve_args, *ANSWER, *lists) as server:
        (pid,) = children(server.pid, "hf-follower")
        rows = status_of(pid)
        assert rows["NoNewPrivs"] == "1" and rows["Seccomp"] == "2", rows
        server.wait_until(lambda: python.get(server.port, town["mail"], town.ca).alert == 44, "the lists")
        assert python.get(server.port, town["bob"], town.ca).status == 200
        assert not [link for link in pathlib.Path("/proc/%d/fd" % pid).iterdir() if listens(link)]


def listens(link):
    """Whether a descriptor is a listening TCP socket of IPv4 or IPv6."""
    inode = re.match(r"socket:\[(\d+)\]", os.readlink(link))
    rows = [row.split() for name in ("tcp", "tcp6") for row in open("/proc/net/" + name).read().splitlines()[1:]]
    return inode and any(row[3] == "0A" and row[9] == inode.group(1) for row in rows)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_follower_becomes_the_user_too(hf, town, tmp_path, lists):
    nobody = pwd.getpwnam("nobody")
    (tmp_path / "public").mkdir()
    cert, ca = for_everybody(tmp_path / "public", town["server"].cert, town.ca)
    argv = ["--listen", "127.0.0.1:0", "--cert", cert, "--key", town["server"].key, "--ca", ca, *lists]
    with hf.serve(*argv, *ANSWER, "--user", "nobody", "--workers", "1") as server:
        (pid,) = children(server.pid, "hf-follower")
        assert status_of(pid)["Uid"].split() == [str(nobody.pw_uid)] * 4
        assert int(status_of(pid)["CapEff"], 16) == 0
