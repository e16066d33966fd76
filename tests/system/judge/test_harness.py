# SPDX-License-Identifier: Apache-2.0
"""The harness against itself: each foreign client meets each foreign server, so that a refusal seen by
the tests of our program is a refusal and not a mistake of the harness."""
import pytest
from support.peer_servers import SERVERS
from support.peers import CLIENTS


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("server", list(SERVERS))
@pytest.mark.parametrize("client", list(CLIENTS))
def test_foreign_peers_let_in_and_refuse_each_other(client_of, session_dir, town, client, server, version):
    with SERVERS[server](session_dir, town["server"], town.ca, "require", version) as running:
        good = client_of(client).get(running.port, town["mail"], town.ca, version)
        assert good.accepted and good.status == 200, (good, running.text())
        for who in (None, town["foreign"]):
            bad = client_of(client).get(running.port, who, town.ca, version)
            assert not bad.accepted or bad.status is None, (bad, running.text())
        if server == "openssl" and client in ("python", "openssl", "gnutls"):
            assert bad.alert == 48, bad
