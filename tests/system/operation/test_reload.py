# SPDX-License-Identifier: Apache-2.0
"""Reloading under load: no request fails, whatever changes.  (bench/reload.sh is the same at full size.)"""
import os
import shutil
import signal
import socket
import threading

import pytest
from support.peers import PythonClient
from support.process import SLOW

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def replace(source, target):
    shutil.copy(source, str(target) + ".new")
    os.rename(str(target) + ".new", target)


class Load:
    """Clients that ask without end, each on a connection that stays or on a new one each time."""

    def __init__(self, server, credential, ca, threads):
        self.server, self.credential, self.ca = server, credential, ca
        self.over = threading.Event()
        self.answers, self.failures = 0, []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(n % 2 == 0,)) for n in range(threads)]
        for thread in self.threads:
            thread.start()

    def _connect(self):
        raw = socket.create_connection(("127.0.0.1", self.server.port), 30 * SLOW)
        return PythonClient.context(self.credential, self.ca).wrap_socket(raw, server_hostname="localhost")

    def _run(self, keeps):
        tls = None
        while not self.over.is_set():
            try:
                tls = tls or self._connect()
                tls.sendall(REQUEST)
                answer = tls.recv(65536)
                if not answer:  # an idle connection may be closed (RFC 9112 9.3)
                    raise ConnectionError("closed before a byte of an answer")
                assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"hello"), answer
                with self.lock:
                    self.answers += 1
            except (OSError, AssertionError) as wrong:
                with self.lock:
                    self.failures.append(repr(wrong))
                return
            if not keeps:
                tls.close()
                tls = None
        if tls:
            tls.close()

    def wait_for(self, answers):
        return self.server.wait_until(lambda: self.failures or self.answers >= answers, "%d answers" % answers, 60)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60 * SLOW)


def test_no_request_fails_while_everything_is_loaded_anew(gateway, ctl, town, tmp_path):
    cert, key, lists = (tmp_path / name for name in ("s.pem", "s.key", "crl.pem"))

    def put(who, crl):
        replace(town[who].key, key)
        replace(town[who].cert, cert)
        replace(crl, lists)
    put("server", town.crl)
    server = gateway("--crl", lists, "--reload", "signal", workers=2, own=("--cert", cert, "--key", key))
    load = Load(server, town["mail"], town.ca, 4)
    try:
        for turn in range(1, 11):
            load.wait_for(turn * 40)
            put("server", town.crl_clean if turn % 2 else town.crl)
            told = ctl("reload")
            assert told["reloaded"] and {row["generation"] for row in told["workers"]} == {turn + 1}
        load.wait_for(500)
    finally:
        load.end()
    assert not load.failures and load.answers >= 500
    assert ctl("status")["totals"]["reloads"] == 10


def test_refused_reloads_under_load_change_nothing(gateway, ctl, town, tmp_path):
    lists = tmp_path / "crl.pem"
    shutil.copy(town.crl, lists)
    server = gateway("--crl", lists, "--reload", "signal", workers=2)
    load = Load(server, town["mail"], town.ca, 4)
    try:
        lists.write_text("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
        for turn in range(1, 6):
            load.wait_for(turn * 30)
            assert ctl("reload", exit=1)["generation"] == 1
    finally:
        load.end()
    assert not load.failures
    assert ctl("status")["totals"]["reloads_failed"] == 5


@pytest.mark.parametrize("how", ["drain", "SIGTERM"])
def test_drain_under_load_fails_no_request_it_has_taken(hf, gateway, town, socket_path, how):
    server = gateway(workers=2)
    load = Load(server, town["mail"], town.ca, 4)
    load.wait_for(50)
    if how == "drain":
        hf("ctl", "drain", "--deadline", 20, "--admin", socket_path)
    else:
        server.signal(signal.SIGTERM)
    assert server.wait(30) == 0, "nothing had to be cut"
    load.end()
    for failure in load.failures:
        assert not failure.startswith("Assertion"), "an answer was cut: " + failure
