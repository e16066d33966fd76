# SPDX-License-Identifier: Apache-2.0
"""examples/mutual.c: a program of its own that makes mutual connections with libhandfast."""
import os
import re
import socket
from pathlib import Path

import pytest
from support.peer_servers import PythonServer
from support.peers import PythonClient, run
from support.process import SLOW, Watched, clean_env


@pytest.fixture(scope="session")
def mutual(binary):
    path = Path(os.environ.get("HF_BUILD_ROOT", Path(binary).parent)) / "examples" / "mutual"
    if not path.exists():
        pytest.skip("this build has no examples: %s" % path)
    return str(path)


@pytest.fixture
def server(mutual, town, tmp_path):
    argv = [mutual, "server", "0", town["server"].cert, town["server"].key, town.ca, "cn:mail-server"]
    with Watched(argv, clean_env(tmp_path)) as running:
        running.port = running.wait_line("out", lambda l: re.search(r"127\.0\.0\.1:(\d+)", l), "its port").group(1)
        yield running


def client(mutual, town, tmp_path, port, who, name="localhost"):
    return run([mutual, "client", port, town[who].cert, town[who].key, town.ca, name], tmp_path)


def test_client_that_the_rule_names_gets_its_answer(mutual, server, town, tmp_path):
    done = client(mutual, town, tmp_path, server.port, "mail")
    assert done.returncode == 0, (done, server.text())
    assert b"hello" in done.stdout and b"mail" in done.stdout


@pytest.mark.parametrize("who, alert", [("bob", 49), ("foreign", 48), ("expired", 45), ("serveronly", 43)])
def test_refused_client_is_told_the_alert(mutual, server, town, tmp_path, who, alert):
    done = client(mutual, town, tmp_path, server.port, who)
    assert done.returncode == 1, (done, server.text())
    assert b"alert %d" % alert in done.stderr
    again = client(mutual, town, tmp_path, server.port, "mail")
    assert again.returncode == 0, (again, server.text())


def test_server_of_another_name_is_refused_by_us(mutual, server, town, tmp_path):
    done = client(mutual, town, tmp_path, server.port, "mail", "elsewhere.test")
    assert done.returncode == 1
    assert b"V-NAME-MISMATCH" in done.stderr


def test_foreign_client_meets_the_library(server, town):
    for who, wanted in (("mail", True), ("foreign", False)):
        raw = socket.create_connection(("127.0.0.1", int(server.port)), 10 * SLOW)
        try:
            with PythonClient.context(town[who], town.ca).wrap_socket(raw, server_hostname="localhost") as tls:
                tls.sendall(b"hello\n")
                assert (b"hello" in tls.recv(1000)) == wanted
        except OSError as error:
            assert not wanted and "UNKNOWN_CA" in str(error), error


def test_library_meets_a_foreign_server(mutual, town, tmp_path):
    class Line(PythonServer):
        def _answer(self, tls):
            self.requests.append(tls.recv(1000))
            tls.sendall(b"good day\n")
    with Line(tmp_path, town["server"], town.ca) as server:
        done = client(mutual, town, tmp_path, server.port, "mail")
        assert (done.returncode, done.stdout) == (0, b"good day\n"), (done, server.text())
        done = client(mutual, town, tmp_path, server.port, "expired")
        # Python closes with our line unread: a reset may overtake the alert
        assert done.returncode != 0 and done.stdout == b"" and done.stderr, (done, server.text())


def test_wrong_usage_and_missing_files_are_told(mutual, town, tmp_path):
    assert run([mutual], tmp_path).returncode == 2
    done = run([mutual, "client", "1", "absent.pem", "absent.key", town.ca, "localhost"], tmp_path)
    assert done.returncode == 3 and b"absent" in done.stderr
