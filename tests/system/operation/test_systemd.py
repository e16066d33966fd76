# SPDX-License-Identifier: Apache-2.0
"""What a service and systemd tell each other, and how locked up the units are."""
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from support.peers import PythonClient
from support.process import SLOW, Watched, children, clean_env
from support.program import Handfast

ANSWER = ["--allow", "any", "--respond", "text:hello"]
UNITS = Path(__file__).resolve().parents[3] / "contrib" / "systemd"


@pytest.mark.parametrize("unit", ["handfast-serve@.service", "handfast-renew.service"])
def test_units_are_locked_up(unit, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    shutil.copy(UNITS / unit, tmp_path)
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15", tmp_path / unit],
                          capture_output=True, text=True, timeout=60 * SLOW, check=False)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot rate files")
    assert done.returncode == 0, (done.stdout[-300:], done.stderr)


def installed(folder, binary):
    """The units as an administrator has them for the instance `mail`, with this binary."""
    for unit in UNITS.glob("handfast-*"):
        text = unit.read_text().replace("/usr/local/bin/handfast", binary)
        (folder / unit.name.replace("@", "@mail")).write_text(text)
    return folder


def verify(*units):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True,
                          timeout=60 * SLOW, check=False)


def test_systemd_understands_every_line_of_the_units(hf, tmp_path):
    folder = installed(tmp_path, hf.binary)
    done = verify(*sorted(folder.glob("handfast-*")))
    assert done.returncode == 0 and not [row for row in done.stderr.split("\n") if "handfast-" in row], done
    bad = folder / "handfast-serve@mail.socket"
    bad.write_text(bad.read_text().replace("NoDelay=", "NoDelai="))
    assert "NoDelai" in verify(bad).stderr, "what it does not understand it tells"


def exec_start(folder):
    """The command of the service, word by word, as systemd would run it."""
    rows = (folder / "handfast-serve@mail.service").read_text().splitlines()
    line, = [row.partition("=")[2] for row in rows if row.startswith("ExecStart=")]
    return line.replace("%t/handfast", str(folder)).replace("%i", "mail").split()


def test_socket_unit_activates_the_service_unit(hf, town, tmp_path):
    """systemd's own activator holds the socket; who came before the service ran is served by it."""
    activator = shutil.which("systemd-socket-activate")
    if activator is None:
        pytest.skip("systemd-socket-activate is not installed")
    options = ["--listen", "systemd", *town.serve_args[2:], *ANSWER]
    argv = []
    for word in exec_start(installed(tmp_path, hf.binary)):
        argv += options if word == "$HANDFAST_SERVE" else [word]
    path = str(tmp_path / "front.sock")
    with Watched([activator, "-l", path, *argv], clean_env(tmp_path)) as service:
        service.wait_line("err", lambda line: "Listening on" in line, "the socket")
        assert not any("listening on" in line for line in service.lines["err"]), "nobody has come"
        raw = socket.socket(socket.AF_UNIX)
        raw.settimeout(20 * SLOW)
        raw.connect(path)
        with PythonClient.context(town["mail"], town.ca).wrap_socket(raw, server_hostname="localhost") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert tls.recv(4096).startswith(b"HTTP/1.1 200 ")
        done = hf("ctl", "status", "--admin", tmp_path / "mail.sock", "--json")
        assert "front.sock" in done.stdout
        service.signal(signal.SIGTERM)
        assert service.wait(20) == 0
    assert os.path.exists(path), "the socket is systemd's"


