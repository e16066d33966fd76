# SPDX-License-Identifier: Apache-2.0
"""A refused client always gets its alert: half-close, then the client's data is drained."""
import os

import pytest
from support.alerts import from_curl, from_openssl


WANTED = {"none": {"1.2": 40, "1.3": 116}, "foreign": 48, "nointer": 48, "expired": 45, "notyet": 42,
          "serveronly": 43, "revoked": 44, "badsig": 51, "bob": 49}
TURNS = {"none": 100, "foreign": 100}  # the rest goes the same way: 20 turns each


@pytest.fixture
def server(hf, town):
    with hf.serve(*town.serve_args, "--crl", town.crl, "--deny", "cn:bob", "--allow", "any", "--respond",
                  "text:x") as running:
        yield running


@pytest.mark.row(47, 48, 49, 50)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("who", list(WANTED))
@pytest.mark.parametrize("data", [None, b"x" * 20480], ids=["get", "post-20kB"])
def test_curl_gets_the_alert_every_time(server, town, curl, who, version, data):
    wanted = WANTED[who][version] if who == "none" else WANTED[who]
    turns = TURNS.get(who, int(os.environ.get("HF_TURNS", "20")))
    lost = []
    for _ in range(turns):
        answer = curl.get(server.port, town[who], town.ca, version, data=data)
        assert not answer.accepted
        # In the error that curl ends with, not only in its trace; for alert 45 in TLS 1.2 its last words accuse
        # the server's certificate, and only the trace has the alert.
        seen = from_curl(answer.text) if (wanted, version) == (45, "1.2") else from_openssl(answer.text)
        if seen != wanted:
            lost.append(answer.text.strip().splitlines()[-1])
    assert not lost, "%d of %d without the alert: %s" % (len(lost), turns, set(lost))


@pytest.mark.row(47)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_python_that_writes_a_megabyte_gets_the_alert_or_a_clean_end(server, town, python, version):
    for _ in range(5):
        answer = python.get(server.port, town["foreign"], version=version, method="POST", data=b"x" * 100000)
        assert answer.alert == 48, answer


def test_server_still_serves_after_many_refusals(server, town, python, curl):
    for _ in range(30):
        python.get(server.port, town["foreign"])
    assert curl.get(server.port, town["mail"], town.ca).status == 200
