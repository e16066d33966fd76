# SPDX-License-Identifier: Apache-2.0
"""handfast ctl and the admin socket behind it."""
import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import threading

import pytest
from support.process import SLOW


def digest(path):
    with open(path, "rb") as octets:
        return hashlib.sha256(octets.read()).hexdigest()


def fingerprint(town, who):
    return hashlib.sha256(town.certs[who].der).hexdigest()


def replace(source, target):
    shutil.copy(source, str(target) + ".new")
    os.rename(str(target) + ".new", target)


# --- status ---

def test_status_tells_processes_files_and_ends(gateway, ctl, town):
    server = gateway("--crl", town.crl)
    told = ctl("status")
    assert told["pid"] == server.pid and told["command"] == "serve" and told["state"] == "serving"
    assert told["generation"] == 1 and told["listeners"] == [server.url]
    assert [w["generation"] for w in told["workers"]] == [1, 1]
    assert len({w["pid"] for w in told["workers"]} | {server.pid}) == 3
    files = {row["path"]: row["sha256"] for row in told["files"]}
    assert files[town["server"].cert] == digest(town["server"].cert)
    assert files[town.ca] == digest(town.ca)
    assert files[town["server"].key] is None, "of a key only the path is told"
    assert [row["seconds_left"] > 0 for row in told["certificates"]] == [True]
    assert len(told["crls"]) == 2 and all(row["seconds_left"] > 0 for row in told["crls"])


def test_status_counts_what_happened(gateway, ctl, town, python, keep):
    server = gateway(workers=1)
    keep(server)
    assert not python.get(server.port, town["expired"]).accepted

    def counted():
        told = ctl("status")
        return told if told["totals"]["open"] == 1 and told["totals"]["refused"] == 1 else None
    told = server.wait_until(counted, "the counters", 10)
    assert told["totals"]["requests"] == 1
    assert {"cause": "V-EXPIRED", "refused_by": "server", "count": 1} in told["refusals"]


def test_status_for_people_names_worker_and_certificate(hf, gateway, socket_path):
    server = gateway()
    told = hf("ctl", "status", "--admin", socket_path).stdout
    assert "serve is serving, pid %d" % server.pid in told
    assert told.count("ready  generation 1") == 2
    assert "certificate" in told and " left)" in told


def test_tunnel_answers_too(hf, gateway, town, tmp_path, ctl, socket_path):
    server = gateway()
    own = socket_path.parent / "t.sock"
    from support.program import Server
    with Server(hf, "tunnel", "--to", "localhost:%d" % server.port, "--cert", town["mail"].cert, "--key",
                town["mail"].key, "--ca", town.ca, "--listen", "127.0.0.1:0", "--admin", "unix:%s" % own) as tunnel:
        told = hf.json("ctl", "status", "--admin", own)
        assert told["command"] == "tunnel" and told["pid"] == tunnel.pid
        with socket.create_connection(("127.0.0.1", tunnel.port), 20 * SLOW) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"hello" in plain.recv(65536)
            rows = hf.json("ctl", "connections", "--admin", own)["connections"]
            assert len(rows) == 1 and rows[0]["identity"] == "dns:localhost" and rows[0]["state"] == "open"


# --- who may ask ---

def test_socket_is_for_its_user_alone(gateway, socket_path):
    server = gateway()
    assert stat.S_IMODE(os.stat(socket_path).st_mode) == 0o600
    assert server.stop() == 0
    assert not socket_path.exists(), "the file goes with the gateway"


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's call needs root to be made")
def test_another_user_is_turned_away_whatever_the_mode_says(gateway, socket_path):
    server = gateway()
    os.chmod(socket_path, 0o666)
    for folder in socket_path.parents:
        if folder.stat().st_uid == 0 and folder != folder.parent:
            os.chmod(folder, folder.stat().st_mode | 0o055)
    code = """
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    try:
        s.sendall(b'{"command": "status"}\\n')
        sys.exit(s.recv(1) != b"")
    except ConnectionError:
        pass
"""
    done = subprocess.run(["python3", "-c", code, str(socket_path)], user=65534, check=False, timeout=20 * SLOW)
    assert done.returncode == 0, "it was connected to, and gave no answer"
    server.wait_line("err", lambda line: "user 65534 was turned away" in line, "the line that tells of it")


