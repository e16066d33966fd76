# SPDX-License-Identifier: Apache-2.0
"""TLS alerts as the peers print them."""
import re

NAMES = {
    10: "unexpected_message", 20: "bad_record_mac", 40: "handshake_failure", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
    46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied",
    50: "decode_error", 51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security",
    80: "internal_error", 109: "missing_extension", 112: "unrecognized_name", 116: "certificate_required",
    120: "no_application_protocol",
}
NUMBERS = {name: number for number, name in NAMES.items()}


def from_openssl(text):
    """From what OpenSSL, curl, Node and Python print about an alert received; None when none is told."""
    found = re.search(r"SSL alert number (\d+)", text)
    if found:
        return int(found.group(1))
    words = text.lower().replace(" ", "_")
    for number, name in NAMES.items():
        if "alert_" + name in words:
            return number
    return None


def from_curl(text):
    """From curl -v, which shows each alert as level * 256 + number; its last words may be a false accusation
    ("SSL certificate problem" for alert 45 in TLS 1.2)."""
    fatal = [int(one) for one in re.findall(r"\(IN\), TLS alert, .*\((\d+)\)", text) if int(one) >> 8 == 2]
    return fatal[-1] & 0xFF if fatal else from_openssl(text)


def from_gnutls(text):
    found = re.search(r"Received alert \[(\d+)\]", text)
    return int(found.group(1)) if found else None
