#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ca.sh HANDFAST [ROUNDS] - what issuing, listing and revoking cost an authority, beside openssl ca, openssl
# x509 -req and cfssl (where it is installed: apt-get install golang-cfssl); what enrolling with the service costs;
# then what kills leave of each.
# BENCH_MILLION=1 adds a ledger of a million certificates; BENCH_KILL=0 leaves the kills out.
set -eu
bin=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
unset SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF HANDFAST_HOME || true
export PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 "$here/ca_cost.py" "$bin" "${2:-5}"
/usr/bin/python3 "$here/enrol_cost.py" "$bin" "${2:-5}"
[ "${BENCH_KILL:-1}" = 0 ] || /usr/bin/python3 "$here/ca_kill.py" "$bin"
