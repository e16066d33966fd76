# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of operation: a gateway with an admin socket, and what ctl says of it."""
import json
import socket

import pytest
from support.kept import Kept
from support.process import SLOW


@pytest.fixture
def keep(town):
    """keep(server, who) is a kept connection, closed at the end."""
    made = []

    def connect(server, who="mail", **more):
        made.append(Kept(server.port, town[who], town.ca, **more))
        return made[-1]
    yield connect
    for one in made:
        one.tls.close()


@pytest.fixture
def socket_path(tmp_path_factory):
    """Short: a socket's path has at most 107 bytes."""
    return tmp_path_factory.mktemp("a") / "s.sock"


@pytest.fixture
def gateway(hf, town, socket_path):
    """gateway(…) is a running gateway with an admin socket at socket_path."""
    running = []

    def start(*args, workers=2, answer=("--respond", "text:hello"), allow=("--allow", "any"), own=None, **more):
        base = ["--listen", "127.0.0.1:0", *own, "--ca", town.ca] if own else town.serve_args
        server = hf.serve(*base, *allow, *answer, "--workers", workers,
                          "--admin", "unix:%s" % socket_path, *args, **more)
        running.append(server)
        return server
    yield start
    for server in running:
        server.__exit__(None, None, None)


@pytest.fixture
def ctl(hf, socket_path):
    """ctl("status") is the answer as JSON."""
    def ask(*args, exit=0):
        return hf.json("ctl", "--admin", socket_path, *args, exit=exit)
    return ask


@pytest.fixture
def raw_ask(socket_path):
    """Sends bytes to the admin socket as they are; gives what came until it was closed."""
    def ask(octets):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(20 * SLOW)
            raw.connect(str(socket_path))
            raw.sendall(octets)
            found = b""
            try:
                while True:
                    part = raw.recv(65536)
                    if not part:
                        break
                    found += part
            except ConnectionError:
                pass
        return json.loads(found) if found else None
    return ask
