# SPDX-License-Identifier: Apache-2.0
"""Revocation lists in shards: who names which, who may be taken for revoked or not by which, as OpenSSL and we see it."""
import contextlib
import glob
import os
import re
import shutil
import sqlite3
import subprocess

import pytest

from support.metrics import parse, scrape
from support.peers import Credential, PythonClient
from support.process import SLOW, clean_env
from support.program import Server

SHARDS = 4


class Town:
    """An authority with shards, and clients until each shard has one."""

    def __init__(self, hf, tmp_path):
        self.hf, self.dir, self.clients = hf, str(tmp_path), {}
        self.ca = hf.home + "/ca/"
        hf("init", "ABC Inc.")
        hf("issue", "before", "--client")
        self.base = "http://lists.test/crl/"
        self.policy(SHARDS)

    def policy(self, shards, url=None, more=""):
        text = "revocation:\n  crl: %s\n" % (url or self.base + "{ca}-{shard}.crl")
        if shards:
            text += "  shards: %d\n" % shards
        with open(self.ca + "policy.yaml", "w", encoding="utf-8") as file:
            file.write(text + more)
        assert self.hf("policy", "check", self.ca + "policy.yaml").code == 0

    def shard_of(self, name):
        return self.row(name).get("shard", 0)

    def row(self, name):
        rows = [row for row in self.hf.json("list", "--all")["certificates"] if row["name"] == name]
        assert len(rows) == 1
        return rows[0]

    def issue(self, name):
        self.hf("issue", name, "--client")
        return self.shard_of(name)

    def fill(self, shards=SHARDS):
        """{shard: the name of one of its clients}: keys decide, so that it takes as many as it takes."""
        for i in range(40 * shards):
            if len(self.clients) == shards:
                return self.clients
            self.clients.setdefault(self.issue("c%d" % i), "c%d" % i)
        raise AssertionError("%d shards, and clients in %s only" % (shards, sorted(self.clients)))

    def cert(self, name):
        return "%s/id/%s/cert.pem" % (self.hf.home, name)

    def identity(self, name):
        return Credential(self.cert(name), "%s/id/%s/key.pem" % (self.hf.home, name))

    def list_file(self, shard):
        found = glob.glob(self.ca + "shards/*-%d.pem" % shard)
        return found[0] if found else None

    def number(self, shard):
        return self.shown(self.list_file(shard) if shard else self.ca + "crl.pem")["number"]

    def shown(self, path):
        return self.hf.json("crl", "show", path)["lists"][0]

    def bundle(self, *shards):
        """Lists of these shards and the root's in one file."""
        path = "%s/lists-%s.pem" % (self.dir, "-".join(map(str, shards)))
        with open(path, "wb") as out:
            for name in [self.list_file(s) for s in shards] + [self.ca + "root.crl.pem"]:
                with open(name, "rb") as file:
                    out.write(file.read())
        return path

    def openssl(self, name, lists, *more):
        done = subprocess.run(["openssl", "verify", "-crl_check", *more, "-CAfile", self.ca + "root.pem", "-untrusted",
                               self.ca + "issuing.pem", *(["-CRLfile", lists] if lists else []), self.cert(name)],
                              capture_output=True, text=True, timeout=30 * SLOW, env=clean_env(self.dir))
        return done.stdout + done.stderr

    def verify(self, name, lists):
        told = self.hf.run("verify", self.cert(name), "--ca", self.ca + "root.pem", "--crl", lists)
        return told.everything


@pytest.fixture
def town(hf, tmp_path):
    return Town(hf, tmp_path)


def places(cert):
    text = subprocess.run(["openssl", "x509", "-in", cert, "-noout", "-ext", "crlDistributionPoints"], capture_output=True,
                          text=True, check=False).stdout
    return re.findall(r"URI:(\S+)", text)


