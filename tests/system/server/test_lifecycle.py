# SPDX-License-Identifier: Apache-2.0
"""Start, ready line, mistakes at start, reload, and the end of a server."""
import os
import re
import shutil
import signal
import socket

import pytest
from support import look, zoo
from support.metrics import scrape
from support.peers import PythonClient
from support.process import SLOW, children


@pytest.mark.row(56, 58)
def test_ready_line_names_the_port_that_the_system_chose(hf, town, curl):
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:x") as server:
        assert re.match(r"https://127\.0\.0\.1:\d+$", server.url)
        assert server.port > 0
        assert curl.get(server.port, town["mail"], town.ca).status == 200
        assert server.lines["out"] == []


@pytest.mark.row(57)
def test_localhost_listens_on_both_families_on_the_same_port(hf, town, curl):
    argv = ["--listen", "localhost:0"] + town.serve_args[2:]
    with hf.serve(*argv, "--allow", "any", "--respond", "text:x") as server:
        assert curl.get(server.port, town["mail"], town.ca, more=["-4"]).status == 200
        if not has_ipv6():
            pytest.skip("no IPv6 on this machine")
        assert curl.get(server.port, town["mail"], town.ca, more=["-6"]).status == 200


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.row(57)
def test_server_bound_to_every_address_answers_on_loopback(hf, town, curl):
    argv = ["--listen", "0.0.0.0:0"] + town.serve_args[2:]
    with hf.serve(*argv, "--allow", "any", "--respond", "text:x") as server:
        assert curl.get(server.port, town["mail"], town.ca, more=["-4"]).status == 200


@pytest.mark.row(56)
def test_several_listeners_each_have_a_ready_line(hf, town, curl):
    argv = town.serve_args + ["--listen", "127.0.0.1:0", "--allow", "any", "--respond", "text:x"]
    with hf.serve(*argv, listeners=2) as server:
        ports = {int(url.rsplit(":", 1)[1]) for url in server.urls}
        assert len(ports) == 2
        for port in ports:
            assert curl.get(port, town["mail"], town.ca).status == 200


@pytest.mark.row(56)
def test_ready_line_of_the_figures_is_the_last(hf, town):
    argv = town.serve_args + ["--metrics", "127.0.0.1:0", "--allow", "any", "--respond", "text:x"]
    with hf.serve(*argv, listeners=2) as server:
        door, figures = server.urls
        ready = [line for line in server.lines["err"] if "listening on" in line]
        assert ready == ["handfast: listening on " + door, "handfast: listening on " + figures]
        assert door.startswith("https:") and figures.startswith("http:")
        assert "handfast_connections_total" in scrape(server)


@pytest.mark.row(59)
def test_address_in_use_ends_the_start_with_its_name(hf, town):
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:x") as server:
        argv = ["--listen", "127.0.0.1:%d" % server.port] + town.serve_args[2:]
        refused = hf("serve", *argv, "--allow", "any", "--respond", "text:x", exit=3)
        assert str(server.port) in refused.stderr
        assert "in use" in refused.stderr.lower()
        assert "listening on" not in refused.stderr


@pytest.mark.row(60)
@pytest.mark.parametrize("missing", ["--cert", "--respond"])
def test_missing_option_is_a_usage_error_that_names_it(hf, town, missing):
    argv = town.serve_args + ["--allow", "any", "--respond", "text:x"]
    at = argv.index(missing)
    del argv[at:at + 2]
    if missing == "--cert":
        at = argv.index("--key")
        del argv[at:at + 2]
    refused = hf("serve", *argv, exit=2)
    assert missing in refused.stderr


@pytest.mark.row(60)
def test_certificate_without_its_key_is_named(hf, town):
    argv = town.serve_args + ["--allow", "any", "--respond", "text:x"]
    at = argv.index("--key")
    del argv[at:at + 2]
    refused = hf.run("serve", *argv)
    assert refused.code in (2, 3)
    assert "key" in refused.stderr


@pytest.mark.row(61)
def test_key_that_does_not_match_ends_the_start(hf, town):
    argv = list(town.serve_args)
    argv[argv.index("--key") + 1] = town["mail"].key
    refused = hf.run("serve", *argv, "--allow", "any", "--respond", "text:x")
    assert refused.code not in (0, 2)
    assert "mail.key" in refused.stderr and "server.pem" in refused.stderr


@pytest.mark.row(61)
def test_swapped_files_are_called_swapped(hf, town):
    argv = ["--listen", "127.0.0.1:0", "--cert", town["server"].key, "--key", town["server"].cert, "--ca", town.ca]
    refused = hf.run("serve", *argv, "--allow", "any", "--respond", "text:x")
    assert refused.code not in (0, 2)
    assert "server.key" in refused.stderr
    assert not look.has_key_bytes(refused.out + refused.err, town["server"].key)


