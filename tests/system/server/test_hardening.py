# SPDX-License-Identifier: Apache-2.0
"""What a hostile or careless other side must not get: each of these once got it."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest
from support import zoo
from support.peers import PythonClient
from support.ports import free_port
from support.process import SLOW, children
from support.program import Handfast


@pytest.fixture(params=["older first", "newer first"])
def two_lists(request, town, tmp_path):
    """Two lists of one CA, both current; the newer one revokes mail."""
    issuing = town.certs["issuing"]
    older = zoo.make_crl(issuing, {"days": [-3, 30], "number": 1}, town.certs)
    newer = zoo.make_crl(issuing, {"days": [-1, 7], "number": 2, "revokes": ["mail"]}, town.certs)
    order = [older, newer] if request.param == "older first" else [newer, older]
    path = tmp_path / "lists.pem"
    path.write_bytes(zoo.make_crl(town.certs["root"], {}, town.certs) + b"".join(order))
    return path


@pytest.mark.row(40, 50)
def test_newest_of_two_current_lists_counts_whatever_their_order(hf, town, two_lists):
    judged = hf.run("verify", town["mail"].cert, "--ca", town.ca, "--purpose", "client", "--crl", two_lists)
    assert judged.code == 1 and "V-REVOKED" in judged.everything, judged


def test_certificate_released_by_the_newest_list_is_good(hf, town, tmp_path):
    issuing = town.certs["issuing"]
    path = tmp_path / "lists.pem"
    path.write_bytes(zoo.make_crl(town.certs["root"], {}, town.certs) +
                     zoo.make_crl(issuing, {"days": [-3, 30], "number": 1, "revokes": ["mail"]}, town.certs) +
                     zoo.make_crl(issuing, {"days": [-1, 7], "number": 2}, town.certs))
    hf("verify", town["mail"].cert, "--ca", town.ca, "--purpose", "client", "--crl", path)


@pytest.mark.parametrize("refuse", ["alert", "drop"])
def test_kept_connection_of_a_revoked_client_ends_however_it_is_refused(hf, town, tmp_path, refuse):
    lists = tmp_path / "crl.pem"
    shutil.copy(town.crl_clean, lists)
    with hf.serve(*town.serve_args, "--crl", lists, "--allow", "any", "--respond", "text:hello", "--refuse",
                  refuse) as server:
        raw = socket.create_connection(("127.0.0.1", server.port), 10 * SLOW)
        with PythonClient.context(town["mail"], town.ca).wrap_socket(raw, server_hostname="localhost") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"hello" in tls.recv(65536)
            shutil.copy(town.crl_mail, lists)
            server.reload()
            try:
                tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                got = tls.recv(65536)
            except OSError:
                got = b""
            assert b"hello" not in got


@pytest.mark.row(70)
@pytest.mark.parametrize("letters", ["x", "\u0001\u00e9"], ids=["long", "long when escaped"])
def test_refused_client_with_huge_names_is_in_the_log_all_the_same(hf, town, python, tmp_path, letters):
    subject = "/O=" + (letters * 9000)[:9000]
    certs = zoo.build({"leaf": {"subject": subject + "/CN=huge", "issuer": "foreign"},
                       "foreign": dict(zoo.ROOT, subject=subject + "/CN=other")})
    (tmp_path / "c.pem").write_bytes(certs["leaf"].pem)
    (tmp_path / "c.key").write_bytes(certs["leaf"].key_pem)
    cred = type(town["mail"])(str(tmp_path / "c.pem"), str(tmp_path / "c.key"))
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:x") as server:
        assert not python.get(server.port, cred).accepted
        record = server.wait_record()
        assert record["refused_by"] == "server" and record["peer"].startswith("127.0.0.1:")
        assert record["alert"]["number"] == 48


FEW_PORTS = r'''#!/usr/bin/python3
"""Runs its arguments where few ports are to choose from, and all but one taken in IPv6."""
import fcntl, os, socket, struct, sys
if "inside" not in os.environ:
    os.environ["inside"] = "1"
    os.execvp("unshare", ["unshare", "-rn", sys.executable, __file__] + sys.argv[1:])
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running
with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as ports:
    ports.write("40000 40015")
for port in set(range(40000, 40016)) - {40005}:
    taken = socket.socket(socket.AF_INET6)
    taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    taken.bind(("::1", port))
    os.set_inheritable(taken.detach(), True)
os.execv(os.environ["HANDFAST_BIN"], [os.environ["HANDFAST_BIN"]] + sys.argv[1:])
'''


@pytest.mark.row(57)
def test_localhost_tries_other_ports_when_the_first_is_taken_in_the_other_family(hf, town, tmp_path):
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here")
    wrapper = tmp_path / "few-ports"
    wrapper.write_text(FEW_PORTS)
    wrapper.chmod(0o755)
    inside = Handfast(str(wrapper), hf.home, {"HANDFAST_BIN": hf.binary}, hf.cwd)
    argv = ["--listen", "localhost:0"] + town.serve_args[2:]
    for _ in range(3):
        with inside.serve(*argv, "--allow", "any", "--respond", "text:x", listeners=2) as server:
            assert server.port == 40005


def stalled_pipe():
    """The writing end of a pipe that nobody reads any more, full but for a little."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    os.read(reader, 8192)
    return reader, writer