class Manager:
    """The notify socket of systemd."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(20 * SLOW)

    def until(self, word):
        """What came up to the message that begins with the word, that one too."""
        heard = []
        while not heard or not heard[-1].startswith(word):
            heard.append(self.socket.recv(4096).decode())
        return heard


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path / "notify")
    yield made
    made.socket.close()


def test_ready_reloading_and_stopping_are_told(hf, town, tmp_path, manager):
    with hf.serve(*town.serve_args, *ANSWER, env={"NOTIFY_SOCKET": manager.path}) as server:
        assert manager.until("READY=1") == ["READY=1"]
        server.signal(signal.SIGHUP)
        reloading, ready = manager.until("READY=1")
        assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=") and ready == "READY=1"
        server.signal(signal.SIGTERM)
        assert manager.until("STOPPING=1") == ["STOPPING=1"]
        assert server.wait(20) == 0


def test_reload_that_is_refused_ends_with_ready_too(hf, town, tmp_path, manager):
    ca = tmp_path / "ca.pem"
    shutil.copy(town.ca, ca)
    argv = ["--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", town["server"].key, "--ca", ca]
    with hf.serve(*argv, *ANSWER, "--reload", "signal", env={"NOTIFY_SOCKET": manager.path}) as server:
        manager.until("READY=1")
        ca.write_text("garbage\n")
        assert "refused" in server.reload()
        assert manager.until("READY=1")[0].startswith("RELOADING=1")


def test_watchdog_hears_of_us_in_half_its_time(hf, town, manager):
    env = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000"}
    with hf.serve(*town.serve_args, *ANSWER, env=env) as server:
        for _ in range(4):
            assert manager.until("WATCHDOG=1")
        os.kill(server.pid, signal.SIGSTOP)  # one that hangs says nothing
        try:
            manager.socket.settimeout(1)
            with pytest.raises(TimeoutError):
                while True:
                    manager.socket.recv(4096)
        finally:
            os.kill(server.pid, signal.SIGCONT)


def test_no_watchdog_without_being_asked(hf, town, manager):
    env = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000", "WATCHDOG_PID": "1"}
    with hf.serve(*town.serve_args, *ANSWER, env=env):
        manager.until("READY=1")
        manager.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            manager.socket.recv(4096)


PASSES = r'''#!/usr/bin/python3
"""Passes sockets as systemd does: two that listen, over IPv4 and as a file (or what $KIND says)."""
import os, socket, sys
one = socket.create_server(("127.0.0.1", 0))
two = socket.socket(socket.AF_UNIX)
two.bind(os.environ["SOCKET_FILE"])
if os.environ.get("KIND") == "udp":
    two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
elif os.environ.get("KIND") != "deaf":
    two.listen(16)
fds = [os.dup2(one.fileno(), 103), os.dup2(two.fileno(), 104)]
os.dup2(103, 3), os.dup2(104, 4)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=os.environ.get("COUNT", "2"))
os.execv(os.environ["HANDFAST_BIN"], [os.environ["HANDFAST_BIN"]] + sys.argv[1:])
'''


@pytest.fixture
def activated(hf, tmp_path):
    def make(**env):
        wrapper = tmp_path / "passes"
        wrapper.write_text(PASSES)
        wrapper.chmod(0o755)
        return Handfast(str(wrapper), hf.home, dict(env, HANDFAST_BIN=hf.binary, SOCKET_FILE=str(tmp_path / "s.sock")),
                        hf.cwd)
    return make


def test_sockets_of_systemd_are_served(activated, town, python, tmp_path):
    argv = ["--listen", "systemd"] + town.serve_args[2:]
    with activated().serve(*argv, *ANSWER, "--workers", "2", listeners=2) as server:
        for _ in range(6):
            assert python.get(server.port, town["mail"], town.ca).status == 200
        assert any("unix:" in url or "s.sock" in url for url in server.urls), server.urls
        os.kill(children(server.pid, "hf-worker")[0], signal.SIGKILL)
        server.wait_until(lambda: len(children(server.pid, "hf-worker")) == 2, "another worker")
        for _ in range(6):
            assert python.get(server.port, town["mail"], town.ca).status == 200
    assert (tmp_path / "s.sock").exists()  # it is systemd's, and stays


@pytest.mark.parametrize("env, words", [({"KIND": "udp"}, "no listening stream socket"), ({"KIND": "deaf"}, "no listening stream socket"),
                                        ({"COUNT": "nonsense"}, "LISTEN_FDS"), ({"COUNT": "60"}, "is not open"),
                                        ({"COUNT": "0"}, "passed no sockets")])
def test_what_systemd_cannot_have_meant_is_refused(activated, town, env, words):
    argv = ["--listen", "systemd"] + town.serve_args[2:]
    told = activated(**env).run("serve", *argv, *ANSWER)
    assert told.code in (2, 3) and words in told.stderr, told


def test_listen_systemd_without_systemd_says_what_to_do(hf, town):
    told = hf.run("serve", "--listen", "systemd", *town.serve_args[2:], *ANSWER)
    assert told.code in (2, 3) and ".socket unit" in told.stderr, told
