# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the gateway's tests: a gateway in front of any service, and a raw client of it."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from wire import Wire  # noqa: E402


@pytest.fixture
def gateway(hf, town):
    """gateway("--to", url, …) is a running gateway that lets everybody of the CA in."""
    running = []

    def start(*args, workers=1, **more):
        server = hf.serve(*town.serve_args, "--allow", "any", "--workers", workers, *args, **more)
        running.append(server)
        return server
    yield start
    for server in running:
        server.__exit__(None, None, None)


@pytest.fixture
def wire(town):
    """wire(server, …) is a new connection."""
    made = []

    def connect(server, **more):
        made.append(Wire(server.port, town, **more))
        return made[-1]
    yield connect
    for one in made:
        one.tls.close()
