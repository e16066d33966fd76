# SPDX-License-Identifier: Apache-2.0
"""Reads lib/base/reasons.def: the one list of reasons."""
import re

import checklib

PATH = "lib/base/reasons.def"
FIELD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,"][^,"]*')


class Reason:
    def __init__(self, fields, section, line):
        (self.name, self.id, self.severity, self.verify_error, self.alert, self.sentence, self.remedy,
         self.rule) = fields
        self.section, self.line = section, line


def rows(text, macro, count, path):
    """(fields, section, line) of every row of an X-macro list; ValueError names the row that does not
    have `count` fields."""
    section = ""
    pattern = re.compile(r"^/\* ([^*\n]+) \*/$|^%s\((.*?)\)$" % macro, re.S | re.M)
    for m in pattern.finditer(text):
        line = text.count("\n", 0, m.start()) + 1
        if m.group(1):
            section = m.group(1)
            continue
        fields = []
        glue = re.sub(r'"\s*\n?\s*"', "", m.group(2))  # adjacent literals are one
        for token in FIELD.findall(glue):
            token = token.strip()
            fields.append(token[1:-1].replace('\\"', '"') if token.startswith('"') else token)
        if len(fields) != count:
            raise ValueError("%s:%d: %d fields, not %d" % (path, line, len(fields), count))
        if not section.startswith("SPDX"):
            yield fields, section, line


def parse(text):
    """Every reason in order."""
    return [Reason(*row) for row in rows(text, "HF_REASON", 8, PATH)]


def load(root):
    return parse(checklib.read(root, PATH))


ALERTS = {
    0: "", 40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate",
    44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
    70: "protocol_version", 71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback",
    90: "user_canceled", 109: "missing_extension", 110: "unsupported_extension", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 115: "unknown_psk_identity", 116: "certificate_required",
    120: "no_application_protocol",
}
