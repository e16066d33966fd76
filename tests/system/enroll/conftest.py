# SPDX-License-Identifier: Apache-2.0
"""An authority that listens, and machines that have nothing but a token."""
import re

import pytest

from support.program import Handfast, Server


class Authority:
    def __init__(self, hf, *options):
        self.hf = hf
        self.options = options
        self.server = None

    def start(self, *options, **more):
        log = self.hf.home + "/access.log"
        self.server = Server(self.hf, "authority", "--listen", "127.0.0.1:0", "--access-log", log,
                             *self.options, *options, **more)
        return self.server

    @property
    def url(self):
        return self.server.url

    @property
    def root(self):
        return self.hf.home + "/ca/root.pem"

    def token(self, name, *options, **more):
        return self.hf("token", name, *options, **more).stdout.strip()

    def issued(self, name=None):
        rows = self.hf.json("list", "--all")["certificates"]
        return [row for row in rows if name is None or row["name"] == name]


@pytest.fixture
def authority(hf):
    hf("init", "ABC Inc.")
    authority = Authority(hf)
    with authority.start():
        yield authority


@pytest.fixture
def machine(hf, tmp_path):
    """Another party, with an empty home of its own."""
    made = []

    def make():
        made.append(hf.at(tmp_path / ("machine-%d" % len(made))))
        return made[-1]
    return make


def token_id(token):
    assert re.fullmatch(r"[0-9a-f]{16}\.[-\w]{43}\.[-\w]{43}", token), token
    return token.split(".")[0]
