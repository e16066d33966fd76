#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# explain.sh HANDFAST [REPS] - CPU of one explanation against a loopback server, process start included, without
# further connections: a client that is let in, one whose certificate has no intermediate, and a reason's story.
# Prints milliseconds of CPU (user + system), the median of REPS.
set -eu
bin=$(realpath "$1")
reps=${2:-15}
dir=$(mktemp -d)
trap 'kill $pid 2>/dev/null || true; rm -rf "$dir"' EXIT
unset SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF || true
export HANDFAST_HOME=$dir/home
"$bin" -q init "ABC Inc." >/dev/null
"$bin" -q issue localhost --server >/dev/null
"$bin" -q issue node --client >/dev/null
openssl x509 -in "$dir/home/id/node/cert.pem" -out "$dir/leaf.pem"
openssl s_server -accept 127.0.0.1:0 -cert "$dir/home/id/localhost/cert.pem" -key "$dir/home/id/localhost/key.pem" \
	-cert_chain "$dir/home/id/localhost/cert.pem" -CAfile "$dir/home/ca/root.pem" -Verify 4 -verify_return_error \
	-www >"$dir/log" 2>&1 &
pid=$!
until grep -q '^ACCEPT' "$dir/log"; do kill -0 $pid; sleep 0.02; done
port=$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' "$dir/log")

# median NAME COMMAND... - of user + system time in milliseconds
median() {
	name=$1
	shift
	for _ in $(seq "$reps"); do
		/usr/bin/time -f '%U %S' -o "$dir/time" "$@" >/dev/null 2>&1 || true
		awk 'END { printf "%d\n", ($1 + $2) * 1000 }' "$dir/time"
	done | sort -n | awk -v name="$name" '{ all[NR] = $1 } END { printf "%-24s %4d ms of CPU\n", name, all[int((NR + 1) / 2)] }'
}

meet() { # meet NAME CERT
	median "$1" "$bin" explain "localhost:$port" --connect "127.0.0.1:$port" --one-shot --cert "$2" \
		--key "$dir/home/id/node/key.pem" --ca "$dir/home/ca/root.pem"
}
meet "explain, they meet" "$dir/home/id/node/cert.pem"
meet "explain, refused" "$dir/leaf.pem"
median "explain REASON" "$bin" explain V-NO-INTERMEDIATE
