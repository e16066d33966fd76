# SPDX-License-Identifier: Apache-2.0
"""Through a proxy: tinyproxy (CONNECT) and microsocks (SOCKS5), with and without a password, and ones that say no."""
import contextlib
import os
import shutil
import socket
import threading

import pytest
from ends import Echo, turned_away
from support.peers import read_all
from support.process import SLOW, Watched, clean_env, listening_ports

LOGIN = ("bob", "hunter2")


def tool_of(name):
    tool = shutil.which(name)
    if tool is None:
        pytest.skip("the peer '%s' is not installed" % name)
    return tool


class Microsocks(Watched):
    scheme = "socks5"

    def __init__(self, folder, login=None):
        more = ["-u", login[0], "-P", login[1]] if login else []
        super().__init__([tool_of("microsocks"), "-i", "127.0.0.1", "-p", "0", *more], clean_env(folder))
        self.port = self.ready(lambda: self.wait_until(lambda: listening_ports(self.pid), "its port"))[0]


class Tinyproxy(Watched):
    scheme = "http"

    def __init__(self, folder, login=None, allowed=None):
        # It takes no port 0; one that somebody else was quicker to take ends it.
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        path = os.path.join(folder, "tinyproxy-%d.conf" % self.port)
        with open(path, "w") as out:
            out.write("Port %d\nListen 127.0.0.1\nTimeout 60\nLogLevel Connect\nMaxClients 50\n" % self.port)
            out.write("BasicAuth %s %s\n" % login if login else "")
            out.write("ConnectPort %d\n" % allowed if allowed else "")
        super().__init__([tool_of("tinyproxy"), "-d", "-c", path], clean_env(folder))
        self.ready(lambda: self.wait_until(lambda: self.port in listening_ports(self.pid), "its port"))


PROXIES = {"CONNECT": Tinyproxy, "SOCKS5": Microsocks}


@pytest.fixture(params=sorted(PROXIES))
def proxy(request, tmp_path):
    """proxy(login=…) is a running proxy; its address is in .url."""
    with contextlib.ExitStack() as stack:
        def start(**more):
            for _ in range(10):
                with contextlib.suppress(AssertionError):
                    made = stack.enter_context(PROXIES[request.param](str(tmp_path), **more))
                    made.url = "%s://127.0.0.1:%d" % (made.scheme, made.port)
                    return made
            raise AssertionError("no proxy came up")
        yield start


class ScriptProxy:
    """Takes connections, keeps what it is asked, and says `words`; None says nothing at all."""

    def __init__(self, words):
        self.words = words
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                one, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(one,), daemon=True).start()

    def serve(self, one):
        one.settimeout(20 * SLOW)
        with contextlib.suppress(OSError), one:
            self.asked.append(one.recv(4096))
            if self.words is not None:
                one.sendall(self.words)
            while one.recv(4096):
                pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()


@pytest.fixture
def login_file(tmp_path):
    path = tmp_path / "proxy.txt"
    path.write_text("%s:%s\n" % LOGIN)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("password", [False, True])
def test_bytes_go_both_ways_through_a_real_proxy(tunnel, echo, proxy, login_file, password):
    through = proxy(login=LOGIN if password else None)
    more = ["--via-auth", login_file] if password else []
    started = tunnel(echo.port, "--via", through.url, *more)
    data = os.urandom(1 << 20)
    with started.connect() as local:
        sender = threading.Thread(target=lambda: (local.sendall(data), local.shutdown(socket.SHUT_WR)))
        sender.start()
        got = read_all(local)
        sender.join()
    assert got == data + b"<end>", "a direction that has ended leaves the other open"
    assert "hunter2" not in started.text()


def test_the_proxy_resolves_the_name(town, proxy, echo, hf):
    """What is asked for is the name: `localhost` here, and the certificate is judged for it."""
    with ScriptProxy(b"HTTP/1.1 403 No\r\n\r\n") as script:
        done = hf.run("get", "--cert", town["mail"].cert, "--key", town["mail"].key, "--ca", town.ca, "--via",
                      "http://127.0.0.1:%d" % script.port, "https://no-such-name.example:8443/")
        assert done.code == 3 and "403" in done.stderr and "no-such-name.example:8443" in done.stderr, done
        place = b"no-such-name.example:8443"
        assert script.asked == [b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (place, place)]


@pytest.mark.parametrize("password", [False, True])
def test_get_goes_through_a_real_proxy(hf, town, proxy, login_file, password):
    through = proxy(login=LOGIN if password else None)
    more = ["--via-auth", login_file] if password else []
    me = ["--cert", town["mail"].cert, "--key", town["mail"].key, "--ca", town.ca]
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:hello") as server:
        done = hf("get", *me, "--via", through.url, *more, "https://localhost:%d/" % server.port)
        assert done.stdout == "hello"
        done = hf.run("get", "--ca", town.ca, "--via", through.url, *more, "https://localhost:%d/" % server.port)
        assert done.code == 1 and "REFUSED by the server" in done.stderr, "told as without a proxy"
        assert "--via" in done.stderr and "hunter2" not in done.everything
        done = hf.run("explain", *me, "--via", through.url, *more, "localhost:%d" % server.port)
        assert done.code == 0, done


