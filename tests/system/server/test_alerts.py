# SPDX-License-Identifier: Apache-2.0
"""A refused client always gets its alert: half-close, then the client's data is drained."""
import pytest
from support.alerts import from_openssl


@pytest.fixture
def server(hf, town):
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:x") as running:
        yield running


@pytest.mark.row(47, 48)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("who", ["none", "foreign"])
@pytest.mark.parametrize("data", [None, b"x" * 20480], ids=["get", "post-20kB"])
def test_curl_gets_the_alert_hundred_times_of_hundred(server, town, curl, who, version, data):
    wanted = 48 if who == "foreign" else {"1.2": 40, "1.3": 116}[version]
    lost = []
    for _ in range(100):
        answer = curl.get(server.port, town[who], town.ca, version, data=data)
        assert not answer.accepted
        if from_openssl(answer.text) != wanted:  # in the error that curl ends with, not only in its trace
            lost.append(answer.text.strip().splitlines()[-1])
    assert not lost, "%d of 100 without the alert: %s" % (len(lost), set(lost))


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
