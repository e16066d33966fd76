# SPDX-License-Identifier: Apache-2.0
"""Reads lib/base/mistakes.def: the one list of mistakes."""
import checklib
import reasonlib

PATH = "lib/base/mistakes.def"
# The exit status of a failure of this kind (src/util/cmd.c).
EXITS = {"INVALID": 2, "EXIST": 1, "POLICY": 1}
KINDS = ("AGAIN", "INVALID", "PARSE", "IO", "NOENT", "EXIST", "PERM", "LIMIT", "CRYPTO", "PASSPHRASE", "MISMATCH",
         "POLICY", "UNSUPPORTED", "CLOSED", "TIMEOUT", "BUSY")


class Mistake:
    def __init__(self, fields, section, line):
        self.name, self.id, self.kind, self.sentence, self.help, self.story = fields
        self.section, self.line = section, line


def parse(text):
    """Every mistake in order; ValueError names the row that does not have six fields."""
    return [Mistake(*row) for row in reasonlib.rows(text, "HF_MISTAKE", 6, PATH)]


def load(root):
    return parse(checklib.read(root, PATH))
