# SPDX-License-Identifier: Apache-2.0
"""The service dies at random while machines enrol and renew: no token is gone without a certificate that a
retry gives, none is used twice, and the ledger knows every certificate that is anywhere.  HF_ENROL_MACHINES=500
HF_ENROL_KILLS=100 is the same at full size; HF_ENROL_TABLE=FILE keeps what came of it."""
import json
import os
import random
import signal
import threading

from support.program import Server

MACHINES = int(os.environ.get("HF_ENROL_MACHINES", "24"))
KILLS = int(os.environ.get("HF_ENROL_KILLS", "8"))
TABLE = os.environ.get("HF_ENROL_TABLE")


class Fixed:
    """The authority on one port, killed and started again."""

    def __init__(self, hf):
        self.hf = hf
        self.starts = 0
        self.server = Server(hf, "authority", "--listen", "127.0.0.1:0")
        self.url = self.server.url

    def kill(self):
        self.server.signal(signal.SIGKILL)
        self.server.wait()
        self.server = Server(self.hf, "authority", "--listen", self.url.split("//")[1])
        self.starts += 1


def until_done(hf, *args):
    """As a person would: the same command again, until it says yes or a clear no."""
    for _ in range(200):
        done = hf.run(*args)
        if done.code != 3:
            return done
    raise AssertionError("never an answer\n%s" % done)


def test_kills_burn_no_token_and_lose_no_certificate(hf, tmp_path):
    hf("init", "ABC Inc.")
    service = Fixed(hf)
    tokens = {"m%d" % n: hf("token", "m%d" % n).stdout.strip() for n in range(MACHINES)}
    homes = {name: hf.at(tmp_path / name) for name in tokens}
    results, waiting = {}, list(tokens)
    lock, over = threading.Lock(), threading.Event()

    def enrol():
        while True:
            with lock:
                if not waiting:
                    return
                name = waiting.pop()
            first = until_done(homes[name], "enroll", service.url, "--token", tokens[name])
            second = until_done(homes[name], "renew", name, "--from", service.url, "--before", "365d")
            results[name] = (first, second)

    def kill():
        rng = random.Random(7)
        for _ in range(KILLS):
            if over.wait(rng.uniform(0.02, 0.4)):
                return
            service.kill()

    killer = threading.Thread(target=kill)
    workers = [threading.Thread(target=enrol) for _ in range(4)]
    for thread in workers + [killer]:
        thread.start()
    for thread in workers:
        thread.join()
    over.set()
    killer.join()
    assert service.starts >= 3, "the work was over before the service had died often enough"
    assert len(results) == MACHINES
    for name, (first, second) in results.items():
        assert first.code == 0, "%s\n%s" % (name, first)
        assert second.code == 0, "%s\n%s" % (name, second)
    assert service.server.stop() == 0
    table = what_is_left(hf, homes)
    table["kills"] = service.starts
    if TABLE:
        with open(TABLE, "w") as out:
            json.dump(table, out, indent=2)
    assert table == {"machines": MACHINES, "kills": service.starts, "certificates": 2 * MACHINES,
                     "tokens spent": MACHINES, "burnt without a certificate": 0, "spent twice": 0,
                     "issued and not recorded": 0, "keys left behind": 0}
    hf("audit", "verify")


def what_is_left(hf, homes):
    """Two certificates for each machine, by one token and one renewal, and the ledger knows those on the disks."""
    rows = hf.json("list", "--all")["certificates"]
    issued = {row["serial"]: row["name"] for row in rows if row["state"] == "valid" and row["name"] in homes}
    count = {name: list(issued.values()).count(name) for name in homes}
    tokens = {row["name"]: row["state"] for row in hf.json("token", "list")["tokens"]}
    held = {name: homes[name].json("show", homes[name].home + "/id/%s/cert.pem" % name) for name in homes}
    return {
        "machines": len(homes),
        "certificates": len(issued),
        "tokens spent": sum(state == "spent" for state in tokens.values()),
        "burnt without a certificate": sum(tokens[name] == "spent" and count[name] == 0 for name in homes),
        "spent twice": sum(count[name] > 2 for name in homes),
        "issued and not recorded": sum(not any(serial in str(shown) and issued[serial] == name for serial in issued)
                                       for name, shown in held.items()),
        "keys left behind": sum(file.endswith(".key") for name in homes for file in os.listdir(homes[name].home + "/id")),
    }
