# SPDX-License-Identifier: Apache-2.0
"""The little DER it takes to build certificates that no library would sign."""
import datetime

BOOLEAN, INTEGER, BITS, OCTETS, OID, UTF8, PRINTABLE, IA5 = 0x01, 0x02, 0x03, 0x04, 0x06, 0x0C, 0x13, 0x16
SEQUENCE, SET = 0x30, 0x31


def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + body


def seq(*parts):
    return tlv(SEQUENCE, *parts)


def integer(value):
    size = max(1, (value.bit_length() // 8) + 1)
    return tlv(INTEGER, value.to_bytes(size, "big", signed=True))


def boolean(value):
    return tlv(BOOLEAN, b"\xff" if value else b"\x00")


def bits(octets, unused=0):
    return tlv(BITS, bytes([unused]), octets)


def oid(dotted):
    first, second, *rest = [int(arc) for arc in dotted.split(".")]
    out = bytearray()
    for arc in [first * 40 + second] + rest:
        chunk = [arc & 0x7F]
        while arc > 0x7F:
            arc >>= 7
            chunk.append(0x80 | (arc & 0x7F))
        out += bytes(reversed(chunk))
    return tlv(OID, bytes(out))


def moment(when, generalized=False):
    """UTCTime until 2049, GeneralizedTime after (RFC 5280 4.1.2.5), or always."""
    when = when.astimezone(datetime.timezone.utc)
    if when.year < 2050 and not generalized:
        return tlv(0x17, when.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, when.strftime("%Y%m%d%H%M%SZ").encode())