def test_each_leaf_names_the_list_of_its_shard_and_the_list_says_whose_it_is(town):
    clients = town.fill()
    for shard, name in clients.items():
        (url,) = places(town.cert(name))
        assert url.startswith(town.base) and url.endswith("-%d.crl" % shard)
        shown = town.shown(town.list_file(shard))
        assert shown["distribution_points"] == [url] and shown["entries"] == []
        assert url in town.hf("crl", "show", town.list_file(shard)).stdout
        assert url in town.hf("show", town.list_file(shard)).stdout
        text = subprocess.run(["openssl", "crl", "-in", town.list_file(shard), "-noout", "-text"], capture_output=True,
                              text=True, check=True).stdout
        assert "Issuing Distribution Point: critical" in text and "URI:" + url in text
        assert re.search(r"shard\s+%d" % shard, town.hf("show", name).stdout)
    assert places(town.cert("before")) == [] and "shard" not in town.row("before")
    assert "distribution_points" not in town.shown(town.ca + "crl.pem")
    # what is tried out is what comes out
    key = "%s/id/%s/key.pem" % (town.hf.home, clients[2])
    subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=again", "-out", town.dir + "/again.csr"], check=True)
    told = town.hf("sign", town.dir + "/again.csr", "--profile", "client", "--dry-run")
    assert town.hf("sign", town.dir + "/again.csr", "--profile", "client").code == 0 and told.code == 0
    assert town.row("again")["shard"] == 2


def test_a_revocation_makes_the_list_of_its_shard_and_the_complete_one(town):
    clients = town.fill()
    before = {shard: town.number(shard) for shard in range(SHARDS + 1)}
    serial = town.row(clients[3])["serial"]
    told = town.hf.json("revoke", clients[3], "--reason", "superseded")
    assert told["crl"].endswith("/crl.pem")
    after = {shard: town.number(shard) for shard in range(SHARDS + 1)}
    assert {s for s in after if after[s] != before[s]} == {0, 3}
    for shard in (0, 3):
        shown = town.shown(town.list_file(shard) if shard else town.ca + "crl.pem")
        assert [(e["serial"], e["reason"]) for e in shown["entries"]] == [(serial, "superseded")]
    rows = town.hf.json("audit", "--action", "crl")["rows"]
    assert rows[-2]["detail"].startswith("shard=3 ") and rows[-1]["detail"].startswith("number=")
    # one from before the policy: the complete list alone
    town.hf("revoke", "before")
    assert {s: town.number(s) for s in range(1, SHARDS + 1)} == {s: after[s] for s in range(1, SHARDS + 1)}
    assert len(town.shown(town.ca + "crl.pem")["entries"]) == 2
    assert "holds" in town.hf("audit", "verify").stdout


def test_no_other_list_than_its_own_or_the_complete_one_speaks_for_a_leaf(town):
    clients = town.fill()
    town.hf("revoke", clients[2])
    own, others, every = town.bundle(2), town.bundle(1, 3, 4), town.bundle(1, 2, 3, 4)
    for flags in ((), ("-extended_crl",)):
        for lists in (own, every):
            assert "certificate revoked" in town.openssl(clients[2], lists, *flags)
        assert "different CRL scope" in town.openssl(clients[2], others, *flags)
        for lists in (others, every):
            assert ": OK" in town.openssl(clients[1], lists, *flags)
    for lists in (own, every, town.ca + "crl.pem"):
        assert "V-REVOKED" in town.verify(clients[2], lists)
    for lists in (others, every):
        assert "V-REVOKED" not in town.verify(clients[1], lists) and ": OK" in town.verify(clients[1], lists)
    told = town.verify(clients[2], others)
    assert "V-CRL-MISSING" in told and "V-REVOKED" not in told and ": OK" not in told
    # which one it would have been, and that there are others
    assert places(town.cert(clients[2]))[0] in told and "3 of it, for other certificates" in told
    told = town.verify("before", every)
    assert "V-CRL-MISSING" in told and "4 of it, for other certificates" in told


def test_shards_go_on_for_as_long_as_a_certificate_names_them(town):
    clients = town.fill()
    town.policy(2)
    assert {town.issue("d%d" % i) for i in range(6)} <= {1, 2}
    told = town.hf.json("crl")["lists"]
    assert [one["shard"] for one in told if "shard" in one] == [1, 2, 3, 4]
    town.hf("revoke", clients[4])
    assert len(town.shown(town.list_file(4))["entries"]) == 1
    assert "certificate revoked" in town.openssl(clients[4], town.bundle(4))
    # without shards: the ones that are named, and no more are given
    town.policy(0, town.base + "issuing.crl")
    assert town.issue("plain") == 0 and places(town.cert("plain")) == [town.base + "issuing.crl"]
    assert len([one for one in town.hf.json("crl")["lists"] if "shard" in one]) == 4
    # more than ever
    town.policy(6)
    extra = town.issue("e")
    assert len([one for one in town.hf.json("crl")["lists"] if "shard" in one]) == 6
    # when the last certificate has ended, so has the list
    town.policy(2)
    sql(town, "UPDATE certificate SET not_after = 1700000000 WHERE shard = 4")
    four = town.list_file(4)
    assert [one["shard"] for one in town.hf.json("crl")["lists"] if "shard" in one] == sorted({1, 2, 3, extra} - {4})
    assert not os.path.exists(four)
    # and it goes on with its number when it comes back
    town.policy(4)
    town.hf("crl")
    assert int(town.number(4), 16) > 4 and town.shown(town.list_file(4))["entries"] == []


