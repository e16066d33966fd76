# SPDX-License-Identifier: Apache-2.0
"""A path that loses large packets, of network namespaces: client - router - server, all with an MTU of 1500, and a link
of the router that takes 1000.  Run by unshare(1) as root of its own namespaces:

  python3 black_hole.py client|server PORT SERVER-COMMAND... -- CLIENT-COMMAND...

"client": what the client sends is lost where it is large, "server": what the server sends.  The client's output and
exit code are this program's.  Nothing tells the two: the packets vanish before the router sees them."""
import os
import signal
import subprocess
import sys

CLIENT, SERVER = "10.99.1.2", "10.99.2.2"


def ip(*words, inside=None):
    enter = ["nsenter", "-t", str(inside), "-n"] if inside else []
    subprocess.run([*enter, "ip", *words], check=True)


class Namespace:
    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep 600"], stdout=subprocess.PIPE)
        self.process.stdout.readline()  # it is in its namespace now
        self.pid = self.process.pid

    def join(self, name, address, gateway, peer, peer_address, peer_mtu):
        """A link from the router to here."""
        ip("link", "add", peer, "type", "veth", "peer", "name", name)
        ip("link", "set", name, "netns", str(self.pid))
        # one segment a packet: larger ones would be cut only behind the link that loses them
        ip("link", "set", name, "gso_max_segs", "1", inside=self.pid)
        ip("addr", "add", address + "/24", "dev", name, inside=self.pid)
        ip("link", "set", name, "up", inside=self.pid)
        ip("addr", "add", peer_address + "/24", "dev", peer)
        ip("link", "set", peer, "mtu", str(peer_mtu))
        ip("link", "set", peer, "up")
        ip("route", "add", "default", "via", gateway, inside=self.pid)

    def start(self, argv, **how):
        return subprocess.Popen(["nsenter", "-t", str(self.pid), "-n", *argv], **how)


def main():
    loses, argv = sys.argv[1], sys.argv[2:]
    cut = argv.index("--")
    with open("/proc/sys/net/ipv4/ip_forward", "w") as forward:
        forward.write("1")
    client, server = Namespace(), Namespace()
    client.join("c0", CLIENT, "10.99.1.1", "r0", "10.99.1.1", 1000 if loses == "client" else 1500)
    server.join("s0", SERVER, "10.99.2.1", "r1", "10.99.2.1", 1000 if loses == "server" else 1500)
    daemon = server.start(argv[:cut], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    code = 99
    for line in daemon.stdout:
        if line.startswith(b"ACCEPT"):
            code = client.start(argv[cut + 1:]).wait()
            break
    for process in (daemon, client.process, server.process):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    return code


if __name__ == "__main__":
    sys.exit(main())
