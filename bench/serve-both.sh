#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# serve-both.sh HANDFAST PKI EC-PORT RSA-PORT WORKERS - our server as peers.sh wants one: in the
# foreground, the P-256 identity on one port and the RSA one on the other, ended by SIGTERM.
set -eu
bin=$1 pki=$2 workers=$5
body=$(printf 'x%.0s' {1..100})
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; exit 0' TERM INT
start() { # ec|rsa PORT
	"$bin" serve --listen "127.0.0.1:$2" --cert "$pki/$1/server-chain.pem" --key "$pki/$1/server.key" \
		--ca "$pki/$1/root.pem" --client-auth require --allow any --respond "text:$body" \
		--workers "$workers" --resume off --idle-timeout 600 &
	pids+=($!)
}
start ec "$3"
start rsa "$4"
wait
