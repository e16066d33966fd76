# SPDX-License-Identifier: Apache-2.0
"""handfast ctl at an authority."""
import pytest
from support.program import Server


@pytest.fixture
def authority(hf, socket_path):
    hf("init", "Zoo")
    with Server(hf, "authority", "--listen", "127.0.0.1:0", "--admin-socket", "unix:%s" % socket_path) as server:
        yield server


def test_authority_tells_its_state(hf, ctl, authority, socket_path):
    told = ctl("status")
    assert told["command"] == "authority" and told["pid"] == authority.pid and told["state"] == "serving"
    assert told["listeners"] == [authority.url] and told["certificates"][0]["seconds_left"] > 0
    shown = hf("ctl", "status", "--admin", socket_path).stdout
    assert "authority is serving" in shown and authority.url in shown


def test_authority_reloads_and_says_what_is_wrong(home, hf, ctl, authority, socket_path):
    assert ctl("reload")["reloaded"]
    key = home / "ca" / "issuing.key"
    key.rename(str(key) + ".away")
    told = ctl("reload", exit=1)
    assert not told["reloaded"] and "issuing.key" in told["reason"]
    assert "issuing.key" in hf("ctl", "reload", "--admin", socket_path, exit=1).stderr
    assert ctl("status")["state"] == "serving"


@pytest.mark.parametrize("word", ["connections", "top"])
def test_what_an_authority_has_not_is_said(hf, authority, socket_path, word):
    refused = hf("ctl", word, "--admin", socket_path, exit=3)
    assert "an authority has no '%s'" % word in refused.stderr


def test_authority_drains(hf, authority, socket_path):
    assert "every connection had finished" in hf("ctl", "drain", "--admin", socket_path).stdout
    assert authority.wait() == 0