def test_a_proxy_that_wants_a_password_says_so_at_once(hf, town, tunnel, echo, proxy, tmp_path):
    through = proxy(login=LOGIN)
    started = tunnel(echo.port, "--via", through.url, "--connect-timeout", "600")
    turned_away(started)
    line = started.wait_line("err", lambda l: "cannot be reached through the proxy" in l and l, "the line")
    assert "wants a user name and a password (--via-auth FILE)" in line and through.url in line
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("bob:not-this\n")
    wrong.chmod(0o600)
    done = hf.run("get", "--ca", town.ca, "--via", through.url, "--via-auth", wrong,
                  "https://localhost:%d/" % echo.port)
    assert done.code == 3 and "does not take this user name" in done.stderr and "not-this" not in done.everything


def test_a_server_that_the_proxy_cannot_reach_is_tried_again(tunnel, town, proxy, request):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = tunnel(port, "--via", proxy().url, "--connect-timeout", "600")
    with started.connect() as local:
        local.sendall(b"early")
        server = Echo(town, port=port)
        request.addfinalizer(server.close)
        assert local.recv(100) == b"early"


def test_a_server_that_never_comes_ends_in_a_reset_and_a_line(tunnel, proxy):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    through = proxy()
    started = tunnel(port, "--via", through.url, "--connect-timeout", "1")
    turned_away(started)
    want = "127.0.0.1:%d cannot be reached through the proxy %s: " % (port, through.url)
    started.wait_line("err", lambda l: want in l, "the line")


@pytest.mark.parametrize("words,scheme,why", [
    (b"HTTP/1.1 403 Forbidden\r\n\r\n", "http", "403"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "http", "no HTTP proxy"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "socks5", "no SOCKS5 proxy"),
    (b"\x05\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", "socks5", "does not lead to this server"),
])
def test_a_proxy_that_says_no_is_not_asked_again(tunnel, words, scheme, why):
    with ScriptProxy(words) as script:
        started = tunnel(1, "--via", "%s://127.0.0.1:%d" % (scheme, script.port), "--connect-timeout", "600")
        turned_away(started)
        started.wait_line("err", lambda l: "through the proxy" in l and why in l, "why")
        assert len(script.asked) == 1


def test_a_silent_proxy_is_given_up_in_time(hf, tunnel, town):
    with ScriptProxy(None) as script:
        url = "http://127.0.0.1:%d" % script.port
        started = tunnel(1, "--via", url, "--handshake-timeout", "1", "--connect-timeout", "1")
        turned_away(started)
        started.wait_line("err", lambda l: "does not answer in time" in l, "why")
        done = hf.run("get", "--ca", town.ca, "--timeout", "1s", "--via", url, "https://localhost:1/")
        assert done.code == 3 and "does not answer in time" in done.stderr


def test_a_proxy_that_plays_the_server_is_refused(hf, town, tunnel):
    """It answers 200 and then speaks itself: what it says is judged as TLS, and nothing is sent to it."""
    with ScriptProxy(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") as script:
        url = "http://127.0.0.1:%d" % script.port
        done = hf.run("get", "--ca", town.ca, "--via", url, "https://localhost:1/")
        assert done.code in (1, 3) and "hello" not in done.stdout
        turned_away(tunnel(1, "--via", url, "--connect-timeout", "1"), b"secret")
        assert all(b"secret" not in asked for asked in script.asked)


def test_spare_connections_go_through_it_too(tunnel, echo, proxy):
    """The proxy has to be there before anybody comes, and not afterwards for who comes then."""
    started = tunnel(echo.port, "--via", proxy().url, "--spare", "2", "--workers", "1")
    started.wait_until(lambda: len(echo.connections) >= 2, "the spare connections")
    with started.connect() as local:
        local.sendall(b"one")
        assert local.recv(100) == b"one"


@pytest.mark.parametrize("argv,words", [
    (["--via", "http://bob:hunter2@127.0.0.1:1"], "--via-auth FILE"),
    (["--via", "ftp://127.0.0.1:1"], "socks5://HOST:PORT"),
    (["--via-auth", "/dev/null"], "needs --via"),
    (["--via", "http://127.0.0.1:1", "--via-auth", "/no/such/file"], "/no/such/file"),
])
def test_mistakes_are_told_and_no_password(hf, town, argv, words):
    for command in (["tunnel", "--check", "--to", "localhost:1", "--cert", town["mail"].cert, "--key",
                     town["mail"].key, "--ca", town.ca], ["get", "--ca", town.ca, "https://localhost:1/"]):
        for json in ([], ["--json"]):
            done = hf.run(*command, *argv, *json)
            assert done.code in (2, 3) and words in done.everything and "hunter2" not in done.everything, done


def test_a_login_file_that_others_can_read_is_refused(hf, town, login_file):
    login_file.chmod(0o644)
    done = hf.run("get", "--ca", town.ca, "--via", "http://127.0.0.1:1", "--via-auth", login_file,
                  "https://localhost:1/")
    assert done.code == 2 and "chmod 600" in done.stderr and "hunter2" not in done.everything