def test_admin_none_makes_no_socket(hf, town, tmp_path):
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    argv = town.serve_args + ["--allow", "any", "--respond", "text:x", "--admin", "none"]
    with hf.serve(*argv, env={"XDG_RUNTIME_DIR": runtime}):
        assert not (runtime / "handfast").exists()
        refused = hf("ctl", "status", env={"XDG_RUNTIME_DIR": runtime}, exit=3)
        assert "no gateway of this user runs here" in refused.stderr


def test_only_gateway_is_found_and_several_are_named(hf, town, tmp_path_factory):
    runtime = tmp_path_factory.mktemp("r")
    env = {"XDG_RUNTIME_DIR": runtime}
    argv = town.serve_args + ["--allow", "any", "--respond", "text:x"]
    with hf.serve(*argv, env=env) as first:
        assert hf.json("ctl", "status", env=env)["pid"] == first.pid
        with hf.serve(*argv, env=env) as second:
            refused = hf("ctl", "status", env=env, exit=2)
            assert str(first.pid) in refused.stderr and str(second.pid) in refused.stderr
            name = "serve-%d.sock" % second.pid
            assert hf.json("ctl", "status", "--admin", name, env=env)["pid"] == second.pid
            second.proc.kill()
            second.wait()
        assert hf.json("ctl", "status", env=env)["pid"] == first.pid, "a dead socket file is no gateway"


# --- mistakes ---

@pytest.mark.parametrize("word, nearest", [("statsu", "status"), ("relaod", "reload"), ("revoke-nwo", "revoke-now"),
                                           ("conections", "connections")])
def test_unknown_word_gets_the_nearest(hf, word, nearest):
    refused = hf("ctl", word, exit=2)
    assert "did you mean '%s'" % nearest in refused.stderr


def test_missing_socket_gets_the_nearest_name(hf, gateway, socket_path):
    gateway()
    refused = hf("ctl", "status", "--admin", socket_path.parent / "z.sock", exit=3)
    assert "no gateway runs at" in refused.stderr and "did you mean '%s'" % socket_path in refused.stderr


@pytest.mark.parametrize("args", [["revoke-now"], ["revoke-now", "abcd"], ["revoke-now", "zz" * 32], ["status", "x"],
                                  ["status", "--deadline", "5"], []])
def test_mistakes_are_said_before_anybody_is_asked(hf, args):
    hf("ctl", "--admin", "/nonexistent.sock", *args, exit=2)


@pytest.mark.parametrize("octets", [b"\n", b"{}\n", b"[]\n", b'{"command": 1}\n', b'{"command": "stop"}\n',
                                    b'{"command": "status", "x": 1}\n', b'{"command": "status", "command": "drain"}\n',
                                    b'{"command": "revoke-now"}\n', b'{"command": "drain", "deadline": -1}\n',
                                    b"\xff\xfe\n", b"[" * 4000 + b"\n"])
def test_question_that_makes_no_sense_is_refused_and_changes_nothing(gateway, raw_ask, ctl, octets):
    gateway()
    assert raw_ask(octets)["error"]["code"]
    assert ctl("status")["state"] == "serving"


def test_question_without_end_is_cut(gateway, raw_ask, ctl):
    gateway()
    assert raw_ask(b"x" * 100000) is None
    assert ctl("status")["state"] == "serving"


def test_callers_that_say_nothing_do_not_keep_others_out(gateway, ctl, socket_path):
    gateway()
    silent = []
    for _ in range(16):
        silent.append(socket.socket(socket.AF_UNIX))
        silent[-1].connect(str(socket_path))
    assert ctl("status")["state"] == "serving"
    for one in silent:
        one.close()


