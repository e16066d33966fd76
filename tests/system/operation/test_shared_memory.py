# SPDX-License-Identifier: Apache-2.0
"""What each process of a gateway could write of the memory that they share: what is its own."""
import os
import re
import shutil
import signal

import pytest
from support.process import children
from support.program import Server

CONFIG = """\
listen: ["127.0.0.1:0"]
as: gw
allow: [any]
to: ["http://127.0.0.1:9"]
health-interval: 1s
workers: 2
resume: on
metrics: 127.0.0.1:0
revocations-from: %s
"""


@pytest.fixture
def gateway(hf, tmp_path):
    """With everything that is shared: a notice of what was read, one of revocations, health, sessions."""
    hf("init", "ABC Inc.")
    hf("issue", "gw", "--server", "--san", "dns:localhost")
    with Server(hf, "authority", "--listen", "127.0.0.1:0") as service:
        home = tmp_path / "gateway"
        os.makedirs(home / "trust")
        shutil.copy(hf.home + "/ca/root.pem", home / "trust" / "own.pem")
        shutil.copytree(hf.home + "/id/gw", home / "id" / "gw")
        config = tmp_path / "gw.yaml"
        config.write_text(CONFIG % service.url)
        with hf.at(home).serve("--config", config, listeners=2) as server:
            yield server


def maps(pid, mode):
    """(inode, name) of its mappings that others see, with that mode."""
    found = set()
    with open("/proc/%d/maps" % pid) as rows:
        for row in rows:
            _, how, _, _, inode, name = (row.split(None, 5) + [""])[:6]
            if how == mode:
                found.add((int(inode), name.split(" ")[0].strip()))
    return found


def named(mappings, name):
    return {inode for inode, file in mappings if file == "/memfd:" + name}


def descriptors(pid, name):
    """{descriptor: may it write} of its files in memory of that name."""
    found = {}
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            if os.readlink("/proc/%d/fd/%s" % (pid, fd)) != "/memfd:%s (deleted)" % name:
                continue
            with open("/proc/%d/fdinfo/%s" % (pid, fd)) as info:
                flags = int(re.search(r"^flags:\s*([0-7]+)", info.read(), re.MULTILINE)[1], 8)
        except FileNotFoundError:
            continue
        found[int(fd)] = flags & os.O_ACCMODE != os.O_RDONLY
    return found


def process(server, name):
    found = children(server.pid, name)
    assert found, name
    return found


def test_worker_can_only_read_what_the_supervisor_and_the_follower_put_up(gateway):
    assert len(descriptors(gateway.pid, "handfast-notice")) == 4, "two notices, to write and to read"
    for worker in process(gateway, "hf-worker"):
        notices = descriptors(worker, "handfast-notice")
        assert len(notices) == 2 and not any(notices.values()), notices
        assert len(named(maps(worker, "r--s"), "handfast-notice")) == 2
        assert not named(maps(worker, "rw-s"), "handfast-notice")


def test_worker_can_write_its_own_rows_only(gateway):
    workers = process(gateway, "hf-worker")
    own = {worker: named(maps(worker, "rw-s"), "handfast-row") for worker in workers}
    read = {worker: named(maps(worker, "r--s"), "handfast-row") for worker in workers}
    # counters and a row of the board; the first looks at the services too
    assert sorted(len(rows) for rows in own.values()) == [2, 3]
    assert not set.intersection(*own.values())
    for worker in workers:
        assert not own[worker] & read[worker]
        assert not descriptors(worker, "handfast-row")
        assert len(descriptors(worker, "handfast-report")) == 1
    # orders; the supervisor's counters and the follower's
    assert len(set.intersection(*read.values())) == 3
    assert own[workers[0]] | read[workers[0]] == own[workers[1]] | read[workers[1]]


def test_what_all_workers_write_is_roster_and_sessions(gateway):
    first, second = (maps(worker, "rw-s") for worker in process(gateway, "hf-worker"))
    assert [name for _, name in first & second] == ["/dev/zero"] * 2


def test_follower_can_write_its_list_notice_and_its_counters(gateway):
    follower, = process(gateway, "hf-follower")
    written = maps(follower, "rw-s")
    assert len(named(written, "handfast-row")) == 1
    assert len(written) == 2 and len(named(written, "handfast-notice")) == 1
    assert not named(maps(follower, "r--s"), "handfast-notice")
    assert sorted(descriptors(follower, "handfast-notice").values()) == [False, True]
    assert not descriptors(follower, "handfast-row") and not descriptors(follower, "handfast-report")


def test_signer_shares_no_memory_nor_does_the_next_one(gateway):
    signer, = process(gateway, "hf-signer")
    os.kill(signer, signal.SIGKILL)
    gateway.wait_line("err", lambda line: "the signer has its keys again" in line, "another signer", 30)
    for pid in {*process(gateway, "hf-signer")}:
        assert not maps(pid, "rw-s") and not maps(pid, "r--s")
        assert not [fd for fd in os.listdir("/proc/%d/fd" % pid)
                    if os.readlink("/proc/%d/fd/%s" % (pid, fd)).startswith("/memfd")]


def test_worker_in_the_place_of_one_that_was_killed_is_held_to_the_same(gateway):
    old = process(gateway, "hf-worker")[1]
    os.kill(old, signal.SIGKILL)
    def replaced():
        now = children(gateway.pid, "hf-worker")
        return old not in now and len(now) == 2 and all(maps(pid, "r--s") for pid in now)
    gateway.wait_until(replaced, "another worker", 30)
    for worker in process(gateway, "hf-worker"):
        gateway.wait_until(lambda worker=worker: not any(descriptors(worker, "handfast-notice").values()),
                           "a view to read of the notices", 30)
        assert not named(maps(worker, "rw-s"), "handfast-notice")