def test_a_list_says_all_the_places_under_which_certificates_look_for_it(town):
    clients = town.fill()
    town.base = "http://new.test/lists/"
    town.policy(SHARDS)
    old = {shard: places(town.cert(name))[0] for shard, name in clients.items()}
    names = {}
    for i in range(40 * SHARDS):
        if len(names) == SHARDS:
            break
        names.setdefault(town.issue("n%d" % i), "n%d" % i)
    for shard, name in names.items():
        (new,) = places(town.cert(name))
        assert new.startswith("http://new.test/lists/")
        assert sorted(town.shown(town.list_file(shard))["distribution_points"]) == sorted([new, old[shard]])
    town.hf("revoke", names[1])
    town.hf("revoke", clients[1])
    lists = town.bundle(1)
    for name in (names[1], clients[1]):
        assert "certificate revoked" in town.openssl(name, lists)
        assert "V-REVOKED" in town.verify(name, lists)
    assert ": OK" in town.openssl(names[2], town.bundle(2)) and ": OK" in town.openssl(clients[2], town.bundle(2))


def test_the_lists_of_a_retired_ca_go_where_its_complete_one_goes(town):
    def lists():
        return sorted(os.path.basename(path) for path in glob.glob(town.ca + "shards/*"))
    town.fill(2)
    old = lists()
    town.hf("init", "--rollover")
    town.issue("after")
    assert len(old) == SHARDS and len(lists()) == 2 * SHARDS
    for name in [row["name"] for row in town.hf.json("list", "--under", "ABC Inc. Issuing CA")["certificates"]]:
        town.hf("renew", name, "--before", "40d")
    town.hf("init", "--retire")
    assert sorted(os.listdir(town.ca + "retired/0001")) == sorted(
        ["cert.pem", "crl.pem"] + ["crl-%d.pem" % shard for shard in range(1, SHARDS + 1)])
    assert len(lists()) == SHARDS and not set(lists()) & set(old)
    town.hf("crl")
    assert len(lists()) == SHARDS and "D-CRL" not in town.hf.run("doctor").everything


def test_lists_for_a_web_server(town):
    town.fill()
    town.hf("crl", "--out-dir", town.dir + "/www/crl")
    told = sorted(os.listdir(town.dir + "/www/crl"))
    issuing = [name for name in told if name.startswith("issuing")]
    assert issuing == ["issuing-1.crl", "issuing-2.crl", "issuing-3.crl", "issuing-4.crl", "issuing.crl"]
    assert "root.crl" in told and len(told) == 2 * len(issuing) + 2
    for shard, name in town.clients.items():
        path = town.dir + "/www/crl/" + places(town.cert(name))[0].rsplit("/", 1)[1]
        with open(path, "rb") as file, open(town.dir + "/www/crl/issuing-%d.crl" % shard, "rb") as other:
            assert file.read() == other.read()
        subprocess.run(["openssl", "crl", "-inform", "DER", "-in", path, "-noout"], check=True)
    with open(town.dir + "/file", "w", encoding="utf-8"):
        pass
    assert town.hf.run("crl", "--out-dir", town.dir + "/file").code != 0


def test_renew_all_signs_the_lists_of_shards_that_are_due(town):
    town.fill()
    sql(town, "UPDATE crl SET this_update = this_update - 86400 * 25, next_update = next_update - 86400 * 25 WHERE shard = 2")
    before = [int(town.number(shard), 16) for shard in range(SHARDS + 1)]
    told = town.hf("renew", "--all")
    after = [int(town.number(shard), 16) for shard in range(SHARDS + 1)]
    assert [b - a for a, b in zip(before, after)] == [0, 0, 1, 0, 0]
    assert os.path.basename(town.list_file(2)) in told.everything


