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


def test_authority_tells_of_the_lists_that_it_gives_out_and_of_their_shards(home, hf, ctl, authority, socket_path):
    lists = {one["list"]: one for one in ctl("status")["crls"]}
    assert sorted(lists) == ["issuing", "root"] and all(one["seconds_left"] > 0 for one in lists.values())
    assert not any("shards" in one for one in lists.values())
    (home / "ca" / "policy.yaml").write_text("revocation: { crl: 'http://lists.test/{ca}-{shard}.crl', shards: 4 }\n")
    ctl("reload")
    hf("issue", "before", "--client")
    hf("issue", "amy", "--client")
    hf("revoke", "amy")
    told = authority.wait_until(
        lambda: [one for one in ctl("status")["crls"] if one["list"] == "issuing" and one["revoked"] == 1
                 and (one.get("shards", {}).get("count"), one["shards"]["revoked"]) == (4, 1)], "the lists")[0]
    assert told["shards"]["seconds_left"] > 0
    assert told["shards"]["first_next_update"] <= told["next_update"] and "authority" not in told
    shown = hf("ctl", "status", "--admin", socket_path).stdout
    assert "issuing, number %s, 1 revoked, until " % told["number"] in shown
    assert "in 4 shards too, with 1 of these, the first until " in shown and "\n             root, number" in shown


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