@pytest.mark.parametrize("which", ["stdout", "stderr"])
def test_log_whose_reader_stands_still_does_not_stop_the_service(hf, town, curl, which):
    reader, writer = stalled_pipe()
    port = free_port()
    argv = ["serve", "--listen", "127.0.0.1:%d" % port] + town.serve_args[2:] + ["--allow", "any", "--respond",
                                                                              "text:x", "--access-log", "-"]
    with open(os.devnull, "w") as null:
        pipes = {"stdout": null, "stderr": null, which: writer}
        server = subprocess.Popen([hf.binary] + argv, env=hf.environment(), cwd=hf.cwd, **pipes)
    try:
        deadline = time.monotonic() + 20 * SLOW
        while curl.get(port, town["mail"], town.ca).status != 200:
            assert time.monotonic() < deadline and server.poll() is None
        for _ in range(12):
            assert not curl.get(port, None, town.ca).accepted
            answers = curl.get(port, town["mail"], town.ca, path="/" + "y" * 7000)
            assert answers.status == 200, answers
        server.send_signal(signal.SIGTERM)
        assert server.wait(15 * SLOW) == 0
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
        os.close(reader)
        os.close(writer)


def test_check_says_nothing_of_lists_that_nobody_will_be_asked_for(hf, town, curl, tmp_path):
    """A home's own lists bind its own certificates; a partner's CA beside them needs none."""
    hf("init", "ABC Inc.")
    hf("issue", "localhost", "--server")
    hf("trust", "add", "partner", town.ca)
    argv = ["--as", "localhost", "--listen", "127.0.0.1:0", "--allow", "any", "--respond", "text:x"]
    checked = hf("serve", "--check", *argv)
    assert "no mistakes found" in checked.stdout
    with hf.serve(*argv) as server:
        assert curl.get(server.port, town["mail"], os.path.join(hf.home, "ca", "root.pem")).status == 200


@pytest.mark.row(70)
def test_record_of_too_large_a_chain_says_it_in_our_words(hf, town, python, tmp_path):
    chain = tmp_path / "big.pem"
    chain.write_bytes(pathlib.Path(town["mail"].cert).read_bytes() + town.certs["foreign-root"].pem * 200)
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:x") as server:
        assert python.get(server.port, type(town["mail"])(str(chain), town["mail"].key)).alert == 47
        record = server.wait_record()
        assert record["cause"] == "L-CHAIN-SIZE"
        assert "exceed the limit" in record["explanation"] and "intermediates" in record["fix"]


def test_record_of_a_swept_connection_names_its_own_listener(hf, town, tmp_path):
    lists = tmp_path / "crl.pem"
    shutil.copy(town.crl_clean, lists)
    with hf.serve(*town.serve_args, "--listen", "127.0.0.1:0", "--crl", lists, "--allow", "any", "--respond", "text:x",
                  listeners=2) as server:
        url = server.urls[1]
        raw = socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), 10 * SLOW)
        with PythonClient.context(town["mail"], town.ca).wrap_socket(raw, server_hostname="localhost") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200 OK" in tls.recv(65536)
            shutil.copy(town.crl_mail, lists)
            server.reload()
            record = server.wait_record()
            assert record["stage"] == "reload" and record["listener"] == url


def test_worker_that_dies_while_the_files_are_bad_is_replaced_all_the_same(hf, town, curl, tmp_path):
    """Else its socket goes on taking connections that nobody accepts."""
    cert = tmp_path / "s.pem"
    shutil.copy(town["server"].cert, cert)
    argv = list(town.serve_args)
    argv[argv.index("--cert") + 1] = cert
    with hf.serve(*argv, "--allow", "any", "--respond", "text:x", "--workers", "1", "--reload", "signal") as server:
        cert.write_text("garbage\n")
        assert "refused" in server.reload()
        worker, = children(server.pid, "hf-worker")
        os.kill(worker, signal.SIGKILL)
        server.wait_until(lambda: set(children(server.pid, "hf-worker")) - {worker}, "another worker")
        assert curl.get(server.port, town["mail"], town.ca).status == 200
        shutil.copy(town["gateway"].cert, cert)
        assert "refused" in server.reload()  # its key is another one
        shutil.copy(town["server"].cert, cert)
        assert "generation 2 is in use" in server.reload()
        assert curl.get(server.port, town["mail"], town.ca).status == 200


def cas_with_names_of(total, key=zoo.new_key("ec")):
    """CA certificates whose names take exactly so many bytes in a CertificateRequest."""
    made = []
    while total > 0:
        size = total if total <= 1000 else min(1000, total - 200)
        name = "/CN=%04d" % len(made)
        while len(zoo.name_of(name).public_bytes()) + 2 < size:
            spare = size - len(zoo.name_of(name).public_bytes()) - 2
            name = "/O=" + "x" * max(1, min(100, spare - 11 if spare < 130 else 100)) + name
        total -= len(zoo.name_of(name).public_bytes()) + 2
        made.append(zoo.make(dict(zoo.ROOT, subject=name), None, key))
    return made


@pytest.mark.row(52)
@pytest.mark.parametrize("total,fits", [(64900, True), (65510, False)])
def test_names_of_trusted_cas_are_refused_at_the_start_or_fit_a_handshake(hf, town, python, tmp_path, total, fits):
    trust = tmp_path / "many.pem"
    trust.write_bytes(b"".join(ca.pem for ca in cas_with_names_of(total)))
    argv = town.serve_args[:-2] + ["--ca", trust, "--client-auth", "report", "--respond", "verdict"]
    if not fits:
        refused = hf.run("serve", *argv)
        assert refused.code == 3 and "L-CA-NAMES" in refused.stderr, refused
        return
    with hf.serve(*argv) as server:
        for version in ("1.2", "1.3"):
            assert python.get(server.port, None, version=version).status == 200