def test_doctor_looks_at_shards(town):
    clients = town.fill()
    assert "D-CRL" not in town.hf.run("doctor").everything
    kept = town.list_file(2)
    shutil.move(kept, kept + ".away")
    told = town.hf.run("doctor").everything
    assert "D-CRL-MISSING" in told and os.path.basename(kept) in told
    town.hf("crl")
    assert "D-CRL" not in town.hf.run("doctor").everything
    # revoked, and whoever did it could not sign the list
    sql(town, "UPDATE certificate SET state = 2, revoked_at = 1700000000, reason = 1 WHERE name = ?", clients[3])
    told = town.hf.run("doctor").everything
    assert "D-CRL-STALE" in told and "-3.pem" in told


def sql(town, statement, *values):
    with contextlib.closing(sqlite3.connect(town.ca + "ca.db")) as db, db:
        db.execute(statement, values)


@pytest.mark.parametrize("text, words", [
    ("crl: http://a/{shard}.crl", "shards: NUMBER"), ("crl: http://a/x.crl\n  shards: 4", "{shard}"),
    ("shards: 4", "{shard}"), ("crl: http://a/{shard}.crl\n  shards: 0", "'0' is "),
    ("crl: http://a/{shard}.crl\n  shards: 257", "'257' is "), ("crl: http://a/{ca}{x}.crl", "http://"),
    ("ocsp: http://a/{ca}", "URL of lists"), ("crl: '{ca}://a/'", "http://")])
def test_policies_that_name_no_place_of_a_shard_are_refused(hf, text, words):
    hf("init", "ABC Inc.")
    with open(hf.home + "/ca/policy.yaml", "w", encoding="utf-8") as file:
        file.write("revocation:\n  %s\n" % text)
    told = hf.run("policy", "check", hf.home + "/ca/policy.yaml")
    assert told.code != 0 and words in told.everything, told


# --- the service, and gateways ---

@pytest.fixture
def published(town):
    service = Server(town.hf, "authority", "--listen", "127.0.0.1:0", "--publish", "127.0.0.1:0", listeners=2)
    town.service = service
    town.tls, town.plain = sorted(service.urls, reverse=True)
    town.base = town.plain + "/crl/"
    town.policy(SHARDS, more="  ocsp: %s/ocsp\n" % town.plain)
    service.reload()
    town.fill()
    yield town
    service.__exit__()


def fetch(url):
    return subprocess.run(["curl", "-sf", url], capture_output=True, check=False)


def entries(url):
    der = fetch(url).stdout
    return subprocess.run(["openssl", "crl", "-inform", "der", "-noout", "-text"], input=der, check=True,
                          capture_output=True).stdout.count(b"Serial Number:")


def test_the_service_gives_each_shard_out_where_its_leaves_look(published):
    town = published
    # OpenSSL finds the list by itself
    for name in town.clients.values():
        town.service.wait_until(lambda: ": OK" in town.openssl(name, None, "-crl_download"), "its list")  # pylint: disable=W0640
    name = town.clients[2]
    (url,) = places(town.cert(name))
    town.hf("revoke", name)
    town.service.wait_until(lambda: "certificate revoked" in town.openssl(name, None, "-crl_download"), "the new list")
    assert entries(url) == 1 and entries(town.base + "issuing-2.crl") == 1 and entries(town.base + "issuing.crl") == 1
    assert [entries(town.base + "issuing-%d.crl" % i) for i in (1, 3, 4)] == [0, 0, 0]
    assert fetch(url.replace(".crl", ".pem")).stdout.startswith(b"-----BEGIN X509 CRL")
    for path in ("issuing-5.crl", "issuing-.crl", "issuing-02.crl", "root-1.crl", "issuing-2", "-2.crl", "x-2.crl",
                 "issuing-" + "9" * 60 + ".crl"):
        assert fetch(town.base + path).returncode == 22, path
    told = subprocess.run(
        ["openssl", "ocsp", "-issuer", town.ca + "issuing.pem", "-CAfile", town.ca + "root.pem", "-cert", town.cert(name),
         "-url", town.plain + "/ocsp"], capture_output=True, text=True, check=True).stdout
    assert ": revoked" in told


