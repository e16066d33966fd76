# SPDX-License-Identifier: Apache-2.0
"""A wall clock that a test sets, for the programs that are started with its environment."""
import os
import subprocess

import pytest

SOURCE = os.path.join(os.path.dirname(__file__), "clock.c")


class Clock:
    def __init__(self, directory):
        self.path, self.shim = str(directory / "offset"), str(directory / "clock.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.shim, SOURCE], check=True, capture_output=True)
        self.env = {"LD_PRELOAD": self.shim, "CLOCK_OFFSET": self.path}
        self.set(0)

    def set(self, seconds):
        with open(self.path + ".new", "w") as out:
            out.write("%d" % seconds)
        os.replace(self.path + ".new", self.path)


def skip_where_it_cannot_be(binary):
    if "libasan" in subprocess.run(["ldd", binary], capture_output=True, check=False).stdout.decode():
        pytest.skip("AddressSanitizer must be the first library that is loaded")
