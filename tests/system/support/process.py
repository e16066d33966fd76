# SPDX-License-Identifier: Apache-2.0
"""Processes of the tests: a clean environment, and output that can be waited for without sleeping."""
import os
import signal
import subprocess
import threading
import time

SLOW = float(os.environ.get("HF_SLOW", "1"))
KEPT = ("PATH", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH")


def clean_env(home, **more):
    """Only what a program needs: nothing that decides what is trusted (SSL_CERT_FILE and its kin)."""
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    env.update(HOME=str(home), LC_ALL="C.UTF-8", TZ="UTC")
    env.update({name: str(value) for name, value in more.items()})
    return env


def listening_ports(pid):
    """The ports on which the process listens over IPv4, as the kernel has them."""
    inodes = set()
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            target = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    ports = set()
    with open("/proc/net/tcp") as rows:
        next(rows)
        for row in rows:
            cell = row.split()
            if cell[3] == "0A" and cell[9] in inodes:
                ports.add(int(cell[1].rsplit(":", 1)[1], 16))
    return sorted(ports)


def children(pid, name=None):
    """The living children of a process; of the gateway's by name: hf-worker, hf-signer."""
    found = []
    with open("/proc/%d/task/%d/children" % (pid, pid)) as row:
        kids = [int(word) for word in row.read().split()]
    for kid in kids:
        try:
            with open("/proc/%d/stat" % kid) as stat:
                comm, rest = stat.read().rsplit(")", 1)
        except OSError:
            continue
        if rest.split()[0] != "Z" and name in (None, comm.split("(", 1)[1]):
            found.append(kid)
    return found


class Watched:
    """A child whose stdout and stderr are read by threads, line by line."""

    def __init__(self, argv, env, cwd=None, stdin=subprocess.DEVNULL):
        self.argv = [str(arg) for arg in argv]
        self.lines = {"out": [], "err": []}
        self.open = {"out", "err"}
        self.changed = threading.Condition()
        self.proc = subprocess.Popen(self.argv, env=env, cwd=cwd, stdin=stdin, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE)
        self.pid = self.proc.pid
        self.threads = [threading.Thread(target=self._read, args=(name, pipe), daemon=True)
                        for name, pipe in (("out", self.proc.stdout), ("err", self.proc.stderr))]
        for thread in self.threads:
            thread.start()

    def _read(self, name, pipe):
        for line in iter(pipe.readline, b""):
            with self.changed:
                self.lines[name].append(line.decode("utf-8", "backslashreplace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.open.discard(name)
            self.changed.notify_all()
        pipe.close()

    def text(self):
        with self.changed:
            return "\n".join(["$ " + " ".join(self.argv)]
                             + ["out| " + line for line in self.lines["out"]]
                             + ["err| " + line for line in self.lines["err"]])

    def wait_until(self, probe, what, timeout=10):
        """Waits until probe() gives something true; it is asked again with each new line of output, and at
        least every 50 ms for what is not seen in the output."""
        deadline = time.monotonic() + timeout * SLOW
        with self.changed:
            while True:
                found = probe()
                if found:
                    return found
                left = deadline - time.monotonic()
                if not self.open or left <= 0:
                    why = "it ended" if not self.open else "time is up"
                    raise AssertionError("%s: waited for %s, but %s\n%s" % (self.argv[0], what, why, self._dump()))
                self.changed.wait(min(left, 0.05))

    def _dump(self):
        return "\n".join(self.lines["out"] + self.lines["err"])

    def wait_line(self, name, wanted, what, timeout=10):
        """The first line of out or err for which wanted(line) is true, and what that gave."""
        def probe():
            for line in self.lines[name]:
                found = wanted(line)
                if found:
                    return found
            return None
        return self.wait_until(probe, what, timeout)

    def ready(self, probe):
        """What probe() gives; a process that does not get there is ended at once."""
        try:
            return probe()
        except BaseException:
            self.__exit__()
            raise

    def signal(self, number):
        self.proc.send_signal(number)

    def wait(self, timeout=10):
        code = self.proc.wait(timeout * SLOW)
        for thread in self.threads:
            thread.join(timeout * SLOW)
        return code

    def stop(self, timeout=10):
        """SIGTERM, and SIGKILL when that is not enough; gives the exit code."""
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                return self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.wait(timeout)
                raise AssertionError("did not end on SIGTERM:\n" + self.text())
        return self.wait(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.wait(10)
