#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh HANDFAST [REPS] [OPTION of peers.sh...] - our server in one table with today's mTLS terminators.
# The stock ones stand in front of a plaintext back end, as they are used; ours answers itself, so its
# keepalive line is to be read beside nginx-own, and everything else beside nginx and nginx-off.
# Resumption is off (the default of `handfast serve`), so the resume scenarios are left out.
set -eu
bin=$(realpath "$1")
reps=${2:-5}
shift $(($# < 2 ? $# : 2))
here=$(cd "$(dirname "$0")" && pwd)
unset SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF || true
"$bin" --version
exec "$here/peers.sh" --reps "$reps" \
	--peers "nginx nginx-tuned nginx-off nginx-own haproxy hitch stunnel" \
	--scenarios "full13 full12 full13rsa full12rsa keepalive idle" \
	--cmd "handfast=$here/serve-both.sh $bin {PKI} {EC} {RSA} {N}" "$@"
