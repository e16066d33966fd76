# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tunnel's tests."""
import contextlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ends import Echo, Tunnel  # noqa: E402


@pytest.fixture
def echo(town):
    server = Echo(town)
    yield server
    server.close()


@pytest.fixture
def tunnel(hf, town):
    """tunnel(port, *options) starts one with the mail server's identity."""
    with contextlib.ExitStack() as stack:
        def start(port, *more, who="mail", listen="127.0.0.1:0", name="localhost"):
            return stack.enter_context(Tunnel(
                hf, "tunnel", "--listen", listen, "--to", "127.0.0.1:%d" % port, "--server-name", name,
                "--cert", town[who].cert, "--key", town[who].key, "--ca", town.ca, *more))
        yield start