@pytest.mark.parametrize("what", ["missing", "empty", "garbage", "key"])
def test_ca_file_that_holds_no_certificate_ends_the_start(hf, town, tmp_path, what):
    path = {"missing": tmp_path / "absent.pem", "empty": tmp_path / "empty.pem", "garbage": tmp_path / "garbage.pem",
            "key": town["mail"].key}[what]
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "garbage.pem").write_text("-----BEGIN CERTIFICATE-----\nxxxx\n-----END CERTIFICATE-----\n")
    argv = town.serve_args[:-1] + [path]
    refused = hf.run("serve", *argv, "--allow", "any", "--respond", "text:x")
    assert refused.code not in (0, 2), refused
    assert os.path.basename(path) in refused.stderr


def planted(town, tmp_path):
    """{mistake: (arguments of serve, words of which one must be said)}"""
    def server(spec, chain=("leaf", "issuing")):
        certs = zoo.build({"leaf": spec}, "server")
        folder = tmp_path / os.urandom(4).hex()
        folder.mkdir()
        for name, octets in (("cert.pem", b"".join(certs[c].pem for c in chain)), ("key.pem", certs["leaf"].key_pem),
                             ("ca.pem", certs["root"].pem)):
            (folder / name).write_bytes(octets)
            (folder / name).chmod(0o600)
        return ["--cert", folder / "cert.pem", "--key", folder / "key.pem", "--ca", folder / "ca.pem"]

    open_key = tmp_path / "open.key"
    shutil.copy(town["server"].key, open_key)
    open_key.chmod(0o644)
    plain = ["--cert", town["server"].cert, "--key", town["server"].key]
    stale = zoo.make_crl(town.certs["issuing"], {"days": [-30, -1]}, town.certs)
    root_list = zoo.make_crl(town.certs["root"], {}, town.certs)
    (tmp_path / "stale.pem").write_bytes(root_list + stale)
    (tmp_path / "rootonly.pem").write_bytes(root_list)
    return {
        "no intermediate": (server({}, ("leaf",)), ["intermediate", "issuing CA"]),
        "expired": (server({"days": [-30, -1]}), ["expired"]),
        "no SAN": (server({"san": None}), ["subjectAltName"]),
        "wrong EKU": (server({"eku": ["clientAuth"]}), ["extended key usage", "V-EKU"]),
        "CA file holds a leaf": (plain + ["--ca", town["mail"].cert], ["not a CA", "F-TRUST-NOT-CA"]),
        "stale list": (plain + ["--ca", town.ca, "--crl", tmp_path / "stale.pem"], ["out of date", "V-CRL-EXPIRED"]),
        "no list of a CA": (plain + ["--ca", town.ca, "--ca", town.issuing, "--crl", tmp_path / "rootonly.pem"],
                            ["no revocation list", "V-CRL-MISSING"]),
        "world-readable key": (["--cert", town["server"].cert, "--key", open_key, "--ca", town.ca],
                               ["readable", "0600"]),
        "key mismatch": (["--cert", town["server"].cert, "--key", town["mail"].key, "--ca", town.ca],
                         ["does not belong", "match"]),
    }


MISTAKES = ["no intermediate", "expired", "no SAN", "wrong EKU", "CA file holds a leaf", "stale list",
            "no list of a CA", "world-readable key", "key mismatch"]


@pytest.mark.row(62)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_check_names_the_planted_mistake_and_exits_one(hf, town, tmp_path, mistake):
    argv, words = planted(town, tmp_path)[mistake]
    told = hf.run("serve", "--check", "--listen", "127.0.0.1:0", *argv, "--allow", "any", "--respond", "text:x")
    assert told.code == 1, told
    assert any(word.lower() in told.everything.lower() for word in words), told
    assert "listening on" not in told.stderr


def test_reload_names_the_planted_mistake(hf, town, tmp_path):
    """What --check and the start say is said when it comes by a reload, too."""
    key = tmp_path / "s.key"
    shutil.copy(town["server"].key, key)
    key.chmod(0o600)
    argv = ["--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", key, "--ca", town.ca]
    with hf.serve(*argv, "--allow", "any", "--respond", "text:x") as server:
        assert not [line for line in server.lines["err"] if "F-KEY-MODE" in line]
        key.chmod(0o644)
        server.reload()
        server.wait_until(lambda: [line for line in server.lines["err"] if "F-KEY-MODE" in line and "chmod 0600" in line],
                          "the warning")


