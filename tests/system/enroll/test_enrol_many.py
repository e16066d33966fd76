# SPDX-License-Identifier: Apache-2.0
"""Many enrolments at the same moment: each machine has a connection that is open before the first asks, all ask at
once, each gets its certificate, and the memory of the service is bounded.  HF_ENROL_PARALLEL=10000 is the same at full
size; HF_ENROL_TABLE=FILE keeps what it took."""
import asyncio
import http.client
import json
import os
import ssl
import subprocess
import time

import pytest

from support.process import SLOW, Watched
from support.program import Server

MACHINES = int(os.environ.get("HF_ENROL_PARALLEL", "250"))
TABLE = os.environ.get("HF_ENROL_TABLE")
SHAKING = 64  # handshakes at the same moment: what a client machine can do
# of the service, for each connection: TLS state and buffers, the request, the answer
BYTES_EACH = 160 * 1024
BYTES_MORE = 64 * 1024 * 1024  # whatever the number: batches, caches, the allocator
WITHOUT_LIMITS = ["--max-requests-per-address", "0", "--max-requests-per-identity", "0"]


def peak(pid):
    """Bytes: the most that was resident so far."""
    with open("/proc/%d/status" % pid) as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def is_sanitized(binary):
    return "libasan" in subprocess.run(["ldd", binary], capture_output=True, check=False).stdout.decode()


class Crowd:
    def __init__(self, hf, server, tmp_path):
        self.hf, self.server, self.port = hf, server, server.port
        self.context = ssl.create_default_context(cafile=hf.home + "/ca/root.pem")
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "all.csr"], check=True,
                       capture_output=True)
        # one key for all: who asks is said by the token, and nothing here is about keys
        self.csr = (tmp_path / "all.csr").read_bytes()
        self.gate, self.again = asyncio.Semaphore(SHAKING), 0

    def tokens(self, count):
        """By an operator's certificate, over one connection: a process for each would take longer than all else."""
        context = ssl.create_default_context(cafile=self.hf.home + "/ca/root.pem")
        context.load_cert_chain(self.hf.home + "/id/ops/cert.pem", self.hf.home + "/id/ops/key.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=60 * SLOW)
        made = []
        for n in range(count):
            connection.request("POST", "/admin/token", json.dumps({"name": "node-%d" % n, "ttl": 7200}),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            made.append(json.loads(body)["token"])
        connection.close()
        return made

    async def connect(self):
        async with self.gate:
            return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.context, server_hostname="127.0.0.1",
                                                 ssl_handshake_timeout=300)

    async def ask(self, pair, token):
        """The status, and whether it came with a certificate."""
        reader, writer = pair
        writer.write(b"POST /enroll HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
                     b"Content-Type: application/pkcs10\r\nContent-Length: %d\r\n\r\n%s"
                     % (token.encode(), len(self.csr), self.csr))
        await writer.drain()
        got = await reader.read()
        writer.close()
        status = int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.1 ") else 0
        return status, b"BEGIN CERTIFICATE" in got

    async def enrol(self, pair, token):
        """As a machine does: what was busy, or went away, is asked again."""
        for _ in range(200):
            try:
                status, has = await self.ask(pair or await self.connect(), token)
            except OSError:
                status, has = 0, False
            if status not in (0, 503):
                return status == 200 and has
            pair, self.again = None, self.again + 1
            await asyncio.sleep(0.2)  # the answer says Retry-After
        return False

    async def all_at_once(self, tokens):
        pairs = await asyncio.gather(*(self.connect() for _ in tokens))
        return await asyncio.gather(*(self.enrol(pair, token) for pair, token in zip(pairs, tokens)))

    async def one_by_one(self, tokens):
        return await asyncio.gather(*(self.enrol(None, token) for token in tokens))


def start(hf, *before):
    argv = [*before, hf.binary, "authority", "--listen", "127.0.0.1:0", "--admin", "cn:ops", *WITHOUT_LIMITS]
    server = Server.__new__(Server)
    Watched.__init__(server, argv, hf.environment())
    server.urls = []
    server.wait_ready(1)
    return server


@pytest.fixture
def home(hf):
    hf("init", "ABC Inc.")
    hf("issue", "ops", "--client")
    return hf


def test_many_at_once_all_get_a_certificate_in_bounded_memory(home, tmp_path):
    with start(home) as server:
        crowd = Crowd(home, server, tmp_path)
        tokens = crowd.tokens(MACHINES)
        before, begun = peak(server.pid), time.monotonic()
        got = asyncio.run(crowd.all_at_once(tokens))
        took, most = time.monotonic() - begun, peak(server.pid)
        assert got.count(True) == MACHINES
        table = {"machines": MACHINES, "seconds": round(took, 1), "asked again": crowd.again,
                 "peak before, MiB": round(before / 2**20, 1), "peak, MiB": round(most / 2**20, 1),
                 "KiB for each": round((most - before) / 1024 / MACHINES, 1)}
        if TABLE:
            with open(TABLE, "w") as out:
                json.dump(table, out, indent=2)
        assert is_sanitized(home.binary) or most - before < BYTES_MORE + MACHINES * BYTES_EACH, table
        assert server.stop() == 0
    assert {row["state"] for row in home.json("token", "list")["tokens"]} == {"spent"}
    home("audit", "verify")


def test_more_than_it_has_descriptors_for_wait_their_turn(home, tmp_path):
    with start(home, "prlimit", "--nofile=160:160") as server:  # 96 of them for connections
        crowd = Crowd(home, server, tmp_path)
        crowd.gate = asyncio.Semaphore(400)
        tokens = crowd.tokens(200)
        assert asyncio.run(crowd.one_by_one(tokens)).count(True) == 200
        assert not [line for line in server.lines["err"] if "accepting has paused" in line]
        assert server.stop() == 0


def test_who_takes_all_places_keeps_the_next_waiting_until_one_leaves(home, tmp_path):
    async def crowded(crowd, token):
        crowd.gate = asyncio.Semaphore(400)
        hogs = await asyncio.gather(*(crowd.connect() for _ in range(96)))
        late = asyncio.ensure_future(crowd.enrol(None, token))
        assert not late.done()
        for _, writer in hogs:
            writer.close()
        return await late

    with start(home, "prlimit", "--nofile=160:160") as server:
        crowd = Crowd(home, server, tmp_path)
        assert asyncio.run(crowded(crowd, crowd.tokens(1)[0]))
        assert server.stop() == 0
