#!/bin/bash
# test.sh BUILD-DIR [PYTEST-ARGUMENT...] - what `make test` runs once all is built: the cheap checks, the
# unit tests and fuzz corpora, the system tests.  One that fails does not hide what the others say.
set -u
build=$1
shift
cd "$(dirname "$0")/.."
failed=
tools/lint.sh quick "$build" || failed="$failed lint"
meson test -C "$build" --no-rebuild --print-errorlogs </dev/null || failed="$failed unit"
tools/run-pytest.sh "$build" "$@" || failed="$failed system"
if [ -n "$failed" ]; then
	echo "make test: failed:$failed"
	exit 1
fi
