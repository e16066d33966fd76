#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# serve-both.sh HANDFAST PKI EC-PORT RSA-PORT WORKERS [OPTION...] - our server as peers.sh wants one: in
# the foreground, the P-256 identity on one port and the RSA one on the other, ended by SIGTERM.
# Without --to among the options it answers 100 bytes itself.
set -eu
bin=$1 pki=$2 ec=$3 rsa=$4 workers=$5
shift 5
answer=(--respond "text:$(printf 'x%.0s' {1..100})")
for option in "$@"; do
	[ "$option" != --to ] || answer=()
done
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; exit 0' TERM INT
start() { # ec|rsa PORT OPTION...
	local kind=$1 port=$2
	shift 2
	"$bin" serve --listen "127.0.0.1:$port" --cert "$pki/$kind/server-chain.pem" \
		--key "$pki/$kind/server.key" --ca "$pki/$kind/root.pem" --client-auth require --allow any \
		--workers "$workers" --idle-timeout 600 "${answer[@]}" "$@" &
	pids+=($!)
}
start ec "$ec" "$@"
start rsa "$rsa" "$@"
wait