def test_a_gateway_with_lists_of_shards_refuses_who_is_on_one_and_who_is_on_none(published):
    town, client = published, PythonClient("")
    town.hf("issue", "localhost", "--server", "--san", "ip:127.0.0.1")
    town.hf("revoke", town.clients[2])
    for shard in range(1, SHARDS + 1):
        want = 1 if shard == 2 else 0
        town.service.wait_until(lambda: entries(town.base + "issuing-%d.crl" % shard) == want, "its list")  # pylint: disable=W0640
    gateway = town.hf.at(town.dir + "/gateway")
    os.makedirs(gateway.home + "/trust")
    shutil.copy(town.ca + "root.pem", gateway.home + "/trust/own.pem")
    shutil.copytree(town.hf.home + "/id/localhost", gateway.home + "/id/localhost")
    argv = ["--as", "localhost", "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0"]
    urls = [option for shard in (1, 2, 3) for option in ("--crl", town.base + "issuing-%d.crl" % shard)]
    for lists in (["--crl", town.bundle(1, 2, 3)], urls + ["--crl", town.base + "root.crl"]):
        with gateway.serve(*argv, *lists) as server:
            assert client.get(server.port, town.identity(town.clients[1])).status == 200
            assert client.get(server.port, town.identity(town.clients[2])).alert == 44
            # the list of the fourth is not here: nobody can say that it is not revoked
            assert client.get(server.port, town.identity(town.clients[4])).alert == 48
            server.wait_until(lambda: {r["cause"] for r in server.records()} == {"V-REVOKED", "V-CRL-MISSING"}, "why")


def test_a_gateway_that_lost_the_feed_obeys_the_lists_of_shards(published):
    town, client = published, PythonClient("")
    town.hf("issue", "localhost", "--server", "--san", "ip:127.0.0.1")
    town.hf("crl", "--out-dir", town.dir + "/www")
    gateway = town.hf.at(town.dir + "/gateway")
    os.makedirs(gateway.home + "/trust")
    shutil.copy(town.ca + "root.pem", gateway.home + "/trust/own.pem")
    shutil.copytree(town.hf.home + "/id/localhost", gateway.home + "/id/localhost")
    lists = town.dir + "/lists.pem"
    shutil.copy(town.bundle(1, 2, 3, 4), lists)
    two, three = town.identity(town.clients[2]), town.identity(town.clients[3])
    with gateway.serve("--as", "localhost", "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0",
                       "--revocations-from", town.tls, "--crl", lists) as server:
        assert client.get(server.port, two).status == 200
        # by the feed: the complete list
        town.hf("revoke", town.clients[3], "--wait")
        assert client.get(server.port, three).alert == 44
        assert client.get(server.port, two).status == 200
        town.service.__exit__()
        town.hf("revoke", town.clients[2])
        # by hand, and of its shard only: what says revoked counts, whatever the older complete list says
        shutil.copy(town.bundle(1, 2, 3, 4), lists)
        server.reload()
        server.wait_until(lambda: client.get(server.port, two).alert == 44, "the list of its shard to be in force")
        assert client.get(server.port, three).alert == 44
        assert client.get(server.port, town.identity(town.clients[1])).status == 200


def test_metrics_and_status_tell_the_lists_of_shards_apart(town):
    """Their issuer is the same, and their numbers often are."""
    town.fill()
    town.hf("issue", "localhost", "--server", "--san", "ip:127.0.0.1")
    town.hf("crl")
    admin = "unix:%s/admin.sock" % town.hf.home
    with town.hf.serve("--as", "localhost", "--allow", "any", "--respond", "text:x", "--listen", "127.0.0.1:0", "--crl",
                       town.bundle(*range(1, SHARDS + 1)), "--metrics", "127.0.0.1:0", "--admin", admin, listeners=2) as server:
        status = town.hf.json("ctl", "--admin", admin, "status")
        ends = [dict(labels) for name, labels in parse(scrape(server)) if name == "handfast_crl_next_update_seconds"]
    places = [labels["place"] for labels in ends if "place" in labels]
    assert sorted(place.rsplit("-", 1)[1] for place in places) == ["%d.crl" % n for n in range(1, SHARDS + 1)]
    assert len(ends) == SHARDS + 1  # and the root's, which is for all
    assert sorted(row["place"] for row in status["crls"] if "place" in row) == sorted(places)
    assert len(status["crls"]) == SHARDS + 1
