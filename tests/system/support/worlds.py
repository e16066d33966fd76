# SPDX-License-Identifier: Apache-2.0
"""Other programs' verifiers, asked about many certificates at once.

Each world has available() (why not, or None) and ask(cases, place) -> {case name: (accepted, what it said)}."""
import glob
import http.server
import json
import os
import queue
import re
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

from .process import clean_env

SOURCES = Path(__file__).resolve().parents[1] / "judge" / "worlds"
EKU = {"server": "1.3.6.1.5.5.7.3.1", "client": "1.3.6.1.5.5.7.3.2"}


def is_address(name):
    return bool(re.fullmatch(r"[0-9.]+|[0-9a-f]*:[0-9a-f:]+", name))


def run(argv, place, **more):
    return subprocess.run([str(arg) for arg in argv], env=clean_env(place), cwd=place, capture_output=True, text=True,
                          timeout=300, check=False, **more)


class World:
    program = None
    extra = ()

    def available(self):
        return None if shutil.which(self.program) else "%s is not installed" % self.program

    def ask(self, cases, place):
        place.mkdir(parents=True, exist_ok=True)
        return {case.name: self.ask_one(case, place) for case in cases}


class OpenSSL(World):
    program = "openssl"

    def ask_one(self, case, place):
        argv = ["openssl", "verify", "-auth_level", "2", "-purpose", "ssl" + case.side, "-CAfile", case.trust,
                "-untrusted", case.chain, *self.extra]
        if case.asked:
            argv += ["-verify_ip" if is_address(case.asked) else "-verify_hostname", case.asked]
        told = run(argv + [case.chain], place)
        wrong = re.search(r"error (\d+) at (\d+) depth lookup: (.*)", told.stderr)
        return told.returncode == 0, wrong.group(0) if wrong else (told.stdout + told.stderr).strip()


class GnuTLS(World):
    program = "certtool"

    def ask_one(self, case, place):
        argv = ["certtool", "--verify", "--infile", case.chain, "--load-ca-certificate", case.trust,
                "--verify-purpose", EKU[case.side]]
        if case.asked:
            argv += ["--verify-hostname", case.asked]
        told = run(argv, place)
        words = (told.stdout + told.stderr).strip().splitlines()
        return told.returncode == 0, words[-1] if words else "silence"


class Rows(World):
    """Programs that read rows and answer with a line for each."""

    def rows(self, cases):
        return ["\t".join([str(case.chain), str(case.trust), case.side, case.asked or ""]) for case in cases]

    def answers(self, cases, told):
        lines = told.stdout.splitlines()
        assert len(lines) == len(cases), (told.returncode, told.stderr, lines[-3:])
        return {case.name: (line == "accept", line) for case, line in zip(cases, lines) if not line.startswith("error")}

    def ask(self, cases, place):
        place.mkdir(parents=True, exist_ok=True)
        return self.answers(cases, run(self.argv(place), place, input="\n".join(self.rows(cases)) + "\n"))


class Go(Rows):
    program = "go"

    def argv(self, place):
        (place / "verify.go").write_bytes((SOURCES / "verify.go").read_bytes())
        built = run(["go", "build", "-o", place / "verify", place / "verify.go"], place)
        assert built.returncode == 0, built.stderr
        return [place / "verify"]


class Java(Rows):
    program = "javac"
    opened = ["--add-exports", "java.base/sun.security.util=ALL-UNNAMED"]

    def argv(self, place):
        built = run(["javac", "-nowarn", *self.opened, "-d", place, SOURCES / "Verify.java"], place)
        assert built.returncode == 0, built.stderr
        return ["java", *self.opened, "-cp", place, "Verify"]