# --- reload ---

def test_reload_is_acknowledged_by_every_worker(gateway, ctl):
    gateway(workers=3)
    told = ctl("reload")
    assert told["reloaded"] and told["generation"] == 2
    assert [row["generation"] for row in told["workers"]] == [2, 2, 2]
    assert ctl("status")["generation"] == 2


def test_bad_reload_keeps_the_old_and_says_why(hf, town, tmp_path, gateway, ctl, socket_path, python):
    lists = tmp_path / "crl.pem"
    shutil.copy(town.crl_clean, lists)
    server = gateway("--crl", lists, "--reload", "signal")
    lists.write_text("garbage\n")
    told = ctl("reload", exit=1)
    assert not told["reloaded"] and told["generation"] == 1 and "crl.pem" in told["reason"]
    text = hf("ctl", "reload", "--admin", socket_path, exit=1)
    assert "generation 1 stays" in text.stderr and "crl.pem" in text.stderr
    status = ctl("status")
    assert status["last_reload"]["ok"] is False and "crl.pem" in status["last_reload"]["reason"]
    assert python.get(server.port, town["mail"]).accepted
    replace(town.crl_mail, lists)
    assert ctl("reload")["generation"] == 2
    assert ctl("status")["last_reload"]["ok"] is True
    assert python.get(server.port, town["mail"]).alert == 44


def test_many_reloads_at_once_are_all_answered(hf, gateway, socket_path, ctl):
    gateway()
    asking = [subprocess.Popen([hf.binary, "--json", "ctl", "reload", "--admin", str(socket_path)],
                               env=hf.environment(), stdout=subprocess.PIPE) for _ in range(8)]
    assert [one.wait(60 * SLOW) for one in asking] == [0] * 8
    for one in asking:
        one.stdout.close()
    assert ctl("status")["generation"] > 1


# --- connections ---

def test_connections_tell_who_is_there(gateway, ctl, keep, town):
    server = gateway()
    mail, _ = keep(server, "mail"), keep(server, "bob")
    mail.ask()
    rows = {row["identity"]: row for row in ctl("connections")["connections"]}
    assert set(rows) == {"dns:mail.zoo.test", "uri:spiffe://zoo.test/mail/bob"}
    row = rows["dns:mail.zoo.test"]
    assert row["requests"] == 2 and row["bytes_in"] > 500 and row["bytes_out"] > 500
    assert row["peer"] == "127.0.0.1:%d" % mail.tls.getsockname()[1]
    assert row["sha256"] == fingerprint(town, "mail")
    assert row["listener"] == server.url and row["version"] == "TLS 1.3" and row["generation"] == 1


def test_connections_beyond_the_limit_are_counted(gateway, ctl, keep):
    server = gateway(workers=1)
    for _ in range(3):
        keep(server)
    told = ctl("connections", "--limit", 2)
    assert len(told["connections"]) == 2 and told["left_out"] == 1


def test_connection_in_the_handshake_is_listed_as_such(gateway, ctl):
    server = gateway()
    with socket.create_connection(("127.0.0.1", server.port)):
        rows = server.wait_until(lambda: ctl("connections")["connections"], "the connection")
        assert rows[0]["state"] == "handshake" and rows[0]["identity"] is None


def report_of(worker):
    """The file that it reports its connections in, to be written."""
    folder = "/proc/%d/fd/" % worker
    path, = [folder + fd for fd in os.listdir(folder) if "handfast-report" in os.readlink(folder + fd)]
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)


