#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh HANDFAST [REPS] [OPTION of peers.sh...] - what the authority, a revocation, a judgement, an explanation, a start
# and a reload cost (ca.sh, revocation.py, verify.py, explain.py, reload.py), how the server's cost grows (growth.py) and
# what a list of a million entries costs (long_list.py), then our server in one table with today's mTLS terminators.
# The stock ones stand in front of a plaintext back end, as they are used, and resume sessions.
#   handfast       forwards to the same back end, resumption off (its default), access log on
#   handfast-key   the same with --key-in-process: what the signer costs
#   handfast-on    the same with --resume on
#   handfast-own   answers itself: to be read beside nginx-own
#   handfast-tcp   hands on bytes: to be read beside hitch, stunnel and haproxy-tcp
# Resume lines of peers without resumption (nginx-off, nginx-own, handfast, handfast-own) say "!0%".
set -eu
bin=$(realpath "$1")
reps=${2:-5}
shift $(($# < 2 ? $# : 2))
here=$(cd "$(dirname "$0")" && pwd)
unset SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF || true
ours="$here/serve-both.sh $bin {PKI} {EC} {RSA} {N}"
"$bin" --version
[ "${BENCH_CA:-1}" = 0 ] || "$here/ca.sh" "$bin" "$reps" # the authority; BENCH_CA=0 leaves it out
export PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 "$here/revocation.py" "$bin"
/usr/bin/python3 "$here/verify.py" "$bin"
/usr/bin/python3 "$here/explain.py" "$bin"
/usr/bin/python3 "$here/reload.py" "$bin" "$reps"
/usr/bin/python3 "$here/growth.py" "$bin"
/usr/bin/python3 "$here/long_list.py" "$bin" "$reps"
exec "$here/peers.sh" --reps "$reps" \
	--peers "nginx nginx-tuned nginx-off nginx-own haproxy haproxy-tcp hitch stunnel" \
	--scenarios "new13 full13 full12 full13rsa full12rsa fullreq13 resume13 resume12 keepalive idle bulk" \
	--cmd "handfast=$ours --to http://127.0.0.1:{UP} --access-log {PKI}/access.log" \
	--cmd "handfast-key=$ours --to http://127.0.0.1:{UP} --access-log {PKI}/access.log --key-in-process" \
	--cmd "handfast-on=$ours --to http://127.0.0.1:{UP} --resume on" \
	--cmd "handfast-own=$ours" \
	--cmd "handfast-tcp=$ours --to tcp://127.0.0.1:{UP}" "$@"
