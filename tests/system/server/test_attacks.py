# SPDX-License-Identifier: Apache-2.0
"""Attacks on memory, descriptors and time: what a stranger sends costs him more than it costs us."""
import contextlib
import os
import pathlib
import resource
import socket
import ssl
import threading
import time

import pytest
from support.peers import Credential, PythonClient
from support.process import SLOW, children
from support.program import sanitized

ANSWER = ["--allow", "cn:mail-server", "--respond", "text:hello"]
# The long run: HF_REFUSALS=100000 tools/run-pytest.sh build -k flat
REFUSALS = int(os.environ.get("HF_REFUSALS", "3000"))


def anonymous_kb(pid):
    """Memory that is the process's own; what it shares with its parent does not count."""
    with open("/proc/%d/smaps_rollup" % pid) as rows:
        return sum(int(row.split()[1]) for row in rows if row.startswith("Private_"))


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as stat:
        words = stat.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


class Refused:
    """Clients that are refused, one after the other, of several kinds."""

    def __init__(self, town, port):
        self.port = port
        self.kinds = [PythonClient.context(town[name]) for name in ("bob", "foreign", "expired", "none", "badsig",
                                                                  "serveronly")]

    def come(self, number):
        context = self.kinds[number % len(self.kinds)]
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.port), 10 * SLOW) as raw:
                with context.wrap_socket(raw, server_hostname="localhost") as tls:
                    tls.recv(1)
                    pytest.fail("a client that should be refused was served")

    def round(self, count):
        def part(first):
            for number in range(first, count, 4):
                self.come(number)
        threads = [threading.Thread(target=part, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_memory_is_flat_over_many_refused_handshakes(hf, town, version, tmp_path):
    """The slope after a warm-up: less than 30 bytes a refusal, where one leaked certificate is two thousand.
    A leak is there in every round; a page that is touched for the first time, or copied after a fork, in one."""
    if sanitized(hf):
        pytest.skip("a sanitizer keeps what is freed for a while; it has its own way to find leaks")
    with hf.serve(*town.serve_args, *ANSWER, "--workers", "1", "--tls-max", version,
                  "--refusal-log-rate", "1") as server:
        worker, = children(server.pid, "hf-worker")
        signer, = children(server.pid, "hf-signer")
        refused = Refused(town, server.port)
        seen, fds = [], None
        for _ in range(4):
            refused.round(REFUSALS // 3)
            fds = fds or descriptors(worker)
            seen.append([anonymous_kb(pid) for pid in (worker, signer, server.pid)])
        print("private memory, kB, after each %d refusals (worker, signer, supervisor): %s" % (REFUSALS // 3, seen))
        for process in zip(*seen):
            least = min(new - old for old, new in zip(process, process[1:]))
            assert least * 1024 < 30 * (REFUSALS // 3) + 64 * 1024, seen
        server.wait_until(lambda: descriptors(worker) <= fds + 2, "the descriptors", 20)
        assert children(server.pid, "hf-worker") == [worker]


def slow_client(town, port, send):
    raw = socket.create_connection(("127.0.0.1", port), 10 * SLOW)
    tls = PythonClient.context(town["mail"]).wrap_socket(raw, server_hostname="localhost")
    tls.sendall(send)
    return tls


SLOW_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "
SLOW_BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nab"


@pytest.mark.parametrize("send, option", [(SLOW_HEAD, "--header-timeout"), (SLOW_BODY, "--body-timeout")],
                         ids=["head", "body"])
def test_slow_request_ends_in_its_time_however_steadily_it_drips(hf, town, python, send, option):
    with hf.serve(*town.serve_args, *ANSWER, option, "2", "--idle-timeout", "3600", "--workers", "1") as server:
        drips = [slow_client(town, server.port, send) for _ in range(30)]
        over = []

        def drip(tls):
            try:
                while True:
                    tls.sendall(b"x")
                    tls.settimeout(0.2)
                    with contextlib.suppress(TimeoutError, ssl.SSLWantReadError):
                        if not tls.recv(4096):
                            break
            except OSError:
                pass
            over.append(tls)
        threads = [threading.Thread(target=drip, args=(tls,), daemon=True) for tls in drips]
        for thread in threads:
            thread.start()
        assert python.get(server.port, town["mail"], town.ca).status == 200  # the others are served meanwhile
        for thread in threads:
            thread.join(30 * SLOW)
        assert len(over) == len(drips)
        for tls in drips:
            tls.close()


@pytest.mark.parametrize("first", [b"", b"\x16\x03\x01\x02\x00\x01\x00"], ids=["nothing", "half a hello"])
def test_handshake_has_its_time(hf, town, python, first):
    with hf.serve(*town.serve_args, *ANSWER, "--handshake-timeout", "1", "--workers", "1") as server:
        idle = [socket.create_connection(("127.0.0.1", server.port), 10 * SLOW) for _ in range(40)]
        for raw in idle:
            raw.sendall(first)
        assert python.get(server.port, town["mail"], town.ca).status == 200
        for raw in idle:
            raw.settimeout(20 * SLOW)
            with contextlib.suppress(ConnectionResetError):
                while raw.recv(4096):
                    pass
            raw.close()


def limited(hf, tmp_path, count):
    """The program with few descriptors."""
    wrapper = tmp_path / "few"
    wrapper.write_text('#!/bin/sh\nulimit -n %d\nexec "$HANDFAST_BIN" "$@"\n' % count)
    wrapper.chmod(0o755)
    return type(hf)(str(wrapper), hf.home, {"HANDFAST_BIN": hf.binary}, hf.cwd)


def test_without_descriptors_accepting_pauses_and_does_not_spin(hf, town, python, tmp_path):
    """Descriptors run out while the limit of connections would let more in: its own kind of attack."""
    with limited(hf, tmp_path, 200).serve(*town.serve_args, *ANSWER, "--workers", "1", "--max-connections", "5000",
                                          "--handshake-timeout", "60") as server:
        worker, = children(server.pid, "hf-worker")
        # what the worker would need is taken away from it, as a leak elsewhere would
        used = descriptors(worker)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (used + 20, used + 20))
        crowd = []
        try:
            for _ in range(60):
                crowd.append(socket.create_connection(("127.0.0.1", server.port), 10 * SLOW))
            server.wait_until(lambda: any("accepting has paused" in line for line in server.lines["err"]), "the pause")
            before = cpu_seconds(worker)
            started = time.monotonic()
            server.wait_until(lambda: time.monotonic() - started > 2, "two seconds", 30)
            spent = cpu_seconds(worker) - before
            assert spent < (time.monotonic() - started) / 4, "the worker spins: %.2f s" % spent
        finally:
            for raw in crowd:
                raw.close()
        server.wait_until(lambda: python.get(server.port, town["mail"], town.ca).status == 200, "service again", 30)
        assert children(server.pid, "hf-worker") == [worker]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_chain_above_the_limit_is_refused_before_it_is_read(hf, town, python, tmp_path, version):
    chain = tmp_path / "big.pem"
    chain.write_bytes(pathlib.Path(town["mail"].cert).read_bytes() + town.certs["foreign-root"].pem * 20)
    big = Credential(str(chain), town["mail"].key)
    with hf.serve(*town.serve_args, *ANSWER, "--max-chain-bytes", "4096") as server:
        assert python.get(server.port, town["mail"], town.ca, version).status == 200
        assert python.get(server.port, big, town.ca, version).alert == 47
        record = server.wait_record()
        assert record["cause"] == "L-CHAIN-SIZE" and not record["certificates_received"]
    with hf.serve(*town.serve_args, *ANSWER) as server:
        assert python.get(server.port, big, town.ca, version).status == 200


@pytest.mark.parametrize("value", ["0", "1023", "16777216", "many"])
def test_chain_limits_that_make_no_sense_are_refused(hf, town, value):
    told = hf.run("serve", *town.serve_args, *ANSWER, "--max-chain-bytes", value, "--check")
    assert told.code == 2 and "--max-chain-bytes" in told.stderr, told