class Python(Rows):
    """The first Python that is strict by itself (3.13 and newer)."""

    @staticmethod
    def find():
        home = os.path.expanduser("~")
        known = [shutil.which("python3.%d" % minor) for minor in range(13, 20)]
        known += sorted(glob.glob(home + "/.pyenv/versions/3.1[3-9]*/bin/python3"))
        works = [path for path in known if path and run([path, "-c", "import ssl"], home).returncode == 0]
        return works[0] if works else None

    def available(self):
        return None if self.find() else "there is no Python of 3.13 or newer"

    def rows(self, cases):
        return ["\t".join([str(case.chain), str(case.key), str(case.trust), case.side, case.asked or ""])
                for case in cases]

    def argv(self, place):
        made = run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", "any.key", "-out", "any.pem", "-subj", "/CN=any"], place)
        assert made.returncode == 0, made.stderr
        return [self.find(), SOURCES / "meet.py", place / "any.pem", place / "any.key"]


class Browser(World):
    """Chromium without a head: one page fetches from one server for each certificate.  Servers only."""
    program = "chromium"

    def available(self):
        return super().available() or (None if shutil.which("certutil") else "certutil (libnss3-tools) is not installed")

    PAGE = """<script>
const urls = %s;
(async () => {
  const told = await Promise.all(urls.map(url => fetch(url, {mode: 'no-cors'}).then(() => 'accept', why => 'refuse')));
  await fetch('/told', {method: 'POST', body: told.join(' ')});
})();
</script>"""

    def trust(self, cases, place):
        store = place / ".pki" / "nssdb"
        store.mkdir(parents=True)
        run(["certutil", "-N", "-d", "sql:%s" % store, "--empty-password"], place)
        for case in cases:
            told = run(["certutil", "-A", "-d", "sql:%s" % store, "-n", case.name, "-t", "C,,", "-i", case.trust, "-a"], place)
            assert told.returncode == 0, (case.name, told.stderr)

    def ask(self, cases, place):
        place.mkdir(parents=True, exist_ok=True)
        self.trust(cases, place)
        cases = [case for case in cases if Shop.can_show(case)]
        with Desk([Shop(case) for case in cases]) as desk:
            hosts = ["[%s]" % case.asked if ":" in case.asked else case.asked for case in cases]
            urls = ["https://%s:%d/" % (host, shop.port) for host, shop in zip(hosts, desk.shops)]
            desk.page = self.PAGE % json.dumps(urls)
            argv = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                    "--user-data-dir=%s" % (place / "profile"), "--host-resolver-rules=MAP * 127.0.0.1",
                    "http://127.0.0.1:%d/" % desk.port]
            with open(place / "log", "wb") as log, subprocess.Popen(argv, env=clean_env(place), stdout=log, stderr=log) as browser:
                try:
                    told = desk.told.get(timeout=180).split()
                finally:
                    browser.terminate()
        assert len(told) == len(cases), told
        return {case.name: (word == "accept", "%s %s" % (word, shop.said))
                for case, word, shop in zip(cases, told, desk.shops)}


class Shop(threading.Thread):
    """A TLS server with one certificate; remembers what its client said last."""

    def __init__(self, case):
        super().__init__(daemon=True)
        self.context, self.said = self.context_of(case), ""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    @staticmethod
    def context_of(case):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(case.chain, case.key)
        return context

    @classmethod
    def can_show(cls, case):
        """OpenSSL itself does not load a certificate with an extension that stands twice."""
        try:
            return cls.context_of(case) is not None
        except ssl.SSLError:
            return False

    def run(self):
        while True:
            try:
                taken, _ = self.listener.accept()
            except OSError:
                return
            try:
                taken.settimeout(30)
                with self.context.wrap_socket(taken, server_side=True) as client:
                    client.recv(4096)
                    client.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            except OSError as failure:
                self.said = str(failure)


class Desk(http.server.ThreadingHTTPServer):
    """Gives the page out and takes the answer."""

    def __init__(self, shops):
        super().__init__(("127.0.0.1", 0), Hands)
        self.shops, self.page, self.told, self.port = shops, "", queue.Queue(), self.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.shutdown()
        for shop in self.shops:
            shop.listener.close()
        self.server_close()


class Hands(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(self.server.page.encode())

    def do_POST(self):
        self.server.told.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(b"")

    def log_message(self, *words):
        pass


ALL = {"openssl": OpenSSL(), "python": Python(), "gnutls": GnuTLS(), "go": Go(), "java": Java(),
       "browser": Browser()}
