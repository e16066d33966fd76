# SPDX-License-Identifier: Apache-2.0
"""A token: SoftHSM2 stands for the HSM."""
import os
import shutil
import subprocess

import pytest

from .process import SLOW, clean_env

MODULE = next((path for path in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm.so",
                                 "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so") if os.path.exists(path)), None)
PIN = "471108"
KINDS = {"p256": ["--generate-privkey=ecdsa", "--curve=secp256r1"],
         "p384": ["--generate-privkey=ecdsa", "--curve=secp384r1"],
         "rsa2048": ["--generate-privkey=rsa", "--bits=2048"]}

needs_token = pytest.mark.skipif(not MODULE or not shutil.which("p11tool") or not shutil.which("softhsm2-util"),
                                 reason="needs softhsm2 and p11tool")


class Token:
    """A fresh token of SoftHSM2 in a folder of its own, with one key."""

    def __init__(self, folder, hf, kind, key="issuing"):
        (folder / "tokens").mkdir()
        self.conf = folder / "softhsm2.conf"
        self.conf.write_text("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n"
                             % (folder / "tokens"))
        self.env = dict(SOFTHSM2_CONF=str(self.conf), HANDFAST_PKCS11_MODULE=MODULE)
        self.run("softhsm2-util", "--init-token", "--free", "--label", "CA", "--so-pin", "0000", "--pin", PIN)
        self.make(key, kind)
        self.pin = folder / "pin"
        self.pin.write_text(PIN + "\n")
        self.pin.chmod(0o600)
        hf.env.update(self.env)

    def run(self, *args):
        done = subprocess.run([str(arg) for arg in args], env=dict(clean_env(self.conf.parent), **self.env),
                              capture_output=True, timeout=60 * SLOW, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, (args, done.stdout, done.stderr)

    def make(self, label, kind):
        self.run("p11tool", "--provider", MODULE, "--login", "--set-pin", PIN, "--label", label, *KINDS[kind],
                 "pkcs11:token=CA")