def test_check_tells_what_works_here_and_fails_elsewhere(hf):
    hf("init", "ABC Inc.")
    hf("issue", "gw", "--server", "--key-type", "ed25519")
    hf("issue", "plain", "--server")
    serve = ["--check", "--allow", "any", "--respond", "text:x"]
    told = hf("serve", "--as", "gw", *serve)
    assert "refused by browsers" in told.stdout and "Ed25519" in told.stdout
    rows = hf.json("serve", "--as", "gw", *serve)["findings"]
    assert [row["severity"] for row in rows if "browsers" in row["text"]] == ["info"]
    assert "refused by" not in hf("serve", "--as", "plain", *serve).everything


def test_check_of_a_good_configuration_is_content(hf, town):
    told = hf("serve", "--check", *town.serve_args, "--allow", "any", "--respond", "text:x")
    assert "listening on" not in told.stderr


def test_check_names_all_mistakes_at_once(hf, town, tmp_path):
    rows = planted(town, tmp_path)
    argv = rows["no SAN"][0] + ["--crl", tmp_path / "stale.pem"]
    (tmp_path / "k").mkdir()
    os.chmod(argv[3], 0o644)
    told = hf("serve", "--check", "--listen", "127.0.0.1:0", *argv, "--allow", "any", "--respond", "text:x", exit=1)
    for word in ("subjectAltName", "0600"):
        assert word.lower() in told.everything.lower(), told


@pytest.mark.row(62)
def test_server_without_its_intermediate_warns_at_start_and_curl_refuses_it(hf, town, tmp_path, curl):
    argv, _ = planted(town, tmp_path)["no intermediate"]
    with hf.serve("--listen", "127.0.0.1:0", *argv, "--allow", "any", "--respond", "text:x") as server:
        text = "\n".join(server.lines["err"])
        assert "intermediate" in text or "issuing CA" in text
        assert curl.get(server.port, None, argv[-1]).code == 60


def test_sigterm_drains_and_exits_zero(hf, town):
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:hello") as server:
        raw = socket.create_connection(("127.0.0.1", server.port), 10 * SLOW)
        with PythonClient.context(town["mail"], town.ca).wrap_socket(raw, server_hostname="localhost") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"hello" in tls.recv(65536)
            server.signal(signal.SIGTERM)
            assert server.wait(10) == 0
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), 1)


def test_sigterm_lets_a_request_in_hand_finish(hf, town):
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:hello") as server:
        raw = socket.create_connection(("127.0.0.1", server.port), 10 * SLOW)
        with PythonClient.context(town["mail"], town.ca).wrap_socket(raw, server_hostname="localhost") as tls:
            tls.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab")
            server.signal(signal.SIGTERM)
            tls.sendall(b"cd")
            got = b""
            while True:
                part = tls.recv(65536)
                if not part:
                    break
                got += part
            assert b"HTTP/1.1 " in got
            assert server.wait(10) == 0


def test_sigint_ends_the_server(hf, town):
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:x") as server:
        server.signal(signal.SIGINT)
        assert server.wait(10) in (0, 1, 130)


def test_no_process_is_left_behind(hf, town):
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:x", "--workers", "2") as server:
        processes = descendants(server.pid)
        server.stop()
    assert not [pid for pid in processes if os.path.exists("/proc/%d/stat" % pid) and state(pid) != "Z"]


def descendants(pid):
    path = "/proc/%d/task/%d/children" % (pid, pid)
    own = [int(word) for word in open(path).read().split()]
    return own + [one for child in own for one in descendants(child)]


def state(pid):
    with open("/proc/%d/stat" % pid) as stat:
        return stat.read().rsplit(")", 1)[1].split()[0]


def test_worker_that_dies_is_replaced(hf, town, curl):
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:x", "--workers", "1") as server:
        assert curl.get(server.port, town["mail"], town.ca).status == 200
        workers = children(server.pid, "hf-worker")
        os.kill(workers[0], signal.SIGKILL)
        server.wait_until(lambda: set(children(server.pid, "hf-worker")) - set(workers), "another worker")
        assert curl.get(server.port, town["mail"], town.ca).status == 200


# --- reload ---------------------------------------------------------------------------------------------------

@pytest.mark.row(40, 50)
def test_reload_takes_the_new_list_and_refuses_the_revoked_client(hf, town, python, tmp_path):
    lists = tmp_path / "crl.pem"
    shutil.copy(town.crl_clean, lists)
    with hf.serve(*town.serve_args, "--crl", lists, "--allow", "any", "--respond", "text:x") as server:
        assert python.get(server.port, town["mail"]).accepted
        shutil.copy(town.crl_mail, lists)
        server.reload()
        assert python.get(server.port, town["mail"]).alert == 44
        assert python.get(server.port, town["bob"]).accepted
        assert server.wait_record()["cause"] == "V-REVOKED"


