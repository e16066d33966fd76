# SPDX-License-Identifier: Apache-2.0
"""The first request after a handshake comes at once where the client has the last word of it (TLS 1.3; TLS 1.2 when it
resumes), also from a client that keeps small segments back (RFC 896): the server acknowledges that word at once, and
not 40 ms later."""
import json
import subprocess
import sys

import pytest

HANDSHAKES = 20

# In a network namespace of its own, where the kernel's counters are of these connections only.
INSIDE = r'''
import fcntl, json, re, socket, ssl, struct, subprocess, sys
ca, cert, key, version, handshakes, *argv = sys.argv[1:]
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running

def delayed():
    with open("/proc/net/netstat") as file:
        names, values = [line.split()[1:] for line in file if line.startswith("TcpExt:")]
    return int(values[names.index("DelayedACKs")])

server = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
ready = None
while ready is None:
    line = server.stderr.readline()
    assert line, "the server ended"
    ready = re.match(r"handfast: listening on https://127\.0\.0\.1:(\d+)", line)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
context.load_verify_locations(ca)
context.load_cert_chain(cert, key)

def meet(session):
    """Whether it was answered, whether resumed, and the session to go on with."""
    with socket.create_connection(("127.0.0.1", int(ready.group(1)))) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return b"hello" in tls.recv(4096), tls.session_reused, tls.session

session = meet(None)[2] if "--resume" in argv else None
before, answered, resumed = delayed(), 0, 0
for _ in range(int(handshakes)):
    good, again, _ = meet(session)
    answered += good
    resumed += again
print(json.dumps({"answered": answered, "resumed": resumed, "delayed": delayed() - before}))
server.terminate()
server.wait()
'''


@pytest.mark.parametrize("version,resume", [("TLSv1_3", "off"), ("TLSv1_3", "on"), ("TLSv1_2", "on")])
def test_last_word_of_a_handshake_is_acknowledged_at_once(hf, town, version, resume):
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here")
    mail = town["mail"]
    argv = [hf.binary, "serve", "--listen", "127.0.0.1:0"] + town.serve_args[2:]
    done = subprocess.run(["unshare", "-rn", sys.executable, "-c", INSIDE, town.ca, mail.cert, mail.key,
                           version, str(HANDSHAKES)] + argv + ["--allow", "any", "--respond", "text:hello"] +
                          (["--resume", "on", "--workers", "1"] if resume == "on" else []), env=hf.environment(), stdout=subprocess.PIPE,
                          text=True, check=True)
    told = json.loads(done.stdout)
    assert told["answered"] == HANDSHAKES
    assert told["resumed"] == (HANDSHAKES if resume == "on" else 0)
    assert told["delayed"] < HANDSHAKES, told