@pytest.mark.skipif(os.geteuid() != 0, reason="the memory of a worker that is locked up is opened")
def test_what_a_worker_reports_that_are_no_connections_is_not_handed_on(hf, gateway, ctl, keep, socket_path):
    server = gateway(workers=2)
    for _ in range(8):
        keep(server)
    workers = ctl("status")["workers"]
    strange = workers[1]["pid"]
    over = threading.Event()

    def scribble():
        fd = report_of(strange)
        while not over.is_set():
            os.pwrite(fd, b'"', 0)
        os.close(fd)
    thread = threading.Thread(target=scribble)
    thread.start()
    try:
        def told():
            answer = ctl("connections")
            return answer if answer["unreadable"] else None
        answer = server.wait_until(told, "what came of it", 20)
        assert answer["unreadable"] == [1]
        assert all(row["worker"] == 0 for row in answer["connections"])

        def warned():
            done = hf("ctl", "connections", "--admin", socket_path)
            return "worker 1 reports something else than its connections" in done.stderr and "IDENTITY" in done.stdout
        server.wait_until(warned, "the warning", 20)
    finally:
        over.set()
        thread.join()
    server.wait_line("err", lambda line: "worker 1 reports something else" in line, "its line in the log")
    answer = ctl("connections")
    assert answer["unreadable"] == [] and len(answer["connections"]) == 8


# --- revoke-now ---

@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_revoke_now_closes_and_refuses_in_every_worker(gateway, ctl, keep, town, python, version):
    server = gateway(workers=2)
    mails = [keep(server, "mail", version=version) for _ in range(6)]
    bob = keep(server, "bob")
    told = ctl("revoke-now", fingerprint(town, "mail"))
    assert told["revoked"] and told["closed"] == 6
    for one in mails:
        one.wait_end()
    assert b"hello" in bob.ask(), "who was not named stays"
    for _ in range(8):
        assert python.get(server.port, town["mail"]).alert == 44
    assert {record["cause"] for record in server.records()} == {"V-REVOKED"}
    assert ctl("status")["revoked_here"] == 1


def test_revoke_now_holds_over_reload_and_the_death_of_a_worker(gateway, ctl, town, python):
    server = gateway(workers=1)
    colons = ":".join(fingerprint(town, "mail")[i:i + 2].upper() for i in range(0, 64, 2))
    ctl("revoke-now", colons)
    ctl("revoke-now", colons)
    ctl("reload")
    assert python.get(server.port, town["mail"]).alert == 44
    worker = ctl("status")["workers"][0]
    os.kill(worker["pid"], signal.SIGKILL)

    def back():
        now = ctl("status")["workers"][0]
        return now["state"] == "ready" and now["restarts"] == 1
    server.wait_until(back, "another worker")
    assert python.get(server.port, town["mail"]).alert == 44
    assert ctl("status")["revoked_here"] == 1


def test_revoked_session_is_not_resumed(gateway, ctl, town):
    import ssl
    from support.peers import PythonClient
    server = gateway("--resume", "on", workers=1)
    context = PythonClient.context(town["mail"], town.ca, "1.3")

    def meet(session=None):
        with context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), 20 * SLOW),
                                 server_hostname="localhost", session=session) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"hello" in tls.recv(65536)
            return tls.session, tls.session_reused
    session, _ = meet()
    assert meet(session)[1], "it is resumed while nothing was said"
    ctl("revoke-now", fingerprint(town, "mail"))
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        meet(session)


# --- drain ---

def test_drain_ends_the_gateway_with_zero(hf, gateway, keep, socket_path):
    server = gateway()
    keep(server)
    done = hf("ctl", "drain", "--admin", socket_path)
    assert "every connection had finished" in done.stdout
    assert server.wait() == 0


def test_drain_cuts_at_its_deadline_and_says_so(hf, town, gateway, socket_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(4)
        server = gateway(answer=("--to", "http://127.0.0.1:%d" % listener.getsockname()[1]))
        from support.peers import PythonClient
        raw = socket.create_connection(("127.0.0.1", server.port), 20 * SLOW)
        with PythonClient.context(town["mail"], town.ca).wrap_socket(raw, server_hostname="localhost") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            listener.settimeout(20 * SLOW)
            held = listener.accept()  # the service has the request and never answers
            done = hf("ctl", "drain", "--deadline", 1, "--admin", socket_path, exit=1)
            assert "cut" in done.stdout
            held[0].close()
    assert server.wait() == 1
