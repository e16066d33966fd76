# SPDX-License-Identifier: Apache-2.0
"""A program at a terminal, with a person who reads and answers."""
import os
import pty
import select
import subprocess
import time

import pytest

from .process import SLOW


class Terminal:
    """Runs the program with a terminal of its own; expect() reads up to a text, say() answers."""

    def __init__(self, hf, *args, env=None):
        try:
            self.master, slave = pty.openpty()
        except OSError as no:
            pytest.skip("this machine has no terminal to lend: %s" % no)
        self.seen, self.at = "", 0
        self.child = subprocess.Popen(
            [hf.binary] + [str(arg) for arg in args], stdin=slave, stdout=slave, stderr=slave, cwd=hf.cwd,
            env=hf.environment(TERM="xterm", **(env or {})), start_new_session=True,
            preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0))
        os.close(slave)

    def read(self, deadline):
        ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError("nothing more came in time; so far:\n" + self.seen)
        try:
            part = os.read(self.master, 4096)
        except OSError:
            part = b""
        self.seen += part.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
        return part

    def expect(self, text, timeout=10):
        """Reads until text was seen since the last expect."""
        deadline = time.monotonic() + timeout * SLOW
        while text not in self.seen[self.at:]:
            assert self.read(deadline), "%r did not come:\n%s" % (text, self.seen)
        self.at = self.seen.index(text, self.at) + len(text)

    def say(self, line):
        os.write(self.master, (line + "\n").encode())

    def answer(self, question, line):
        self.expect(question)
        self.say(line)

    def end(self, exit=0, timeout=20):
        deadline = time.monotonic() + timeout * SLOW
        while self.read(deadline):
            pass
        code = self.child.wait(10 * SLOW)
        assert code == exit, "exit %d, not %d:\n%s" % (code, exit, self.seen)
        return self.seen

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self.master)
