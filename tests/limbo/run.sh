#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh HANDFAST [OPTION...] - scores the strict profile of `handfast verify` on x509-limbo; exit 0 when
# nothing fails but what limbo_not_required.txt lists.  SUITE names another suite of the same form.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
handfast=$1
shift
unset SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF HANDFAST_HOME || true
HANDFAST_HOME=/nonexistent
export HANDFAST_HOME
exec /usr/bin/python3 "$here/limbo_run.py" "${SUITE:-$here/x509-limbo.json.xz}" --jobs 2 \
	--want "$here/limbo_not_required.txt" --cmd "$handfast verify --profile strict --ca {trusted} \
[[--untrusted {untrusted}]] [[--crl {crls}]] [[--at @{time}]] --purpose {side} [[--name {name}]] \
[[--max-depth {depth}]] [[--policy {policy}]] {peer}" "$@"
