# SPDX-License-Identifier: Apache-2.0
"""What handshakes and requests cost in instructions: the gate on bench/instructions.json.

Callgrind counts the worker while it handles events (start-up and ticks are not in it), one part for each phase:
`ctl connections` calls hf_worker_report, before which callgrind dumps and begins anew.  Two figures each:

  own  of the program itself: these depend on the compiler and on nothing else of the machine.
  all  with the libraries: compared only under the OpenSSL that they were taken with.  OPENSSL_ia32cap keeps it to
       code that every x86-64 CPU runs; the C library, which has no such switch that callgrind honours, is left out.

A change that makes one of them dearer by more than a tenth fails here.  When that is worth it, take new ones with
HF_INSTRUCTIONS_WRITE=1 tools/run-pytest.sh build tests/system/operation/test_instructions.py, and say why."""
import json
import os
import platform
import re
import shutil
import socket
import ssl
import threading

import pytest
from support.process import SLOW
from support.program import Handfast

SLACK = 1.10
ROUNDS = 16
FIGURES = os.path.join(os.environ.get("HF_SOURCE_ROOT", "."), "bench", "instructions.json")
CALLGRIND = ("valgrind -q --tool=callgrind --collect-atstart=no --toggle-collect=on_event "
             "--toggle-collect=run_deferred --dump-before=hf_worker_report")
PHASES = ("full 1.3", "full 1.2", "resumed 1.3", "request")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100


@pytest.fixture
def service():
    """The port of a service that answers every request with 100 bytes, over connections that stay."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(conn):
        with conn:
            while conn.recv(65536):
                conn.sendall(ANSWER)

    def accept():
        while True:
            try:
                conn = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=answer, args=(conn,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


class Client:
    """Connections one after the other, each ended properly before the next."""

    def __init__(self, town, port):
        self.port = port
        self.contexts = {}
        for name, version in (("1.2", ssl.TLSVersion.TLSv1_2), ("1.3", ssl.TLSVersion.TLSv1_3)):
            context = ssl.create_default_context(cafile=town.ca)
            context.load_cert_chain(town["mail"].cert, town["mail"].key)
            context.minimum_version = context.maximum_version = version
            self.contexts[name] = context

    def open(self, version, session=None):
        conn = socket.create_connection(("127.0.0.1", self.port), 30 * SLOW)
        return self.contexts[version].wrap_socket(conn, server_hostname="localhost", session=session)

    @staticmethod
    def get(tls):
        tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = b""
        while not got.endswith(b"x" * 100):
            more = tls.recv(65536)
            assert more, got
            got += more
        assert got.startswith(b"HTTP/1.1 200 ")

    def meet(self, version, session=None):
        """A handshake, a request and an orderly end; gives the session."""
        with self.open(version, session) as tls:
            assert tls.session_reused == (session is not None)
            self.get(tls)
            session = tls.session
            tls.unwrap().close()
        return session

    def full(self, version):
        for _ in range(ROUNDS):
            self.meet(version)

    def resumed(self, version):
        session = self.meet(version)
        for _ in range(ROUNDS - 1):
            session = self.meet(version, session)

    def requests(self):
        with self.open("1.3") as tls:
            for _ in range(ROUNDS * 16):
                self.get(tls)
            tls.unwrap().close()


def costs_of(path):
    """Instructions by the object that ran them: what follows "calls=" is what the callee cost."""
    names, costs, at, inherited = {}, {}, None, False
    with open(path) as rows:
        for row in rows:
            named = re.match(r"c?ob=\((\d+)\)(?: (.*))?", row)
            if named:
                if named.group(2):
                    names[named.group(1)] = named.group(2)
                at = named.group(1) if row[0] == "o" else at
            elif row.startswith("calls="):
                inherited = True
            elif row[0] in "+-*0123456789":
                if not inherited:
                    costs[at] = costs.get(at, 0) + int(row.split()[1])
                inherited = False
    return {names.get(ob, "?"): cost for ob, cost in costs.items()}


def figures_of(folder):
    """{phase: {own, all}} of one operation, from the parts of the worker."""
    parts = sorted((int(name.rsplit(".", 1)[1]), name) for name in os.listdir(folder)
                   if re.fullmatch(r"out\.\d+\.\d+", name))
    worker = {name.split(".")[1] for _, name in parts if int(name.split(".")[2]) > len(PHASES)}
    assert len(worker) == 1, parts
    chosen = [name for _, name in parts if name.split(".")[1] in worker][1:]
    found = {}
    for phase, name in zip(PHASES, chosen):
        costs = costs_of(os.path.join(folder, name))
        count = ROUNDS * 16 if phase == "request" else ROUNDS
        own = sum(cost for ob, cost in costs.items() if ob.endswith("/handfast"))
        libraries = sum(cost for ob, cost in costs.items() if re.search(r"/lib(ssl|crypto|uv)\.so", ob))
        found[phase] = {"own": own // count, "all": (own + libraries) // count}
    return found


def measure(binary, home, town, port, folder):
    wrapper = folder / "counted"
    wrapper.write_text("#!/bin/sh\nexec %s --callgrind-out-file='%s/out.%%p' '%s' \"$@\"\n" % (CALLGRIND, folder, binary))
    wrapper.chmod(0o700)
    plain = Handfast(binary, home)
    counted = Handfast(str(wrapper), home, {"OPENSSL_ia32cap": "0x0:0x0"})
    admin = folder / "s"
    with counted.serve(*town.serve_args, "--allow", "any", "--workers", 1, "--sandbox", "off", "--resume", "on",
                       "--admin", "unix:%s" % admin, "--access-log", folder / "access.log",
                       "--to", "http://127.0.0.1:%d" % port) as server:
        client = Client(town, server.port)
        for phase in (lambda: client.meet("1.2", client.meet("1.3") and None),
                      lambda: client.full("1.3"), lambda: client.full("1.2"), lambda: client.resumed("1.3"),
                      client.requests):
            phase()
            plain.json("ctl", "--admin", admin, "connections", timeout=120)
        assert server.stop(60) == 0
    return figures_of(folder)


@pytest.mark.skipif(not shutil.which("valgrind"), reason="needs valgrind")
def test_handshakes_and_requests_cost_what_they_did(binary, home, town, service, tmp_path_factory):
    if SLOW > 1:
        pytest.skip("an instrumented build counts differently")
    found = {"machine": platform.machine(), "openssl": ssl.OPENSSL_VERSION}
    found["figures"] = measure(binary, str(home), town, service, tmp_path_factory.mktemp("i"))
    if os.environ.get("HF_INSTRUCTIONS_WRITE"):
        with open(FIGURES, "w") as out:
            out.write(json.dumps(found, indent=2) + "\n")
    with open(FIGURES) as text:
        known = json.load(text)
    if known["machine"] != found["machine"]:
        pytest.skip("the figures are of %s" % known["machine"])
    kinds = ("own", "all") if known["openssl"] == found["openssl"] else ("own",)
    dearer = ["%s, %s: %d instructions, at most %d" % (phase, kind, found["figures"][phase][kind],
                                                       known["figures"][phase][kind] * SLACK)
              for phase in PHASES for kind in kinds
              if found["figures"][phase][kind] > known["figures"][phase][kind] * SLACK]
    print(json.dumps(found))
    assert not dearer, dearer