def test_reload_takes_a_new_certificate(hf, town, tmp_path):
    cert, key = tmp_path / "s.pem", tmp_path / "s.key"
    shutil.copy(town["server"].cert, cert)
    shutil.copy(town["server"].key, key)
    argv = ["--listen", "127.0.0.1:0", "--cert", cert, "--key", key, "--ca", town.ca, "--allow", "any", "--respond",
            "text:x"]
    with hf.serve(*argv) as server:
        assert served(server.port) == town.certs["server"].der
        shutil.copy(town["gateway"].cert, cert)
        shutil.copy(town["gateway"].key, key)
        server.reload()
        assert served(server.port) == town.certs["gateway"].der


def served(port):
    raw = socket.create_connection(("127.0.0.1", port), 10 * SLOW)
    with PythonClient.context().wrap_socket(raw, server_hostname="localhost") as tls:
        return tls.getpeercert(True)


@pytest.mark.parametrize("what", ["cert", "ca", "crl"])
def test_bad_new_configuration_is_reported_and_the_old_one_stays(hf, town, python, tmp_path, what):
    files = {"cert": tmp_path / "s.pem", "ca": tmp_path / "ca.pem", "crl": tmp_path / "crl.pem"}
    shutil.copy(town["server"].cert, files["cert"])
    shutil.copy(town.ca, files["ca"])
    shutil.copy(town.crl, files["crl"])
    argv = ["--listen", "127.0.0.1:0", "--cert", files["cert"], "--key", town["server"].key, "--ca", files["ca"],
            "--crl", files["crl"], "--allow", "any", "--respond", "text:x"]
    with hf.serve(*argv) as server:
        files[what].write_text("garbage\n")
        line = server.reload()
        text = "\n".join(server.lines["err"])
        assert files[what].name in text, line
        assert python.get(server.port, town["mail"]).accepted
        assert python.get(server.port, town["revoked"]).alert == 44
        assert python.get(server.port, town["foreign"]).alert == 48


def test_kept_connection_of_a_revoked_client_ends_after_the_reload(hf, town, tmp_path):
    lists = tmp_path / "crl.pem"
    shutil.copy(town.crl_clean, lists)
    with hf.serve(*town.serve_args, "--crl", lists, "--allow", "any", "--respond", "text:hello") as server:
        raw = socket.create_connection(("127.0.0.1", server.port), 10 * SLOW)
        with PythonClient.context(town["mail"], town.ca).wrap_socket(raw, server_hostname="localhost") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"hello" in tls.recv(65536)
            shutil.copy(town.crl_mail, lists)
            server.reload()
            try:
                tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                got = tls.recv(65536)
            except OSError:
                got = b""
            assert b"hello" not in got


@pytest.mark.row(69)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_resumption_is_off_by_default(hf, town, version, client_of):
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:x") as server:
        text = client_of("openssl").get(server.port, town["mail"], town.ca, version, more=["-reconnect"]
                                        if version == "1.2" else []).text
        assert "Reused, TLS" not in text
        assert "TLS session ticket:" not in text and "Post-Handshake New Session Ticket" not in text


@pytest.mark.row(69)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("resume", ["off", "on"])
def test_session_kept_by_s_client_is_resumed_or_refused_but_never_an_error(hf, town, version, resume, tmp_path, client_of):
    client = client_of("openssl")
    with hf.serve(*town.serve_args, "--resume", resume, "--workers", "1", "--allow", "any", "--respond", "text:hello") as server:
        session = tmp_path / "session.pem"
        first = client.get(server.port, town["mail"], town.ca, version, more=["-sess_out", session])
        assert first.body == b"hello"
        if not session.exists():
            assert resume == "off"
            return
        second = client.get(server.port, town["mail"], town.ca, version, more=["-sess_in", session])
        assert second.body == b"hello", second
        assert ("Reused, TLS" in second.text) == (resume == "on"), second.text


@pytest.mark.row(69)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_session_of_a_client_revoked_meanwhile_is_not_resumed(hf, town, tmp_path, client_of, version):
    lists = tmp_path / "crl.pem"
    shutil.copy(town.crl_clean, lists)
    client, session = client_of("openssl"), tmp_path / "session.pem"
    argv = town.serve_args + ["--crl", lists, "--resume", "on", "--workers", "1", "--allow", "any", "--respond", "text:hello"]
    with hf.serve(*argv) as server:
        assert client.get(server.port, town["mail"], town.ca, version, more=["-sess_out", session]).body == b"hello"
        shutil.copy(town.crl_mail, lists)
        server.reload()
        again = client.get(server.port, town["mail"], town.ca, version,
                           more=["-sess_in", session] if session.exists() else [])
        assert not again.accepted and again.alert == 44, again
